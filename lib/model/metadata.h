#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "graph/head.h"
#include "graph/preprocessing.h"

/// What a model file says besides its graph: everything needed to turn a picture into a label, and
/// what the model was made from.
namespace fpcls {

/// What a model was made from, as names and values in the order they were added: `command`,
/// `version`, hashes of data and of the models it comes from, notes. No times, hosts or absolute
/// paths: the same command gives the same bytes.
using Provenance = std::vector<std::pair<std::string, std::string>>;

struct Metadata {
  Head head;
  Preprocessing preprocessing;
  std::optional<float> accept;    ///< threshold chosen when the model was made, 0 to 1
  std::string precision = "f32";  ///< what its weights are stored in
  std::string architecture;       ///< "resnet50"; empty where nobody knows
  Provenance provenance;
};

/// Throws Error, beginning with `where`, unless `metadata` is sound and suits `graph`: one label
/// for each output, preprocessing to the graph's input size, numbers in range.
void check_metadata(const Metadata& metadata, const Graph& graph, const std::string& where);

}  // namespace fpcls
