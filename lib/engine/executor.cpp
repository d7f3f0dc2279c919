#include "engine/executor.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include "base/error.h"
#include "base/stopwatch.h"
#include "base/text.h"
#include "base/threads.h"
#include "engine/workspace.h"
#include "exec/pixels.h"

namespace fpcls {
namespace {

size_t at(int index) { return static_cast<size_t>(index); }

/// The graph without the layers' weights, so that they aren't kept twice once they are packed:
/// nothing may read one. The other numbers are copied, so that no file stays mapped for them.
Graph hollow(const Graph& graph) {
  static const char nothing = 0;
  std::vector<Node> nodes = graph.nodes();
  for (Node& node : nodes) {
    for (auto& [key, tensor] : node.weights) {
      const bool packed = key == "weight" && (node.op == Op::conv || node.op == Op::linear);
      auto copy = std::make_shared<const std::string>(packed ? "" : tensor.bytes());
      const void* numbers = packed ? &nothing : copy->data();
      tensor = Tensor(tensor.dtype(), tensor.shape(), std::shared_ptr<const void>(copy, numbers));
    }
  }
  return graph.with_nodes(std::move(nodes));
}

/// OpenMP's threads of this thread that have denormal numbers as zero.
thread_local int flushed = 0;

/// From here on, what this thread runs on oneDNN uses `count` threads, with denormal numbers as
/// zero in all of them.
void use_threads(int count) {
  if (omp_get_max_threads() != count) omp_set_num_threads(count);
  if (flushed >= count) return;
  flush_denormals();
#pragma omp parallel num_threads(count)
  flush_denormals();
  flushed = count;
}

/// Ends OpenMP's threads that belong to this thread. A model is made on one thread and mostly run
/// on another; with the threads of both there were more than processors, and then libgomp's sleep
/// after every layer instead of waiting, which takes longer than a small network's layers.
void end_threads() {
  omp_pause_resource_all(omp_pause_hard);
  flushed = 0;
}

class EngineExecutor : public Executor {
 public:
  EngineExecutor(const Graph& graph, const Preprocessing& preprocessing,
                 const ExecutorOptions& options)
      : graph_(graph),
        preprocessing_(preprocessing),
        table_(pixel_table(preprocessing)),
        threads_(options.threads),
        float_type_(options.float_type),
        steps_(fuse(graph)) {
    if (threads_ < 1) fail("--threads {}: expected 1 or more", threads_);
    use_threads(threads_);
    plan_for(1);
    graph_ = hollow(graph_);
    end_threads();
  }

  ~EngineExecutor() override {
    for (const auto& [key, plan] : plans_) WorkspacePool::instance().forget(*plan);
  }

  std::vector<float> run(const PixelBatch& batch) override {
    RunPhases phases;
    return run_in_phases(batch, phases);
  }

  std::vector<float> run_in_phases(const PixelBatch& batch, RunPhases& phases) override {
    double input_ms = 0, run_ms = 0, output_ms = 0;
    check_pixels(batch, graph_.input_shape());
    use_threads(threads_);
    std::vector<float> scores;
    scores.reserve(at(batch.count()) * at(static_cast<int>(graph_.output_count())));
    // One picture at a time, whatever the batch: oneDNN's kernels for several round differently,
    // and a score must not depend on which pictures happened to come together. It also takes
    // a fraction of the memory.
    const Plan& plan = plan_for(1);
    WorkspacePool::Lease workspace(WorkspacePool::instance());
    BoundPlan& bound = workspace->bind(plan);
    for (size_t picture = 0; picture < batch.rows.size(); ++picture) {
      Stopwatch watch;
      const auto lap = [&watch](double& phase_ms) {
        phase_ms += watch.ms();
        watch.restart();
      };
      enter(batch.pixels.data() + picture * batch.picture_bytes(),
            int64_t{batch.height} * batch.width, plan.inputs[0], bound.address(plan.inputs[0]));
      lap(input_ms);
      for (size_t i = 0; i < plan.launches.size(); ++i) bound.run(i, workspace->stream());
      lap(run_ms);
      const auto* values = static_cast<const float*>(bound.address(plan.output));
      scores.insert(scores.end(), values, values + graph_.output_count());
      lap(output_ms);
    }
    phases = {input_ms, run_ms, output_ms};
    return scores;
  }

  Tensor run(const Tensor& x, const NodeHook& hook) override {
    check_input(x, graph_.input_shape());
    use_threads(threads_);
    if (hook) return run_plan(plan_for(x.shape()[0]), {x}, hook);
    std::vector<float> scores;
    const int64_t each = x.count() / x.shape()[0];
    Shape one = x.shape();
    one[0] = 1;
    for (int64_t i = 0; i < x.shape()[0]; ++i) {
      const Tensor picture(
          DType::f32, one,
          std::shared_ptr<const void>(std::shared_ptr<const void>(), x.data<float>() + i * each));
      const Tensor y = run_plan(plan_for(1), {picture}, {});
      scores.insert(scores.end(), y.data<float>(), y.data<float>() + y.count());
    }
    return Tensor::from({x.shape()[0], graph_.output_count()}, std::move(scores));
  }

  std::vector<ExecutorStep> steps() const override {
    std::vector<ExecutorStep> steps;
    for (const FusedStep& step : steps_) steps.push_back({step.result, step.reads()});
    return steps;
  }

  Tensor run_step(int step, const std::vector<Tensor>& inputs) override {
    const FusedStep& what = steps_[at(step)];
    const std::vector<int> reads = what.reads();
    const std::string layer = quoted(graph_.node(what.result).name);
    if (inputs.size() != reads.size()) {
      fail("layer {}: was given {} inputs, expected {}", layer, inputs.size(), reads.size());
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      Shape expected = graph_.shape(reads[i]);
      expected[0] *= inputs[0].shape()[0] / graph_.shape(reads[0])[0];
      if (inputs[i].dtype() != DType::f32 || inputs[i].shape() != expected) {
        fail("layer {}: input {} is {} {}, expected f32 {}", layer, i, enum_name(inputs[i].dtype()),
             shape_text(inputs[i].shape()), shape_text(expected));
      }
    }
    use_threads(threads_);
    Tensor y = run_plan(step_plan(step, inputs[0].shape()[0]), inputs, {});
    Shape shape = graph_.shape(what.result);
    shape[0] = inputs[0].shape()[0];
    return Tensor(DType::f32, std::move(shape),
                  std::shared_ptr<const void>(std::make_shared<Tensor>(y), y.data<float>()));
  }

  MemoryUse memory() const override {
    const std::lock_guard lock(mutex_);
    MemoryUse use;
    use.packed_weights_bytes = weights_.bytes();
    const WorkspacePool& pool = WorkspacePool::instance();
    int64_t scratchpad = 0;
    int64_t most = -1;
    for (const auto& [key, plan] : plans_) {
      scratchpad = std::max(scratchpad, plan->scratchpad_bytes);
      if (plan->arena_bytes > most) use.arena_peak_node = plan->peak_node;
      most = std::max(most, plan->arena_bytes);
    }
    use.scratchpad_bytes = scratchpad * pool.count();
    use.arena_bytes = std::max<int64_t>(0, pool.arena_bytes() - use.scratchpad_bytes);
    return use;
  }

 private:
  /// Key of a plan: a step run alone, or -1, and the batch size.
  using PlanKey = std::pair<int, int64_t>;

  const Plan& plan_for(int64_t batch) {
    return cached({-1, batch}, [&] { return make_plan(source(), steps_, {{0, {}}}, batch); });
  }

  /// The step with its inputs in the layouts that they have in the whole graph.
  const Plan& step_plan(int step, int64_t batch) {
    const Plan& whole = plan_for(batch);
    return cached({step, batch}, [&] {
      std::vector<PlanInput> inputs;
      for (const int node : steps_[at(step)].reads()) inputs.push_back({node, layout(whole, node)});
      return make_plan(source(), {steps_[at(step)]}, inputs, batch);
    });
  }

  std::optional<memory::desc> layout(const Plan& whole, int node) const {
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].result == node) return whole.results[i].desc;
    }
    return {};
  }

  template <class Make>
  const Plan& cached(const PlanKey& key, const Make& make) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<Plan>& plan = plans_[key];
    if (!plan) plan = std::make_unique<Plan>(make());
    return *plan;
  }

  PlanSource source() { return {graph_, float_type_, weights_}; }

  /// Pictures as the first layer reads them.
  void enter(const uint8_t* bytes, int64_t pixels, const Place& place, void* to) const {
    if (!place.is_integer()) return enter_pixels(table_, bytes, pixels, static_cast<float*>(to));
    const bool negative = type_of(place.desc) == memory::data_type::s8;
    const QuantParams params{place.scale, 0, negative ? -128 : 0, negative ? 127 : 255};
    enter_pixels(quantized_table(table_, params), bytes, pixels, static_cast<uint8_t*>(to));
  }

  Tensor run_plan(const Plan& plan, const std::vector<Tensor>& inputs, const NodeHook& hook) {
    WorkspacePool::Lease workspace(WorkspacePool::instance());
    BoundPlan& bound = workspace->bind(plan);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const memory::dims dims = dims_of(plan.inputs[i].desc);
      const auto from = plain_desc(Shape(dims.begin(), dims.end()), memory::data_type::f32);
      reorder({from, cpu_engine(), const_cast<float*>(inputs[i].data<float>())},
              {plan.inputs[i].desc, cpu_engine(), bound.address(plan.inputs[i])},
              1.0F / plan.inputs[i].scale);
    }
    if (hook) {
      const auto given = [&] { return inputs[0]; };
      hook({0, 0, {}, given, given});
      run_hooked(plan, bound, workspace->stream(), hook);
    } else {
      for (size_t i = 0; i < plan.launches.size(); ++i) bound.run(i, workspace->stream());
    }
    return copied(bound, plan.output, {plan.batch, -1});
  }

  void run_hooked(const Plan& plan, BoundPlan& bound, dnnl_stream_t stream, const NodeHook& hook) {
    size_t launch = 0;
    for (size_t step = 0; step < steps_.size(); ++step) {
      std::string kernels;
      const Stopwatch watch;
      for (; launch < plan.launches.size() && plan.launches[launch].step == static_cast<int>(step);
           ++launch) {
        bound.run(launch, stream);
        kernels += (kernels.empty() ? "" : " + ") + plan.launches[launch].kernel;
      }
      const double ms = watch.ms();
      Shape shape = graph_.shape(steps_[step].result);
      shape[0] *= plan.batch;
      hook({steps_[step].result, ms, kernels,
            [&] { return copied(bound, plan.results[step], shape); },
            [&] { return in_any_order(bound, plan.results[step]); }});
    }
  }

  /// The numbers at `place` in any order: where they lie, if that is f32 without gaps.
  static Tensor in_any_order(const BoundPlan& bound, const Place& place) {
    Shape shape{1};
    for (const auto extent : dims_of(place.desc)) shape[0] *= extent;
    const auto is_gapless = [&](memory::data_type type, size_t bytes) {
      return type_of(place.desc) == type && place.desc.get_size() == at(shape[0]) * bytes;
    };
    if (is_gapless(memory::data_type::f32, sizeof(float))) {
      return Tensor(
          DType::f32, std::move(shape),
          std::shared_ptr<const void>(std::shared_ptr<const void>(), bound.address(place)));
    }
    if (is_gapless(memory::data_type::bf16, sizeof(uint16_t))) {
      return widened(static_cast<const uint16_t*>(bound.address(place)), std::move(shape));
    }
    return copied(bound, place, std::move(shape));
  }

  /// bf16 is the upper half of f32.
  static Tensor widened(const uint16_t* halves, Shape shape) {
    std::vector<float> values(at(shape[0]));
    for (size_t i = 0; i < values.size(); ++i) {
      const uint32_t bits = static_cast<uint32_t>(halves[i]) << 16;
      std::memcpy(&values[i], &bits, sizeof bits);
    }
    return Tensor::from(std::move(shape), std::move(values));
  }

  /// The numbers at `place` as row-major f32. `shape` may leave out its last extent (-1).
  static Tensor copied(const BoundPlan& bound, const Place& place, Shape shape) {
    const memory::dims dims = dims_of(place.desc);
    const memory::desc plain = plain_desc(Shape(dims.begin(), dims.end()), memory::data_type::f32);
    std::vector<float> values(plain.get_size() / sizeof(float));
    reorder({place.desc, cpu_engine(), bound.address(place)}, {plain, cpu_engine(), values.data()},
            place.scale);
    if (shape.back() < 0) shape.back() = static_cast<int64_t>(values.size()) / shape[0];
    return Tensor::from(std::move(shape), std::move(values));
  }

  Graph graph_;
  Preprocessing preprocessing_;
  PixelTable table_;
  int threads_;
  FloatType float_type_;
  std::vector<FusedStep> steps_;
  PackedWeights weights_;
  mutable std::mutex mutex_;
  std::map<PlanKey, std::unique_ptr<Plan>> plans_;
};

}  // namespace

std::unique_ptr<Executor> make_engine_executor(const Graph& graph,
                                               const Preprocessing& preprocessing,
                                               const ExecutorOptions& options) {
  const std::string refusal = engine_refusal(graph);
  if (!refusal.empty()) fail("{}; use --executor torch", refusal);
  return std::make_unique<EngineExecutor>(graph, preprocessing, options);
}

}  // namespace fpcls
