#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compress/picture_selection.h"
#include "exec/backend.h"
#include "exec/pixels.h"
#include "model/calibration_file.h"
#include "run/bf16_switch.h"
#include "run/calibration_journal.h"
#include "run/calibration_pool.h"
#include "run/load_model.h"

/// What a model makes of pictures: one look at each gives its features, each layer's largest value,
/// the scores, and each layer's histogram. The histograms of the first pictures are kept, as many
/// as have place, so that those that are chosen among them needn't be looked at again.
namespace fpcls {

/// Numbers that describe a picture.
constexpr int kPictureFeatures = 64;

/// The model made ready to be looked into.
struct Subject {
  LoadedModel model;
  Graph graph;  ///< folded
  ExecutorKind kind;
  FloatType float_type;
  std::unique_ptr<Executor> executor;
  PixelTable pixels;
  std::map<int, size_t> slots;  ///< which observed result a node is
  int feature_node = 0;         ///< whose result, averaged over places, describes a picture
};

/// Throws Error where the model can't be read, is quantized already, or is to be computed in bf16
/// by an executor that doesn't.
Subject make_subject(const std::string& model, const ForeignModelOptions& foreign,
                     ExecutorKind executor, Switch bf16);

/// Of each picture of a pool, in its order.
struct Survey {
  FeatureTable features;
  std::vector<std::string> groups;  ///< slice and label, or what the model takes an unlabelled for
  std::vector<std::string> names;   ///< SHA-256
  std::vector<float> extremes;      ///< {pictures, slots}: each result's largest magnitude
  std::vector<std::string> kept;  ///< histograms and logits, packed; empty where there was no place
};

/// What the layers gave on the chosen pictures.
struct Collected {
  std::vector<CalibrationTensor> tensors;
  std::vector<std::vector<float>> logits;  ///< of each chosen picture
};

class Surveyor {
 public:
  /// `most_kept_bytes` is the place for packed histograms.
  Surveyor(const Subject& subject, int workers, bool quiet,
           int64_t most_kept_bytes = int64_t{96} << 20)
      : subject_(subject), workers_(workers), quiet_(quiet), most_kept_bytes_(most_kept_bytes) {}

  /// Looks at every picture that the journal doesn't know, and tells it of each. Throws Error where
  /// a layer gives NaN or infinity, or a picture has changed.
  Survey look(const CalibrationPool& pool, CalibrationJournal& journal) const;

  /// Adds up the histograms of `chosen`, ascending rows of the pool. The same whatever was kept.
  Collected collect(const CalibrationPool& pool, const Survey& survey,
                    const std::vector<int64_t>& chosen) const;

 private:
  PictureLook look_at(const Candidate& picture, bool keep) const;

  const Subject& subject_;
  int workers_;
  bool quiet_;
  int64_t most_kept_bytes_;
};

}  // namespace fpcls
