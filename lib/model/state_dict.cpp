#include "model/state_dict.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "graph/bf16.h"
#include "model/convert.h"
#include "model/pickle.h"
#include "model/zip_archive.h"

namespace fpcls {
namespace {

constexpr std::string_view kZip = "PK\x03\x04";
constexpr int64_t kMaxPickleBytes = 64 << 20;

bool begins_with(std::string_view bytes, std::string_view prefix) {
  return bytes.substr(0, prefix.size()) == prefix;
}

/// A storage's numbers as they are in the file, and what they become.
struct StorageType {
  std::string_view name;
  int64_t bytes;
  DType dtype;
};

constexpr StorageType kStorageTypes[] = {
    {"FloatStorage", 4, DType::f32},    {"HalfStorage", 2, DType::f32},
    {"BFloat16Storage", 2, DType::f32}, {"DoubleStorage", 8, DType::f32},
    {"LongStorage", 8, DType::i64},     {"IntStorage", 4, DType::i32},
    {"ShortStorage", 2, DType::i32},    {"CharStorage", 1, DType::i8},
    {"ByteStorage", 1, DType::u8},      {"BoolStorage", 1, DType::u8}};

template <class T>
Tensor all_of(std::vector<T> values) {
  const auto count = static_cast<int64_t>(values.size());
  return Tensor::from<T>({count}, std::move(values));
}

/// The whole storage as one row of numbers of its new type.
Tensor convert_storage(const StorageType& type, std::shared_ptr<const std::vector<char>> bytes) {
  const std::string_view raw(bytes->data(), bytes->size());
  if (type.name == "HalfStorage") return all_of(to_floats<uint16_t>(raw, half_to_float));
  if (type.name == "BFloat16Storage") return all_of(to_floats<uint16_t>(raw, from_bf16));
  if (type.name == "DoubleStorage") {
    return all_of(to_floats<double>(raw, [](double value) { return static_cast<float>(value); }));
  }
  if (type.name == "ShortStorage") {
    std::vector<int32_t> values(raw.size() / 2);
    for (size_t i = 0; i < values.size(); ++i) {
      int16_t value = 0;
      std::memcpy(&value, raw.data() + 2 * i, sizeof value);
      values[i] = value;
    }
    return all_of(std::move(values));
  }
  const auto count = static_cast<int64_t>(raw.size()) / type.bytes;
  return Tensor(type.dtype, {count}, std::shared_ptr<const void>(bytes, bytes->data()));
}

/// Extents and strides of a view that lies inside its storage.
struct View {
  int64_t offset, count;
  bool contiguous;
};

/// Makes tensors from the storages of an archive. Those that lie in one piece share the storage's
/// bytes; the others are copied, up to a limit: a stride of 0 makes any amount of one number.
class TensorReader {
 public:
  TensorReader(const ZipArchive& archive, int64_t archive_bytes, const std::string& where)
      : archive_(archive), left_bytes_(4 * archive_bytes + (1 << 20)), where_(where) {}

  Tensor read(const std::string& name, const PickledTensor& tensor) {
    const std::string here = fmt::format("{}: tensor {}", where_, quoted(name));
    const Tensor& storage = read_storage(tensor.storage, here);
    const View view = check_view(tensor, storage.count(), here);
    const int64_t element = element_bytes(storage.dtype());
    const char* first = storage.bytes().data() + view.offset * element;
    if (view.contiguous) {
      return Tensor(storage.dtype(), tensor.shape,
                    std::shared_ptr<const void>(keep_alive(storage), first));
    }
    if (view.count * element > left_bytes_) {
      fail("{}: its tensors repeat the same numbers, expected at most four times the file's size",
           where_);
    }
    left_bytes_ -= view.count * element;
    return copy_view(tensor, storage, first, view.count);
  }

 private:
  const Tensor& read_storage(const PickledStorage& storage, const std::string& here) {
    const auto found = storages_.find(storage.key);
    if (found != storages_.end()) {
      if (found->second.type != storage.type || found->second.count != storage.count) {
        fail("{}: is damaged: storage {} is described twice, differently", here,
             quoted(storage.key));
      }
      return found->second.numbers;
    }
    const auto* type = std::find_if(std::begin(kStorageTypes), std::end(kStorageTypes),
                                    [&](const auto& known) { return known.name == storage.type; });
    if (type == std::end(kStorageTypes)) {
      fail("{}: has type {}, which fpcls can't read", here, quoted(storage.type));
    }
    const std::string file = "data/" + storage.key;
    const int64_t size_bytes = archive_.size_bytes(file);
    if (storage.count < 0 || size_bytes % type->bytes != 0 ||
        storage.count != size_bytes / type->bytes) {
      fail("{}: is damaged: storage {} has {} bytes, expected {} elements of {}", here,
           quoted(storage.key), size_bytes, storage.count, type->bytes);
    }
    Tensor numbers;
    if (size_bytes == 0) {
      // Still a tensor, and a place to point to.
      numbers = Tensor(type->dtype, {0}, std::make_shared<const int64_t>(0));
    } else {
      numbers = convert_storage(*type, archive_.read(file));
    }
    return storages_.emplace(storage.key, Stored{storage.type, storage.count, std::move(numbers)})
        .first->second.numbers;
  }

  View check_view(const PickledTensor& tensor, int64_t stored, const std::string& here) const {
    if (tensor.shape.size() > 8) {
      fail("{}: has {} axes, expected at most 8", here, tensor.shape.size());
    }
    // `bound` is `count` with empty axes taken as 1: neither can overflow.
    int64_t count = 1, bound = 1, last = tensor.offset;
    const bool empty = std::count(tensor.shape.begin(), tensor.shape.end(), 0) > 0;
    bool contiguous = true, sound = tensor.offset >= 0 && tensor.offset <= stored;
    for (size_t i = tensor.shape.size(); sound && i > 0; --i) {
      const int64_t extent = tensor.shape[i - 1], stride = tensor.strides[i - 1];
      sound = extent >= 0 && extent <= kMaxElements / bound && stride >= 0;
      if (sound && extent > 1 && !empty) {
        contiguous = contiguous && stride == bound;
        sound = stride <= stored / (extent - 1);
        if (sound) last += stride * (extent - 1);
      }
      if (!sound) break;
      bound *= std::max<int64_t>(extent, 1);
      count *= extent;
    }
    if (!sound || (!empty && last >= stored)) {
      fail("{}: is damaged: shape {}, strides {} and offset {} lead out of its {} numbers", here,
           shape_text(tensor.shape), shape_text(tensor.strides), tensor.offset, stored);
    }
    return {tensor.offset, count, contiguous};
  }

  static std::shared_ptr<const Tensor> keep_alive(const Tensor& storage) {
    return std::make_shared<const Tensor>(storage);
  }

  static Tensor copy_view(const PickledTensor& tensor, const Tensor& storage, const char* first,
                          int64_t count) {
    const auto element = static_cast<size_t>(element_bytes(storage.dtype()));
    auto copy = std::make_shared<std::vector<char>>(static_cast<size_t>(count) * element);
    Shape index(tensor.shape.size());
    int64_t from = 0;
    for (size_t to = 0; to < copy->size(); to += element) {
      std::memcpy(copy->data() + to, first + static_cast<size_t>(from) * element, element);
      for (size_t axis = index.size(); axis > 0; --axis) {
        from += tensor.strides[axis - 1];
        if (++index[axis - 1] < tensor.shape[axis - 1]) break;
        from -= tensor.strides[axis - 1] * index[axis - 1];
        index[axis - 1] = 0;
      }
    }
    return Tensor(storage.dtype(), tensor.shape, std::shared_ptr<const void>(copy, copy->data()));
  }

  struct Stored {
    std::string type;
    int64_t count;
    Tensor numbers;
  };

  const ZipArchive& archive_;
  int64_t left_bytes_;
  const std::string& where_;
  std::map<std::string, Stored> storages_;
};

bool has_tensors(const PickledValue& dict) {
  for (size_t i = 1; i < dict.items.size(); i += 2) {
    if (dict.items[i]->kind == PickledValue::Kind::tensor) return true;
  }
  return false;
}

/// The dict of tensors, which a checkpoint holds among other things.
const PickledValue& find_state_dict(const PickledValue& root, const std::string& where) {
  for (const char* key : {"state_dict", "model_state_dict", "model"}) {
    const PickledValue* inner = root.find(key);
    if (inner != nullptr && inner->kind == PickledValue::Kind::dict && has_tensors(*inner)) {
      return *inner;
    }
  }
  if (root.kind == PickledValue::Kind::dict && has_tensors(root)) return root;
  fail("{}: holds no state dict; save model.state_dict()", where);
}

/// Names without a prefix that all of them have.
TensorMap without_prefixes(TensorMap weights) {
  for (const std::string prefix : {"module.", "_orig_mod.", "module."}) {
    const bool all = std::all_of(weights.begin(), weights.end(), [&](const auto& entry) {
      return begins_with(entry.first, prefix);
    });
    if (!all) continue;
    TensorMap stripped;
    for (auto& [name, tensor] : weights) stripped.emplace(name.substr(prefix.size()), tensor);
    weights = std::move(stripped);
  }
  return weights;
}

void check_not_torchscript(const ZipArchive& archive, const std::string& where) {
  if (archive.has("constants.pkl") || archive.has("code/")) {
    fail("{}: is TorchScript, expected a state dict; give it without --architecture", where);
  }
}

TensorMap read_pickled_weights(const std::shared_ptr<const MappedFile>& file,
                               const std::string& where) {
  const ZipArchive archive(file->bytes(), file, where);
  check_not_torchscript(archive, where);
  if (archive.has("byteorder")) {
    const auto order = archive.read("byteorder");
    if (std::string_view(order->data(), order->size()) != "little") {
      fail("{}: was written on a big-endian machine; save it again on a little-endian one", where);
    }
  }
  if (archive.size_bytes("data.pkl") > kMaxPickleBytes) {
    fail("{}: its data.pkl has {} bytes, expected at most {}", where,
         archive.size_bytes("data.pkl"), kMaxPickleBytes);
  }
  const auto bytes = archive.read("data.pkl");
  const Pickle pickle = read_pickle({bytes->data(), bytes->size()}, where);
  const PickledValue& dict = find_state_dict(*pickle.root, where);
  TensorReader reader(archive, static_cast<int64_t>(file->bytes().size()), where);
  TensorMap weights;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickledValue& name = *dict.items[i];
    const PickledValue& value = *dict.items[i + 1];
    if (name.kind != PickledValue::Kind::text) fail("{}: a tensor's name is not text", where);
    if (value.kind != PickledValue::Kind::tensor) {
      fail("{}: {} in its state dict is not a tensor", where, quoted(name.text));
    }
    if (!weights.emplace(name.text, reader.read(name.text, *value.tensor)).second) {
      fail("{}: has the tensor {} twice", where, quoted(name.text));
    }
  }
  return weights;
}

/// Says what a file seems to be that no reader here takes.
[[noreturn]] void refuse_kind(std::string_view bytes, const std::string& where) {
  if (bytes.empty()) fail("{}: is empty, expected a model", where);
  // The number that PyTorch before 1.6 began its files with, as a pickle.
  constexpr std::string_view kLegacy("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19",
                                     14);
  if (begins_with(bytes, kLegacy)) {
    fail(
        "{}: is in the format of PyTorch before 1.6; save it again: "
        "torch.save(torch.load(path, weights_only=True), path)",
        where);
  }
  if (bytes[0] == '\x80') {
    fail("{}: is a bare pickle, which can hold any code; save the weights with torch.save", where);
  }
  if (begins_with(bytes, "\x89HDF")) {
    fail("{}: is an HDF5 file, such as Keras writes; expected a model of PyTorch or fpcls", where);
  }
  fail(
      "{}: is not a model; expected an fpcls model, TorchScript, or PyTorch weights (.safetensors, "
      ".pt, .pth)",
      where);
}

}  // namespace

ModelKind detect_model_kind(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  const std::string_view bytes = file->bytes();
  const std::string where = quoted(path);
  if (begins_with(bytes, kZip)) {
    const ZipArchive archive(bytes, file, where);
    if (archive.has("constants.pkl") || archive.has("code/")) return ModelKind::torchscript;
    if (archive.has("data.pkl")) return ModelKind::weights_pickle;
    fail("{}: is a zip archive, but not one of PyTorch's", where);
  }
  if (looks_like_safetensors(bytes)) {
    const bool ours = parse_safetensors(bytes, file, where).metadata.count("fpcls") != 0;
    return ours ? ModelKind::fpcls : ModelKind::weights_safetensors;
  }
  refuse_kind(bytes, where);
}

TensorMap read_weights(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  const std::string where = quoted(path);
  TensorMap weights;
  if (begins_with(file->bytes(), kZip)) {
    weights = read_pickled_weights(file, where);
  } else if (looks_like_safetensors(file->bytes())) {
    weights = parse_safetensors(file->bytes(), file, where).tensors;
    for (auto& [name, tensor] : weights) {
      if (tensor.dtype() == DType::bf16) tensor = as_f32(tensor);
    }
  } else {
    refuse_kind(file->bytes(), where);
  }
  if (weights.empty()) fail("{}: has no tensors", where);
  return without_prefixes(std::move(weights));
}

}  // namespace fpcls
