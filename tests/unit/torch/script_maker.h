#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "graph/tensor.h"

/// Makes small TorchScript files, for tests of reading them. libtorch's headers, which take long to
/// compile, stay in the .cpp.
namespace fpcls {

class ScriptMaker {
 public:
  /// A weight by its path, such as "layer1.conv.weight"; modules on the way are made.
  ScriptMaker& weight(const std::string& path, const Tensor& value);
  /// The methods of the module at `path` ("" for the top), as TorchScript source.
  ScriptMaker& code(const std::string& path, const std::string& source);

  void save(const std::filesystem::path& path, bool frozen = false) const;

  /// What libtorch itself gives for `x`.
  static Tensor run(const std::filesystem::path& path, const Tensor& x, bool training = false);

 private:
  std::map<std::string, Tensor> weights_;
  std::map<std::string, std::string> code_;
};

}  // namespace fpcls
