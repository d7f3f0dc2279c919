#pragma once

#include <string>

#include "base/error.h"

namespace fpcls {

/// What `work` complains of; "no error" where it doesn't.
template <class Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace fpcls
