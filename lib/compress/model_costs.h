#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compress/latency_model.h"
#include "graph/channel_groups.h"

/// What a network costs, and what it would cost without some of its channels.
namespace fpcls {

struct ModelCosts {
  int64_t parameters = 0;
  int64_t macs = 0;        ///< multiply-accumulates for one picture
  int64_t channels = 0;    ///< outputs of all conv and linear layers but those that can't lose any
  int64_t size_bytes = 0;  ///< of all weights and statistics; a file's header comes on top
  /// For one picture, predicted from times of the layers; absent where nobody asked for it.
  std::optional<double> latency_ms;
};

/// Knows the costs of a graph with any of its channels removed, without removing them.
class CostModel {
 public:
  /// With `latency`, which must outlive this, the costs have a time too.
  CostModel(const Graph& graph, const ChannelGroups& groups,
            const LatencyModel* latency = nullptr);

  /// With those units of which `keep` is true. Exactly what `cut_channels` makes, but for biases
  /// that take in constants where there was none.
  ModelCosts costs(const std::vector<bool>& keep) const;
  /// As the graph is.
  ModelCosts dense() const;

 private:
  struct Weight {
    int64_t rest = 1;                     ///< product of the extents of the axes that stay
    std::vector<std::vector<int>> units;  ///< those of the other axes
    int64_t element_bytes = 4;
    bool parameter = false;
    /// MACs for each element of the weight: the places of the result that it is used for.
    int64_t macs_each = 0;
  };

  void add_weights(const Graph& graph, const ChannelGroups& groups, int node);

  std::vector<Weight> weights_;
  std::vector<std::vector<int>> layers_;  ///< the units of each conv and linear that can lose any
  int64_t fixed_macs_ = 0;                ///< of matmul
  int unit_count_ = 0;
  const LatencyModel* latency_ = nullptr;
};

}  // namespace fpcls
