#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "unit/model/test_files.h"

/// Archives as torch.save writes them, and hostile ones, made by hand.
namespace fpcls {

/// CRC-32 of zip, bit by bit.
inline uint32_t crc32_of(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

struct ZipEntry {
  std::string name, bytes;
  uint16_t method = 0;         ///< 0 is stored, 8 deflated
  int64_t claimed_bytes = -1;  ///< size after decompression, when it isn't that of `bytes`
};

/// A zip archive; the entries' bytes are put in as they are.
inline std::string zip_bytes(const std::vector<ZipEntry>& entries) {
  std::string files, directory;
  for (const ZipEntry& entry : entries) {
    const auto size = static_cast<uint32_t>(entry.bytes.size());
    const uint32_t claimed =
        entry.claimed_bytes < 0 ? size : static_cast<uint32_t>(entry.claimed_bytes);
    const std::string common =
        bytes_of<uint16_t>(20) + bytes_of<uint16_t>(0) + bytes_of(entry.method) +
        std::string(4, '\0') + bytes_of(crc32_of(entry.bytes)) + bytes_of(size) +
        bytes_of(claimed) + bytes_of(static_cast<uint16_t>(entry.name.size()));
    directory += "PK\x01\x02" + bytes_of<uint16_t>(20) + common + std::string(12, '\0') +
                 bytes_of(static_cast<uint32_t>(files.size())) + entry.name;
    files += "PK\x03\x04" + common + bytes_of<uint16_t>(0) + entry.name + entry.bytes;
  }
  const auto count = static_cast<uint16_t>(entries.size());
  return files + directory + "PK\x05\x06" + std::string(4, '\0') + bytes_of(count) +
         bytes_of(count) + bytes_of(static_cast<uint32_t>(directory.size())) +
         bytes_of(static_cast<uint32_t>(files.size())) + bytes_of<uint16_t>(0);
}

/// Pieces of pickles, protocol 2, to be strung together.
namespace pickle {

inline std::string text(const std::string& value) {
  return "X" + bytes_of(static_cast<uint32_t>(value.size())) + value;
}
inline std::string integer(int64_t value) { return std::string("\x8a\x08") + bytes_of(value); }
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string result = "(";
  for (const std::string& item : items) result += item;
  return result + "t";
}
inline std::string integers(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (const int64_t value : values) items.push_back(integer(value));
  return tuple(items);
}
inline std::string ordered_dict() { return global("collections", "OrderedDict") + ")R"; }
inline std::string storage(const std::string& type, const std::string& key, int64_t count) {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), integer(count)}) +
         "Q";
}
inline std::string tensor(const std::string& storage, int64_t offset,
                          const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple({storage, integer(offset), integers(shape), integers(strides), "\x89",
                ordered_dict()}) +
         "R";
}
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string result = "}(";
  for (const auto& [key, value] : items) result += text(key) + value;
  return result + "u";
}
inline std::string file(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace pickle

/// The bytes of `values` one after the other.
template <class T>
std::string raw(const std::vector<T>& values) {
  std::string result;
  for (const T value : values) result += bytes_of(value);
  return result;
}

/// A file as torch.save writes it: the pickle of `value` and the storages by their keys.
inline std::string torch_file(const std::string& value,
                              const std::vector<std::pair<std::string, std::string>>& storages,
                              std::vector<ZipEntry> more = {}) {
  std::vector<ZipEntry> entries{{"m/data.pkl", pickle::file(value)}, {"m/byteorder", "little"}};
  for (const auto& [key, bytes] : storages) entries.push_back({"m/data/" + key, bytes});
  for (ZipEntry& entry : more) entries.push_back(std::move(entry));
  return zip_bytes(entries);
}

}  // namespace fpcls
