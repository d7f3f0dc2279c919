#pragma once

/// Ctrl-C as a question that long work asks itself, so that it can keep what it has.
namespace fpcls {

/// While one exists, the first SIGINT is only noted; a second one ends the process as usual. Not
/// more than one at a time.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  /// Whether a SIGINT came. Any thread may ask.
  static bool asked();
};

}  // namespace fpcls
