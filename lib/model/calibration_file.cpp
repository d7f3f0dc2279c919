#include "model/calibration_file.h"

#include <cmath>
#include <cstdlib>
#include <set>

#include "base/file.h"
#include "base/hash.h"
#include "model/json_text.h"

namespace fpcls {
namespace {

using nlohmann::json;

constexpr int64_t kSchemaVersion = 2;
constexpr int64_t kMaxBytes = int64_t{1} << 28;

/// As one text, because a million JSON numbers are the reader's limit.
std::string counts_text(const std::vector<int64_t>& counts) {
  return fmt::format("{}", fmt::join(counts, " "));
}

/// The shortest decimals that read back as the same numbers.
std::string numbers_text(const std::vector<float>& numbers) {
  return fmt::format("{}", fmt::join(numbers, " "));
}

/// What `counts_text` or `numbers_text` wrote: at most `most` numbers, as `parse_one` (strtoll,
/// strtof) reads them, each `is_sound`.
template <class Number, class Parse, class IsSound>
std::vector<Number> parse_list(const std::string& text, size_t most, const Parse& parse_one,
                               const IsSound& is_sound, const std::string& where,
                               std::string_view what) {
  std::vector<Number> numbers;
  const char* at = text.c_str();
  while (*at != 0) {
    char* end = nullptr;
    const Number number = parse_one(at, &end);
    if (end == at || (*end != ' ' && *end != 0) || !is_sound(number) || numbers.size() == most) {
      fail("{}: is damaged: its {} can't be read", where, what);
    }
    numbers.push_back(number);
    at = *end == ' ' ? end + 1 : end;
  }
  return numbers;
}

std::vector<int64_t> parse_counts(const std::string& text, const std::string& where) {
  return parse_list<int64_t>(
      text, size_t{Histogram::kMaxBins},
      [](const char* at, char** end) { return std::strtoll(at, end, 10); },
      [](int64_t count) { return count >= 0; }, where, "counts");
}

std::vector<float> parse_numbers(const std::string& text, const std::string& where) {
  return parse_list<float>(
      text, size_t{kMostLogits}, [](const char* at, char** end) { return std::strtof(at, end); },
      [](float number) { return std::isfinite(number); }, where, "logits");
}

json histogram_json(const Histogram& h) {
  return {{"exponent", h.exponent},          {"first", h.first},
          {"counts", counts_text(h.counts)}, {"min", json_number(h.min)},
          {"max", json_number(h.max)},       {"zeros", h.zeros}};
}

Histogram histogram_of(JsonObject object, const std::string& where) {
  Histogram h;
  const int64_t exponent = object.integer("exponent"), first = object.integer("first");
  h.counts = parse_counts(object.text("counts"), where);
  h.min = static_cast<float>(object.number("min"));
  h.max = static_cast<float>(object.number("max"));
  h.zeros = object.integer("zeros");
  object.finish();
  if (exponent < Histogram::kFinestExponent || exponent > 127 || first > 0 ||
      first < -Histogram::kMaxBins || h.counts.empty() ||
      first + static_cast<int64_t>(h.counts.size()) < 1) {
    fail("{}: is damaged: bins from {} of width 2^{}", where, first, exponent);
  }
  h.exponent = static_cast<int>(exponent);
  h.first = static_cast<int>(first);
  for (const int64_t count : h.counts) {
    if (count > INT64_MAX - h.total) fail("{}: is damaged: its counts are too large", where);
    h.total += count;
  }
  if (!is_sound(h)) fail("{}: is damaged: range and counts don't agree", where);
  return h;
}

json picture_json(const CalibrationPicture& p) {
  json value{{"path", p.path}, {"file", p.file}, {"slice", p.slice}, {"sha256", p.sha256}};
  if (p.label) value["label"] = *p.label;
  if (!p.logits.empty()) value["logits"] = numbers_text(p.logits);
  return value;
}

CalibrationPicture picture_of(const json& value, const std::string& where) {
  JsonObject object(value, where + ": pictures");
  CalibrationPicture p;
  p.path = object.text("path");
  p.file = object.text("file");
  p.slice = object.text("slice");
  p.sha256 = object.text("sha256");
  if (object.has("label")) p.label = object.text("label");
  if (object.has("logits")) p.logits = parse_numbers(object.text("logits"), where);
  object.finish();
  return p;
}

json content_json(const CalibrationFile& file) {
  json pictures = json::array(), tensors = json::array(), certificate = json::array();
  for (const CalibrationPicture& p : file.pictures) pictures.push_back(picture_json(p));
  for (const CalibrationTensor& t : file.tensors) {
    tensors.push_back({{"layer", t.layer}, {"values", histogram_json(t.values)}});
  }
  for (const auto& [name, value] : file.certificate) {
    certificate.push_back({{"name", name}, {"value", value}});
  }
  return {{"command", file.command},
          {"version", file.version},
          {"model_sha256", file.model_sha256},
          {"preprocessing_sha256", file.preprocessing_sha256},
          {"executor", file.executor},
          {"float", file.float_type},
          {"seed", file.seed},
          {"pictures", pictures},
          {"tensors", tensors},
          {"certificate", certificate}};
}

CalibrationFile content_of(const json& value, const std::string& where) {
  JsonObject object(value, where);
  CalibrationFile file;
  file.command = object.text("command");
  file.version = object.text("version");
  file.model_sha256 = object.text("model_sha256");
  file.preprocessing_sha256 = object.text("preprocessing_sha256");
  file.executor = object.text("executor");
  // Files from before that was written are of f32.
  if (object.has("float")) file.float_type = object.text("float");
  file.seed = object.integer("seed");
  for (const json& p : object.array("pictures")) file.pictures.push_back(picture_of(p, where));
  std::set<std::string> layers;
  for (const json& t : object.array("tensors")) {
    JsonObject tensor(t, where + ": tensors");
    const std::string layer = tensor.text("layer");
    if (!layers.insert(layer).second) fail("{}: has layer {} twice", where, quoted(layer));
    file.tensors.push_back(
        {layer, histogram_of(tensor.object("values"), where + ": layer " + quoted(layer))});
    tensor.finish();
  }
  for (const json& c : object.array("certificate")) {
    JsonObject figure(c, where + ": certificate");
    std::string name = figure.text("name");
    file.certificate.emplace_back(std::move(name), figure.number("value"));
    figure.finish();
  }
  object.finish();
  return file;
}

}  // namespace

std::string preprocessing_sha256(const Preprocessing& p) {
  return sha256_hex(fmt::format("{} {} {} {} {} {} {}", p.height, p.width, enum_name(p.fit),
                                p.fit == Fit::stretch ? 0 : p.resize, enum_name(p.decode),
                                fmt::join(p.mean, " "), fmt::join(p.std, " ")));
}

void save_calibration_file(const std::filesystem::path& path, const CalibrationFile& file) {
  const std::string where = quoted(path);
  const json content = content_json(file);
  const json value{{"schema_version", kSchemaVersion},
                   {"sha256", sha256_hex(json_text(content, where))},
                   {"calibration", content}};
  write_file(path, json_text(value, where) + "\n");
}

CalibrationFile load_calibration_file(const std::filesystem::path& path) {
  const std::string where = quoted(path);
  const json value = parse_json(read_file(path, kMaxBytes), where);
  JsonObject object(value, where);
  if (!object.has("schema_version") || !object.has("calibration")) {
    fail("{}: is no calibration file; make one with 'fpcls calibrate'", where);
  }
  const int64_t version = object.integer("schema_version");
  if (version != kSchemaVersion) {
    fail("{}: has schema version {}, this fpcls reads {}; calibrate again, or use a newer fpcls",
         where, version, kSchemaVersion);
  }
  const std::string expected = object.text("sha256");
  const json& content = object.at("calibration");
  object.finish();
  if (sha256_hex(json_text(content, where)) != expected) {
    fail("{}: is damaged: its content isn't what was written; calibrate again", where);
  }
  return content_of(content, where);
}

void check_calibration(const CalibrationFile& file, const std::string& model_sha256,
                       const Preprocessing& preprocessing, const std::string& where) {
  if (file.model_sha256 != model_sha256) {
    fail("{}: is of another model (SHA-256 {:.12}, expected {:.12}); calibrate this one", where,
         file.model_sha256, model_sha256);
  }
  if (file.preprocessing_sha256 != preprocessing_sha256(preprocessing)) {
    fail("{}: was made with another preprocessing; calibrate again", where);
  }
}

}  // namespace fpcls
