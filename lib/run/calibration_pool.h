#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "images/image_list.h"
#include "run/common_options.h"

/// The pictures that a calibration may choose from.
namespace fpcls {

struct Candidate {
  ImageEntry entry;
  std::string sha256;  ///< of the file
};

struct CalibrationPool {
  std::vector<Candidate> pictures;     ///< sorted by content, each kind once
  std::set<std::string> avoid_sha256;  ///< of the pictures to be avoided
  int64_t listed = 0, undecodable = 0, copies = 0, near_copies = 0, avoided = 0;
};

/// All pictures of `input` but undecodable ones, copies and near copies of each other (the first by
/// content stays), and whatever is a copy or near copy of a picture of `avoid`.
CalibrationPool gather_pool(const InputOptions& input, const std::vector<std::string>& avoid,
                            int workers, bool quiet);

}  // namespace fpcls
