#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/enum_names.h"
#include "graph/graph.h"
#include "images/augment.h"
#include "images/image_list.h"
#include "tune/training_set.h"

/// What the commands that train have in common: their options' values, and their pictures.
namespace fpcls {

enum class Augmentation { none, plan };

template <>
struct EnumNames<Augmentation> {
  static constexpr std::pair<Augmentation, std::string_view> entries[] = {
      {Augmentation::none, "none"}, {Augmentation::plan, "plan"}};
};

enum class Switch { automatic, on, off };

template <>
struct EnumNames<Switch> {
  static constexpr std::pair<Switch, std::string_view> entries[] = {
      {Switch::automatic, "auto"}, {Switch::on, "on"}, {Switch::off, "off"}};
};

struct TrainingData {
  TrainingSet training;
  TrainingSet validation;
  int64_t copies = 0;  ///< left out of training, because they are validated on

  /// Pictures that couldn't be decoded: path and reason.
  std::vector<std::pair<std::string, std::string>> bad() const;
};

/// Decodes the pictures of `list` to train on, a little larger than the input for `augment` to cut
/// from, and those of `held` to validate on; where `held` is empty a `share` of `list` is split
/// off.
TrainingData load_training_data(const ImageList& list, const ImageList& held, double share,
                                const TargetOf& target_of, const Preprocessing& preprocessing,
                                const AugmentOptions& augment, int workers, bool quiet);

/// Whether to multiply in bf16: as asked, or where device and network are quicker so.
bool trains_in_bf16(Switch asked, const std::string& device, const Graph& graph);

/// Tells apart networks of other weights.
std::string weights_sha256(const Graph& graph);

}  // namespace fpcls
