#include "model/script_notes.h"

#include <cmath>

#include "base/file.h"
#include "base/text.h"
#include "model/json_text.h"
#include "model/model_json.h"
#include "model/zip_archive.h"

namespace fpcls {
namespace {

using nlohmann::json;

constexpr const char* kOwn = "extra/fpcls.json";
constexpr const char* kConfig = "extra/config.json";
constexpr int64_t kMaxBytes = 1 << 20;

json read_json(const ZipArchive& archive, const char* name, const std::string& where) {
  if (archive.size_bytes(name) > kMaxBytes) fail("{}: is larger than {} bytes", where, kMaxBytes);
  const auto bytes = archive.read(name);
  return parse_json({bytes->data(), bytes->size()}, where);
}

ScriptNotes own_notes(const json& value, const std::string& where) {
  const Metadata metadata = metadata_from_json(value, where);
  const Preprocessing& p = metadata.preprocessing;
  ScriptNotes notes;
  notes.labels = metadata.head.labels;
  const int positive = metadata.head.positive;
  if (positive >= 0 && static_cast<size_t>(positive) < notes.labels.size()) {
    notes.positive = notes.labels[static_cast<size_t>(positive)];
  }
  notes.temperature = metadata.head.temperature;
  notes.architecture = metadata.architecture;
  notes.height = p.height;
  notes.width = p.width;
  notes.fit = p.fit;
  notes.resize = p.resize;
  notes.decode = p.decode;
  notes.mean = p.mean;
  notes.std = p.std;
  notes.accept = metadata.accept;
  return notes;
}

/// Three numbers, each above `least`.
std::array<float, 3> triple(JsonObject& object, const char* key, double least,
                            const std::string& where) {
  const auto values = object.numbers<double, 3>(key);
  for (const double value : values) {
    if (!(value > least && value < 1e6)) fail("{}: {} has {}", where, quoted(key), value);
  }
  return {static_cast<float>(values[0]), static_cast<float>(values[1]),
          static_cast<float>(values[2])};
}

/// timm's keys; what else such a configuration says doesn't matter here.
ScriptNotes config_notes(const json& value, const std::string& where) {
  JsonObject whole(value, where);
  const bool inside = whole.has("pretrained_cfg");
  JsonObject object = inside ? whole.object("pretrained_cfg") : JsonObject(value, where);
  ScriptNotes notes;
  if (whole.has("architecture")) notes.architecture = whole.text("architecture");
  if (object.has("input_size")) {
    const auto size = object.numbers<int64_t, 3>("input_size");
    for (const size_t axis : {1u, 2u}) {
      if (size[axis] < 8 || size[axis] > 4096) {
        fail("{}: input_size is {}, expected 3, height, width", where,
             shape_text({size[0], size[1], size[2]}));
      }
    }
    notes.height = static_cast<int>(size[1]);
    notes.width = static_cast<int>(size[2]);
  }
  if (object.has("mean")) notes.mean = triple(object, "mean", -1e6, where);
  if (object.has("std")) notes.std = triple(object, "std", 0, where);
  if (object.has("crop_pct") && notes.height) {
    const double ratio = object.number("crop_pct");
    if (!(ratio > 0.05 && ratio <= 1)) fail("{}: crop_pct is {}, expected 0.05 to 1", where, ratio);
    notes.fit = Fit::center_crop;
    notes.resize = static_cast<int>(std::floor(*notes.height / ratio));
  }
  JsonObject& holder = object.has("label_names") ? object : whole;
  if (holder.has("label_names")) notes.labels = holder.texts("label_names");
  return notes;
}

}  // namespace

ScriptNotes read_script_notes(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  const ZipArchive archive(file->bytes(), file, quoted(path));
  const auto where = [&](const char* name) { return fmt::format("{}: {}", quoted(path), name); };
  if (archive.has(kOwn)) return own_notes(read_json(archive, kOwn, where(kOwn)), where(kOwn));
  if (archive.has(kConfig)) {
    return config_notes(read_json(archive, kConfig, where(kConfig)), where(kConfig));
  }
  return {};
}

std::string script_notes_text(const Metadata& metadata) {
  return json_text(metadata_to_json(metadata), "metadata");
}

}  // namespace fpcls
