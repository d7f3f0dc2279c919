#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "exec/trainer.h"
#include "graph/preprocessing.h"
#include "images/augment.h"
#include "images/image_list.h"

/// Labelled pictures decoded once and kept in memory near network size, so that an epoch costs
/// augmentation and training only.
namespace fpcls {

struct TrainingSet {
  int height = 0;  ///< of each stored picture
  int width = 0;
  std::vector<uint8_t> pixels;      ///< u8 {size(), height, width, 3}
  std::vector<int> targets;         ///< as TrainingBatch wants them
  std::vector<std::string> sha256;  ///< of each picture's file
  /// Pictures that couldn't be decoded: path and reason.
  std::vector<std::pair<std::string, std::string>> bad;

  int64_t size() const { return static_cast<int64_t>(targets.size()); }
  size_t picture_bytes() const { return static_cast<size_t>(height) * width * 3; }
  const uint8_t* picture(int64_t i) const { return pixels.data() + i * picture_bytes(); }
};

/// What to do with a label: the target of its pictures, or below 0 to leave them out.
using TargetOf = std::function<int(const std::string& label)>;

/// Decodes the labelled pictures of `list` by `workers` threads into `stored`'s size, in the order
/// of the list. Unlabelled pictures and those whose target is below 0 are left out. Throws Error
/// where nothing is left, or where the pixels would take more than `limit_bytes`.
TrainingSet load_training_set(const ImageList& list, const TargetOf& target_of,
                              const Preprocessing& stored, int workers, bool quiet,
                              int64_t limit_bytes = int64_t{8} << 30);

/// Splits off `ratio` of the pictures for validation, the same part of each target. Which ones
/// depends on their content alone, so copies of a picture, even under another label, never stand on
/// both sides.
std::pair<TrainingSet, TrainingSet> split_training_set(const TrainingSet& set, double ratio);

/// `set` without the pictures whose very files are in `held` too: trained on, they would make the
/// validation say too much.
TrainingSet without_copies(const TrainingSet& set, const TrainingSet& held);

/// The pictures at `rows` at the size of a network's input, varied by seeds of their own that
/// derive from `seed`, with their targets but without weights.
TrainingBatch make_training_batch(const TrainingSet& set, const std::vector<int64_t>& rows,
                                  const Shape& input, const AugmentOptions& options,
                                  uint64_t seed);

/// SHA-256 over contents and targets.
std::string training_set_sha256(const TrainingSet& set);

}  // namespace fpcls
