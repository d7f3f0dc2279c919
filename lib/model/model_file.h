#pragma once

#include <filesystem>
#include <string>

#include "graph/graph.h"
#include "model/metadata.h"

/// fpcls's own model file: a safetensors file whose tensors are named as in PyTorch's state dicts
/// ("layer1.0.conv1.weight") and whose metadata holds, under "fpcls", the graph and everything else
/// as JSON. No code runs when it is loaded, it maps into memory, and any language reads it.
namespace fpcls {

struct ModelFile {
  Graph graph;
  Metadata metadata;
  std::string sha256;  ///< of the file's bytes: the model's identity
};

/// Throws Error where the file isn't an fpcls model, was written by a newer fpcls, is truncated or
/// damaged (a SHA-256 of graph, metadata and weights is stored in it), or where what it holds isn't
/// sound: an unknown op, shapes that don't agree, NaN weights. The weights stay in the mapped file.
ModelFile load_model_file(const std::filesystem::path& path);

/// Writes the file, whole or not at all; the same graph and metadata always give the same bytes.
/// Throws Error for what `load_model_file` would refuse.
void save_model_file(const std::filesystem::path& path, const Graph& graph,
                     const Metadata& metadata);

}  // namespace fpcls
