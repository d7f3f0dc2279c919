#pragma once

#include <filesystem>

#include "graph/graph.h"

/// Reading models that only another library understands.
namespace fpcls {

class Importer {
 public:
  virtual ~Importer() = default;

  /// The graph of a TorchScript file (traced, scripted or frozen) for an input of `input_shape`,
  /// {1, C, H, W}. Layer names are those of the Python modules. Throws Error naming op, layer and
  /// file where the file is broken or holds what a graph can't.
  virtual Graph import_torchscript(const std::filesystem::path& path, const Shape& input_shape) = 0;
};

}  // namespace fpcls
