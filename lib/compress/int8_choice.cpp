#include "compress/int8_choice.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "graph/quantize.h"

namespace fpcls {
namespace {

bool has_weights(const Node& node) { return node.op == Op::conv || node.op == Op::linear; }

class Chooser {
 public:
  Chooser(const Graph& graph, const std::vector<CalibrationTensor>& tensors,
          const Int8Options& options)
      : graph_(graph), options_(options), classifier_(classifier_of(graph)) {
    for (const CalibrationTensor& tensor : tensors) histograms_[tensor.layer] = &tensor.values;
  }

  Int8Choice choose() {
    check_names();
    std::vector<Int8Layer> layers;
    for (int i = 0; i < graph_.size(); ++i) {
      const Node& node = graph_.node(i);
      if (!has_weights(node)) continue;
      std::string reason = reason_to_keep(i);
      const bool int8 = reason.empty();
      layers.push_back({node.name, node.op, int8, is_in_bf16(node), std::move(reason)});
      if (int8) wanted_.insert(node.name);
    }
    QuantizePlan plan;
    plan.wanted = [this](const Node& node) { return wanted_.count(node.name) != 0; };
    plan.params = [this](int node) { return choice_for(node).params; };
    plan.in_bf16 = [this](const Node& node) { return is_in_bf16(node); };
    plan.highest_weight = options_.highest_weight;
    plan.highest_weight_of_signed = options_.highest_weight_of_signed;
    Graph integers = quantize_graph(graph_, plan);
    if (wanted_.empty()) fail("{}", nothing_left(layers));
    return {std::move(layers), std::move(rounded_), std::move(integers)};
  }

 private:
  bool is_in_bf16(const Node& node) const {
    return options_.in_bf16.count(node.name) != 0 && options_.keep.count(node.name) == 0;
  }

  void check_names() const {
    check_names(options_.keep);
    check_names(options_.in_bf16);
    if (classifier_ < 0 || !is_in_bf16(graph_.node(classifier_))) return;
    fail("{}: is the classifier, whose errors go straight into the scores; it stays f32",
         quoted(graph_.node(classifier_).name));
  }

  void check_names(const std::set<std::string>& names) const {
    for (const std::string& name : names) {
      const int node = graph_.find(name);
      if (node >= 0 && has_weights(graph_.node(node))) continue;
      std::vector<std::string> known;
      for (const Node& n : graph_.nodes()) {
        if (has_weights(n)) known.push_back(n.name);
      }
      const std::string close = closest_name(name, known);
      fail("{}: is no conv or linear layer of the model{}; 'fpcls inspect' lists them",
           quoted(name), close.empty() ? "" : ", did you mean '" + close + "'");
    }
  }

  std::string reason_to_keep(int layer) const {
    const Node& node = graph_.node(layer);
    if (layer == classifier_) return "the classifier";
    if (options_.keep.count(node.name) != 0 || is_in_bf16(node)) return "asked for";
    if (!can_quantize(node)) return fmt::format("{} has no integer form", enum_name(node.op));
    int source = node.inputs[0];
    while (graph_.node(source).op == Op::max_pool) source = graph_.node(source).inputs[0];
    if (histograms_.count(graph_.node(source).name) == 0) {
      return fmt::format("the calibration has no values of {}", quoted(graph_.node(source).name));
    }
    return "";
  }

  static std::string nothing_left(const std::vector<Int8Layer>& layers) {
    if (layers.empty()) return "no layer has weights; there is nothing to quantize";
    return fmt::format("no layer can be quantized; {}: {}", quoted(layers[0].name),
                       layers[0].reason);
  }

  RangeChoice choice_for(int node) {
    const std::string& name = graph_.node(node).name;
    const auto found = histograms_.find(name);
    if (found == histograms_.end()) {
      fail("the calibration has no values of layer {}; calibrate again", quoted(name));
    }
    const Histogram& values = *found->second;
    RangeOptions options;
    const auto other = options_.other_methods.find(name);
    options.method = other == options_.other_methods.end() ? options_.method : other->second;
    options.percentile = options_.percentile;
    options.symmetric = values.min < 0;
    if (!options.symmetric) options.bits = options_.activation_bits;
    try {
      rounded_.push_back({name, choose_range(values, options)});
    } catch (const Error& error) {
      fail("layer {}: {}", quoted(name), error.what());
    }
    return rounded_.back().choice;
  }

  const Graph& graph_;
  const Int8Options& options_;
  int classifier_;
  std::map<std::string, const Histogram*> histograms_;
  std::set<std::string> wanted_;
  std::vector<Rounded> rounded_;
};

}  // namespace

int classifier_of(const Graph& graph) {
  int node = graph.outputs()[0].node;
  while (node > 0 && !has_weights(graph.node(node))) node = graph.node(node).inputs[0];
  return node > 0 ? node : -1;
}

Int8Choice choose_int8(const Graph& graph, const std::vector<CalibrationTensor>& tensors,
                       const Int8Options& options) {
  return Chooser(graph, tensors, options).choose();
}

}  // namespace fpcls
