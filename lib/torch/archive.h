#pragma once

#include <filesystem>

/// Whether a TorchScript file, which is a zip archive, is whole: libtorch itself doesn't compare
/// checksums, so a flipped bit in a weight would go unnoticed.
namespace fpcls {

/// Reads every entry once. Throws Error naming the file where it can't be read or is damaged.
void check_archive(const std::filesystem::path& path);

}  // namespace fpcls
