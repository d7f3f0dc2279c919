#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "report/render_csv.h"
#include "report/render_junit.h"
#include "report/render_markdown.h"
#include "report/render_text.h"
#include "run/evaluation_tables.h"
#include "run/flip_gallery.h"
#include "run/gate_report.h"
#include "run/html_report.h"
#include "run/picture_finder.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void put(Json& json, const char* key, const std::optional<double>& value) {
  if (value) json[key] = *value;
}

void put(Json& json, const char* key, const std::optional<float>& value) {
  if (value) json[key] = as_decimal(*value);
}

const char* kind_name(CheckKind kind) {
  switch (kind) {
    case CheckKind::accuracy:
      return "accuracy";
    case CheckKind::recall:
      return "recall";
    case CheckKind::specificity:
      return "specificity";
    case CheckKind::coverage:
      return "coverage";
    case CheckKind::floor:
      return "floor";
    case CheckKind::flips:
      return "flips";
    case CheckKind::slowdown:
      return "slowdown";
    case CheckKind::memory:
      break;
  }
  return "memory";
}

Json check_json(const GateCheck& check) {
  Json json = {{"what", check.what}, {"kind", kind_name(check.kind)}};
  put(json, "base", check.base);
  put(json, "candidate", check.candidate);
  put(json, "drop", check.drop);
  if (check.interval) json["interval"] = {check.interval->low, check.interval->high};
  put(json, "p", check.p);
  json["answer"] = enum_name(check.answer);
  if (check.images_needed) json["images_needed"] = *check.images_needed;
  json["limit"] = check.limit;
  json["images"] = check.pictures;
  if (check.kind <= CheckKind::coverage) {
    json["lost"] = check.lost;
    json["gained"] = check.gained;
  }
  json["identical"] = check.identical;
  json["p_fail"] = check.p_fail;
  json["p_fail_family"] = check.p_fail_family;
  json["risk_fail"] = check.risk_fail;
  json["p_pass"] = check.p_pass;
  return json;
}

Json flip_json(const Flip& flip) {
  Json json = {{"kind", enum_name(flip.kind)}, {"path", flip.path}, {"slice", flip.slice}};
  if (flip.label) json["label"] = *flip.label;
  json["before"] = flip.before;
  json["now"] = flip.now;
  if (!flip.stage.empty()) json["stage"] = flip.stage;
  put(json, "score_before", flip.score_before);
  put(json, "score_now", flip.score_now);
  put(json, "harm", flip.harm);
  return json;
}

Json run_json(const std::string& name, const RunInfo& run) {
  Json models = Json::array();
  for (const StageInfo& stage : run.stages) {
    models.push_back({{"name", stage.name},
                      {"sha256", stage.model_sha256},
                      {"precision", stage.precision},
                      {"accept", as_decimal(stage.accept)}});
  }
  return {{"name", name},   {"version", run.version}, {"models", models},
          {"cpu", run.cpu}, {"isa", run.isa},         {"started", run.started}};
}

Json images_json(const GateResult& result) {
  const Comparison& c = result.comparison;
  return {
      {"paired", result.pairing.paired},       {"judged", c.judged},
      {"base_only", result.pairing.base_only}, {"candidate_only", result.pairing.candidate_only},
      {"undecodable", c.undecodable},          {"labels_changed", c.labels_changed}};
}

Json worst_json(const GateResult& result) {
  Json worst = Json::object();
  if (const GateCheck* check = worst_class(result)) {
    worst["class"] = {{"what", check->what}, {"label", check->subject}, {"drop", *check->drop}};
  }
  if (const SliceComparison* slice = worst_slice(result)) {
    worst["slice"] = {{"name", slice->name}, {"drop", slice->accuracy.counts.drop()}};
  }
  return worst;
}

template <class Items, class ToJson>
Json array_of(const Items& items, const ToJson& to_json) {
  Json array = Json::array();
  for (const auto& item : items) array.push_back(to_json(item));
  return array;
}

Json migration_json(const BucketComparison& bucket) {
  return {{"stage", bucket.stage}, {"bounds", bucket_bounds()}, {"counts", bucket.migration}};
}

Json slice_json(const SliceComparison& slice) {
  const PairedCounts& counts = slice.accuracy.counts;
  return {{"name", slice.name},      {"images", counts.n},    {"lost", counts.lost},
          {"gained", counts.gained}, {"drop", counts.drop()}, {"p", mcnemar_p(counts)}};
}

JUnitOutcome outcome_of(const GateResult& result, const GateCheck& check) {
  if (check.answer == GateAnswer::pass) return JUnitOutcome::passed;
  if (check.answer == GateAnswer::fail) return JUnitOutcome::failed;
  switch (result.undecided_code) {
    case 0:
      return JUnitOutcome::skipped;
    case 1:
      return JUnitOutcome::failed;
    default:
      return JUnitOutcome::errored;
  }
}

/// The answer with the changed answers as pictures.
Document page_of(const GateResult& result, const GateOptions& options) {
  Document page = gate_document(result);
  const auto is_shown_as_pictures = [](const Section& section) {
    return section.title == "Changed answers" || section.title == "Migration between buckets";
  };
  auto& sections = page.sections;
  sections.erase(std::remove_if(sections.begin(), sections.end(), is_shown_as_pictures),
                 sections.end());
  std::vector<std::string> places = options.pictures;
  for (const RunInfo* run : {&result.base, &result.candidate}) {
    for (std::string& place : recorded_inputs(*run)) places.push_back(std::move(place));
  }
  const TruthOf truth =
      options.comparability.labels == GateLabels::candidate ? TruthOf::candidate : TruthOf::base;
  // Behind the checks, before what is of less weight.
  auto at = std::find_if(sections.begin(), sections.end(),
                         [](const Section& section) { return section.title == "Checks"; });
  if (at != sections.end()) ++at;
  std::vector<Section> changes =
      flip_sections({options.runs[0], options.runs[1], {}, PictureFinder(places), truth});
  sections.insert(at, std::make_move_iterator(changes.begin()),
                  std::make_move_iterator(changes.end()));
  return page;
}

}  // namespace

std::string gate_json(const GateResult& result) {
  const Comparison& c = result.comparison;
  Json json = {{"schema_version", 1},
               {"answer", enum_name(result.answer)},
               {"exit_code", result.exit_code},
               {"identical", c.identical},
               {"max_drop", result.max_drop},
               {"risk", result.risk},
               {"base", run_json(result.base_name, result.base)},
               {"candidate", run_json(result.candidate_name, result.candidate)},
               {"images", images_json(result)}};
  json["checks"] = array_of(result.checks, check_json);
  json["worst"] = worst_json(result);
  json["flip_ratio"] = static_cast<double>(c.flips.size()) / static_cast<double>(c.pairs);
  json["flips"] = array_of(c.flips, flip_json);
  json["migration"] = array_of(c.buckets, migration_json);
  json["slices"] = array_of(c.slices, slice_json);
  json["differences"] = array_of(result.differences, [](const RunDifference& d) -> Json {
    return {{"what", d.what}, {"base", d.base}, {"candidate", d.candidate}};
  });
  json["remarks"] = result.remarks;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string gate_junit(const GateResult& result) {
  std::vector<JUnitCase> cases;
  for (const GateCheck& check : result.checks) {
    JUnitCase junit{kind_name(check.kind), check.what, outcome_of(result, check), ""};
    if (check.answer != GateAnswer::pass) {
      junit.message = fmt::format("{}: {}", enum_name(check.answer), check_sentence(check));
    }
    cases.push_back(std::move(junit));
  }
  return render_junit("fpcls gate", cases);
}

std::string format_gate(const GateResult& result, GateFormat format) {
  switch (format) {
    case GateFormat::text:
      return render_text(gate_document(result), {stdout_width(), false});
    case GateFormat::markdown:
      return render_markdown(gate_document(result));
    case GateFormat::json:
      return gate_json(result);
    case GateFormat::junit:
      return gate_junit(result);
    case GateFormat::csv:
      break;
  }
  return render_csv(all_checks_table(result));
}

GateOutputFolder::GateOutputFolder(const GateOptions& options) : options_(options) {
  if (options.out.empty()) {
    if (!options.pictures.empty()) fail("--pictures is for gate.html; name a folder by --out");
    return;
  }
  make_writable_folder(options.out);
  if (fs::exists(fs::path(options.out) / "gate.json") && !options.force) {
    fail("{}: holds an answer already; replace it (--force), or take another folder",
         quoted(options.out));
  }
}

void GateOutputFolder::write(const GateResult& result) const {
  if (options_.out.empty()) return;
  const fs::path folder = options_.out;
  write_html(folder / "gate.html", page_of(result, options_));
  write_file(folder / "gate.md", format_gate(result, GateFormat::markdown));
  write_file(folder / "gate.xml", format_gate(result, GateFormat::junit));
  write_file(folder / "checks.csv", format_gate(result, GateFormat::csv));
  write_file(folder / "flips.csv", render_csv(flips_table(result)));
  write_file(folder / "gate.json", format_gate(result, GateFormat::json));
}

}  // namespace fpcls
