#include "run/inspect.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"
#include "model/safetensors.h"
#include "run/format_document.h"
#include "run/graph_drawing.h"

namespace fpcls {
namespace {

using Json = nlohmann::ordered_json;

int64_t file_size(const LoadedModel& model) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(model.path, failure);
  return failure ? 0 : static_cast<int64_t>(size);
}

/// A tensor of the verification file, which must be f32 with four (`x`) or two (`y`) axes.
Tensor wanted_tensor(const TensorMap& tensors, const char* name, size_t axes,
                     const std::string& where) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    fail(
        "{}: has no tensor '{}'; --verify wants x (f32 NCHW, normalised) and y (the model's output "
        "for it)",
        where, name);
  }
  const Tensor& tensor = found->second;
  if (tensor.dtype() != DType::f32 || tensor.shape().size() != axes) {
    fail("{}: tensor '{}' is {} {}, expected f32 with {} axes", where, name,
         enum_name(tensor.dtype()), shape_text(tensor.shape()), axes);
  }
  return tensor;
}

double largest_difference(const Tensor& got, const Tensor& expected) {
  double largest = 0;
  for (int64_t i = 0; i < expected.count(); ++i) {
    const double y = expected.data<float>()[i];
    const double difference = std::abs(got.data<float>()[i] - y) / std::max(1.0, std::abs(y));
    if (!(difference <= largest)) largest = difference;  // a NaN becomes the largest, and stays
  }
  return largest;
}

/// `auto` means every executor that is there and has all of the model's ops.
std::vector<ExecutorKind> executors_of(const InspectOptions& options, const LoadedModel& model) {
  if (options.runtime.executor != ExecutorKind::automatic) return {options.runtime.executor};
  std::vector<ExecutorKind> kinds;
  const ExecutorOptions cpu;
  if (choose_executor(ExecutorKind::automatic, model.graph, cpu).kind == ExecutorKind::engine) {
    kinds.push_back(ExecutorKind::engine);
  }
  if (torch_is_there()) kinds.push_back(ExecutorKind::torch);
  return kinds;
}

std::vector<Verification> verify(const LoadedModel& model, const InspectOptions& options) {
  const std::string where = quoted(options.verify);
  const TensorMap tensors = read_safetensors(options.verify).tensors;
  const Tensor x = wanted_tensor(tensors, "x", 4, where);
  const Tensor y = wanted_tensor(tensors, "y", 2, where);
  Shape one = x.shape();
  one[0] = 1;
  if (one != model.graph.input_shape()) {
    fail("{}: x is {}, expected [N, {}] as the model's input; pass --size", where,
         shape_text(x.shape()),
         fmt::join(model.graph.input_shape().begin() + 1, model.graph.input_shape().end(), ", "));
  }
  if (y.shape() != Shape{x.shape()[0], model.graph.output_count()}) {
    fail("{}: y is {}, expected {}", where, shape_text(y.shape()),
         shape_text({x.shape()[0], model.graph.output_count()}));
  }
  const Parallelism parallel = parallelism(options.runtime, 1);
  std::vector<Verification> verifications;
  for (const ExecutorKind kind : executors_of(options, model)) {
    RuntimeOptions runtime = options.runtime;
    runtime.executor = kind;
    const ReadyModel ready = make_ready(model, runtime, parallel.threads, /*quiet=*/true);
    // With a hook the torch executor runs layer by layer, as PyTorch does: batch norm folded into a
    // convolution rounds otherwise, which deep networks amplify beyond any tolerance.
    const NodeHook hook = kind == ExecutorKind::torch ? [](const NodeResult&) {} : NodeHook();
    const double difference = largest_difference(ready.executor->run(x, hook), y);
    verifications.push_back(
        {std::string(enum_name(kind)), difference, difference <= options.tolerance});
  }
  return verifications;
}

std::string preprocessing_text(const Preprocessing& p) {
  const std::string fit = p.fit == Fit::stretch
                              ? "stretched to the input size"
                              : fmt::format("short side to {}, centre crop", p.resize);
  return fmt::format("{}; decode {}; mean {}; std {}", fit, enum_name(p.decode),
                     fmt::join(p.mean, " "), fmt::join(p.std, " "));
}

KeyValues facts(const InspectResult& result) {
  const LoadedModel& m = result.model;
  KeyValues facts;
  const auto add = [&facts](const char* key, std::string value) {
    facts.entries.emplace_back(key, std::move(value));
  };
  add("file", fmt::format("{}, {}", to_utf8(m.path), format_bytes(file_size(m))));
  add("architecture", m.architecture.empty() ? "not recorded" : m.architecture);
  add("input", fmt::format("{} x {} pixels", m.preprocessing.height, m.preprocessing.width));
  add("preprocessing", preprocessing_text(m.preprocessing));
  add("labels", fmt::format("{}", fmt::join(m.head.labels, ", ")));
  if (m.head.binary()) {
    add("positive", m.head.scored_labels()[0]);
    add("accept", fmt::format("{}", m.accept));
  }
  if (m.head.temperature != 1) add("temperature", fmt::format("{}", m.head.temperature));
  add("precision", m.precision);
  add("parameters", with_thousands(parameter_count(m.graph)));
  add("MACs", with_thousands(mac_count(m.graph)));
  for (const auto& [key, value] : m.provenance) add(("made with " + key).c_str(), value);
  return facts;
}

/// In what the layer's weights are, or the model where it has none.
std::string precision_of(const Node& node, const LoadedModel& model) {
  const Tensor weight = node.weight("weight");
  if (weight.empty()) return model.precision;
  return node.is_int8() ? "int8" : std::string(enum_name(weight.dtype()));
}

Table layer_table(const LoadedModel& m) {
  std::vector<Column> columns{text_column("name"), text_column("op"),
                              text_column("shape", "output"), count_column("parameters"),
                              count_column("macs", "MACs")};
  const bool mixed = m.precision != "f32";
  if (mixed) columns.push_back(text_column("precision"));
  Table table("layers", std::move(columns));
  for (int i = 0; i < m.graph.size(); ++i) {
    const Node& node = m.graph.node(i);
    const int64_t parameters = parameter_count(node);
    const int64_t macs = mac_count(m.graph, i);
    std::vector<Cell> cells{node.name, enum_name(node.op), shape_text(m.graph.shape(i)),
                            parameters > 0 ? Cell(parameters) : Cell(),
                            macs > 0 ? Cell(macs) : Cell()};
    if (mixed) cells.push_back(node.weights.empty() ? Cell() : Cell(precision_of(node, m)));
    table.add_row(std::move(cells));
  }
  return table;
}

}  // namespace

bool InspectResult::passed() const {
  return std::all_of(verifications.begin(), verifications.end(),
                     [](const Verification& v) { return v.passed; });
}

InspectResult run_inspect(const InspectOptions& options) {
  if (options.model.empty()) fail("inspect: no model given; name its file");
  InspectResult result{load_model(options.model, options.foreign, HeadNeed::optional), {}};
  if (!options.output.out.empty()) draw_graph(result.model.graph, options.output.out);
  if (!options.verify.empty()) result.verifications = verify(result.model, options);
  return result;
}

Document inspect_document(const InspectResult& result) {
  Document document;
  document.sections.push_back({"Model", {facts(result)}});
  if (!result.verifications.empty()) {
    Table table("verification",
                {text_column("executor"), text_column("difference", "largest difference"),
                 text_column("answer")});
    for (const Verification& v : result.verifications) {
      table.add_row(
          {v.executor, fmt::format("{:.2e}", v.difference), v.passed ? "equal" : "DIFFERENT"});
    }
    document.sections.push_back({"Verification", {std::move(table)}});
  }
  document.sections.push_back({"Layers", {layer_table(result.model)}});
  return document;
}

std::string inspect_json(const InspectResult& result) {
  const LoadedModel& m = result.model;
  Json json;
  json["architecture"] = m.architecture;
  json["input"] = {{"height", m.preprocessing.height}, {"width", m.preprocessing.width}};
  json["labels"] = m.head.labels;
  if (m.head.binary()) json["positive"] = m.head.scored_labels()[0];
  if (m.head.temperature != 1) json["temperature"] = m.head.temperature;
  json["precision"] = m.precision;
  json["parameters"] = parameter_count(m.graph);
  json["macs"] = mac_count(m.graph);
  json["size_bytes"] = file_size(m);
  json["layers"] = Json::array();
  for (int i = 0; i < m.graph.size(); ++i) {
    const Node& node = m.graph.node(i);
    json["layers"].push_back({{"name", node.name},
                              {"op", enum_name(node.op)},
                              {"shape", m.graph.shape(i)},
                              {"parameters", parameter_count(node)},
                              {"macs", mac_count(m.graph, i)},
                              {"precision", precision_of(node, m)}});
  }
  json["provenance"] = Json::object();
  for (const auto& [key, value] : m.provenance) json["provenance"][key] = value;
  for (const Verification& v : result.verifications) {
    json["verification"].push_back(
        {{"executor", v.executor}, {"difference", v.difference}, {"passed", v.passed}});
  }
  return json.dump(2) + "\n";
}

std::string inspect_text(const InspectResult& result, InspectFormat format) {
  if (format == InspectFormat::dot) return graph_dot(result.model.graph);
  const auto same = enum_value<OutputFormat>(enum_name(format));
  FPCLS_CHECK(same.has_value());
  return format_document(inspect_document(result), "layers", *same,
                         [&] { return inspect_json(result); });
}

}  // namespace fpcls
