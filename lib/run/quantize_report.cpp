#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "run/quantize.h"
#include "run/quantize_tables.h"

namespace fpcls {
namespace {

using Json = nlohmann::ordered_json;

/// A layer with what is known of its result.
struct LayerRow {
  const Int8Layer* layer = nullptr;
  const Rounded* rounded = nullptr;    ///< how its result is rounded, if it is
  const WalkedLayer* error = nullptr;  ///< where it was compared
};

std::vector<LayerRow> rows_of(const QuantizingResult& made) {
  std::map<std::string, const Rounded*> rounded;
  for (const Rounded& r : made.rounded) rounded[r.name] = &r;
  std::map<std::string, const WalkedLayer*> walked;
  for (const WalkedLayer& w : made.walk) walked[w.name] = &w;
  std::vector<LayerRow> rows;
  for (const Int8Layer& layer : made.layers) {
    LayerRow row{&layer};
    const auto error = walked.find(layer.name);
    if (error != walked.end()) row.error = error->second;
    const auto result = rounded.find(row.error != nullptr ? row.error->result : layer.name);
    if (result != rounded.end()) row.rounded = result->second;
    rows.push_back(row);
  }
  return rows;
}

std::optional<double> sqnr_of(const LayerRow& row) {
  return row.error != nullptr ? row.error->injected.sqnr_db() : std::nullopt;
}

const char* precision_of(const Int8Layer& layer) {
  if (layer.int8) return "int8";
  return layer.bf16 ? "bf16" : "f32";
}

/// Layers of one op with the same fate.
Table summary_table(const std::vector<Int8Layer>& layers) {
  struct Fate {
    int64_t count = 0, int8 = 0;
    std::map<std::string, int64_t> reasons;
  };
  std::map<Op, Fate> fates;
  for (const Int8Layer& layer : layers) {
    Fate& fate = fates[layer.op];
    ++fate.count;
    fate.int8 += layer.int8 ? 1 : 0;
    if (layer.int8) continue;
    ++fate.reasons[layer.bf16 ? layer.reason + ", in bf16" : layer.reason];
  }
  Table table("quantized", {text_column("op"), count_column("layers"), count_column("int8"),
                            count_column("kept"), text_column("why")});
  for (const auto& [op, fate] : fates) {
    std::vector<std::string> why;
    for (const auto& [reason, count] : fate.reasons) {
      why.push_back(fate.reasons.size() == 1 ? reason : fmt::format("{} ({})", reason, count));
    }
    table.add_row({enum_name(op), fate.count, fate.int8, fate.count - fate.int8,
                   fmt::format("{}", fmt::join(why, "; "))});
  }
  return table;
}

Table layer_table(const QuantizingResult& made) {
  Table table("layers",
              {text_column("name"), text_column("precision"),
               text_column("range_method", "range by"), number_column("min", "from", 3),
               number_column("max", "to", 3), number_column("sqnr_db", "SQNR", 1, "dB"),
               number_column("sqnr_so_far_db", "so far", 1, "dB"), text_column("reason", "why")});
  for (const LayerRow& row : rows_of(made)) {
    const bool ranged = row.rounded != nullptr;
    const ValueRange range = ranged ? representable(row.rounded->choice.params) : ValueRange();
    table.add_row({row.layer->name, precision_of(*row.layer),
                   ranged ? Cell(enum_name(row.rounded->choice.method)) : Cell(),
                   ranged ? Cell(double{range.min}) : Cell(),
                   ranged ? Cell(double{range.max}) : Cell(), sqnr_of(row),
                   row.error != nullptr ? Cell(row.error->so_far.sqnr_db()) : Cell(),
                   row.layer->reason});
  }
  table.notes = {"range: what the layer's result, after what is fused to it, is rounded within",
                 "SQNR: signal over the noise that the layer adds by itself",
                 "so far: over all noise up to it"};
  return table;
}

KeyValues facts(const QuantizeResult& result) {
  KeyValues facts;
  const auto add = [&](const char* name, std::string value) {
    facts.entries.emplace_back(name, std::move(value));
  };
  add("size", fmt::format("{} (before: {}, {:+.1f} %)", format_bytes(result.size_bytes),
                          format_bytes(result.size_before_bytes),
                          100.0 * static_cast<double>(result.size_bytes) /
                                  static_cast<double>(result.size_before_bytes) -
                              100.0));
  add("speed", fmt::format("{:.2f} ms a picture on one thread (f32: {:.2f} ms), {}", result.int8_ms,
                           result.f32_ms, result.isa));
  const int worst = worst_injected(result.made.walk);
  if (worst >= 0) {
    const WalkedLayer& layer = result.made.walk[static_cast<size_t>(worst)];
    const auto db = layer.injected.sqnr_db();
    add("worst layer", db ? fmt::format("{}, {:.1f} dB", layer.name, *db) : layer.name);
  }
  if (const auto& fit = result.made.classifier) {
    add("classifier",
        std::isinf(fit->strength)
            ? fmt::format("{} keeps its weights: none gave smaller errors on pictures "
                          "left out (logits: {:.3f})",
                          fit->layer, fit->rms_before)
            : fmt::format("{} solved again: error of the logits {:.3f} to {:.3f} on "
                          "pictures left out",
                          fit->layer, fit->rms_before, fit->rms_left_out));
  }
  return facts;
}

Section validation_section(const QuantizeResult& result) {
  const ValidationResult& v = *result.validation;
  Section section{"Validation", {validation_table(result)}};
  section.blocks.push_back(KeyValues{
      {{"largest shift", fmt::format("{:.2f} points", v.shift_points)},
       {"changed bucket", fmt::format("{} of {} pictures", with_thousands(v.migration.moved()),
                                      with_thousands(v.before.pictures))},
       {"labels flipped", with_thousands(v.migration.flips())}}});
  for (Table& table : migration_tables(v.migration)) section.blocks.push_back(std::move(table));
  if (!v.bad.empty()) {
    section.blocks.push_back(
        Paragraph{fmt::format("{} pictures can't be decoded; the first: {}: {}", v.bad.size(),
                              quoted(v.bad[0].first), v.bad[0].second)});
  }
  return section;
}

Json buckets_json(const ScoreFigures& figures) {
  Json json{{"images", figures.pictures},
            {"at_least", Json::array()},
            {"count", figures.at_least},
            {"ratio", Json::array()},
            {"interval", Json::array()}};
  for (const float bound : kBucketBounds) {
    json["at_least"].push_back(std::round(double{bound} * 100) / 100);
  }
  for (const int64_t count : figures.at_least) {
    json["ratio"].push_back(static_cast<double>(count) / static_cast<double>(figures.pictures));
    const auto interval = wilson_interval(count, figures.pictures);
    json["interval"].push_back({interval->low, interval->high});
  }
  if (figures.precision) json["precision"] = *figures.precision;
  if (figures.recall) json["recall"] = *figures.recall;
  return json;
}

void add_validation(const ValidationResult& v, Json& json) {
  json["buckets_before"] = buckets_json(v.before);
  json["buckets_after"] = buckets_json(v.after);
  json["migration"] = v.migration.kept;
  for (size_t from = 0; from < kScoreBins; ++from) {
    for (size_t to = 0; to < kScoreBins; ++to) {
      json["migration"][from][to] = v.migration.kept[from][to] + v.migration.flipped[from][to];
    }
  }
  json["migration_flipped"] = v.migration.flipped;
  json["moved"] = v.migration.moved();
  json["flips"] = v.migration.flips();
  json["shift_points"] = v.shift_points;
  json["shifts"] = Json::array();
  for (size_t b = 0; b < kBucketBounds.size(); ++b) {
    const Interval shift = shift_interval(v.migration, b);
    json["shifts"].push_back({{"at_least", std::round(double{kBucketBounds[b]} * 100) / 100},
                              {"points", -100 * bucket_pairs(v.migration, b).drop() + 0.0},
                              {"interval", {100 * shift.low, 100 * shift.high}}});
  }
}

Json search_json(const SearchResult& search) {
  Json json{{"reached", search.reached}, {"chosen", search.chosen}, {"trials", Json::array()}};
  if (!search.ended.empty()) json["ended"] = search.ended;
  for (size_t i = 0; i < search.trials.size(); ++i) {
    const ControlTrial& trial = search.trials[i];
    Json other = Json::object();
    for (const auto& [result, method] : trial.other_ranges) other[result] = enum_name(method);
    json["trials"].push_back({{"ranges", enum_name(trial.method)},
                              {"other_ranges", std::move(other)},
                              {"restored", trial.kept},
                              {"restored_bf16", trial.kept_bf16},
                              {"shift_points", trial.shift_points},
                              {"ms", trial.ms},
                              {"weight_bytes", trial.weight_bytes},
                              {"cost", search.costs[i]}});
  }
  json["unbeaten"] = pareto_trials(search.trials);
  const Objective& o = search.objective;
  json["objective"] = {{"error", o.error}, {"time", o.time}, {"size", o.size}};
  return json;
}

}  // namespace

Document quantize_document(const QuantizeResult& result, bool layers) {
  Section section{"Quantized", {facts(result), summary_table(result.made.layers)}};
  for (const std::string& remark : result.made.remarks) section.blocks.push_back(Paragraph{remark});
  Document document;
  document.sections.push_back(std::move(section));
  if (!result.equalized.empty()) {
    document.sections.push_back({"Equalised", {equalized_table(result.equalized)}});
  }
  if (result.search) {
    Section search{"Search", {trial_table(*result.search)}};
    if (!result.search->reached) {
      search.blocks.push_back(Paragraph{"No model was within the wanted shift: " +
                                        result.search->ended + "; the nearest was written."});
    }
    document.sections.push_back(std::move(search));
  }
  if (result.validation) document.sections.push_back(validation_section(result));
  if (layers) document.sections.push_back({"Layers", {layer_table(result.made)}});
  return document;
}

std::string quantize_json(const QuantizeResult& result) {
  Json json;
  json["size_bytes"] = result.size_bytes;
  json["size_before_bytes"] = result.size_before_bytes;
  json["isa"] = result.isa;
  json["speed_ratio"] = result.f32_ms / result.int8_ms;
  json["layers"] = Json::array();
  for (const LayerRow& row : rows_of(result.made)) {
    Json layer{{"name", row.layer->name}, {"precision", precision_of(*row.layer)}};
    if (row.rounded != nullptr) layer["range_method"] = enum_name(row.rounded->choice.method);
    if (const auto db = sqnr_of(row)) layer["sqnr_db"] = *db;
    if (!row.layer->reason.empty()) layer["reason"] = row.layer->reason;
    json["layers"].push_back(std::move(layer));
  }
  json["equalized"] = Json::array();
  for (const EqualizedPair& pair : result.equalized) {
    Json row{{"first", pair.first},
             {"second", pair.second},
             {"predicted_db", pair.predicted_db},
             {"kept", pair.kept}};
    if (pair.before_db) row["before_db"] = *pair.before_db;
    if (pair.after_db) row["after_db"] = *pair.after_db;
    json["equalized"].push_back(std::move(row));
  }
  if (const auto& fit = result.made.classifier) {
    json["classifier"] = {{"layer", fit->layer},
                          {"rms_before", fit->rms_before},
                          {"rms_left_out", fit->rms_left_out}};
    if (!std::isinf(fit->strength)) json["classifier"]["strength"] = fit->strength;
  }
  if (result.validation) add_validation(*result.validation, json);
  if (result.search) json["search"] = search_json(*result.search);
  return json.dump(2) + "\n";
}

}  // namespace fpcls
