#include "engine/weights.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"

namespace fpcls {

using Type = memory::data_type;

Buffer allocate(int64_t bytes) {
  constexpr int64_t kVector = 64;
  constexpr int64_t kHugePage = 2 << 20;
  const int64_t rounded = (std::max<int64_t>(bytes, 1) + kVector - 1) / kVector * kVector;
  const bool large = rounded >= kHugePage;
  void* memory = std::aligned_alloc(large ? kHugePage : kVector, static_cast<size_t>(rounded));
  if (memory == nullptr) {
    fail("no memory for {} MB; use fewer workers or a smaller batch", rounded / 1'000'000);
  }
  // Layers of a few pixels are as fast as their weights come from memory, and the processor's
  // prefetching ends at a page's border. A system without huge pages refuses, which is no harm;
  // what doesn't fill one stays in small pages.
  if (large) ::madvise(memory, static_cast<size_t>(rounded / kHugePage * kHugePage), MADV_HUGEPAGE);
  return Buffer(memory);
}

const memory::desc* PackedWeights::known(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = packed_.find(key);
  return found == packed_.end() ? nullptr : &found->second.desc;
}

void reorder(const memory& from, const memory& to, float factor) {
  Kernel kernel = reorder_kernel(from.get_desc(), to.get_desc(), factor);
  const Buffer scratch = allocate(static_cast<int64_t>(kernel.scratchpad.get_size()));
  const memory scratchpad(kernel.scratchpad, cpu_engine(), scratch.get());
  std::unordered_map<int, memory> arguments{
      {DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}, {DNNL_ARG_SCRATCHPAD, scratchpad}};
  for (auto& [index, factors] : kernel.factors) {
    const memory::desc desc({static_cast<int64_t>(factors.size())}, Type::f32,
                            memory::format_tag::a);
    arguments[index] = memory(desc, cpu_engine(), factors.data());
  }
  dnnl::stream stream(cpu_engine());
  kernel.primitive.execute(stream, arguments);
  stream.wait();
}

PackedTensor PackedWeights::get(const std::string& key, const memory::desc& wanted,
                                const std::function<Tensor()>& plain) {
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = packed_.equal_range(key);
  for (auto entry = begin; entry != end; ++entry) {
    if (entry->second.desc == wanted) return entry->second;
  }
  const auto size = static_cast<int64_t>(wanted.get_size());
  Buffer buffer = allocate(size);
  std::memset(buffer.get(), 0, static_cast<size_t>(size));
  const memory to(wanted, cpu_engine(), buffer.get());
  if (begin != end) {
    reorder(memory(begin->second.desc, cpu_engine(), begin->second.data), to);
  } else {
    const Tensor source = plain();
    const memory::dims dims = dims_of(wanted);
    const Type type = source.dtype() == DType::i8 ? Type::s8 : Type::f32;
    const memory::desc row_major = plain_desc(Shape(dims.begin(), dims.end()), type);
    FPCLS_CHECK(static_cast<int64_t>(row_major.get_size()) == source.size_bytes());
    reorder(memory(row_major, cpu_engine(), const_cast<char*>(source.bytes().data())), to);
    release_pages(source.bytes());
  }
  const PackedTensor packed{wanted, buffer.get()};
  buffers_.push_back(std::move(buffer));
  bytes_ += size;
  packed_.emplace(key, packed);
  return packed;
}

int64_t PackedWeights::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace fpcls
