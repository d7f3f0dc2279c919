#pragma once

#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/own_kernels.h"
#include "engine/plan.h"
#include "graph/fold.h"

namespace fpcls {

/// Makes a plan: goes through the steps once, keeps account of where each result lies, in which
/// layout and until when, and writes down what has to be launched. Its steps' code is in
/// plan_conv.cpp (layers with matrices of weights), plan_pointwise.cpp and plan_layout.cpp.
class Planner {
 public:
  Planner(const PlanSource& source, const std::vector<FusedStep>& steps,
          const std::vector<PlanInput>& inputs, int64_t batch);

  Plan make();

 private:
  using Type = memory::data_type;
  using Tag = memory::format_tag;
  using algorithm = dnnl::algorithm;

  static size_t at(int index) { return static_cast<size_t>(index); }

  // Values and slots.

  Shape batched(int node) const;

  int new_slot(const memory::desc& desc);
  Place new_place(const memory::desc& desc) { return {desc, new_slot(desc), nullptr, 1}; }
  int next_launch() const { return static_cast<int>(plan_.launches.size()); }

  void define(int node, const Place& place);

  void release(int node);

  /// Whether this step may write over `node`'s result: nobody else reads it, nor its memory.
  bool may_overwrite(int node) const;

  void add_input(const PlanInput& input);

  /// The quantize step that alone reads `node`, or -1.
  int only_rounded(int node) const;

  Type integer_type(int node) const {
    return grids_[at(node)]->dtype() == DType::i8 ? Type::s8 : Type::u8;
  }

  /// The largest integer of a rounding whose type could hold larger ones, so that they have to be
  /// cut, or `kUnlimited`.
  float limit_of(int rounding) const;
  static constexpr float kUnlimited = std::numeric_limits<float>::infinity();

  /// Channels last: as decoded pictures lie in memory.
  static memory::desc input_layout(const Shape& shape, Type type);

  void add_output();

  void touch(const Place& place, int launch);

  // Launches.

  void launch(const Kernel& kernel, std::vector<Launch::Argument> arguments);

  void launch_own(std::string name, OwnKernel kernel, const std::vector<Place>& places);

  void push(Launch next);

  void add_reorder(const Place& from, const Place& to) {
    launch(reorder_kernel(from.desc, to.desc), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  }

  Place reordered(const Place& from, const memory::desc& wanted);

  Place copied(const Place& from);

  // Results as steps want to read them.

  /// `node`'s result with the axes of its own shape: flattening only renames axes where the memory
  /// is row-major.
  Place shaped(int node);

  /// `node`'s result as real numbers.
  Place real(int node) { return real(shaped(node)); }
  Place real(const Place& place);

  /// In what the products of a conv or linear that isn't i8 are computed.
  Type factor_type(const Node& node) const {
    return node.is_bf16() && multiplies_bf16() ? Type::bf16 : type_;
  }

  /// `place` as real numbers that `node` multiplies by its weights: rounded, if those are bf16.
  Place factors(const Node& node, const Place& place);

  /// The same numbers, in row-major order, as another shape.
  Place renamed(const Place& place, const Shape& shape);

  /// The same numbers in row-major order.
  Place as_plain(const Place& place);

  /// Whether a layout is row-major in memory though it isn't called so: one pixel, whole blocks.
  static bool same_order(const memory::desc& desc);

  // Weights.

  std::string key(const FusedStep& step, const char* what) const {
    return graph_.node(step.anchor).name + '\n' + what;
  }

  Place constant(const FusedStep& step, const char* what, const memory::desc& desc,
                 const std::function<Tensor()>& plain);

  Place vector_constant(const FusedStep& step, const char* what,
                        const std::function<Tensor()>& plain, int64_t count);

  FoldedWeights folded(const FusedStep& step) const;

  // Steps.

  void add_step(const FusedStep& step);

  /// The epilogue as kernels want it; an addition in place where the other result may be
  /// overwritten. `target` becomes that result's place then.
  std::vector<Epilogue> epilogue_of(const FusedStep& step, Place* target);

  void add_conv(const FusedStep& step);

  bool has_bias(const FusedStep& step) const;

  /// `as_read` brings the folded weights into the shape that the kernel reads.
  void launch_conv(const FusedStep& step, const Kernel& kernel, const Place& x, const Place& y,
                   const std::function<Tensor(const Tensor&)>& as_read);

  bool has_few_windows(const FusedStep& step) const;

  /// A convolution as a product of matrices: what each window covers becomes a row.
  void add_conv_of_patches(const FusedStep& step);

  /// A convolution of integers, which gives integers where a rounding is fused, else real numbers.
  void add_int8_conv(const FusedStep& step);

  /// The epilogue in terms of the result's integers. `factor` becomes what the sums are multiplied
  /// by beside their own scales.
  std::vector<Epilogue> integer_epilogue(const FusedStep& step, float* factor, Place* target);

  void add_quantize(const FusedStep& step);

  static Shape grouped_shape(const Node& node);

  /// With the input as it lies in memory where oneDNN has generated code for that, else in the
  /// layout that it would choose.
  static Kernel best_conv(const memory::desc& x, const memory::desc& weights, bool bias,
                          const memory::desc& dst, const Window& window,
                          const std::vector<Epilogue>& epilogue, const ChannelScales& scales = {});

  void add_linear(const FusedStep& step);

  void add_batch_norm(const FusedStep& step);

  /// y = x * scale + shift with {C} numbers each.
  void add_channel_affine(const FusedStep& step, const std::function<Tensor()>& scale,
                          const std::function<Tensor()>& shift);

  static Tensor repeated(float value, int64_t count) {
    return Tensor::from({count}, std::vector<float>(static_cast<size_t>(count), value));
  }

  void add_affine(const FusedStep& step);

  void add_layer_norm(const FusedStep& step);

  void add_matmul(const FusedStep& step);

  /// Only the axes' names change, not the memory.
  void add_permute(const FusedStep& step);

  void add_slice(const FusedStep& step);

  void add_pad(const FusedStep& step);

  static int64_t bytes_of(const memory::desc& desc) {
    return static_cast<int64_t>(memory::data_type_size(type_of(desc)));
  }

  /// `node`'s place if it may be written over, else a new one of the same layout.
  Place result_over(int node, const Place& x) {
    return may_overwrite(node) && x.slot == values_.at(node).slot ? x : new_place(x.desc);
  }

  void add_activation(const FusedStep& step);

  void add_binary(const FusedStep& step, algorithm kind);

  /// `place` with as many axes as `like`, those that it lacks in front, as NumPy counts them.
  Place padded_axes(const Place& place, const Place& like);

  void add_concat(const FusedStep& step);

  /// Makes layouts like that of `desc` for other shapes; row-major where it is none of the usual.
  static std::function<memory::desc(const Shape&, Type)> layout_of(const memory::desc& desc);

  void add_pool(const FusedStep& step);

  void add_pool(const FusedStep& step, algorithm kind, const Window& window);

  void add_adaptive_pool(const FusedStep& step);

  /// For windows that oneDNN hasn't.
  void add_mean(const FusedStep& step, std::vector<Span> rows, std::vector<Span> columns);

  void add_softmax(const FusedStep& step);

  void lay_out_arena();

  const Graph& graph_;
  PackedWeights& weights_;
  Type type_;
  std::vector<std::optional<QuantParams>> grids_;  ///< of each node's result
  const std::vector<FusedStep>& steps_;
  Plan plan_;
  int step_ = 0;
  std::map<int, Place> values_;
  std::map<int, int> uses_left_;
  std::vector<Lifetime> slots_;
  std::vector<int> owners_;  ///< of each slot: results in it that are still to be read
};

}  // namespace fpcls
