#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "model/metadata.h"
#include "model/safetensors.h"

/// Graph and metadata as the JSON of a model file, and back. Internal to this folder.
namespace fpcls {

nlohmann::json graph_to_json(const Graph& graph);
/// Takes each node's weights from `tensors`; a tensor that no node asks for is an Error.
Graph graph_from_json(const nlohmann::json& value, const TensorMap& tensors,
                      const std::string& where);

nlohmann::json metadata_to_json(const Metadata& metadata);
Metadata metadata_from_json(const nlohmann::json& value, const std::string& where);

/// The graph's weights under their names in the file, "<node>.<weight>".
TensorMap named_weights(const Graph& graph);

}  // namespace fpcls
