#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

/// Reading files whole or mapped, and writing them whole or not at all. Every failure is an Error
/// that names the path and what the operating system said.
namespace fpcls {

/// Reads a regular file. Refuses one larger than `limit_bytes` before allocating anything.
std::string read_file(const std::filesystem::path& path, int64_t limit_bytes = int64_t{1} << 32);

/// A file mapped into memory, read-only, for as long as the object lives.
class MappedFile {
 public:
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(address_), size_}; }

 private:
  MappedFile(void* address, size_t size) : address_(address), size_(size) {}
  void* address_;
  size_t size_;
};

/// Lets the system take back the memory of `bytes` wherever it belongs to a `MappedFile`; it is
/// read from the file again when needed. Does nothing for other memory.
void release_pages(std::string_view bytes);

/// A file that appears under its name only when complete.
///
/// The constructor opens a temporary file in the folder of `path` (so a bad path fails before the
/// long work starts), `commit` flushes it to the disk and puts it in the place of `path`. Without
/// `commit` it vanishes and `path` stays as it was. The temporary file has no name, so that a kill
/// leaves nothing; only where the file system can't do that is it `path` + ".<process>.part".
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  bool named_ = false;  // the temporary file is there under its name
};

/// Writes `bytes` to `path`, whole or not at all.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// Makes `path` a folder that can be written to, with its parents; an Error where it can't be.
void make_writable_folder(const std::filesystem::path& path);

}  // namespace fpcls
