#include "torch/executor.h"

#include <c10/core/InferenceMode.h>

#include <map>
#include <optional>
#include <set>

#include "base/stopwatch.h"
#include "base/text.h"
#include "torch/convert.h"
#include "torch/integer_layer.h"
#include "torch/ops.h"
#include "torch/plan.h"

namespace fpcls {
namespace {

class TorchExecutor : public Executor {
 public:
  TorchExecutor(const Graph& graph, const Preprocessing& preprocessing,
                const ExecutorOptions& options)
      : graph_(graph),
        preprocessing_(preprocessing),
        threads_(options.threads),
        device_(find_device(options.device)),
        plan_(make_plan(graph, device_, threads_)),
        steps_(steps_of(graph_, integer_steps(graph_))) {}

  std::vector<float> run(const PixelBatch& batch) override {
    RunPhases phases;
    return run_in_phases(batch, phases);
  }

  std::vector<float> run_in_phases(const PixelBatch& batch, RunPhases& phases) override {
    if (batch.count() == 0) return {};
    begin();
    const c10::InferenceMode inference;
    Stopwatch watch;
    const at::Tensor x = to_input(batch, preprocessing_, graph_.input_shape()).to(device_);
    const double input_ms = watch.ms();
    watch.restart();
    const at::Tensor result = plan_.run(x);
    const double run_ms = watch.ms();
    watch.restart();
    const at::Tensor y = result.to(at::kCPU, at::kFloat).contiguous();
    const float* values = y.data_ptr<float>();
    std::vector<float> scores(values, values + y.numel());
    phases = {input_ms, run_ms, watch.ms()};
    return scores;
  }

  Tensor run(const Tensor& x, const NodeHook& hook) override {
    check_input(x, graph_.input_shape());
    begin();
    const c10::InferenceMode inference;
    const at::Tensor input = to_torch(x).to(device_);
    const at::Tensor y = hook ? run_each_node(input, hook)
                              : plan_.run(input.contiguous(at::MemoryFormat::ChannelsLast));
    return from_torch(y.reshape({y.size(0), -1}));
  }

  std::vector<ExecutorStep> steps() const override {
    std::vector<ExecutorStep> steps;
    for (const NodeStep& step : steps_) steps.push_back(step.step);
    return steps;
  }

  Tensor run_step(int index, const std::vector<Tensor>& inputs) override {
    const NodeStep& step = steps_[static_cast<size_t>(index)];
    if (inputs.size() != step.step.inputs.size()) {
      fail("layer {}: was given {} inputs, expected {}", quoted(graph_.node(step.anchor).name),
           inputs.size(), step.step.inputs.size());
    }
    begin();
    const c10::InferenceMode inference;
    std::vector<at::Tensor> values;
    for (const Tensor& input : inputs) values.push_back(to_torch(input).to(device_));
    return from_torch(run_node(step, values));
  }

  MemoryUse memory() const override {
    MemoryUse use;
    (device_.is_cpu() ? use.packed_weights_bytes : use.device_bytes) = plan_.weights_bytes();
    return use;
  }

 private:
  static Plan make_plan(const Graph& graph, const c10::Device& device, int threads) {
    if (threads < 1) fail("--threads {}: expected 1 or more", threads);
    use_threads(threads);
    const c10::InferenceMode inference;
    return Plan(graph, device);
  }

  void begin() const { use_threads(threads_); }

  /// One node, or an i8 conv with what is computed in one go with it.
  struct NodeStep {
    ExecutorStep step;
    int anchor = 0;
    std::optional<IntegerStep> integers;
  };

  static std::vector<NodeStep> steps_of(const Graph& graph,
                                        const std::map<int, IntegerStep>& integers) {
    std::set<int> merged;
    for (const auto& [conv, step] : integers) {
      merged.insert({step.sum, step.activation, step.rounding});
    }
    std::vector<NodeStep> steps;
    for (int i = 1; i < graph.size(); ++i) {
      if (merged.count(i) != 0) continue;
      const auto found = integers.find(i);
      if (found == integers.end()) {
        steps.push_back({{i, graph.node(i).inputs}, i, {}});
      } else {
        const IntegerStep& step = found->second;
        steps.push_back({{step.result, reads_of(graph, step)}, i, step});
      }
    }
    return steps;
  }

  /// In the graph's order and with nothing fused but integers, so that each node's own result can
  /// be shown.
  at::Tensor run_each_node(const at::Tensor& x, const NodeHook& hook) const {
    std::vector<at::Tensor> results(static_cast<size_t>(graph_.size()));
    results[0] = x;
    const auto given = [&] { return from_torch(x); };
    hook({0, 0, {}, given, given});
    for (const NodeStep& step : steps_) {
      std::vector<at::Tensor> inputs;
      for (const int i : step.step.inputs) inputs.push_back(results[static_cast<size_t>(i)]);
      const Stopwatch watch;
      at::Tensor& result = results[static_cast<size_t>(step.step.node)];
      result = run_node(step, inputs);
      const auto values = [&] { return from_torch(result); };
      hook({step.step.node, watch.ms(), {}, values, values});
    }
    return results[static_cast<size_t>(graph_.outputs()[0].node)];
  }

  at::Tensor run_node(const NodeStep& step, const std::vector<at::Tensor>& inputs) const {
    const Node& node = graph_.node(step.anchor);
    return guarded([&] { return "layer " + quoted(node.name); },
                   [&] {
                     if (!step.integers) return apply(node, to_device(node, device_), inputs);
                     return IntegerLayer(graph_, *step.integers, device_)
                         .run(inputs[0], inputs.size() > 1 ? inputs[1] : at::Tensor());
                   });
  }

  Graph graph_;
  Preprocessing preprocessing_;
  int threads_;
  c10::Device device_;
  Plan plan_;
  std::vector<NodeStep> steps_;
};

}  // namespace

std::unique_ptr<Executor> make_torch_executor(const Graph& graph,
                                              const Preprocessing& preprocessing,
                                              const ExecutorOptions& options) {
  if (options.float_type != FloatType::f32) {
    fail("--float {}: the torch executor computes in f32; use --executor engine",
         enum_name(options.float_type));
  }
  return guarded([] { return std::string("torch executor"); },
                 [&] { return std::make_unique<TorchExecutor>(graph, preprocessing, options); });
}

}  // namespace fpcls
