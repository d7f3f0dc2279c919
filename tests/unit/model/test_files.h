#pragma once

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "error_of.h"
#include "temporary_folder.h"

/// Files for the tests of this folder.
namespace fpcls {

/// A temporary folder with a shorthand for the files in it.
class ScratchFolder : public TemporaryFolder {
 public:
  std::filesystem::path operator/(const std::string& name) const { return path() / name; }
  /// Writes a file and says where it is. Not through `write_file`: its flush to the disk, which
  /// overwriting a file costs too, makes a test of thousands of files slow.
  std::filesystem::path with(const std::string& name, std::string_view bytes) const {
    std::filesystem::remove(path() / name);
    std::ofstream(path() / name, std::ios::binary) << bytes;
    return path() / name;
  }
};

/// What an Error thrown by `action` says; empty when it throws none.
/// `value` as its bytes in memory.
template <class T>
std::string bytes_of(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// A safetensors file of this header and these tensor bytes.
inline std::string safetensors_bytes(const std::string& header, const std::string& data) {
  return bytes_of<uint64_t>(header.size()) + header + data;
}

}  // namespace fpcls
