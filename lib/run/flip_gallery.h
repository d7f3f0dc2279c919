#pragma once

#include <map>
#include <string>
#include <vector>

#include "metrics/comparison.h"
#include "report/document.h"
#include "run/picture_finder.h"

/// What changed from one run to another, picture by picture, for a page.
namespace fpcls {

struct FlipSources {
  std::string base, candidate;               ///< folders, stores or CSV files, as given
  std::map<std::string, double> thresholds;  ///< to judge both by, instead of the recorded ones
  PictureFinder pictures;
  TruthOf truth = TruthOf::base;  ///< whose labels hold
};

/// The pictures whose answer changed, regressions first and of these the most harmful, then how
/// scores moved between the buckets. Pictures are paired by content, or by path where no content is
/// known. Says so where nothing changed, or where pictures are in one run alone.
std::vector<Section> flip_sections(const FlipSources& sources);

}  // namespace fpcls
