#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The files inside an archive written by PyTorch: a zip whose files lie in one folder. Names only
/// serve to find files; nothing is ever written under them. Internal to this folder.
namespace fpcls {

class ZipArchive {
 public:
  /// Throws Error unless `bytes`, which `owner` keeps alive, are such an archive. Files that take
  /// more room together than the archive has are refused.
  ZipArchive(std::string_view bytes, std::shared_ptr<const void> owner, std::string where);
  ~ZipArchive();
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  /// Whether there is a file of this name, the archive's folder left out; with a final '/', any
  /// file in that folder.
  bool has(const std::string& name) const;
  int64_t size_bytes(const std::string& name) const;
  /// The whole file, its checksum verified. One that is compressed, as in a zip bomb, is refused:
  /// PyTorch compresses only TorchScript's code, which nobody reads here.
  std::shared_ptr<const std::vector<char>> read(const std::string& name) const;

 private:
  struct Entry {
    uint64_t index;
    int64_t size_bytes;
    bool stored;  ///< neither compressed nor encrypted
  };
  struct Handle;

  void list_entries(int64_t archive_bytes);
  const Entry& entry(const std::string& name) const;

  std::shared_ptr<const void> owner_;
  const std::string where_;
  std::unique_ptr<Handle> handle_;
  std::map<std::string, Entry> entries_;
};

}  // namespace fpcls
