#include "torch/executor.h"

#include <c10/core/InferenceMode.h>

#include "base/stopwatch.h"
#include "base/text.h"
#include "torch/convert.h"
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
        plan_(make_plan(graph, device_, threads_)) {}

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
    for (int i = 1; i < graph_.size(); ++i) steps.push_back({i, graph_.node(i).inputs});
    return steps;
  }

  Tensor run_step(int step, const std::vector<Tensor>& inputs) override {
    const Node& node = graph_.node(step + 1);
    if (inputs.size() != node.inputs.size()) {
      fail("layer {}: was given {} inputs, expected {}", quoted(node.name), inputs.size(),
           node.inputs.size());
    }
    begin();
    const c10::InferenceMode inference;
    std::vector<at::Tensor> values;
    for (const Tensor& input : inputs) values.push_back(to_torch(input).to(device_));
    return from_torch(run_node(node, values));
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

  /// Unfused and in the graph's order, so that each node's own result can be shown.
  at::Tensor run_each_node(const at::Tensor& x, const NodeHook& hook) const {
    std::vector<at::Tensor> results{x};
    hook({0, 0, {}, [&] { return from_torch(x); }});
    for (int i = 1; i < graph_.size(); ++i) {
      const Node& node = graph_.node(i);
      std::vector<at::Tensor> inputs;
      for (const int input : node.inputs) inputs.push_back(results[static_cast<size_t>(input)]);
      const Stopwatch watch;
      results.push_back(run_node(node, inputs));
      hook({i, watch.ms(), {}, [&] { return from_torch(results.back()); }});
    }
    return results[static_cast<size_t>(graph_.outputs()[0].node)];
  }

  at::Tensor run_node(const Node& node, const std::vector<at::Tensor>& inputs) const {
    return guarded([&] { return "layer " + quoted(node.name); },
                   [&] { return apply(node, to_device(node, device_), inputs); });
  }

  Graph graph_;
  Preprocessing preprocessing_;
  int threads_;
  c10::Device device_;
  Plan plan_;
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
