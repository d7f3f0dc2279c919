#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/enum_names.h"
#include "graph/graph.h"
#include "graph/preprocessing.h"

/// What it means to run a graph.
namespace fpcls {

/// Pictures at network size, ready to be run: u8, RGB, {count, height, width, 3} in row-major
/// order.
struct PixelBatch {
  int height = 0;
  int width = 0;
  std::vector<uint8_t> pixels;
  std::vector<int64_t> rows;  ///< for each picture, the row of the list that it came from

  int count() const { return static_cast<int>(rows.size()); }
  size_t picture_bytes() const { return static_cast<size_t>(height) * width * 3; }
};

/// In what the floating-point layers are computed.
enum class FloatType { f32, bf16 };

template <>
struct EnumNames<FloatType> {
  static constexpr std::pair<FloatType, std::string_view> entries[] = {{FloatType::f32, "f32"},
                                                                       {FloatType::bf16, "bf16"}};
};

struct ExecutorOptions {
  std::string device = "cpu";             ///< "cpu", "cuda", "cuda:1"
  int threads = 1;                        ///< threads that one call of `run` uses
  FloatType float_type = FloatType::f32;  ///< results stay f32
};

/// What a hook is shown: one result, as it was computed.
struct NodeResult {
  int node = 0;             ///< of the graph that the executor was made from
  double ms = 0;            ///< that it took
  std::string_view kernel;  ///< what computed it ("jit:avx512_core"); empty where nobody knows
  /// Copies the values out, f32 {N, …}. Only while the hook runs.
  std::function<Tensor()> values;
  /// The same numbers in any order, f32 {count}, for sums and counts: without a copy where they lie
  /// so. They last only while the hook runs.
  std::function<Tensor()> unordered;
};

/// Throw Error where `batch` or `x` isn't what a graph with this input, {1, C, H, W}, reads.
void check_pixels(const PixelBatch& batch, const Shape& input_shape);
void check_input(const Tensor& x, const Shape& input_shape);

/// Sees every result that is really computed, in the order of execution. Nodes that were fused into
/// another's kernel have none of their own.
using NodeHook = std::function<void(const NodeResult&)>;

/// One result that an executor computes: that of `node`, from those of `inputs`. What lies between
/// them is fused into the same kernel.
struct ExecutorStep {
  int node = 0;
  std::vector<int> inputs;
};

/// Where the time of one call went; absent where the executor can't tell it apart from `run_ms`.
struct RunPhases {
  std::optional<double> input_ms;   ///< from bytes to the first layer's input
  double run_ms = 0;                ///< the layers
  std::optional<double> output_ms;  ///< from the last layer's result to the caller's numbers
};

/// Where an executor's memory goes.
struct MemoryUse {
  int64_t weights_bytes = 0;         ///< used as they stand in the file or in the graph
  int64_t packed_weights_bytes = 0;  ///< rearranged for the kernels, shared by all workers
  int64_t arena_bytes = 0;           ///< intermediate results, all arenas that exist now
  int64_t scratchpad_bytes = 0;      ///< the kernels' own working memory, all that exists now
  int64_t device_bytes = 0;          ///< on an accelerator
  int arena_peak_node = -1;          ///< whose result makes the arena as large as it is
};

/// A graph made ready to run. Any number of threads may call `run` at once; each call uses
/// `threads` threads and the results don't depend on what else runs.
class Executor {
 public:
  virtual ~Executor() = default;

  /// The first output for each picture, row-major {count, output_count}. `mean` and `std` are
  /// applied to the pixels as `Preprocessing` says.
  virtual std::vector<float> run(const PixelBatch& batch) = 0;

  /// The same, with the time it took by phase.
  virtual std::vector<float> run_in_phases(const PixelBatch& batch, RunPhases& phases);

  /// The same for an input that is normalised already: `x` is f32 {N, C, H, W}. Returns f32
  /// {N, output_count}. `hook`, when given, sees every result.
  virtual Tensor run(const Tensor& x, const NodeHook& hook = {}) = 0;

  /// What is computed, in order. The graph's input isn't among them.
  virtual std::vector<ExecutorStep> steps() const = 0;

  /// Computes one of `steps()` alone, from inputs that may come from elsewhere: f32, each with the
  /// shape of the node it stands for but for the number of pictures. Returns f32 {N, …}.
  virtual Tensor run_step(int step, const std::vector<Tensor>& inputs) = 0;

  virtual MemoryUse memory() const { return {}; }
};

}  // namespace fpcls
