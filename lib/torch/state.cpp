#include "torch/state.h"

#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/hash.h"

namespace fpcls {
namespace {

constexpr std::string_view kHeading = "fpcls trainer state 1\n";
constexpr size_t kHashSize = 64;

size_t bytes_of(const at::Tensor& tensor) {
  return static_cast<size_t>(tensor.numel()) * sizeof(float);
}

}  // namespace

std::string write_state(const std::string& fingerprint, int64_t steps,
                        const std::vector<NamedTensor>& tensors) {
  FPCLS_CHECK(fingerprint.size() == kHashSize);
  size_t size = kHeading.size() + 2 * kHashSize + sizeof steps;
  for (const NamedTensor& each : tensors) size += bytes_of(each.tensor);
  std::string bytes;
  bytes.reserve(size);
  bytes.append(kHeading).append(fingerprint);
  bytes.append(reinterpret_cast<const char*>(&steps), sizeof steps);
  for (const NamedTensor& each : tensors) {
    const at::Tensor plain = each.tensor.detach().to(at::kCPU, at::kFloat).contiguous();
    bytes.append(static_cast<const char*>(plain.data_ptr()), bytes_of(plain));
  }
  return bytes.append(sha256_hex(bytes));
}

int64_t read_state(const std::string& bytes, const std::string& fingerprint,
                   std::vector<NamedTensor>& tensors) {
  std::string_view rest = bytes;
  size_t size = kHeading.size() + 2 * kHashSize + sizeof(int64_t);
  for (const NamedTensor& each : tensors) size += bytes_of(each.tensor);
  if (rest.substr(0, kHeading.size()) != kHeading) {
    fail("is not the state of a training; it can't be resumed");
  }
  if (rest.substr(kHeading.size(), kHashSize) != fingerprint) {
    fail("is the state of another network or of training with other options; resume with those");
  }
  if (rest.size() != size) {
    fail("is damaged: {} bytes, expected {}; it can't be resumed", rest.size(), size);
  }
  const std::string_view hash = rest.substr(size - kHashSize);
  if (sha256_hex(rest.substr(0, size - kHashSize)) != hash) {
    fail("is damaged: its checksum is wrong; it can't be resumed");
  }
  rest.remove_prefix(kHeading.size() + kHashSize);
  int64_t steps = 0;
  std::memcpy(&steps, rest.data(), sizeof steps);
  rest.remove_prefix(sizeof steps);
  const at::NoGradGuard no_grad;
  for (NamedTensor& each : tensors) {
    at::Tensor plain = at::empty(each.tensor.sizes(), at::kFloat);
    std::memcpy(plain.data_ptr(), rest.data(), bytes_of(plain));
    each.tensor.copy_(plain);
    rest.remove_prefix(bytes_of(plain));
  }
  return steps;
}

}  // namespace fpcls
