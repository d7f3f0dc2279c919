#include "cascade/schedule.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <utility>

#include "base/random.h"

namespace fpcls {
namespace {

using Kind = Task::Kind;

std::vector<int64_t> rows_up_to(int64_t count) {
  std::vector<int64_t> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

void enter(Schedule& schedule, int stage, int count) {
  for (int i = 0; i < count; ++i) schedule.enter(stage, std::make_unique<Picture>());
}

void load(Schedule& schedule, int count) {
  for (int i = 0; i < count; ++i) ASSERT_EQ(schedule.next().kind, Kind::load);
}

TEST(Schedule, IsFinishedAtOnceWithoutPictures) {
  const std::vector<int64_t> rows;
  Schedule schedule(3, 4, rows);
  EXPECT_EQ(schedule.next().kind, Kind::finished);
}

TEST(Schedule, LoadsEachRowOnceInOrder) {
  const std::vector<int64_t> rows = {7, 3, 5};
  Schedule schedule(1, 8, rows);
  for (const int64_t row : rows) EXPECT_EQ(schedule.next().row, row);
  EXPECT_EQ(schedule.next().kind, Kind::wait);
}

TEST(Schedule, RunsAFullBatchOfTheLatestStageFirst) {
  const std::vector<int64_t> rows = rows_up_to(100);
  Schedule schedule(3, 2, rows);
  load(schedule, 5);
  enter(schedule, 0, 2);
  enter(schedule, 2, 1);
  enter(schedule, 1, 2);
  Task first = schedule.next();
  EXPECT_EQ(first.kind, Kind::run);
  EXPECT_EQ(first.stage, 1);
  EXPECT_EQ(first.pictures.size(), 2u);
  EXPECT_EQ(schedule.next().stage, 0);
  EXPECT_EQ(schedule.next().kind, Kind::load);
}

TEST(Schedule, RunsNoPartialBatchWhilePicturesAreLeftToLoad) {
  const std::vector<int64_t> rows = rows_up_to(3);
  Schedule schedule(1, 4, rows);
  load(schedule, 2);
  enter(schedule, 0, 2);
  EXPECT_EQ(schedule.next().kind, Kind::load);
  enter(schedule, 0, 1);
  const Task last = schedule.next();
  EXPECT_EQ(last.kind, Kind::run);
  EXPECT_EQ(last.pictures.size(), 3u);
}

TEST(Schedule, RunsThePartialBatchOfTheEarliestStageFirst) {
  const std::vector<int64_t> rows = rows_up_to(2);
  Schedule schedule(2, 4, rows);
  load(schedule, 2);
  enter(schedule, 1, 1);
  enter(schedule, 0, 1);
  EXPECT_EQ(schedule.next().stage, 0);
  EXPECT_EQ(schedule.next().stage, 1);
  EXPECT_EQ(schedule.next().kind, Kind::wait);
  schedule.leave();
  EXPECT_EQ(schedule.next().kind, Kind::wait);
  schedule.leave();
  EXPECT_EQ(schedule.next().kind, Kind::finished);
}

/// `workers` that take tasks at random moments, with pictures that leave at random stages. Counts
/// the tasks that ran fewer pictures than a batch while there was something left to load.
struct Simulation {
  int stages, workers, batch_size;
  Random random;
  int early_partials = 0;
  bool ever_stuck = false;
  int64_t loaded = 0, done = 0;
  int most_in_flight = 0;

  void run(int64_t count) {
    const std::vector<int64_t> rows = rows_up_to(count);
    Schedule schedule(stages, batch_size, rows);
    std::vector<Task> busy;
    for (;;) {
      const bool can_take = static_cast<int>(busy.size()) < workers;
      Task task;
      if (can_take && (busy.empty() || random.chance(0.6))) {
        task = schedule.next();
        if (task.kind == Kind::finished) return;
      }
      if (task.kind == Kind::load) ++loaded;
      if (task.kind == Kind::run && static_cast<int>(task.pictures.size()) < batch_size &&
          loaded < count) {
        ++early_partials;
      }
      most_in_flight = std::max(most_in_flight, schedule.in_flight());
      if (task.kind != Kind::wait) {
        busy.push_back(std::move(task));
      } else if (busy.empty()) {
        ever_stuck = true;
        return;
      } else {
        finish_one(schedule, busy);
      }
    }
  }

  void finish_one(Schedule& schedule, std::vector<Task>& busy) {
    const auto which = static_cast<size_t>(random.below(static_cast<int64_t>(busy.size())));
    Task task = std::move(busy[which]);
    busy.erase(busy.begin() + static_cast<std::ptrdiff_t>(which));
    if (task.kind == Kind::load) task.pictures.push_back(std::make_unique<Picture>());
    const int next = task.kind == Kind::load ? 0 : task.stage + 1;
    for (PicturePtr& picture : task.pictures) {
      if (next == stages || random.chance(0.2)) {
        schedule.leave();
        ++done;
      } else {
        schedule.enter(next, std::move(picture));
      }
    }
  }
};

TEST(Schedule, NeverGetsStuckBoundsPicturesInFlightAndRunsPartialBatchesOnlyAtTheEnd) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    Simulation simulation{static_cast<int>(random.between(1, 5)),
                          static_cast<int>(random.between(1, 6)),
                          static_cast<int>(random.between(1, 9)), Random(seed + 1000)};
    const int64_t count = random.between(0, 300);
    simulation.run(count);
    EXPECT_FALSE(simulation.ever_stuck) << seed;
    EXPECT_EQ(simulation.done, count) << seed;
    EXPECT_EQ(simulation.early_partials, 0) << seed;
    EXPECT_LE(simulation.most_in_flight, simulation.stages * (simulation.batch_size - 1) +
                                             simulation.workers * simulation.batch_size)
        << seed;
  }
}

}  // namespace
}  // namespace fpcls
