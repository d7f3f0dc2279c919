#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "graph/tensor.h"

/// Named tensors in a file, by the safetensors format: eight bytes with the length of a JSON
/// header, the header, the tensors' bytes one after the other. Reading runs no code and copies
/// nothing.
namespace fpcls {

using TensorMap = std::map<std::string, Tensor>;

struct Safetensors {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;  ///< the header's `__metadata__`
};

/// Maps the file; the tensors keep the mapping open. Types that `Tensor` has not: F16 and F64 are
/// converted to f32, any other is an Error that names type and tensor. Tensors at an odd address
/// are copied. Throws Error wherever the file is truncated, lies about sizes, overlaps, has holes
/// or isn't safetensors at all.
Safetensors read_safetensors(const std::filesystem::path& path);

/// The same for a file's `bytes`, which `owner` keeps alive; `where` begins every complaint.
Safetensors parse_safetensors(std::string_view bytes, const std::shared_ptr<const void>& owner,
                              const std::string& where);

/// Whether `bytes` begin as a safetensors file does.
bool looks_like_safetensors(std::string_view bytes);

/// Writes the file, whole or not at all. The same content always gives the same bytes: widest
/// types first, so that every tensor is aligned, then by name.
void write_safetensors(const std::filesystem::path& path, const Safetensors& content);

}  // namespace fpcls
