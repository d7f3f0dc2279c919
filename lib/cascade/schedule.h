#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "predictions/prediction.h"

/// Who waits where in a running cascade, and what is to be done next. No threads and no locks
/// here: the workers share one `Schedule` under their own mutex.
///
/// A picture is loaded only when no stage has a full batch, so less than one batch waits for each
/// stage then; this alone bounds the pictures in flight.
namespace fpcls {

/// A picture on its way.
struct Picture {
  Prediction prediction;
  std::vector<std::vector<uint8_t>> pixels;  ///< for each pixel form of the cascade; may be empty
  std::vector<std::optional<std::vector<float>>> cached;  ///< for each stage
};
using PicturePtr = std::unique_ptr<Picture>;

struct Task {
  enum class Kind {
    load,      ///< load the picture of `row`
    run,       ///< run `pictures` through `stage`
    wait,      ///< nothing to do until another worker has finished its task
    finished,  ///< all pictures are done
  };
  Kind kind = Kind::wait;
  int64_t row = 0;
  int stage = 0;
  std::vector<PicturePtr> pictures;
};

class Schedule {
 public:
  /// `rows` must outlive the object.
  Schedule(int stages, int batch_size, const std::vector<int64_t>& rows);

  /// The most urgent task. A `load` counts its picture as in flight.
  Task next();
  /// A loaded picture, or one that the stage before has passed on, now waits for `stage`.
  void enter(int stage, PicturePtr picture);
  /// A picture is done.
  void leave();

  int in_flight() const { return in_flight_; }

 private:
  Task run(int stage);

  const size_t batch_size_;
  const std::vector<int64_t>& rows_;
  size_t next_row_ = 0;
  int in_flight_ = 0;
  std::vector<std::deque<PicturePtr>> waiting_;  // one queue for each stage
};

}  // namespace fpcls
