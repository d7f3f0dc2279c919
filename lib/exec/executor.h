#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/preprocessing.h"

/// What it means to run a graph.
namespace fpcls {

/// Pictures at network size, ready to be run: u8, RGB, {count, height, width, 3} in row-major order.
struct PixelBatch {
  int height = 0;
  int width = 0;
  std::vector<uint8_t> pixels;
  std::vector<int64_t> rows;  ///< for each picture, the row of the list that it came from

  int count() const { return static_cast<int>(rows.size()); }
  size_t picture_bytes() const { return static_cast<size_t>(height) * width * 3; }
};

struct ExecutorOptions {
  std::string device = "cpu";  ///< "cpu", "cuda", "cuda:1"
  int threads = 1;             ///< threads that one call of `run` uses
};

/// Sees the result of every node, in the order of execution: f32, {N, …}.
using NodeHook = std::function<void(int node, const Tensor& result)>;

/// A graph made ready to run. Any number of threads may call `run` at once; each call uses
/// `threads` threads and the results don't depend on what else runs.
class Executor {
 public:
  virtual ~Executor() = default;

  /// The first output for each picture, row-major {count, output_count}. `mean` and `std` are
  /// applied to the pixels as `Preprocessing` says.
  virtual std::vector<float> run(const PixelBatch& batch) = 0;

  /// The same for an input that is normalised already: `x` is f32 {N, C, H, W}. Returns f32
  /// {N, output_count}. `hook`, when given, sees every node.
  virtual Tensor run(const Tensor& x, const NodeHook& hook = {}) = 0;

  /// Bytes held on an accelerator, 0 on the CPU.
  virtual int64_t device_bytes() const { return 0; }
};

}  // namespace fpcls
