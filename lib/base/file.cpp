#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;

/// Where the mapped files lie: address of the end, and of the beginning.
std::map<uintptr_t, uintptr_t>& mappings() {
  static std::map<uintptr_t, uintptr_t> all;
  return all;
}
std::mutex& mappings_mutex() {
  static std::mutex mutex;
  return mutex;
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator int() const { return value_; }

 private:
  int value_;
};

/// Opens a regular file and says how long it is. Never blocks on a pipe: it is opened without
/// waiting, then looked at.
int open_regular(const fs::path& path, int64_t& size_bytes) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail("{}: cannot open: {}", quoted(path), std::strerror(errno));
  struct stat status {};
  const bool known = ::fstat(descriptor, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    const bool folder = known && S_ISDIR(status.st_mode);
    ::close(descriptor);
    fail("{}: is {}, expected a file", quoted(path), folder ? "a folder" : "not a regular file");
  }
  size_bytes = status.st_size;
  return descriptor;
}

/// A new file in the folder of `path` that has no name, so that a kill leaves nothing behind. Below
/// 0 where the file system has no such files, or no /proc to name them through.
int open_nameless(const fs::path& path) {
  if (::access("/proc/self/fd", X_OK) != 0) return -1;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  return ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
}

/// Gives a nameless file a name; 0, or the reason why it couldn't.
int give_name(int descriptor, const fs::path& path) {
  const std::string self = fmt::format("/proc/self/fd/{}", descriptor);
  for (const bool again : {true, false}) {
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) return 0;
    if (errno != EEXIST || !again) break;
    ::unlink(path.c_str());  // left by a killed process that had our number
  }
  return errno;
}

}  // namespace

std::string read_file(const fs::path& path, int64_t limit_bytes) {
  int64_t size_bytes = 0;
  const Descriptor file(open_regular(path, size_bytes));
  if (size_bytes > limit_bytes) {
    fail("{}: has {} bytes, expected at most {}", quoted(path), size_bytes, limit_bytes);
  }
  std::string bytes(static_cast<size_t>(size_bytes), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(file, &bytes[done], bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("{}: cannot read: {}", quoted(path), std::strerror(errno));
    if (count == 0) break;  // it shrank since it was opened: what is there is the file
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

std::shared_ptr<const MappedFile> MappedFile::open(const fs::path& path) {
  int64_t size_bytes = 0;
  const Descriptor file(open_regular(path, size_bytes));
  if (size_bytes == 0) return std::shared_ptr<const MappedFile>(new MappedFile(nullptr, 0));
  void* address = ::mmap(nullptr, static_cast<size_t>(size_bytes), PROT_READ, MAP_PRIVATE, file, 0);
  if (address == MAP_FAILED) fail("{}: cannot map: {}", quoted(path), std::strerror(errno));
  const auto begin = reinterpret_cast<uintptr_t>(address);
  const std::lock_guard lock(mappings_mutex());
  mappings()[begin + static_cast<uintptr_t>(size_bytes)] = begin;
  return std::shared_ptr<const MappedFile>(
      new MappedFile(address, static_cast<size_t>(size_bytes)));
}

MappedFile::~MappedFile() {
  if (address_ == nullptr) return;
  const std::lock_guard lock(mappings_mutex());
  mappings().erase(reinterpret_cast<uintptr_t>(address_) + size_);
  ::munmap(address_, size_);
}

void release_pages(std::string_view bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data());
  const uintptr_t end = begin + bytes.size();
  const std::lock_guard lock(mappings_mutex());
  const auto mapping = mappings().lower_bound(end);
  if (bytes.empty() || mapping == mappings().end() || mapping->second > begin) return;
  // Whole pages, but never beyond the mapping: what else lies on the first and last page is read
  // again. Advice only; failing does no harm.
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t first = begin / page * page;
  ::madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  std::error_code ignored;
  if (fs::is_directory(path_, ignored)) {
    fail("{}: is a folder, expected a file name to write to", quoted(path_));
  }
  temporary_ = path_;
  temporary_ += fmt::format(".{}.part", ::getpid());
  descriptor_ = open_nameless(path_);
  if (descriptor_ >= 0) return;
  named_ = true;
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("{}: cannot write: {}", quoted(path_), std::strerror(errno));
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (named_) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("{}: cannot write: {}", quoted(path_), std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void AtomicFile::commit() {
  FPCLS_CHECK(descriptor_ >= 0);
  const int file = std::exchange(descriptor_, -1);
  int reason = ::fsync(file) == 0 ? 0 : errno;
  if (reason == 0 && !named_) reason = give_name(file, temporary_);
  if (::close(file) != 0 && reason == 0) reason = errno;
  if (reason == 0 && ::rename(temporary_.c_str(), path_.c_str()) != 0) reason = errno;
  if (reason == 0) return;
  ::unlink(temporary_.c_str());
  fail("{}: cannot write: {}", quoted(path_), std::strerror(reason));
}

void write_file(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void make_writable_folder(const fs::path& path) {
  std::error_code failure;
  if (fs::exists(path, failure) && !fs::is_directory(path, failure)) {
    fail("{}: is a file, expected a folder to write to", quoted(path));
  }
  fs::create_directories(path, failure);
  if (failure) fail("{}: cannot make the folder: {}", quoted(path), failure.message());
  if (::access(path.c_str(), W_OK | X_OK) != 0) {
    fail("{}: cannot write into the folder: {}", quoted(path), std::strerror(errno));
  }
}

}  // namespace fpcls
