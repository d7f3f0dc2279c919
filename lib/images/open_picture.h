#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "images/decode.h"

/// A picture's bytes from the disk.
namespace fpcls {

/// The bytes of a picture's file, or why it can't be read: a picture that can't be opened is a
/// value like one that can't be decoded, and never stops a run. Never waits for the other end of a
/// pipe.
std::variant<std::string, DecodeFailure> read_picture_file(const std::filesystem::path& file,
                                                           const DecodeLimits& limits = {});

}  // namespace fpcls
