#include "engine/fuse.h"

#include <algorithm>
#include <map>

#include "graph/fold.h"
#include "graph/integer_step.h"
#include "graph/readers.h"

namespace fpcls {
namespace {

size_t at(int index) { return static_cast<size_t>(index); }

class Fuser {
 public:
  explicit Fuser(const Graph& graph)
      : graph_(graph),
        output_(graph.outputs()[0].node),
        norms_(foldable_batch_norms(graph)),
        integers_(integer_steps(graph)),
        readers_(graph),
        merged_(at(graph.size())) {}

  std::vector<FusedStep> steps() {
    std::vector<FusedStep> steps;
    for (int i = 1; i < graph_.size(); ++i) {
      if (readers_.needed(i) && !merged_[at(i)]) steps.push_back(step_from(i));
    }
    return steps;
  }

 private:
  FusedStep step_from(int anchor) {
    const Node& node = graph_.node(anchor);
    FusedStep step{anchor, anchor, -1, -1, node.inputs, {}};
    switch (node.op) {
      case Op::conv:
        if (node.is_int8()) {
          merge_integers(step);
          break;
        }
        merge_norm(step);
        if (!merge_activation(step) && merge_add(step)) merge_activation(step);
        break;
      case Op::linear:
      case Op::add:
      case Op::mul:
        merge_activation(step);
        break;
      case Op::batch_norm:
      case Op::affine:
        if (readers_.only_reader(anchor) >= 0 &&
            graph_.node(readers_.only_reader(anchor)).op == Op::relu) {
          merge_activation(step);
        }
        break;
      default:
        break;
    }
    return step;
  }

  void merge(FusedStep& step, int node) {
    merged_[at(node)] = true;
    step.result = node;
  }

  void merge_integers(FusedStep& step) {
    const auto found = integers_.find(step.anchor);
    if (found == integers_.end()) return;
    const IntegerStep& known = found->second;
    if (known.sum >= 0) {
      step.epilogue.push_back({known.sum, known.other});
      merge(step, known.sum);
    }
    if (known.activation >= 0) {
      step.epilogue.push_back({known.activation, -1});
      merge(step, known.activation);
    }
    step.rounding = known.rounding;
    if (known.rounding >= 0) merge(step, known.rounding);
  }

  void merge_norm(FusedStep& step) {
    const int norm = norms_[at(step.anchor)];
    if (norm < 0 || !readers_.needed(norm) || step.anchor == output_) return;
    step.norm = norm;
    merge(step, norm);
  }

  bool merge_activation(FusedStep& step) {
    const int reader = readers_.only_reader(step.result);
    if (reader < 0 || !is_activation(graph_.node(reader).op)) return false;
    step.epilogue.push_back({reader, -1});
    merge(step, reader);
    return true;
  }

  /// An addition of another result of the same shape that is computed before this step.
  bool merge_add(FusedStep& step) {
    const int reader = readers_.only_reader(step.result);
    if (reader < 0 || graph_.node(reader).op != Op::add) return false;
    const std::vector<int>& inputs = graph_.node(reader).inputs;
    const int other = inputs[0] == step.result ? inputs[1] : inputs[0];
    if (other >= step.anchor || graph_.shape(other) != graph_.shape(step.result)) return false;
    step.epilogue.push_back({reader, other});
    merge(step, reader);
    return true;
  }

  const Graph& graph_;
  int output_;
  std::vector<int> norms_;
  std::map<int, IntegerStep> integers_;
  Readers readers_;
  std::vector<bool> merged_;
};

}  // namespace

std::vector<int> FusedStep::reads() const {
  std::vector<int> nodes = inputs;
  for (const FusedOp& op : epilogue) {
    if (op.other >= 0) nodes.push_back(op.other);
  }
  return nodes;
}

std::vector<FusedStep> fuse(const Graph& graph) { return Fuser(graph).steps(); }

}  // namespace fpcls
