#include "tune/control_journal.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace fpcls {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMostBytes = int64_t{1} << 26;

Json to_json(const ControlTrial& t) {
  Json json{{"ranges", enum_name(t.method)},
            {"kept", t.kept},
            {"kept_bf16", t.kept_bf16},
            {"pictures", t.figures.pictures},
            {"at_least", t.figures.at_least},
            {"right", t.figures.right},
            {"shift_points", t.shift_points},
            {"ms", t.ms},
            {"weight_bytes", t.weight_bytes},
            {"next", t.next},
            {"next_result", t.next_result},
            {"next_ranges", enum_name(t.next_method)}};
  for (const auto& [result, method] : t.other_ranges) {
    json["other_ranges"].push_back({result, enum_name(method)});
  }
  if (t.figures.precision) json["precision"] = *t.figures.precision;
  if (t.figures.recall) json["recall"] = *t.figures.recall;
  return json;
}

RangeMethod method_of(const Json& json) {
  return enum_value<RangeMethod>(json.get<std::string>()).value();
}

ControlTrial trial_of(const Json& json) {
  ControlTrial t;
  t.method = method_of(json.at("ranges"));
  json.at("kept").get_to(t.kept);
  json.at("kept_bf16").get_to(t.kept_bf16);
  json.at("pictures").get_to(t.figures.pictures);
  json.at("at_least").get_to(t.figures.at_least);
  json.at("right").get_to(t.figures.right);
  json.at("shift_points").get_to(t.shift_points);
  json.at("ms").get_to(t.ms);
  json.at("weight_bytes").get_to(t.weight_bytes);
  json.at("next").get_to(t.next);
  json.at("next_result").get_to(t.next_result);
  t.next_method = method_of(json.at("next_ranges"));
  if (json.contains("other_ranges")) {
    for (const Json& other : json.at("other_ranges")) {
      t.other_ranges.emplace_back(other.at(0).get<std::string>(), method_of(other.at(1)));
    }
  }
  if (json.contains("precision")) t.figures.precision = json.at("precision").get<double>();
  if (json.contains("recall")) t.figures.recall = json.at("recall").get<double>();
  return t;
}

std::string first_line(const ControlPlan& plan) {
  return Json{{"journal", "fpcls quantize"}, {"of", plan.fingerprint}}.dump();
}

}  // namespace

ControlJournal::ControlJournal(const ControlPlan& plan) : path_(plan.journal) {
  if (path_.empty()) return;
  std::error_code ignored;
  const bool there = std::filesystem::exists(path_, ignored);
  if (there && !plan.resume) {
    fail("{}: is there already; go on from it with --resume, or delete it", quoted(path_));
  }
  if (there) {
    load(plan);
  } else {
    write_file(path_, first_line(plan) + "\n");
  }
  file_.open(path_, std::ios::app);
  if (!file_) fail("{}: cannot be written", quoted(path_));
}

void ControlJournal::load(const ControlPlan& plan) {
  std::string text = read_file(path_, kMostBytes);
  const size_t end = text.rfind('\n');
  const bool whole = end + 1 == text.size();
  text.resize(end == std::string::npos ? 0 : end + 1);
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  if (line != first_line(plan)) {
    fail(
        "{}: is no journal of this model, calibration, pictures and options; delete it to start "
        "again, or name another file",
        quoted(path_));
  }
  for (int number = 2; std::getline(lines, line); ++number) {
    try {
      trials_.push_back(trial_of(Json::parse(line)));
    } catch (const std::exception&) {
      fail("{}:{}: is damaged; delete the file to start again", quoted(path_), number);
    }
  }
  if (!whole) write_file(path_, text);
}

void ControlJournal::add(const ControlTrial& trial) {
  trials_.push_back(trial);
  if (path_.empty()) return;
  file_ << to_json(trial).dump() << '\n' << std::flush;
  if (!file_) fail("{}: cannot be written; is the disk full?", quoted(path_));
}

}  // namespace fpcls
