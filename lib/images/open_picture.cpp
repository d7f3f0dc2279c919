#include "images/open_picture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include <fmt/format.h>

#include "base/text.h"

namespace fpcls {
namespace {

DecodeFailure unreadable(std::string reason) { return {ReasonCode::unreadable, std::move(reason)}; }

std::variant<std::string, DecodeFailure> read_open(int descriptor, const DecodeLimits& limits) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return unreadable(std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return unreadable("is a folder");
  if (!S_ISREG(status.st_mode)) return unreadable("is not a regular file");
  if (status.st_size > limits.max_file_bytes) {
    return DecodeFailure{ReasonCode::too_large, fmt::format("the file has {}, the limit is {}",
                                                            format_bytes(status.st_size),
                                                            format_bytes(limits.max_file_bytes))};
  }
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(descriptor, &bytes[done], bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unreadable(std::strerror(errno));
    if (count == 0) break;  // it shrank since it was opened: decoding says so
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  if (bytes.empty()) return DecodeFailure{ReasonCode::empty, "the file is empty"};
  return bytes;
}

}  // namespace

std::variant<std::string, DecodeFailure> read_picture_file(const std::filesystem::path& file,
                                                           const DecodeLimits& limits) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    const bool dangling = errno == ENOENT && [&] {
      struct stat status {};
      return ::lstat(file.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
    }();
    return unreadable(dangling ? "is a link to a file that doesn't exist" : std::strerror(errno));
  }
  try {
    auto result = read_open(descriptor, limits);
    ::close(descriptor);
    return result;
  } catch (const std::bad_alloc&) {
    ::close(descriptor);
    return DecodeFailure{ReasonCode::too_large, "not enough memory to read the file"};
  }
}

}  // namespace fpcls
