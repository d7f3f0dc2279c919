#pragma once

#include <cstdint>
#include <vector>

#include "compress/layer_times.h"
#include "graph/channel_groups.h"

/// How long a network would take without some of its channels, from times of its layers.
namespace fpcls {

class LatencyModel {
 public:
  /// `timer` is asked while the model is used, and must outlive it.
  LatencyModel(const Graph& graph, const ChannelGroups& groups, LayerTimer& timer);

  /// Milliseconds for one picture with those units of which `keep` is true: each conv's and
  /// linear's time at the widths that are left, and of all other kernels' times the share that
  /// their channels have left.
  double ms(const std::vector<bool>& keep) const;

  /// For each group, ascending, how many of its units may stay: all of them, and each number
  /// that no larger one is as quick as, within `kCliff` of the time of the layers it is about and
  /// with all other groups whole. Time falls in steps as a layer becomes narrower, and rises again
  /// where a width suits the processor badly; what isn't at the edge of a step has lost channels
  /// for nothing.
  std::vector<std::vector<int64_t>> cliffs() const;

 private:
  struct Layer {
    LayerShape shape;  ///< whole
    std::vector<int> inputs, outputs;  ///< the unit of each channel
    int64_t group_inputs = 1, group_outputs = 1;  ///< channels in each group of a convolution
    bool whole_groups = false;  ///< the convolution loses whole groups
  };
  struct Other {
    double ms = 0;
    std::vector<int> units;
  };

  double layer_ms(const Layer& layer, const std::vector<bool>& keep) const;
  /// Layers that read or make units of `group`.
  std::vector<const Layer*> layers_of(const ChannelGroup& group) const;

  LayerTimer& timer_;
  std::vector<ChannelGroup> groups_;
  size_t unit_count_ = 0;
  std::vector<Layer> layers_;
  std::vector<Other> others_;
};

/// By how much narrower must be quicker.
constexpr double kCliff = 0.01;

}  // namespace fpcls
