#include "model/safetensors.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/file.h"
#include "model/convert.h"
#include "model/json_text.h"

namespace fpcls {
namespace {

using nlohmann::json;

constexpr size_t kLengthBytes = 8;
// The reference implementation allows 100 MB; ResNet-152 needs 0.1.
constexpr size_t kMaxHeaderBytes = 16 << 20;
constexpr size_t kMaxTensors = 100'000;

/// A type of the format: its size in the file, and the type it is given here.
struct FileType {
  std::string_view name;
  int64_t bytes;
  DType dtype;
};

constexpr FileType kFileTypes[] = {{"F32", 4, DType::f32}, {"BF16", 2, DType::bf16},
                                   {"I8", 1, DType::i8},   {"U8", 1, DType::u8},
                                   {"I32", 4, DType::i32}, {"I64", 8, DType::i64},
                                   {"F16", 2, DType::f32}, {"F64", 8, DType::f32}};

std::optional<FileType> find_type(std::string_view name) {
  for (const FileType& type : kFileTypes) {
    if (type.name == name) return type;
  }
  return std::nullopt;
}

std::string_view type_name(DType dtype) {
  for (const FileType& type : kFileTypes) {
    if (type.dtype == dtype) return type.name;
  }
  return {};
}

/// Little-endian, as the format wants and every machine we run on is.
uint64_t header_length(std::string_view bytes) {
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  return length;
}

struct Entry {
  std::string name;
  FileType type;
  Shape shape;
  int64_t begin, end;
};

Shape read_shape(const json& list, const std::string& where) {
  if (list.size() > 8) fail("{}: has {} axes, expected at most 8", where, list.size());
  Shape shape;
  int64_t bound = 1;  // the product with empty axes taken as 1
  for (const json& value : list) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > uint64_t{kMaxElements}) {
      fail("{}: its shape has an extent that is not 0 to {}", where, kMaxElements);
    }
    shape.push_back(value.get<int64_t>());
    if (shape.back() > kMaxElements / bound) {
      fail("{}: has more than {} elements", where, kMaxElements);
    }
    bound *= std::max<int64_t>(shape.back(), 1);
  }
  return shape;
}

Entry read_entry(const std::string& name, const json& value, int64_t data_bytes,
                 const std::string& where) {
  const std::string here = fmt::format("{}: tensor {}", where, quoted(name));
  JsonObject object(value, here);
  const std::string spelled = object.text("dtype");
  const std::optional<FileType> type = find_type(spelled);
  if (!type) fail("{}: has type {}, which fpcls can't read", here, quoted(spelled));
  Entry entry{name, *type, read_shape(object.array("shape"), here), 0, 0};
  const auto offsets = object.numbers<int64_t, 2>("data_offsets");
  object.finish();
  entry.begin = offsets[0];
  entry.end = offsets[1];
  if (entry.begin < 0 || entry.begin > entry.end || entry.end > data_bytes) {
    fail("{}: is at bytes {} to {} of {}; the file is truncated or damaged", here, entry.begin,
         entry.end, data_bytes);
  }
  const int64_t expected = element_count(entry.shape) * type->bytes;
  if (entry.end - entry.begin != expected) {
    fail("{}: takes {} bytes, expected {} for shape {}; the file is damaged", here,
         entry.end - entry.begin, expected, shape_text(entry.shape));
  }
  return entry;
}

/// The tensors in the order of their bytes, which they cover without holes or overlaps.
std::vector<Entry> read_entries(const json& header, int64_t data_bytes, const std::string& where) {
  if (header.size() > kMaxTensors) {
    fail("{}: has {} tensors, expected at most {}", where, header.size(), kMaxTensors);
  }
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != "__metadata__") entries.push_back(read_entry(name, value, data_bytes, where));
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  int64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end) {
      fail("{}: tensor {} begins at byte {}, expected {}; the file is damaged", where,
           quoted(entry.name), entry.begin, end);
    }
    end = entry.end;
  }
  if (end != data_bytes) {
    fail("{}: has {} bytes of tensors, expected {}; the file is damaged", where, data_bytes, end);
  }
  return entries;
}

Tensor read_tensor(const Entry& entry, std::string_view data,
                   const std::shared_ptr<const void>& owner) {
  const std::string_view bytes =
      data.substr(static_cast<size_t>(entry.begin), static_cast<size_t>(entry.end - entry.begin));
  if (entry.type.name == "F16") {
    return Tensor::from<float>(entry.shape, to_floats<uint16_t>(bytes, half_to_float));
  }
  if (entry.type.name == "F64") {
    const auto narrow = [](double value) { return static_cast<float>(value); };
    return Tensor::from<float>(entry.shape, to_floats<double>(bytes, narrow));
  }
  const auto address = reinterpret_cast<uintptr_t>(bytes.data());
  if (address % static_cast<uintptr_t>(entry.type.bytes) == 0 && !bytes.empty()) {
    return Tensor(entry.type.dtype, entry.shape, std::shared_ptr<const void>(owner, bytes.data()));
  }
  // operator new aligns for every type; one byte more lest an empty tensor have no storage.
  auto copy = std::make_shared<std::vector<char>>(bytes.begin(), bytes.end());
  copy->push_back(0);
  return Tensor(entry.type.dtype, entry.shape, std::shared_ptr<const void>(copy, copy->data()));
}

std::map<std::string, std::string> read_metadata(const json& header, const std::string& where) {
  std::map<std::string, std::string> result;
  const auto found = header.find("__metadata__");
  if (found == header.end()) return result;
  if (!found->is_object()) fail("{}: its __metadata__ is not an object", where);
  for (const auto& [key, value] : found->items()) {
    if (!value.is_string()) fail("{}: metadata {} is not a string", where, quoted(key));
    result[key] = value.get<std::string>();
  }
  return result;
}

/// Widest type first, then by name: nothing needs padding, which the format has not.
std::vector<const TensorMap::value_type*> in_file_order(const TensorMap& tensors) {
  std::vector<const TensorMap::value_type*> order;
  for (const auto& entry : tensors) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return element_bytes(a->second.dtype()) > element_bytes(b->second.dtype());
  });
  return order;
}

}  // namespace

bool looks_like_safetensors(std::string_view bytes) {
  return bytes.size() > kLengthBytes && bytes[kLengthBytes] == '{' &&
         header_length(bytes) <= uint64_t{1} << 40;
}

Safetensors parse_safetensors(std::string_view bytes, const std::shared_ptr<const void>& owner,
                              const std::string& where) {
  if (!looks_like_safetensors(bytes)) fail("{}: is not a safetensors file", where);
  const uint64_t length = header_length(bytes);
  if (length > bytes.size() - kLengthBytes) {
    fail("{}: has {} bytes, expected a header of {}; the file is truncated or damaged", where,
         bytes.size(), length);
  }
  if (length > kMaxHeaderBytes) {
    fail("{}: has a header of {} bytes, expected at most {}", where, length, kMaxHeaderBytes);
  }
  const std::string_view data = bytes.substr(kLengthBytes + length);
  const json header = parse_json(bytes.substr(kLengthBytes, length), where);
  if (!header.is_object()) fail("{}: is damaged: its header is not an object", where);
  Safetensors result;
  result.metadata = read_metadata(header, where);
  for (const Entry& entry : read_entries(header, static_cast<int64_t>(data.size()), where)) {
    result.tensors[entry.name] = read_tensor(entry, data, owner);
  }
  return result;
}

Safetensors read_safetensors(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  return parse_safetensors(file->bytes(), file, quoted(path));
}

void write_safetensors(const std::filesystem::path& path, const Safetensors& content) {
  json header = json::object();
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  const auto order = in_file_order(content.tensors);
  int64_t end = 0;
  for (const auto* entry : order) {
    const auto& [name, tensor] = *entry;
    FPCLS_CHECK(name != "__metadata__");
    header[name] = {{"dtype", type_name(tensor.dtype())},
                    {"shape", tensor.shape()},
                    {"data_offsets", {end, end + tensor.size_bytes()}}};
    end += tensor.size_bytes();
  }
  std::string text = json_text(header, quoted(path));
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  AtomicFile file(path);
  file.write({reinterpret_cast<const char*>(&length), sizeof length});
  file.write(text);
  for (const auto* entry : order) file.write(entry->second.bytes());
  file.commit();
}

}  // namespace fpcls
