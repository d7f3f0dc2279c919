#pragma once

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "engine/kernel.h"

/// Memory for the engine's numbers, and the weights as its kernels want them.
namespace fpcls {

struct FreeBuffer {
  void operator()(void* memory) const { std::free(memory); }
};
using Buffer = std::unique_ptr<void, FreeBuffer>;

/// `bytes` of memory (at least 1), aligned for the longest vectors. Throws Error where there is
/// none.
Buffer allocate(int64_t bytes);

/// Copies numbers from one layout or type to another, each multiplied by `factor`.
void reorder(const memory& from, const memory& to, float factor = 1);

struct PackedTensor {
  memory::desc desc;
  void* data = nullptr;
};

/// The weights of one graph in the layouts that kernels asked for, each packed once and kept for as
/// long as this lives. Thread-safe.
class PackedWeights {
 public:
  /// The layout that `key` was packed in first, or null: asking a kernel of another batch size for
  /// the same one saves a second copy.
  const memory::desc* known(const std::string& key) const;

  /// The weights called `key` in layout `wanted`. `plain`, called once for each key, gives them as
  /// row-major f32. Pages of a mapped file that they lie in are given back to the system.
  PackedTensor get(const std::string& key, const memory::desc& wanted,
                   const std::function<Tensor()>& plain);

  int64_t bytes() const;

 private:
  mutable std::mutex mutex_;
  std::multimap<std::string, PackedTensor> packed_;
  std::vector<Buffer> buffers_;
  int64_t bytes_ = 0;
};

}  // namespace fpcls
