#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

/// SHA-256, which identifies pictures and models by their content (through OpenSSL).
namespace fpcls {

/// Accumulates bytes given piece by piece; `hex` ends it.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(std::string_view bytes);
  /// 64 lower-case hexadecimal digits. Call once.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// SHA-256 of `bytes`, 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);
/// That of a file, of which only a piece at a time is in memory. Throws Error where it can't be
/// read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace fpcls
