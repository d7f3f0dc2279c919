#include "base/interrupt.h"

#include <csignal>

namespace fpcls {
namespace {

volatile std::sig_atomic_t noted = 0;

void note(int) { noted = 1; }

struct sigaction& before() {
  static struct sigaction action {};
  return action;
}

}  // namespace

InterruptWatch::InterruptWatch() {
  noted = 0;
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &action, &before());
}

InterruptWatch::~InterruptWatch() { sigaction(SIGINT, &before(), nullptr); }

bool InterruptWatch::asked() { return noted != 0; }

}  // namespace fpcls
