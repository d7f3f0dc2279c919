#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/enum_names.h"
#include "graph/channel_groups.h"

/// How much a network would miss each of its channels.
namespace fpcls {

enum class Importance {
  l2,          ///< squares of the weights
  l1,          ///< absolute values of the weights
  batch_norm,  ///< absolute values of batch norm's weights; l2 in groups without batch norm
  taylor,      ///< how much the loss would change, to first order (Molchanov et al. 2019)
  random,      ///< nothing: the control that the others have to beat
};

template <>
struct EnumNames<Importance> {
  static constexpr std::pair<Importance, std::string_view> entries[] = {
      {Importance::l2, "l2"},
      {Importance::l1, "l1"},
      {Importance::batch_norm, "batch_norm"},
      {Importance::taylor, "taylor"},
      {Importance::random, "random"}};
};

/// One number for each unit, 0 or more: the mean over all slices of weights that go with the unit
/// (the filters that make its channels, what the next layers weigh them with, batch norm's scale)
/// of each slice's sum, divided by the mean over the unit's group so that groups can be compared
/// (Fang et al. 2023, DepGraph, eq. 4). Units of no group get 1.
///
/// `gradients`, of the same structure as `graph`, holds the loss's gradient in place of each
/// weight; `taylor` needs it, the others don't look. Only `random` uses `seed`.
std::vector<double> unit_importance(const Graph& graph, const ChannelGroups& groups,
                                    Importance importance, const Graph* gradients = nullptr,
                                    uint64_t seed = 0);

}  // namespace fpcls
