#include "compress/layer_walk.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "exec/step_name.h"

namespace fpcls {
namespace {

size_t at(int index) { return static_cast<size_t>(index); }

bool same_bits(const Tensor& a, const Tensor& b) { return a.bytes() == b.bytes(); }

/// Results by node, each dropped after as many reads as were announced.
class Held {
 public:
  Held(size_t nodes, int64_t& now_bytes, int64_t& most_bytes)
      : values_(nodes), reads_(nodes), now_bytes_(now_bytes), most_bytes_(most_bytes) {}

  void expect_read(int node) { ++reads_[at(node)]; }
  bool has(int node) const { return !values_[at(node)].empty(); }
  const Tensor& get(int node) const {
    FPCLS_CHECK(has(node));
    return values_[at(node)];
  }
  void put(int node, Tensor value) {
    if (reads_[at(node)] == 0) return;
    now_bytes_ += value.size_bytes();
    most_bytes_ = std::max(most_bytes_, now_bytes_);
    values_[at(node)] = std::move(value);
  }
  void done_reading(int node) {
    if (--reads_[at(node)] > 0) return;
    now_bytes_ -= values_[at(node)].size_bytes();
    values_[at(node)] = Tensor();
  }

 private:
  std::vector<Tensor> values_;
  std::vector<int> reads_;
  int64_t& now_bytes_;
  int64_t& most_bytes_;
};

}  // namespace

LayerWalk::LayerWalk(WalkSide first, WalkSide second)
    : first_(first),
      second_(second),
      first_steps_(first.executor->steps()),
      second_steps_(second.executor->steps()) {
  if (first.graph->input_shape() != second.graph->input_shape()) {
    fail("the two models read different inputs ({} and {}); give models of the same input size",
         shape_text(first.graph->input_shape()), shape_text(second.graph->input_shape()));
  }
  match();
}

LayerWalk::~LayerWalk() = default;

void LayerWalk::match() {
  std::map<std::string, int> known;
  for (const ExecutorStep& step : first_steps_)
    known[first_.graph->node(step.node).name] = step.node;
  partner_.assign(at(second_.graph->size()), -1);
  layer_of_.assign(at(second_.graph->size()), -1);
  partner_[0] = 0;
  layer_of_[0] = 0;
  layers_.push_back({second_.graph->node(0).name, "input", second_.graph->node(0).name, {}, {}});
  std::vector<int> compared{0};
  known.emplace(first_.graph->node(0).name, 0);
  for (const ExecutorStep& step : second_steps_) {
    // A rounded result is compared to what it was rounded from where the other side doesn't round.
    int source = step.node;
    while (second_.graph->node(source).op == Op::quantize &&
           known.count(second_.graph->node(source).name) == 0) {
      source = second_.graph->node(source).inputs[0];
    }
    const std::string& name = second_.graph->node(source).name;
    const auto found = known.find(name);
    if (found == known.end()) continue;
    if (first_.graph->shape(found->second) != second_.graph->shape(step.node)) {
      misshapen_.push_back(name);
      continue;
    }
    const StepName called = step_name(*second_.graph, compared, step.node);
    partner_[at(step.node)] = found->second;
    layer_of_[at(step.node)] = static_cast<int>(layers_.size());
    layers_.push_back({called.name, called.op, name, {}, {}});
    compared.push_back(step.node);
  }
  if (layers_.size() == 1) {
    fail("the two models have no layer of the same name and shape in common; nothing to compare");
  }
}

/// One batch. For each of the second's nodes there is its result so far; for those that the first
/// doesn't compute, also their result where all that is compared before them is the first's.
class LayerWalk::Pass {
 public:
  Pass(LayerWalk& walk, const Tensor& first_input, const Tensor& second_input)
      : walk_(walk),
        first_(at(walk.first_.graph->size()), held_bytes_, walk.most_held_bytes_),
        second_(at(walk.second_.graph->size()), held_bytes_, walk.most_held_bytes_),
        apart_(at(walk.second_.graph->size()), held_bytes_, walk.most_held_bytes_) {
    announce();
    first_.put(0, first_input);
    const bool same = same_bits(first_input, second_input);
    WalkedLayer& input = walk.layers_[0];
    input.injected.add(first_input, second_input);
    input.so_far.add(first_input, second_input);
    second_.put(0, same ? first_input : second_input);
  }

  void run() {
    for (size_t i = 0; i < walk_.second_steps_.size(); ++i) run_second(static_cast<int>(i));
  }

 private:
  bool is_compared(int node) const { return walk_.partner_[at(node)] >= 0; }

  void announce() {
    for (const ExecutorStep& step : walk_.first_steps_) {
      for (const int input : step.inputs) first_.expect_read(input);
    }
    for (const ExecutorStep& step : walk_.second_steps_) {
      for (const int input : step.inputs) {
        second_.expect_read(input);
        if (is_compared(input)) {
          first_.expect_read(walk_.partner_[at(input)]);
        } else {
          apart_.expect_read(input);
        }
      }
      if (is_compared(step.node)) first_.expect_read(walk_.partner_[at(step.node)]);
    }
  }

  /// Runs the first side until it has computed `node`.
  void advance_first(int node) {
    while (!first_.has(node)) {
      FPCLS_CHECK(next_first_ < walk_.first_steps_.size());
      const ExecutorStep& step = walk_.first_steps_[next_first_];
      std::vector<Tensor> inputs;
      for (const int input : step.inputs) inputs.push_back(first_.get(input));
      first_.put(step.node, walk_.first_.executor->run_step(static_cast<int>(next_first_), inputs));
      for (const int input : step.inputs) first_.done_reading(input);
      ++next_first_;
    }
  }

  void run_second(int index) {
    const ExecutorStep& step = walk_.second_steps_[at(index)];
    std::vector<Tensor> own, given;
    bool same = true;
    for (const int input : step.inputs) {
      own.push_back(second_.get(input));
      if (is_compared(input)) {
        advance_first(walk_.partner_[at(input)]);
        given.push_back(first_.get(walk_.partner_[at(input)]));
      } else {
        given.push_back(apart_.get(input));
      }
      // Equal results share their memory, so that this needs no look at the numbers.
      same = same && own.back().bytes().data() == given.back().bytes().data();
    }
    Tensor so_far = walk_.second_.executor->run_step(index, own);
    Tensor injected = same ? so_far : walk_.second_.executor->run_step(index, given);
    own.clear();
    given.clear();
    if (is_compared(step.node)) {
      compare(step.node, so_far, injected);
    } else {
      apart_.put(step.node, std::move(injected));
      second_.put(step.node, std::move(so_far));
    }
    for (const int input : step.inputs) {
      second_.done_reading(input);
      if (is_compared(input)) {
        first_.done_reading(walk_.partner_[at(input)]);
      } else {
        apart_.done_reading(input);
      }
    }
  }

  void compare(int node, Tensor& so_far, const Tensor& injected) {
    const int partner = walk_.partner_[at(node)];
    advance_first(partner);
    const Tensor reference = first_.get(partner);
    WalkedLayer& layer = walk_.layers_[at(walk_.layer_of_[at(node)])];
    layer.injected.add(reference, injected);
    layer.so_far.add(reference, so_far);
    second_.put(node, same_bits(reference, so_far) ? reference : std::move(so_far));
    first_.done_reading(partner);
  }

  LayerWalk& walk_;
  int64_t held_bytes_ = 0;
  Held first_, second_, apart_;
  size_t next_first_ = 0;
};

void LayerWalk::add(const Tensor& first_input, const Tensor& second_input) {
  FPCLS_CHECK(first_input.shape() == second_input.shape());
  Pass(*this, first_input, second_input).run();
  pictures_ += first_input.shape()[0];
}

int first_divergent(const std::vector<WalkedLayer>& layers, double tolerance) {
  for (size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].injected.diverges(tolerance) || layers[i].so_far.diverges(tolerance)) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

int worst_injected(const std::vector<WalkedLayer>& layers) {
  int worst = -1;
  double lowest_db = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < layers.size(); ++i) {
    const LayerError& error = layers[i].injected;
    if (error.max() == 0 && error.non_finite() == 0) continue;
    // Noise where there should be nothing is worse than any ratio.
    double db = error.sqnr_db().value_or(-std::numeric_limits<double>::max());
    if (error.non_finite() > 0) db = -std::numeric_limits<double>::infinity();
    if (worst < 0 || db < lowest_db) {
      worst = static_cast<int>(i);
      lowest_db = db;
    }
  }
  return worst;
}

}  // namespace fpcls
