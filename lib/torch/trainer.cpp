#include "torch/trainer.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/allocation.h"
#include "base/hash.h"
#include "base/text.h"
#include "graph/attention.h"
#include "torch/convert.h"
#include "torch/loss.h"
#include "torch/ops.h"
#include "torch/optimizer.h"
#include "torch/plan.h"
#include "torch/state.h"

namespace fpcls {
namespace {

size_t at_index(int index) { return static_cast<size_t>(index); }

void check_options(const TrainerOptions& options, const c10::Device& device) {
  if (options.threads < 1) fail("--threads {}: expected 1 or more", options.threads);
  if (!(options.label_smoothing >= 0 && options.label_smoothing < 1)) {
    fail("label smoothing is {}, expected 0 to below 1", options.label_smoothing);
  }
  if (!(options.ema_decay >= 0 && options.ema_decay < 1)) {
    fail("decay of the moving average is {}, expected 0 to below 1", options.ema_decay);
  }
  if (!(options.distillation >= 0 && options.distillation <= 1)) {
    fail("distillation is {}, expected 0 to 1", options.distillation);
  }
  if (!(options.temperature > 0)) {
    fail("temperature of the distillation is {}, expected above 0", options.temperature);
  }
  if (!(options.attention_weight >= 0)) {
    fail("weight of the attention's distance is {}, expected 0 or more", options.attention_weight);
  }
  if (options.bf16 && device.is_cpu() && !bf16_is_fast()) {
    fail("bf16: this CPU doesn't multiply bf16 (avx512_bf16); train without it");
  }
}

/// A statistic or weight, with its moving average.
struct Averaged {
  std::string name;
  at::Tensor value;
  at::Tensor average;
};

class TorchTrainer : public Trainer {
 public:
  TorchTrainer(const Graph& graph, const Preprocessing& preprocessing,
               const TrainerOptions& options)
      : graph_(graph),
        preprocessing_(preprocessing),
        options_(options),
        device_(find_device(options.device)) {
    check_options(options_, device_);
    if (graph_.shape(output()).size() != 2) {
      fail("the network's output has shape {}, expected [1, outputs]",
           shape_text(graph_.shape(output())));
    }
    use_threads(options_.threads);
    take_weights();
    find_uses();
    find_attention();
  }

  double step(const TrainingBatch& batch, double learning_rate) override {
    return guarded([] { return std::string("training step"); },
                   [&] { return guarded_step(batch, learning_rate); });
  }

  void observe(const PixelBatch& batch) override {
    guarded([] { return std::string("batch statistics"); },
            [&] {
              use_threads(options_.threads);
              plan_.reset();
              const at::NoGradGuard no_grad;
              const at::Tensor x = to_input(batch, preprocessing_, graph_.input_shape());
              forward(x.to(device_), {/*training=*/true, options_.bf16});
              for (Averaged& tracked : tracked_) {
                if (tracked.average.defined() && !tracked.value.requires_grad()) {
                  tracked.average.copy_(tracked.value);
                }
              }
            });
  }

  Graph gradients(const TrainingBatch& batch) override {
    return guarded([] { return std::string("gradients"); },
                   [&] { return guarded_gradients(batch); });
  }

  std::vector<float> evaluate(const PixelBatch& batch) override {
    if (batch.count() == 0) return {};
    use_threads(options_.threads);
    const c10::InferenceMode inference;
    if (!plan_) plan_.emplace(graph(), device_);
    const at::Tensor x = to_input(batch, preprocessing_, graph_.input_shape());
    const at::Tensor y = plan_->run(x.to(device_)).to(at::kCPU, at::kFloat).contiguous();
    const float* values = y.data_ptr<float>();
    return {values, values + y.numel()};
  }

  Graph graph() override {
    std::vector<Node> nodes = graph_.nodes();
    size_t next = 0;
    for (Node& node : nodes) {
      for (auto& [key, tensor] : node.weights) {
        const Averaged& tracked = tracked_[next++];
        const at::Tensor& now = tracked.average.defined() ? tracked.average : tracked.value;
        // A copy, since training goes on in the same memory.
        tensor = from_torch(now.detach().clone(at::MemoryFormat::Contiguous));
      }
    }
    return graph_.with_nodes(std::move(nodes));
  }

  std::string save_state() override { return write_state(fingerprint(), steps_, state()); }

  void load_state(const std::string& bytes) override {
    std::vector<NamedTensor> tensors = state();
    steps_ = read_state(bytes, fingerprint(), tensors);
    plan_.reset();
  }

 private:
  int output() const { return graph_.outputs()[0].node; }

  /// Makes the weights libtorch's own: copies that change, in the layout that convolutions want.
  void take_weights() {
    for (const Node& node : graph_.nodes()) {
      NodeWeights& weights = weights_.emplace_back();
      for (const auto& [key, tensor] : node.weights) {
        at::Tensor value = to_torch(tensor).to(device_).clone();
        if (value.dim() == 4) value = value.contiguous(at::MemoryFormat::ChannelsLast);
        const std::string name = node.name + "." + key;
        if (is_parameter(node, key)) add_parameter(node, key, name, value);
        const bool averages = options_.ema_decay > 0;
        tracked_.push_back({name, value, averages ? value.detach().clone() : at::Tensor()});
        weights[key] = value;
      }
    }
  }

  void add_parameter(const Node& node, const std::string& key, const std::string& name,
                     at::Tensor& value) {
    value.set_requires_grad(true);
    const bool decays = key == "weight" && (node.op == Op::conv || node.op == Op::linear);
    Parameter parameter{name, value, decays, {}, {}};
    prepare(parameter, options_.optimizer);
    parameters_.push_back(std::move(parameter));
  }

  void find_uses() {
    readers_.assign(at_index(graph_.size()), 0);
    last_reader_.assign(at_index(graph_.size()), -1);
    ++readers_[at_index(output())];
    for (int i = 1; i < graph_.size(); ++i) {
      for (const int input : graph_.node(i).inputs) {
        ++readers_[at_index(input)];
        last_reader_[at_index(input)] = i;
      }
    }
  }

  /// What is compared must not be overwritten, so comparing is one more reader.
  void find_attention() {
    attention_size_ = attention_size(graph_, options_.attention_layers);
    for (const std::string& layer : options_.attention_layers) {
      attention_nodes_.push_back(graph_.find(layer));
      ++readers_[at_index(attention_nodes_.back())];
    }
  }

  at::Tensor forward(const at::Tensor& x, const OpMode& mode) const {
    std::vector<at::Tensor> none;
    return forward(x, mode, none);
  }

  /// Fills in `attention`, which has a place for each of the layers that are compared, or none.
  at::Tensor forward(const at::Tensor& x, const OpMode& mode,
                     std::vector<at::Tensor>& attention) const {
    std::vector<at::Tensor> results(at_index(graph_.size()));
    results[0] = x;
    for (int i = 1; i < graph_.size(); ++i) {
      const Node& node = graph_.node(i);
      std::vector<at::Tensor> inputs;
      for (const int input : node.inputs) inputs.push_back(results[at_index(input)]);
      results[at_index(i)] =
          guarded([&] { return "layer " + quoted(node.name); },
                  [&] {
                    return can_overwrite(node) ? inputs[0].relu_()
                                               : apply(node, weights_[at_index(i)], inputs, mode);
                  });
      for (size_t k = 0; k < attention.size(); ++k) {
        if (attention_nodes_[k] == i) attention[k] = attention_of(results[at_index(i)]);
      }
      for (const int input : node.inputs) {
        if (last_reader_[at_index(input)] == i && input != output()) {
          results[at_index(input)] = at::Tensor();
        }
      }
    }
    return results[at_index(output())];
  }

  /// A ReLU in the memory of its input, where neither anyone else nor the gradient needs that.
  bool can_overwrite(const Node& node) const {
    if (node.op != Op::relu || readers_[at_index(node.inputs[0])] != 1) return false;
    const Op before = graph_.node(node.inputs[0]).op;
    return before == Op::batch_norm || before == Op::add;
  }

  double guarded_step(const TrainingBatch& batch, double learning_rate) {
    use_threads(options_.threads);
    check_batch(batch);
    plan_.reset();
    const at::Tensor x = to_input(batch.pixels, preprocessing_, graph_.input_shape());
    const OpMode mode{/*training=*/true, options_.bf16};
    const at::Tensor loss = loss_of(x.to(device_), mode, batch);
    loss.backward();
    update(parameters_, options_, learning_rate, ++steps_);
    update_averages();
    return loss.item<double>();
  }

  Graph guarded_gradients(const TrainingBatch& batch) {
    use_threads(options_.threads);
    check_batch(batch);
    const at::Tensor x = to_input(batch.pixels, preprocessing_, graph_.input_shape());
    const OpMode mode{/*training=*/false, /*bf16=*/false};
    loss_of(x.to(device_), mode, batch).backward();
    std::vector<Node> nodes = graph_.nodes();
    size_t next = 0;
    for (Node& node : nodes) {
      for (auto& [key, tensor] : node.weights) {
        at::Tensor& value = tracked_[next++].value;
        const at::Tensor gradient =
            value.grad().defined() ? value.grad() : at::zeros_like(value.detach());
        tensor = from_torch(gradient.detach().clone(at::MemoryFormat::Contiguous));
        value.mutable_grad() = at::Tensor();
      }
    }
    return graph_.with_nodes(std::move(nodes));
  }

  void check_batch(const TrainingBatch& batch) const {
    const size_t count = batch.pixels.rows.size();
    FPCLS_CHECK(batch.teacher_logits.empty() ||
                batch.teacher_logits.size() == count * static_cast<size_t>(graph_.output_count()));
    FPCLS_CHECK(batch.teacher_attention.empty() ||
                batch.teacher_attention.size() == count * static_cast<size_t>(attention_size_));
    FPCLS_CHECK(count > 0 && batch.targets.size() == count && batch.weights.size() == count);
    const int64_t classes = std::max<int64_t>(graph_.output_count(), 2);
    for (const int target : batch.targets) {
      if (target < 0 || target >= classes) {
        fail("target {} is not one of the network's {} labels", target, classes);
      }
    }
  }

  at::Tensor loss_of(const at::Tensor& x, const OpMode& mode, const TrainingBatch& batch) const {
    const bool compares = !batch.teacher_attention.empty() && options_.attention_weight > 0;
    std::vector<at::Tensor> attention(compares ? options_.attention_layers.size() : 0);
    const at::Tensor logits = forward(x, mode, attention).to(at::kFloat);
    at::Tensor losses = answer_losses(logits, batch, options_);
    if (compares) {
      losses = losses + attention_distances(attention, batch) * options_.attention_weight;
    }
    return losses.sum() / static_cast<int64_t>(batch.targets.size());
  }

  void update_averages() {
    if (options_.ema_decay <= 0) return;
    const at::NoGradGuard no_grad;
    // The first averages would be mostly initial weights; a decay that grows forgets them.
    const auto steps = static_cast<double>(steps_);
    const double decay = std::min(options_.ema_decay, (1 + steps) / (10 + steps));
    for (Averaged& tracked : tracked_) tracked.average.lerp_(tracked.value, 1 - decay);
  }

  /// Of the network's layers and the options that decide what there is to remember.
  std::string fingerprint() const {
    Sha256 hash;
    hash.update(enum_name(options_.optimizer));
    hash.update(options_.ema_decay > 0 ? "+ema" : "");
    for (const Averaged& tracked : tracked_) {
      hash.update("\n" + tracked.name + shape_text(shape_of(tracked.value)));
    }
    return hash.hex();
  }

  std::vector<NamedTensor> state() const {
    std::vector<NamedTensor> tensors;
    const auto add = [&](const std::string& name, const at::Tensor& tensor) {
      if (tensor.defined()) tensors.push_back({name, tensor});
    };
    for (const Averaged& tracked : tracked_) {
      add(tracked.name, tracked.value);
      add(tracked.name + ".average", tracked.average);
    }
    for (const Parameter& parameter : parameters_) {
      add(parameter.name + ".momentum", parameter.momentum);
      add(parameter.name + ".mean_square", parameter.mean_square);
    }
    return tensors;
  }

  KeptBuffers kept_buffers_;  ///< first here, so that all that was taken is freed before
  Graph graph_;
  Preprocessing preprocessing_;
  TrainerOptions options_;
  c10::Device device_;
  std::vector<NodeWeights> weights_;  ///< for each node
  std::vector<Averaged> tracked_;     ///< every weight, nodes in order and keys in order
  std::vector<Parameter> parameters_;
  std::vector<int> readers_;          ///< for each node, how many read it
  std::vector<int> last_reader_;      ///< for each node, the last that reads it
  std::vector<int> attention_nodes_;  ///< of the layers that are compared, in their order
  int64_t attention_size_ = 0;
  int64_t steps_ = 0;
  std::optional<Plan> plan_;  ///< for evaluation, until the next step
};

}  // namespace

bool bf16_is_fast() {
#if defined(__x86_64__)
  // Every CPU with AMX has these instructions too.
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

std::unique_ptr<Trainer> make_torch_trainer(const Graph& graph, const Preprocessing& preprocessing,
                                            const TrainerOptions& options) {
  return guarded([] { return std::string("trainer"); },
                 [&] { return std::make_unique<TorchTrainer>(graph, preprocessing, options); });
}

}  // namespace fpcls
