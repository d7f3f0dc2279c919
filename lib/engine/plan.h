#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/arena.h"
#include "engine/fuse.h"
#include "engine/weights.h"
#include "exec/executor.h"

/// A graph as a list of kernel launches for one batch size, with a place in the arena for every
/// result. Never changes once made; any number of workers run it, each in an arena of its own.
namespace fpcls {

/// A tensor's layout and where it lies: in the arena (at the offset of `slot`) or at `fixed`.
struct Place {
  memory::desc desc;
  int slot = -1;
  void* fixed = nullptr;
  /// Where it holds integers: what each stands for is integer * scale.
  float scale = 1;

  bool is_integer() const {
    return type_of(desc) == memory::data_type::s8 || type_of(desc) == memory::data_type::u8;
  }
};

/// Code of ours for what oneDNN has no kernel for: gets the addresses of a launch's arguments, in
/// their order.
using OwnKernel = std::function<void(void* const* arguments)>;

struct Launch {
  struct Argument {
    int index = 0;  ///< DNNL_ARG_…; not used by own kernels
    Place place;
  };
  dnnl::primitive primitive;  ///< empty where `own` is set
  OwnKernel own;
  std::vector<Argument> arguments;
  int step = 0;
  std::string kernel;
};

struct Plan {
  uint64_t id = 0;  ///< no other plan of the process has it
  int64_t batch = 1;
  std::vector<Launch> launches;
  std::vector<int64_t> offsets;  ///< of each slot
  int64_t arena_bytes = 0;
  int64_t scratchpad_bytes = 0;  ///< the largest of any launch, a part of the arena
  int peak_node = -1;            ///< whose launch needs the most of the arena
  std::vector<Place> inputs;
  Place output;                ///< f32, row-major
  std::vector<Place> results;  ///< of each step, valid right after its last launch
};

/// What all plans of one graph share.
struct PlanSource {
  const Graph& graph;
  FloatType float_type = FloatType::f32;
  PackedWeights& weights;
};

struct PlanInput {
  int node = 0;
  /// How it lies in memory; without it, f32 with channels last.
  std::optional<memory::desc> layout;
};

/// The plan for `steps` and `batch` pictures. What they read beside each other's results are
/// `inputs`; the last one's result is the output. Throws Error naming the layer that oneDNN can't
/// do.
Plan make_plan(const PlanSource& source, const std::vector<FusedStep>& steps,
               const std::vector<PlanInput>& inputs, int64_t batch);

/// Why the engine can't run `graph`, naming layer and op, or empty.
std::string engine_refusal(const Graph& graph);

}  // namespace fpcls
