#include "cascade/schedule.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace fpcls {

Schedule::Schedule(int stages, int batch_size, const std::vector<int64_t>& rows)
    : batch_size_(static_cast<size_t>(batch_size)),
      rows_(rows),
      waiting_(static_cast<size_t>(stages)) {}

Task Schedule::next() {
  const int stages = static_cast<int>(waiting_.size());
  // The latest stage first: what is nearly done makes room for new pictures.
  for (int stage = stages - 1; stage >= 0; --stage) {
    if (waiting_[static_cast<size_t>(stage)].size() >= batch_size_) return run(stage);
  }
  if (next_row_ < rows_.size()) {
    ++in_flight_;
    Task task;
    task.kind = Task::Kind::load;
    task.row = rows_[next_row_++];
    return task;
  }
  // The earliest stage first: what it passes on fills up the later stages' last batches.
  for (int stage = 0; stage < stages; ++stage) {
    if (!waiting_[static_cast<size_t>(stage)].empty()) return run(stage);
  }
  Task task;
  if (in_flight_ == 0) task.kind = Task::Kind::finished;
  return task;
}

Task Schedule::run(int stage) {
  std::deque<PicturePtr>& queue = waiting_[static_cast<size_t>(stage)];
  Task task;
  task.kind = Task::Kind::run;
  task.stage = stage;
  while (!queue.empty() && task.pictures.size() < batch_size_) {
    task.pictures.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  return task;
}

void Schedule::enter(int stage, PicturePtr picture) {
  waiting_[static_cast<size_t>(stage)].push_back(std::move(picture));
}

void Schedule::leave() {
  --in_flight_;
  FPCLS_CHECK(in_flight_ >= 0);
}

}  // namespace fpcls
