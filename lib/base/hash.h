#pragma once

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

}  // namespace fpcls
