#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

/// Two kinds of failure, kept apart. `Error` is what the user can do something about: a wrong
/// flag, a broken file, a full disk. A bug in fpcls itself is `FPCLS_CHECK`: it ends the program.
///
/// A message says **where: what is wrong (got, expected); how to fix**, in lower case, without a
/// final full stop, paths and names in single quotes:
///
///     configs/e.yaml:4:9: data.mean has 1 value, expected 3 (one per RGB channel)
namespace fpcls {

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

/// Throws an Error with the formatted message.
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

/// Prints the condition with its place in the source, then aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace fpcls

/// Ends the program when `condition`, which holds unless fpcls itself has a bug, does not hold.
#define FPCLS_CHECK(condition) \
  ((condition) ? void(0) : ::fpcls::check_failed(#condition, __FILE__, __LINE__))
