#pragma once

#include <string>
#include <vector>

#include "metrics/evaluation.h"
#include "report/document.h"
#include "run/picture_finder.h"

/// Pictures for reports.
namespace fpcls {

struct WantedPicture {
  std::string path;
  std::string sha256;
};

/// One thumbnail for each wanted picture, made on all cores; an empty one where the file isn't
/// found, has changed or can't be decoded.
std::vector<Thumbnail> make_thumbnails(const std::vector<WantedPicture>& wanted,
                                       const PictureFinder& finder);

/// The wrong answers as pictures, worst first: of each pair of truth and answer the worst, so that
/// every kind is there when a reader asks for it, and not so many that the page grows with the run.
Gallery error_gallery(const RunInfo& run, const Evaluation& evaluation,
                      const PredictionSource& predictions, const PictureFinder& finder);

}  // namespace fpcls
