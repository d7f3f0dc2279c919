#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "images/augment.h"
#include "images/image_list.h"
#include "tune/training_set.h"

/// The pictures of the commands that train.
namespace fpcls {

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

/// Tells apart networks of other weights.
std::string weights_sha256(const Graph& graph);

}  // namespace fpcls
