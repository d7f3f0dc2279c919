#include "cascade/cascade.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/stopwatch.h"
#include "base/text.h"
#include "base/threads.h"
#include "cascade/course.h"
#include "cascade/loader.h"
#include "cascade/schedule.h"

namespace fpcls {
namespace {

/// Changes whenever decoding or resizing give other pixels than before: it keeps results computed
/// from the old ones from being found.
constexpr int kPixelsVersion = 1;

std::string stage_text(const Stage& stage) { return "stage " + quoted(stage.info.name); }

void check_cascade(const Cascade& cascade, const CascadeOptions& options) {
  if (cascade.stages.empty()) fail("cascade: has no stages, expected at least one");
  if (options.batch_size < 1) {
    fail("cascade: the batch size is {}, expected at least 1", options.batch_size);
  }
  for (const Stage& stage : cascade.stages) {
    check_head(stage.head, stage.outputs, stage_text(stage));
    FPCLS_CHECK(stage.executor != nullptr);
    FPCLS_CHECK(stage.info.binary == stage.head.binary());
    FPCLS_CHECK(stage.info.scored_labels == stage.head.scored_labels());
    FPCLS_CHECK(options.cache == nullptr || !stage.info.model_sha256.empty());
  }
}

/// The scores of each picture of a batch, checked.
std::vector<std::vector<float>> run_stage(const Stage& stage, const PixelBatch& batch,
                                          const std::vector<PicturePtr>& pictures) {
  const std::vector<float> logits = stage.executor->run(batch);
  const auto outputs = static_cast<size_t>(stage.outputs);
  if (logits.size() != outputs * pictures.size()) {
    fail("{}: its model {} gives {} numbers for {} pictures, expected {} for each",
         stage_text(stage), quoted(stage.info.model_path), logits.size(), pictures.size(), outputs);
  }
  std::vector<std::vector<float>> scores;
  scores.reserve(pictures.size());
  for (size_t i = 0; i < pictures.size(); ++i) {
    const float* first = &logits[i * outputs];
    bool number = std::none_of(first, first + outputs, [](float x) { return std::isnan(x); });
    if (number) {
      scores.push_back(scores_of(stage.head, first));
      number = std::all_of(scores.back().begin(), scores.back().end(),
                           [](float score) { return std::isfinite(score); });
    }
    if (!number) {
      fail(
          "{}: its model {} gives something that is not a number for the picture {}; look for "
          "broken weights with 'fpcls inspect', or convert the model again",
          stage_text(stage), quoted(stage.info.model_path), quoted(pictures[i]->prediction.path));
    }
  }
  return scores;
}

class Run {
 public:
  Run(const Cascade& cascade, const PictureSource& source, const std::vector<int64_t>& rows,
      const CascadeOptions& options, const PredictionSink& sink, Progress* progress)
      : cascade_(cascade),
        cache_(options.cache),
        sink_(sink),
        progress_(progress),
        course_(cascade, options.all_stages),
        loader_(cascade, source, options, course_),
        schedule_(static_cast<int>(cascade.stages.size()), options.batch_size, rows) {}

  /// What one worker does until all pictures are done or another worker has failed.
  void work() {
    try {
      PixelBatch batch;
      for (;;) {
        Task task = next_task();
        if (task.kind == Task::Kind::finished) return;
        if (task.kind == Task::Kind::load) {
          Loader::Loaded loaded = loader_.load(task.row);
          go_on(loaded.stage, std::move(loaded.picture));
        } else {
          run(task, batch);
        }
      }
    } catch (...) {
      {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
      }
      changed_.notify_all();
      throw;
    }
  }

 private:
  Task next_task() {
    std::unique_lock lock(mutex_);
    for (;;) {
      Task task;
      if (stopped_) {
        task.kind = Task::Kind::finished;
        return task;
      }
      task = schedule_.next();
      if (task.kind != Task::Kind::wait) return task;
      changed_.wait(lock);
    }
  }

  void run(Task& task, PixelBatch& batch) {
    const Stage& stage = cascade_.stages[static_cast<size_t>(task.stage)];
    const Stopwatch watch;
    fill(batch, loader_.form_of(task.stage), task.pictures);
    std::vector<std::vector<float>> scores = run_stage(stage, batch, task.pictures);
    const double ms = watch.ms() / static_cast<double>(task.pictures.size());
    for (size_t i = 0; i < task.pictures.size(); ++i) {
      PicturePtr& picture = task.pictures[i];
      if (cache_ != nullptr) {
        cache_->insert(loader_.classifier(task.stage), picture->prediction.sha256, scores[i]);
      }
      const int next = course_.after(*picture, task.stage, std::move(scores[i]), ms);
      go_on(next, std::move(picture));
    }
  }

  void fill(PixelBatch& batch, int form, const std::vector<PicturePtr>& pictures) const {
    batch.height = loader_.form(form).height;
    batch.width = loader_.form(form).width;
    batch.rows.clear();
    batch.pixels.resize(batch.picture_bytes() * pictures.size());
    uint8_t* to = batch.pixels.data();
    for (const PicturePtr& picture : pictures) {
      const std::vector<uint8_t>& from = picture->pixels[static_cast<size_t>(form)];
      FPCLS_CHECK(from.size() == batch.picture_bytes());
      to = std::copy(from.begin(), from.end(), to);
      batch.rows.push_back(picture->prediction.row);
    }
  }

  void go_on(int stage, PicturePtr picture) {
    if (stage == Course::kDone) {
      const std::lock_guard lock(sink_mutex_);
      sink_(std::move(picture->prediction));
      picture.reset();
      if (progress_ != nullptr) progress_->advance();
    }
    {
      const std::lock_guard lock(mutex_);
      if (stage == Course::kDone) {
        schedule_.leave();
      } else {
        schedule_.enter(stage, std::move(picture));
      }
    }
    changed_.notify_all();
  }

  const Cascade& cascade_;
  ResultCache* const cache_;
  const PredictionSink& sink_;
  Progress* const progress_;
  const Course course_;
  const Loader loader_;

  std::mutex sink_mutex_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  Schedule schedule_;
  bool stopped_ = false;
};

}  // namespace

int max_in_flight(int stages, int workers, int batch_size) {
  return stages * (batch_size - 1) + workers * batch_size;
}

std::string classifier_key(const Stage& stage) {
  const Preprocessing& p = stage.preprocessing;
  return fmt::format(
      "model {} output {} of {} pixels v{} {}x{} {} resize {} decode {} mean {:a} {:a} {:a} "
      "std {:a} {:a} {:a} by {}",
      stage.info.model_sha256, stage.head.positive, stage.head.labels.size(), kPixelsVersion,
      p.height, p.width, enum_name(p.fit), p.fit == Fit::stretch ? 0 : p.resize,
      enum_name(p.decode), p.mean[0], p.mean[1], p.mean[2], p.std[0], p.std[1], p.std[2],
      stage.computed_by);
}

void run_cascade(const Cascade& cascade, const PictureSource& pictures,
                 const std::vector<int64_t>& rows, const CascadeOptions& options,
                 const PredictionSink& sink, Progress* progress) {
  check_cascade(cascade, options);
  const int workers = options.workers > 0 ? options.workers : usable_cores();
  Run run(cascade, pictures, rows, options, sink, progress);
  run_workers(workers, [&](int) { run.work(); });
  if (options.cache != nullptr) options.cache->flush();
}

}  // namespace fpcls
