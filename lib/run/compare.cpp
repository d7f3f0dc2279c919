#include "run/compare.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"
#include "base/threads.h"
#include "graph/fold.h"
#include "graph/named_output.h"
#include "run/compare_input.h"
#include "run/load_model.h"

namespace fpcls {
namespace {

using Json = nlohmann::ordered_json;

/// Rounding differs from library to library, and adds up over the layers: 1e-4 was measured at the
/// end of ResNet-152. bf16 and int8 keep 8 bits: a hundred layers of it reach several percent.
constexpr double kTolerance_f32 = 1e-3;
constexpr double kTolerance_rounded = 0.1;

void check_options(const CompareOptions& o) {
  if (o.models.empty() || o.models.size() > 2) {
    fail("compare: {} models given, expected one or two", o.models.size());
  }
  if (o.executor.size() > 2) {
    fail("--executor has {} values, expected one, or one for each side", o.executor.size());
  }
  if (o.float_type.size() > 2) {
    fail("--float has {} values, expected one, or one for each side", o.float_type.size());
  }
  if (o.models.size() == 1 && o.executor.size() < 2 && o.float_type.size() < 2) {
    fail(
        "compare: one model, run in one way, is nothing to compare; give a second model, or two "
        "values to --executor (engine,torch) or --float (f32,bf16)");
  }
}

template <class T>
T of_side(const std::vector<T>& values, size_t side, T otherwise) {
  if (values.empty()) return otherwise;
  return values[std::min(side, values.size() - 1)];
}

/// A model, ready to be walked through.
struct Side {
  LoadedModel model;
  ReadyModel ready;
};

Side make_side(const CompareOptions& options, size_t side) {
  LoadedModel model =
      load_model(of_side(options.models, side, std::string()), options.foreign, HeadNeed::optional);
  model.graph = fold_batch_norms(with_output(model.graph, options.layer));
  RuntimeOptions runtime;
  runtime.device = options.device;
  runtime.executor = of_side(options.executor, side, ExecutorKind::automatic);
  runtime.float_type = of_side(options.float_type, side, FloatType::f32);
  const int threads = options.threads > 0 ? options.threads : usable_cores();
  ReadyModel ready = make_ready(model, runtime, threads, options.output.quiet);
  return {std::move(model), std::move(ready)};
}

double default_tolerance(const CompareOptions& options, const Side& first, const Side& second) {
  const auto& types = options.float_type;
  const bool bf16 = std::find(types.begin(), types.end(), FloatType::bf16) != types.end();
  const bool rounded = first.model.precision != second.model.precision;  // one of them is int8
  return bf16 || rounded ? kTolerance_rounded : kTolerance_f32;
}

Json error_json(const LayerError& error) {
  Json json = {{"max", error.max()}, {"mean", error.mean()}};
  if (const auto cosine = error.cosine()) json["cosine"] = *cosine;
  if (const auto db = error.sqnr_db()) json["sqnr_db"] = *db;
  if (const auto relative = error.relative()) json["relative"] = *relative;
  if (error.non_finite() > 0) json["non_finite"] = error.non_finite();
  return json;
}

std::string layer_words(const CompareResult& result, int index) {
  if (index < 0) return "none";
  const WalkedLayer& layer = result.layers[static_cast<size_t>(index)];
  const auto db = layer.injected.sqnr_db();
  return fmt::format(
      "{} ({}){}", layer.name, layer.op,
      db ? fmt::format(": injects {:.1f} dB, largest difference {:.3g}", *db, layer.injected.max())
         : "");
}

Table layer_table(const CompareResult& result) {
  Table table(
      "layers",
      {text_column("name", "layer"), text_column("op"), text_column("injected_max", "injected"),
       data_only(number_column("injected_mean", "", 9)),
       data_only(number_column("injected_cosine", "", 9)),
       number_column("injected_sqnr_db", "SQNR", 1, "dB"), text_column("so_far_max", "so far"),
       data_only(number_column("so_far_mean", "", 9)), number_column("so_far_cosine", "cosine", 6),
       number_column("so_far_sqnr_db", "SQNR", 1, "dB"), text_column("mark", "")});
  for (size_t i = 0; i < result.layers.size(); ++i) {
    const WalkedLayer& layer = result.layers[i];
    std::string mark;
    if (static_cast<int>(i) == result.first_divergent) mark = "first to diverge";
    if (static_cast<int>(i) == result.worst_injected) {
      mark += mark.empty() ? "injects most" : ", injects most";
    }
    table.add_row({layer.name, layer.op, fmt::format("{:.2e}", layer.injected.max()),
                   layer.injected.mean(), layer.injected.cosine(), layer.injected.sqnr_db(),
                   fmt::format("{:.2e}", layer.so_far.max()), layer.so_far.mean(),
                   layer.so_far.cosine(), layer.so_far.sqnr_db(), mark});
  }
  table.notes = {
      "Injected: the second's layer on the first's inputs; so far: on its own. Largest difference, "
      "and 10 log10 of signal over noise; no SQNR where nothing differs.",
      "A layer diverges where the largest difference is above the tolerance times the largest "
      "magnitude of its results."};
  return table;
}

}  // namespace

CompareResult run_compare(const CompareOptions& options) {
  check_options(options);
  const Side first = make_side(options, 0);
  const Side second = make_side(options, 1);
  LayerWalk walk({&first.model.graph, first.ready.executor.get()},
                 {&second.model.graph, second.ready.executor.get()});
  CompareResult result;
  result.first = {first.model.path, first.ready.computed_by};
  result.second = {second.model.path, second.ready.computed_by};
  CompareInput input{options.input,
                     options.batch,
                     options.output.quiet,
                     first.model.graph.input_shape(),
                     first.model.preprocessing,
                     second.model.preprocessing};
  result.input = for_each_input(input, [&](const Tensor& a, const Tensor& b) { walk.add(a, b); });
  result.pictures = walk.pictures();
  result.tolerance = options.tolerance.value_or(default_tolerance(options, first, second));
  result.layers = walk.layers();
  result.misshapen = walk.misshapen();
  result.first_divergent = first_divergent(result.layers, result.tolerance);
  result.worst_injected = worst_injected(result.layers);
  result.most_held_bytes = walk.most_held_bytes();
  return result;
}

Document compare_document(const CompareResult& result) {
  KeyValues facts;
  const auto add = [&facts](const char* key, std::string value) {
    facts.entries.emplace_back(key, std::move(value));
  };
  add("first", fmt::format("{}, {}", to_utf8(result.first.model), result.first.computed_by));
  add("second", fmt::format("{}, {}", to_utf8(result.second.model), result.second.computed_by));
  add("input", result.input);
  add("tolerance", fmt::format("{:g} of a layer's largest magnitude", result.tolerance));
  add("first to diverge", layer_words(result, result.first_divergent));
  add("injects most", layer_words(result, result.worst_injected));
  add("results held", format_bytes(result.most_held_bytes) + " at most");
  if (!result.misshapen.empty()) {
    add("left out", fmt::format("{} layers whose shapes differ, such as {}",
                                result.misshapen.size(), result.misshapen[0]));
  }
  Document document;
  document.sections.push_back({"Comparison", {std::move(facts)}});
  document.sections.push_back({"Layers", {layer_table(result)}});
  return document;
}

std::string compare_json(const CompareResult& result) {
  Json json;
  const auto side = [](const ComparedSide& s) {
    return Json{{"model", to_utf8(s.model)}, {"computed_by", s.computed_by}};
  };
  json["first"] = side(result.first);
  json["second"] = side(result.second);
  json["input"] = result.input;
  json["pictures"] = result.pictures;
  json["tolerance"] = result.tolerance;
  json["layers"] = Json::array();
  for (const WalkedLayer& layer : result.layers) {
    json["layers"].push_back({{"name", layer.name},
                              {"op", layer.op},
                              {"result", layer.result},
                              {"injected", error_json(layer.injected)},
                              {"so_far", error_json(layer.so_far)}});
  }
  json["left_out"] = result.misshapen;
  const auto name = [&](int index) {
    return index < 0 ? Json() : Json(result.layers[static_cast<size_t>(index)].name);
  };
  json["first_divergent"] = name(result.first_divergent);
  json["worst_injected"] = name(result.worst_injected);
  json["held_bytes"] = result.most_held_bytes;
  return json.dump(2) + "\n";
}

}  // namespace fpcls
