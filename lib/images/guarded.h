#pragma once

#include <csetjmp>

/// The C libraries' way out of an error, in one place: their error callbacks must not return, and
/// must not throw through C frames, so they jump.
namespace fpcls {

/// Where to jump to from an error callback.
struct ErrorExit {
  std::jmp_buf jump;
  [[noreturn]] void leave() { std::longjmp(jump, 1); }
};

/// Calls `body`; false when something in it called `exit.leave()`. Nothing that lives inside `body`
/// may have a destructor, because jumping skips it: keep such objects outside, and hold them by
/// reference. What `body` changed outside stays changed.
template <class Body>
[[gnu::noinline]] bool run_guarded(ErrorExit& exit, Body& body) {
  if (setjmp(exit.jump) != 0) return false;
  body();
  return true;
}

}  // namespace fpcls
