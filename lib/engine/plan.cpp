#include "engine/plan.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "engine/own_kernels.h"
#include "engine/window.h"
#include "graph/fold.h"

namespace fpcls {
namespace {

using dnnl::algorithm;
using Type = memory::data_type;
using Tag = memory::format_tag;

size_t at(int index) { return static_cast<size_t>(index); }

class Planner {
 public:
  Planner(const PlanSource& source, const std::vector<FusedStep>& steps,
          const std::vector<PlanInput>& inputs, int64_t batch)
      : graph_(source.graph),
        weights_(source.weights),
        type_(source.float_type == FloatType::bf16 ? Type::bf16 : Type::f32),
        steps_(steps) {
    static std::atomic<uint64_t> plans{0};
    plan_.id = ++plans;
    plan_.batch = batch;
    for (const FusedStep& step : steps) {
      for (const int node : step.reads()) ++uses_left_[node];
    }
    ++uses_left_[steps.back().result];
    for (const PlanInput& input : inputs) add_input(input);
  }

  Plan make() {
    for (step_ = 0; step_ < static_cast<int>(steps_.size()); ++step_) {
      const FusedStep& step = steps_[at(step_)];
      try {
        add_step(step);
      } catch (const Error& error) {
        fail("layer {}: {}", quoted(graph_.node(step.anchor).name), error.what());
      }
      plan_.results.push_back(values_.at(step.result));
      for (const int node : step.reads()) release(node);
    }
    add_output();
    lay_out_arena();
    return std::move(plan_);
  }

 private:
  // Values and slots.

  Shape batched(int node) const {
    Shape shape = graph_.shape(node);
    shape[0] *= plan_.batch;
    return shape;
  }

  int new_slot(const memory::desc& desc) {
    slots_.push_back({static_cast<int64_t>(desc.get_size()), next_launch(), next_launch()});
    owners_.push_back(0);
    return static_cast<int>(slots_.size()) - 1;
  }
  Place new_place(const memory::desc& desc) { return {desc, new_slot(desc), nullptr}; }
  int next_launch() const { return static_cast<int>(plan_.launches.size()); }

  void define(int node, const Place& place) {
    values_[node] = place;
    if (place.slot >= 0) ++owners_[at(place.slot)];
  }

  void release(int node) {
    if (--uses_left_[node] > 0) return;
    const Place& place = values_.at(node);
    if (place.slot >= 0) --owners_[at(place.slot)];
  }

  /// Whether this step may write over `node`'s result: nobody else reads it, nor its memory.
  bool may_overwrite(int node) const {
    const Place& place = values_.at(node);
    return place.slot >= 0 && uses_left_.at(node) == 1 && owners_[at(place.slot)] == 1;
  }

  void add_input(const PlanInput& input) {
    if (input.layout) {
      plan_.inputs.push_back(new_place(*input.layout));
      return define(input.node, plan_.inputs.back());
    }
    const Shape shape = batched(input.node);
    plan_.inputs.push_back(new_place(input_layout(shape, Type::f32)));
    define(input.node, type_ == Type::f32
                           ? plan_.inputs.back()
                           : reordered(plan_.inputs.back(), input_layout(shape, type_)));
  }

  /// Channels last: as decoded pictures lie in memory.
  static memory::desc input_layout(const Shape& shape, Type type) {
    if (shape.size() != 4) return plain_desc(shape, type);
    return {memory::dims(shape.begin(), shape.end()), type, Tag::nhwc};
  }

  void add_output() {
    step_ = static_cast<int>(steps_.size()) - 1;
    const int node = steps_.back().result;
    const memory::desc wanted = plain_desc(batched(node), Type::f32);
    Place place = shaped(node);
    if (place.desc != wanted) {
      const Place plain = new_place(wanted);
      add_reorder(place, plain);
      place = plain;
    }
    touch(place, next_launch());
    plan_.output = place;
  }

  void touch(const Place& place, int launch) {
    if (place.slot < 0) return;
    Lifetime& life = slots_[at(place.slot)];
    life.last = std::max(life.last, launch);
  }

  // Launches.

  void launch(const Kernel& kernel, std::vector<Launch::Argument> arguments) {
    if (kernel.scratchpad.get_size() > 0) {
      arguments.push_back({DNNL_ARG_SCRATCHPAD, new_place(kernel.scratchpad)});
      plan_.scratchpad_bytes =
          std::max(plan_.scratchpad_bytes, static_cast<int64_t>(kernel.scratchpad.get_size()));
    }
    push({kernel.primitive, {}, std::move(arguments), step_, kernel.name});
  }

  void launch_own(std::string name, OwnKernel kernel, const std::vector<Place>& places) {
    std::vector<Launch::Argument> arguments;
    for (const Place& place : places) arguments.push_back({0, place});
    push({{}, std::move(kernel), std::move(arguments), step_, std::move(name)});
  }

  void push(Launch next) {
    for (const Launch::Argument& argument : next.arguments) touch(argument.place, next_launch());
    plan_.launches.push_back(std::move(next));
  }

  void add_reorder(const Place& from, const Place& to) {
    launch(reorder_kernel(from.desc, to.desc), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  }

  Place reordered(const Place& from, const memory::desc& wanted) {
    if (from.desc == wanted) return from;
    const Place to = new_place(wanted);
    add_reorder(from, to);
    return to;
  }

  Place copied(const Place& from) {
    const Place to = new_place(from.desc);
    add_reorder(from, to);
    return to;
  }

  // Results as steps want to read them.

  /// `node`'s result with the axes of its own shape: flattening only renames axes where the memory
  /// is row-major.
  Place shaped(int node) {
    const Place place = values_.at(node);
    const Shape shape = batched(node);
    const memory::dims dims = dims_of(place.desc);
    if (Shape(dims.begin(), dims.end()) == shape) return place;
    return renamed(place, shape);
  }

  /// The same numbers, in row-major order, as another shape.
  Place renamed(const Place& place, const Shape& shape) {
    Place plain = as_plain(place);
    plain.desc = plain_desc(shape, type_of(place.desc));
    return plain;
  }

  /// The same numbers in row-major order.
  Place as_plain(const Place& place) {
    const memory::dims dims = dims_of(place.desc);
    const memory::desc wanted = plain_desc(Shape(dims.begin(), dims.end()), type_of(place.desc));
    if (place.desc == wanted) return place;
    if (same_order(place.desc)) return {wanted, place.slot, place.fixed};
    return reordered(place, wanted);
  }

  /// Whether a layout is row-major in memory though it isn't called so: one pixel, whole blocks.
  static bool same_order(const memory::desc& desc) {
    const memory::dims dims = dims_of(desc);
    if (dims.size() != 4 || dims[2] != 1 || dims[3] != 1) return false;
    const Type type = type_of(desc);
    return desc == memory::desc(dims, type, Tag::nhwc) ||
           (dims[1] % 16 == 0 && desc == memory::desc(dims, type, Tag::nChw16c)) ||
           (dims[1] % 8 == 0 && desc == memory::desc(dims, type, Tag::nChw8c));
  }

  // Weights.

  std::string key(const FusedStep& step, const char* what) const {
    return graph_.node(step.anchor).name + '\n' + what;
  }

  Place constant(const FusedStep& step, const char* what, const memory::desc& desc,
                 const std::function<Tensor()>& plain) {
    const PackedTensor packed = weights_.get(key(step, what), desc, plain);
    return {packed.desc, -1, packed.data};
  }

  Place vector_constant(const FusedStep& step, const char* what,
                        const std::function<Tensor()>& plain, int64_t count) {
    return constant(step, what, {{count}, Type::f32, Tag::a}, plain);
  }

  FoldedWeights folded(const FusedStep& step) const {
    const Node& node = graph_.node(step.anchor);
    if (step.norm >= 0) return fold_batch_norm(node, graph_.node(step.norm));
    return {node.weight("weight"), node.weight("bias")};
  }

  // Steps.

  void add_step(const FusedStep& step) {
    switch (graph_.node(step.anchor).op) {
      case Op::conv:
        return add_conv(step);
      case Op::linear:
        return add_linear(step);
      case Op::batch_norm:
        return add_batch_norm(step);
      case Op::affine:
        return add_affine(step);
      case Op::layer_norm:
        return add_layer_norm(step);
      case Op::matmul:
        return add_matmul(step);
      case Op::add:
        return add_binary(step, algorithm::binary_add);
      case Op::mul:
        return add_binary(step, algorithm::binary_mul);
      case Op::concat:
        return add_concat(step);
      case Op::max_pool:
      case Op::avg_pool:
        return add_pool(step);
      case Op::adaptive_avg_pool:
        return add_adaptive_pool(step);
      case Op::flatten:
        return define(step.result, values_.at(step.inputs[0]));
      case Op::reshape:
        return define(step.result, renamed(shaped(step.inputs[0]), batched(step.result)));
      case Op::permute:
        return add_permute(step);
      case Op::slice:
        return add_slice(step);
      case Op::pad:
        return add_pad(step);
      case Op::softmax:
        return add_softmax(step);
      default:
        return add_activation(step);
    }
  }

  /// The epilogue as kernels want it; an addition in place where the other result may be
  /// overwritten. `target` becomes that result's place then.
  std::vector<Epilogue> epilogue_of(const FusedStep& step, Place* target) {
    std::vector<Epilogue> epilogue;
    for (const FusedOp& op : step.epilogue) {
      if (op.other < 0) {
        for (const Eltwise& e : eltwise_of(graph_.node(op.node))) epilogue.push_back({false, e});
        continue;
      }
      *target = shaped(op.other);
      if (!may_overwrite(op.other)) *target = copied(*target);
      epilogue.push_back({true, {}});
    }
    return epilogue;
  }

  void add_conv(const FusedStep& step) {
    const Node& node = graph_.node(step.anchor);
    const ConvAttributes& a = node.conv();
    Place x = shaped(step.inputs[0]);
    Place target;
    const std::vector<Epilogue> epilogue = epilogue_of(step, &target);
    const bool in_place = target.slot >= 0;
    const memory::desc dst = in_place ? target.desc : any_desc(batched(step.result), type_);
    Shape shape = node.weight("weight").shape();
    if (a.groups > 1) {
      shape[0] /= a.groups;
      shape.insert(shape.begin(), a.groups);
    }
    const memory::desc* known = weights_.known(key(step, "weight"));
    const memory::desc weights = known != nullptr ? *known : any_desc(shape, type_);
    const bool bias = step.norm >= 0 || !node.weight("bias").empty();
    const Window window = conv_window(a);
    Kernel kernel = best_conv(x.desc, weights, bias, dst, window, epilogue);
    if (known != nullptr && kernel.is_reference()) {
      kernel = best_conv(x.desc, any_desc(shape, type_), bias, dst, window, epilogue);
    }
    x = reordered(x, kernel.src);
    const Place y = in_place ? target : new_place(kernel.dst);
    std::vector<Launch::Argument> arguments{{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}};
    arguments.push_back({DNNL_ARG_WEIGHTS, constant(step, "weight", kernel.weights,
                                                    [&] { return folded(step).weight; })});
    if (bias) {
      arguments.push_back({DNNL_ARG_BIAS, vector_constant(
                                              step, "bias", [&] { return folded(step).bias; },
                                              graph_.shape(step.anchor)[1])});
    }
    launch(kernel, std::move(arguments));
    define(step.result, y);
  }

  /// With the input as it lies in memory where oneDNN has generated code for that, else in the
  /// layout that it would choose.
  static Kernel best_conv(const memory::desc& x, const memory::desc& weights, bool bias,
                          const memory::desc& dst, const Window& window,
                          const std::vector<Epilogue>& epilogue) {
    Kernel direct = conv_kernel(x, weights, bias, dst, window, epilogue);
    if (direct.name.find("jit") == 0 || direct.name.find("brg") == 0) return direct;
    const memory::dims dims = dims_of(x);
    Kernel chosen = conv_kernel(any_desc(Shape(dims.begin(), dims.end()), type_of(x)), weights,
                                bias, dst, window, epilogue);
    return chosen.is_reference() ? direct : chosen;
  }

  void add_linear(const FusedStep& step) {
    const Node& node = graph_.node(step.anchor);
    const Shape w = node.weight("weight").shape();
    Place x = values_.at(step.inputs[0]);
    memory::dims dims = dims_of(x.desc);
    Shape weight_shape = w;
    const int64_t rows = element_count(batched(step.inputs[0])) / w[1];
    if (dims.size() == 4 && dims[0] == rows) {
      // Flattened only now: each output has a weight for every pixel.
      weight_shape = {w[0], dims[1], dims[2], dims[3]};
    } else if (dims.size() != 2) {
      x = renamed(shaped(step.inputs[0]), {rows, w[1]});
    }
    // The scores stay f32 whatever the layers before them are.
    const bool last = step_ + 1 == static_cast<int>(steps_.size());
    const memory::desc dst = any_desc({rows, w[0]}, last ? Type::f32 : type_);
    const bool bias = !node.weight("bias").empty();
    Place unused;
    const memory::desc* known = weights_.known(key(step, "weight"));
    const Kernel kernel =
        linear_kernel(x.desc, known != nullptr ? *known : any_desc(weight_shape, type_), bias, dst,
                      epilogue_of(step, &unused));
    x = reordered(x, kernel.src);
    Place y = new_place(kernel.dst);
    std::vector<Launch::Argument> arguments{{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}};
    arguments.push_back({DNNL_ARG_WEIGHTS, constant(step, "weight", kernel.weights,
                                                    [&] { return node.weight("weight"); })});
    if (bias) {
      arguments.push_back(
          {DNNL_ARG_BIAS, vector_constant(
                              step, "bias", [&] { return node.weight("bias"); }, w[0])});
    }
    launch(kernel, std::move(arguments));
    if (graph_.shape(step.result).size() != 2) y = renamed(y, batched(step.result));
    define(step.result, y);
  }

  void add_batch_norm(const FusedStep& step) {
    // As the folding into a convolution that passes everything through.
    const auto folded = [this, &step] {
      const int64_t channels = graph_.shape(step.anchor)[1];
      Node identity;
      identity.weights["weight"] =
          Tensor::from({channels, 1}, std::vector<float>(static_cast<size_t>(channels), 1.0F));
      return fold_batch_norm(identity, graph_.node(step.anchor));
    };
    add_channel_affine(
        step, [=] { return folded().weight; }, [=] { return folded().bias; });
  }

  /// y = x * scale + shift with {C} numbers each.
  void add_channel_affine(const FusedStep& step, const std::function<Tensor()>& scale,
                          const std::function<Tensor()>& shift) {
    const Place x = shaped(step.inputs[0]);
    const Place y = result_over(step.inputs[0], x);
    const int64_t channels = graph_.shape(step.anchor)[1];
    const auto all = [&](const char* what, float value) {
      return vector_constant(
          step, what, [&] { return repeated(value, channels); }, channels);
    };
    const bool relu = !step.epilogue.empty();
    launch(channel_affine_kernel(x.desc, relu),
           {{DNNL_ARG_SRC, x},
            {DNNL_ARG_DST, y},
            {DNNL_ARG_MEAN, all("mean", 0)},
            {DNNL_ARG_VARIANCE, all("variance", 1)},
            {DNNL_ARG_SCALE, vector_constant(step, "scale", scale, channels)},
            {DNNL_ARG_SHIFT, vector_constant(step, "shift", shift, channels)}});
    define(step.result, y);
  }

  static Tensor repeated(float value, int64_t count) {
    return Tensor::from({count}, std::vector<float>(static_cast<size_t>(count), value));
  }

  void add_affine(const FusedStep& step) {
    const Node& node = graph_.node(step.anchor);
    const Shape shape = graph_.shape(step.anchor);
    const auto each_channel = [&](const char* key) {
      const Tensor tensor = node.weight(key);
      return tensor.empty() || tensor.count() == 1 ||
             (tensor.count() == shape[1] && tensor.shape()[1] == shape[1]);
    };
    if (shape.size() == 4 && each_channel("scale") && each_channel("shift")) {
      const auto vector_of = [&](const char* key, float neutral) {
        return [=, &node] {
          const Tensor tensor = node.weight(key);
          if (tensor.empty()) return repeated(neutral, shape[1]);
          if (tensor.count() == 1) return repeated(tensor.data<float>()[0], shape[1]);
          return tensor;
        };
      };
      return add_channel_affine(step, vector_of("scale", 1), vector_of("shift", 0));
    }
    Place x = as_plain(shaped(step.inputs[0]));
    for (const char* key : {"scale", "shift"}) {
      const Tensor tensor = node.weight(key);
      if (tensor.empty()) continue;
      const bool scale = std::string_view(key) == "scale";
      const bool last = !scale || node.weight("shift").empty();
      Place unused;
      const Place other =
          constant(step, key, plain_desc(tensor.shape(), type_), [&] { return node.weight(key); });
      const Place y = new_place(x.desc);
      launch(
          binary_kernel(scale ? algorithm::binary_mul : algorithm::binary_add, x.desc, other.desc,
                        y.desc, last ? epilogue_of(step, &unused) : std::vector<Epilogue>()),
          {{DNNL_ARG_SRC_0, x}, {DNNL_ARG_SRC_1, other}, {DNNL_ARG_DST, y}});
      x = y;
    }
    define(step.result, x);
  }

  void add_layer_norm(const FusedStep& step) {
    const Node& node = graph_.node(step.anchor);
    const auto& a = std::get<LayerNormAttributes>(node.attributes);
    const Shape shape = batched(step.anchor);
    const int64_t inner = element_count(Shape(shape.begin() + a.axis, shape.end()));
    const Place x = renamed(shaped(step.inputs[0]), {element_count(shape) / inner, inner});
    const Place y = new_place(x.desc);
    const auto vector_of = [&](const char* key, float neutral) {
      return vector_constant(
          step, key,
          [&, neutral] {
            const Tensor tensor = node.weight(key);
            return tensor.empty() ? repeated(neutral, inner) : tensor;
          },
          inner);
    };
    launch(layer_norm_kernel(x.desc, static_cast<float>(a.epsilon)),
           {{DNNL_ARG_SRC, x},
            {DNNL_ARG_DST, y},
            {DNNL_ARG_SCALE, vector_of("weight", 1)},
            {DNNL_ARG_SHIFT, vector_of("bias", 0)}});
    define(step.result, renamed(y, shape));
  }

  void add_matmul(const FusedStep& step) {
    const auto as_batch = [&](int node) {
      const Shape shape = batched(node);
      const int64_t rows = shape[shape.size() - 2], columns = shape.back();
      return renamed(shaped(node), {element_count(shape) / (rows * columns), rows, columns});
    };
    const Place a = as_batch(step.inputs[0]);
    const Place b = as_batch(step.inputs[1]);
    const memory::dims rows = dims_of(a.desc), columns = dims_of(b.desc);
    const Place y = new_place(plain_desc({rows[0], rows[1], columns[2]}, type_));
    launch(matmul_kernel(a.desc, b.desc, y.desc),
           {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, y}});
    define(step.result, renamed(y, batched(step.result)));
  }

  /// Only the axes' names change, not the memory.
  void add_permute(const FusedStep& step) {
    const auto& a = std::get<PermuteAttributes>(graph_.node(step.anchor).attributes);
    std::vector<int> goes_to(a.axes.size());
    for (size_t i = 0; i < a.axes.size(); ++i) {
      goes_to[static_cast<size_t>(a.axes[i])] = static_cast<int>(i);
    }
    Place x = shaped(step.inputs[0]);
    x.desc = x.desc.permute_axes(goes_to);
    define(step.result, x);
  }

  void add_slice(const FusedStep& step) {
    const auto& a = std::get<SliceAttributes>(graph_.node(step.anchor).attributes);
    const Place x = as_plain(shaped(step.inputs[0]));
    const Shape in = batched(step.inputs[0]);
    const Place y = new_place(plain_desc(batched(step.result), type_of(x.desc)));
    launch_own("own:slice", slice_kernel(in, a, bytes_of(x.desc)), {x, y});
    define(step.result, y);
  }

  void add_pad(const FusedStep& step) {
    const auto& a = std::get<PadAttributes>(graph_.node(step.anchor).attributes);
    const Place x = as_plain(shaped(step.inputs[0]));
    const Place y = new_place(plain_desc(batched(step.result), type_of(x.desc)));
    launch_own("own:fill", fill_kernel(y.desc, static_cast<float>(a.value)), {y});
    Place inside = y;
    inside.desc =
        y.desc.submemory_desc(dims_of(x.desc), memory::dims(a.before.begin(), a.before.end()));
    add_reorder(x, inside);
    define(step.result, y);
  }

  static int64_t bytes_of(const memory::desc& desc) { return type_of(desc) == Type::f32 ? 4 : 2; }

  /// `node`'s place if it may be written over, else a new one of the same layout.
  Place result_over(int node, const Place& x) {
    return may_overwrite(node) && x.slot == values_.at(node).slot ? x : new_place(x.desc);
  }

  void add_activation(const FusedStep& step) {
    const Place x = shaped(step.inputs[0]);
    const Place y = result_over(step.inputs[0], x);
    Place from = x;
    for (const Eltwise& e : eltwise_of(graph_.node(step.anchor))) {
      launch(eltwise_kernel(e, x.desc), {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, y}});
      from = y;
    }
    define(step.result, y);
  }

  void add_binary(const FusedStep& step, algorithm algorithm) {
    int a = step.inputs[0];
    int b = step.inputs[1];
    if (element_count(graph_.shape(a)) < element_count(graph_.shape(b))) std::swap(a, b);
    if (graph_.shape(a) != graph_.shape(step.anchor)) {
      fail("{} of {} and {}, which both have to be repeated",
           enum_name(graph_.node(step.anchor).op), shape_text(graph_.shape(a)),
           shape_text(graph_.shape(b)));
    }
    if (graph_.shape(a) == graph_.shape(b) && a != b && !may_overwrite(a) && may_overwrite(b)) {
      std::swap(a, b);
    }
    const Place x = shaped(a);
    Place other = shaped(b);
    if (graph_.shape(a) == graph_.shape(b)) other = reordered(other, x.desc);
    const Place y = a == b ? new_place(x.desc) : result_over(a, x);
    Place unused;
    const std::vector<Epilogue> epilogue = epilogue_of(step, &unused);
    if (is_channel_gate(graph_.shape(a), graph_.shape(b)) && algorithm == algorithm::binary_mul &&
        epilogue.empty() && channel_layout(x.desc)) {
      other = as_plain(other);
      launch_own("own:gate", gate_kernel(x.desc), {x, other, y});
    } else {
      launch(binary_kernel(algorithm, x.desc, padded_axes(other, x).desc, y.desc, epilogue),
             {{DNNL_ARG_SRC_0, x}, {DNNL_ARG_SRC_1, padded_axes(other, x)}, {DNNL_ARG_DST, y}});
    }
    define(step.result, y);
  }

  /// `place` with as many axes as `like`, those that it lacks in front, as NumPy counts them.
  Place padded_axes(const Place& place, const Place& like) {
    const size_t axes = dims_of(like.desc).size();
    const memory::dims dims = dims_of(place.desc);
    if (dims.size() == axes) return place;
    Shape shape(axes - dims.size(), 1);
    shape.insert(shape.end(), dims.begin(), dims.end());
    return renamed(place, shape);
  }

  void add_concat(const FusedStep& step) {
    const auto& a = std::get<AxisAttributes>(graph_.node(step.anchor).attributes);
    std::vector<Place> places;
    for (const int input : step.inputs) places.push_back(shaped(input));
    // Everything in the layout of the largest, so that most of it is copied straight.
    const auto largest = std::max_element(
        places.begin(), places.end(),
        [](const Place& p, const Place& q) { return p.desc.get_size() < q.desc.get_size(); });
    const auto layout = layout_of(largest->desc);
    std::vector<memory::desc> descs;
    for (Place& place : places) {
      const memory::dims dims = dims_of(place.desc);
      place = reordered(place, layout(Shape(dims.begin(), dims.end()), type_));
      descs.push_back(place.desc);
    }
    const Kernel kernel = concat_kernel(static_cast<int>(a.axis), descs);
    const Place y = new_place(kernel.dst);
    std::vector<Launch::Argument> arguments{{DNNL_ARG_DST, y}};
    for (size_t i = 0; i < places.size(); ++i) {
      arguments.push_back({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), places[i]});
    }
    launch(kernel, std::move(arguments));
    define(step.result, y);
  }

  /// Makes layouts like that of `desc` for other shapes; row-major where it is none of the usual.
  static std::function<memory::desc(const Shape&, Type)> layout_of(const memory::desc& desc) {
    const memory::dims dims = dims_of(desc);
    if (dims.size() == 4) {
      for (const Tag tag : {Tag::nChw16c, Tag::nChw8c, Tag::nhwc}) {
        if (desc == memory::desc(dims, type_of(desc), tag)) {
          return [tag](const Shape& shape, Type type) {
            return memory::desc(memory::dims(shape.begin(), shape.end()), type, tag);
          };
        }
      }
    }
    return [](const Shape& shape, Type type) { return plain_desc(shape, type); };
  }

  void add_pool(const FusedStep& step) {
    const Node& node = graph_.node(step.anchor);
    const bool maximum = node.op == Op::max_pool;
    const Shape& in = graph_.shape(step.inputs[0]);
    const Shape& out = graph_.shape(step.anchor);
    const algorithm kind = maximum                         ? algorithm::pooling_max
                           : node.pool().count_include_pad ? algorithm::pooling_avg_include_padding
                                                           : algorithm::pooling_avg_exclude_padding;
    const Window window = pool_window(node.pool(), in, out);
    const bool reaches_over = window.padding_after[0] > node.pool().padding[2] ||
                              window.padding_after[1] > node.pool().padding[3];
    if (reaches_over && kind == algorithm::pooling_avg_include_padding) {
      // PyTorch divides by the padding that was asked for, oneDNN by all that the window covers.
      return add_mean(step, padded_spans(node.pool(), 0, in[2], out[2]),
                      padded_spans(node.pool(), 1, in[3], out[3]));
    }
    add_pool(step, kind, window);
  }

  void add_pool(const FusedStep& step, algorithm kind, const Window& window) {
    Place x = shaped(step.inputs[0]);
    const Kernel kernel = pool_kernel(kind, x.desc, any_desc(batched(step.anchor), type_), window);
    x = reordered(x, kernel.src);
    const Place y = new_place(kernel.dst);
    launch(kernel, {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}});
    define(step.result, y);
  }

  void add_adaptive_pool(const FusedStep& step) {
    const Shape in = batched(step.inputs[0]);
    const Shape out = batched(step.anchor);
    if (in[2] % out[2] == 0 && in[3] % out[3] == 0) {
      const Pair size{in[2] / out[2], in[3] / out[3]};
      return add_pool(step, algorithm::pooling_avg_include_padding,
                      pool_window({size, size, {}, {1, 1}, false, false}, in, out));
    }
    add_mean(step, adaptive_spans(in[2], out[2]), adaptive_spans(in[3], out[3]));
  }

  /// For windows that oneDNN hasn't.
  void add_mean(const FusedStep& step, std::vector<Span> rows, std::vector<Span> columns) {
    const Shape in = batched(step.inputs[0]);
    const Shape out = batched(step.anchor);
    const Place x = reordered(shaped(step.inputs[0]), plain_desc(in, Type::f32));
    Place y = new_place(plain_desc(out, Type::f32));
    launch_own("own:mean",
               mean_kernel(in[0] * in[1], in[2], in[3], std::move(rows), std::move(columns)),
               {x, y});
    define(step.result, type_ == Type::f32 ? y : reordered(y, plain_desc(out, type_)));
  }

  void add_softmax(const FusedStep& step) {
    const auto& a = std::get<AxisAttributes>(graph_.node(step.anchor).attributes);
    const Place x = as_plain(shaped(step.inputs[0]));
    const Place y = new_place(x.desc);
    launch(softmax_kernel(x.desc, static_cast<int>(a.axis)),
           {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}});
    define(step.result, y);
  }

  void lay_out_arena() {
    const ArenaLayout layout = lay_out(slots_);
    plan_.offsets = layout.offsets;
    plan_.arena_bytes = layout.bytes;
    int64_t most = -1;
    for (int i = 0; i < next_launch(); ++i) {
      int64_t alive = 0;
      for (const Lifetime& life : slots_) {
        if (life.first <= i && i <= life.last) alive += life.bytes;
      }
      if (alive <= most) continue;
      most = alive;
      plan_.peak_node = steps_[at(plan_.launches[at(i)].step)].result;
    }
  }

  const Graph& graph_;
  PackedWeights& weights_;
  Type type_;
  const std::vector<FusedStep>& steps_;
  Plan plan_;
  int step_ = 0;
  std::map<int, Place> values_;
  std::map<int, int> uses_left_;
  std::vector<Lifetime> slots_;
  std::vector<int> owners_;  ///< of each slot: results in it that are still to be read
};

}  // namespace

Plan make_plan(const PlanSource& source, const std::vector<FusedStep>& steps,
               const std::vector<PlanInput>& inputs, int64_t batch) {
  return Planner(source, steps, inputs, batch).make();
}

std::string engine_refusal(const Graph& graph) {
  static const std::set<Op> known{
      Op::input,      Op::conv,    Op::linear,   Op::batch_norm, Op::add,
      Op::mul,        Op::concat,  Op::max_pool, Op::avg_pool,   Op::adaptive_avg_pool,
      Op::flatten,    Op::softmax, Op::affine,   Op::matmul,     Op::reshape,
      Op::layer_norm, Op::permute, Op::slice,    Op::pad};
  for (const FusedStep& step : fuse(graph)) {
    const Node& node = graph.node(step.anchor);
    if (known.count(node.op) == 0 && eltwise_of(node).empty()) {
      return fmt::format("layer {}: the engine has no op {}", quoted(node.name),
                         enum_name(node.op));
    }
  }
  return "";
}

}  // namespace fpcls
