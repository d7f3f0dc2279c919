#include "engine/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "graph/bf16.h"
#include "graph/quantize.h"

namespace fpcls {

Planner::Planner(const PlanSource& source, const std::vector<FusedStep>& steps,
                 const std::vector<PlanInput>& inputs, int64_t batch)
    : graph_(source.graph),
      weights_(source.weights),
      type_(source.float_type == FloatType::bf16 ? Type::bf16 : Type::f32),
      grids_(grids(source.graph)),
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

Plan Planner::make() {
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

Shape Planner::batched(int node) const {
  Shape shape = graph_.shape(node);
  shape[0] *= plan_.batch;
  return shape;
}

int Planner::new_slot(const memory::desc& desc) {
  slots_.push_back({static_cast<int64_t>(desc.get_size()), next_launch(), next_launch()});
  owners_.push_back(0);
  return static_cast<int>(slots_.size()) - 1;
}

void Planner::define(int node, const Place& place) {
  values_[node] = place;
  if (place.is_integer()) values_[node].scale = grids_[at(node)]->scale;
  if (place.slot >= 0) ++owners_[at(place.slot)];
}

void Planner::release(int node) {
  if (--uses_left_[node] > 0) return;
  const Place& place = values_.at(node);
  if (place.slot >= 0) --owners_[at(place.slot)];
}

bool Planner::may_overwrite(int node) const {
  const Place& place = values_.at(node);
  return place.slot >= 0 && uses_left_.at(node) == 1 && owners_[at(place.slot)] == 1;
}

void Planner::add_input(const PlanInput& input) {
  if (input.layout) {
    define(input.node, new_place(*input.layout));
    plan_.inputs.push_back(values_.at(input.node));
    return;
  }
  const Shape shape = batched(input.node);
  if (const int rounding = only_rounded(input.node);
      rounding >= 0 && limit_of(rounding) == kUnlimited) {
    // Pictures' bytes become the first layer's integers by a table.
    Place place = new_place(input_layout(shape, integer_type(rounding)));
    place.scale = grids_[at(rounding)]->scale;
    plan_.inputs.push_back(place);
    values_[input.node] = place;
    ++owners_[at(place.slot)];
    return;
  }
  plan_.inputs.push_back(new_place(input_layout(shape, Type::f32)));
  define(input.node, type_ == Type::f32
                         ? plan_.inputs.back()
                         : reordered(plan_.inputs.back(), input_layout(shape, type_)));
}

int Planner::only_rounded(int node) const {
  int found = -1;
  for (const FusedStep& step : steps_) {
    for (const int read : step.reads()) {
      if (read != node) continue;
      if (found >= 0 || graph_.node(step.anchor).op != Op::quantize) return -1;
      found = step.anchor;
    }
  }
  return found;
}

float Planner::limit_of(int rounding) const {
  const QuantParams& params = *grids_[at(rounding)];
  const bool fills_type = params.dtype() == DType::i8 || params.highest == 255;
  return fills_type ? kUnlimited : static_cast<float>(params.highest);
}

memory::desc Planner::input_layout(const Shape& shape, Type type) {
  if (shape.size() != 4) return plain_desc(shape, type);
  return {memory::dims(shape.begin(), shape.end()), type, Tag::nhwc};
}

void Planner::add_output() {
  step_ = static_cast<int>(steps_.size()) - 1;
  const int node = steps_.back().result;
  const memory::desc wanted = plain_desc(batched(node), Type::f32);
  Place place = real(node);
  if (place.desc != wanted) {
    const Place plain = new_place(wanted);
    add_reorder(place, plain);
    place = plain;
  }
  touch(place, next_launch());
  plan_.output = place;
}

void Planner::touch(const Place& place, int launch) {
  if (place.slot < 0) return;
  Lifetime& life = slots_[at(place.slot)];
  life.last = std::max(life.last, launch);
}

void Planner::launch(const Kernel& kernel, std::vector<Launch::Argument> arguments) {
  for (const auto& [index, factors] : kernel.factors) {
    const auto count = static_cast<int64_t>(factors.size());
    // A step has one kernel with a factor a channel, but may copy with several single ones.
    std::string name = "factor " + std::to_string(index);
    if (count == 1) name += fmt::format(" {}", factors[0]);
    arguments.push_back(
        {index, vector_constant(
                    steps_[at(step_)], name.c_str(),
                    [&, &f = factors] { return Tensor::from({count}, f); }, count)});
  }
  if (kernel.scratchpad.get_size() > 0) {
    arguments.push_back({DNNL_ARG_SCRATCHPAD, new_place(kernel.scratchpad)});
    plan_.scratchpad_bytes =
        std::max(plan_.scratchpad_bytes, static_cast<int64_t>(kernel.scratchpad.get_size()));
  }
  push({kernel.primitive, {}, std::move(arguments), step_, kernel.name});
}

void Planner::launch_own(std::string name, OwnKernel kernel, const std::vector<Place>& places) {
  std::vector<Launch::Argument> arguments;
  for (const Place& place : places) arguments.push_back({0, place});
  push({{}, std::move(kernel), std::move(arguments), step_, std::move(name)});
}

void Planner::push(Launch next) {
  for (const Launch::Argument& argument : next.arguments) touch(argument.place, next_launch());
  plan_.launches.push_back(std::move(next));
}

Place Planner::reordered(const Place& from, const memory::desc& wanted) {
  if (from.desc == wanted) return from;
  Place to = new_place(wanted);
  to.scale = from.scale;
  add_reorder(from, to);
  return to;
}

Place Planner::copied(const Place& from) {
  const Place to = new_place(from.desc);
  add_reorder(from, to);
  return to;
}

Place Planner::shaped(int node) {
  const Place place = values_.at(node);
  const Shape shape = batched(node);
  const memory::dims dims = dims_of(place.desc);
  if (Shape(dims.begin(), dims.end()) == shape) return place;
  return renamed(place, shape);
}

Place Planner::real(const Place& place) {
  if (!place.is_integer()) return place;
  const memory::dims dims = dims_of(place.desc);
  const Place to = new_place(layout_of(place.desc)(Shape(dims.begin(), dims.end()), type_));
  launch(reorder_kernel(place.desc, to.desc, place.scale),
         {{DNNL_ARG_FROM, place}, {DNNL_ARG_TO, to}});
  return to;
}

Place Planner::factors(const Node& node, const Place& place) {
  if (!node.is_bf16() || type_ == Type::bf16) return real(place);
  const memory::dims dims = dims_of(place.desc);
  const Shape shape(dims.begin(), dims.end());
  if (multiplies_bf16()) {
    const Place to = new_place(layout_of(place.desc)(shape, Type::bf16));
    launch(reorder_kernel(place.desc, to.desc, place.scale),
           {{DNNL_ARG_FROM, place}, {DNNL_ARG_TO, to}});
    return to;
  }
  const Place x = real(place);
  const Place to = new_place(x.desc);
  launch_own("own:round", round_to_bf16_kernel(x.desc), {x, to});
  return to;
}

Place Planner::renamed(const Place& place, const Shape& shape) {
  Place plain = as_plain(place);
  plain.desc = plain_desc(shape, type_of(place.desc));
  return plain;
}

Place Planner::as_plain(const Place& place) {
  const memory::dims dims = dims_of(place.desc);
  const memory::desc wanted = plain_desc(Shape(dims.begin(), dims.end()), type_of(place.desc));
  if (place.desc == wanted) return place;
  if (same_order(place.desc)) return {wanted, place.slot, place.fixed, place.scale};
  return reordered(place, wanted);
}

bool Planner::same_order(const memory::desc& desc) {
  const memory::dims dims = dims_of(desc);
  if (dims.size() != 4 || dims[2] != 1 || dims[3] != 1) return false;
  const Type type = type_of(desc);
  return desc == memory::desc(dims, type, Tag::nhwc) ||
         (dims[1] % 16 == 0 && desc == memory::desc(dims, type, Tag::nChw16c)) ||
         (dims[1] % 8 == 0 && desc == memory::desc(dims, type, Tag::nChw8c));
}

Place Planner::constant(const FusedStep& step, const char* what, const memory::desc& desc,
                        const std::function<Tensor()>& plain) {
  const PackedTensor packed = weights_.get(key(step, what), desc, plain);
  return {packed.desc, -1, packed.data, 1};
}

Place Planner::vector_constant(const FusedStep& step, const char* what,
                               const std::function<Tensor()>& plain, int64_t count) {
  return constant(step, what, {{count}, Type::f32, Tag::a}, plain);
}

FoldedWeights Planner::folded(const FusedStep& step) const {
  const Node& node = graph_.node(step.anchor);
  if (step.norm < 0) return {as_f32(node.weight("weight")), node.weight("bias")};
  FoldedWeights result = fold_batch_norm(node, graph_.node(step.norm));
  release_pages(node.weight("weight").bytes());
  return result;
}

void Planner::add_step(const FusedStep& step) {
  switch (graph_.node(step.anchor).op) {
    case Op::conv:
      return graph_.node(step.anchor).is_int8() ? add_int8_conv(step) : add_conv(step);
    case Op::quantize:
      return add_quantize(step);
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

void Planner::lay_out_arena() {
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

}  // namespace fpcls
