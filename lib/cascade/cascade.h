#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/progress.h"
#include "cascade/picture_source.h"
#include "cascade/result_cache.h"
#include "exec/executor.h"
#include "graph/head.h"
#include "graph/preprocessing.h"
#include "predictions/prediction.h"

/// A row of classifiers over a list of pictures. Each picture goes from stage to stage until one
/// accepts it (`predictions/decision.h` has the rule), and becomes one `Prediction`.
///
///     Cascade cascade{{stage_of(model), …}, "other"};
///     const auto pictures = picture_files(list);
///     run_cascade(cascade, *pictures, rows, options,
///                 [&](Prediction&& p) { store.add(std::move(p)); }, &progress);
///
/// Every worker does whatever is most urgent: run a full batch (of the latest stage that has one),
/// else load another picture (read, hash, decode, resize), else, when there is none left to load,
/// run what is left in a batch of its true size. So no core waits while there is work, and at most
/// batch_size x (stages + workers) pictures are on their way, at the networks' sizes: less than a
/// batch waits for each stage, and each worker is at one batch or one picture.
///
/// The results don't depend on workers or batch size but for what an executor's kernels round
/// differently in batches of another size. Last batches aren't padded to the full size: it would
/// cost the time of a full batch and change nothing else.
namespace fpcls {

struct Stage {
  StageInfo info;
  Head head;
  Preprocessing preprocessing;
  /// Uses one thread a call where there is a worker for each core.
  std::shared_ptr<Executor> executor;
  int outputs = 1;  ///< numbers that the executor gives for one picture
  /// What computes the scores ("torch cpu f32"): part of a cached result's key.
  std::string computed_by;
};

struct Cascade {
  std::vector<Stage> stages;
  std::string otherwise = "other";  ///< label of a picture that no stage accepts
};

struct CascadeOptions {
  int workers = 0;  ///< 0: one for each core
  int batch_size = 8;
  bool all_stages = false;       ///< every stage sees every picture, whoever accepts it
  ResultCache* cache = nullptr;  ///< none: every prediction says `bypassed`
};

/// Takes one prediction. Called from the workers' threads, never by two at once, in the order in
/// which pictures are done.
using PredictionSink = std::function<void(Prediction&&)>;

/// Classifies the pictures of `rows`, each exactly once. A picture that can't be read or decoded
/// becomes a prediction that says why. With a cache, a picture whose scores are all known isn't
/// even decoded (`hit`); one of which any score had to be computed is a `miss`; one that can't be
/// decoded is `bypassed`.
///
/// `decode_ms` is the time to read, hash, look up and decode; a stage's is its share of the batch.
/// Throws Error, before anything runs, for a stage whose head doesn't suit its outputs; later, for
/// a stage that gives NaN, naming stage and picture. That, and whatever `sink`, the executors or
/// the source throw, ends all workers; the first such exception is thrown here.
void run_cascade(const Cascade& cascade, const PictureSource& pictures,
                 const std::vector<int64_t>& rows, const CascadeOptions& options,
                 const PredictionSink& sink, Progress* progress = nullptr);

/// All that a stage's scores depend on beside the picture, spelled out: the model's content, which
/// of its outputs is meant, the preprocessing, what computes it.
std::string classifier_key(const Stage& stage);

/// Pictures that are between being opened and `sink` at most, at any moment.
int max_in_flight(int stages, int workers, int batch_size);

}  // namespace fpcls
