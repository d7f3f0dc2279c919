#include <algorithm>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "predictions/schema.h"
#include "predictions/sqlite.h"
#include "predictions/store.h"

namespace fpcls {
namespace {

using sqlite::Database;
using sqlite::Statement;

constexpr float kAbsent = -1.0F;  // a score that no row gave yet

constexpr const char* kImages =
    "SELECT row, path, slice, sha256, label, predicted, stage, reason_code, reason, "
    "decode_ms, resize_ms, other_ms, warnings, cache FROM image ORDER BY ";

const char* order_of(RowOrder order) {
  return order == RowOrder::content ? "sha256, path, row"
         : order == RowOrder::path  ? "path, row"
                                    : "row";
}

CacheUse cache_use_of(std::string_view name) {
  return name == "hit" ? CacheUse::hit : name == "miss" ? CacheUse::miss : CacheUse::bypassed;
}

}  // namespace

struct PredictionReader::Impl {
  Impl(const std::filesystem::path& path, RowOrder order)
      : database(path, Database::Mode::read), by_row(order == RowOrder::listed) {
    check_schema(database);
    // One transaction: the two queries see the same rows while a writer adds more.
    database.execute("BEGIN");
    run = read_run(database);
    for (const StageInfo& stage : run.stages) most_scores += stage.scored_labels.size();
    images.emplace(database, (std::string(kImages) + order_of(order)).c_str());
    // In the order of rows one pass over the scores goes along; else each image's are looked up.
    const std::string which = by_row ? "" : "WHERE image = ? ";
    scores.emplace(database, ("SELECT image, stage, label, value, ms FROM score " + which +
                              "ORDER BY image, stage, label")
                                 .c_str());
  }

  void rewind() {
    images->reset();
    scores->reset();
    started = false;
    last_row = -1;
    rows = 0;
  }

  bool next(Prediction& p) {
    if (!by_row) return next_looked_up(p);
    if (!started) {
      started = true;
      score_waits = scores->step();
    }
    if (!images->step()) {
      if (score_waits) fail_orphan();
      return false;
    }
    read_image(p);
    read_scores(p);
    return true;
  }

  bool next_looked_up(Prediction& p) {
    if (!images->step()) return false;
    read_image(p);
    scores->reset();
    scores->bind(0, p.row);
    score_waits = scores->step();
    read_scores(p);
    return true;
  }

  void read_image(Prediction& p) {
    p.row = images->integer(0);
    // Pages of a forged file can lead in circles: rows then come again, or in another order.
    if ((by_row && p.row <= last_row) || p.row < 0 || p.row >= run.listed || rows == run.listed) {
      fail("{}: has row {} behind row {}, expected them in order and below {}; the file is damaged",
           quoted(database.path()), p.row, last_row, run.listed);
    }
    last_row = p.row;
    ++rows;
    p.path = images->text(1);
    p.slice = images->text(2);
    p.sha256 = images->text(3);
    if (images->is_null(4)) {
      p.label.reset();
    } else {
      p.label.emplace(images->text(4));
    }
    p.predicted = images->text(5);
    p.stage = images->is_null(6) ? -1 : stage_index(images->text(6));
    p.reason_code = images->text(7);
    p.reason = images->text(8);
    p.decode_ms = images->real(9);
    p.resize_ms = images->real(10);
    p.other_ms = images->real(11);
    p.warnings = static_cast<int>(images->integer(12));
    p.cache = cache_use_of(images->text(13));
  }

  void read_scores(Prediction& p) {
    size_t count = 0, seen = 0;
    while (score_waits && scores->integer(0) == p.row) {
      if (++seen > most_scores) {
        fail("{}: row {} has more than {} scores; the file is damaged", quoted(database.path()),
             p.row, most_scores);
      }
      const int stage = stage_index(scores->text(1));
      if (count == 0 || p.scores[count - 1].stage != stage) {
        if (p.scores.size() == count) p.scores.emplace_back();
        p.scores[count].stage = stage;
        p.scores[count].ms = scores->real(4);
        p.scores[count].scores.assign(labels_of(stage).size(), kAbsent);
        ++count;
      }
      p.scores[count - 1].scores[label_index(stage, scores->text(2))] =
          static_cast<float>(scores->real(3));
      score_waits = scores->step();
    }
    if (score_waits && scores->integer(0) < p.row) fail_orphan();
    p.scores.resize(count);
    std::sort(p.scores.begin(), p.scores.end(),
              [](const StageScores& a, const StageScores& b) { return a.stage < b.stage; });
    check_scores(p);
  }

  void check_scores(const Prediction& p) const {
    for (const StageScores& s : p.scores) {
      for (const float score : s.scores) {
        if (!(score >= 0 && score <= 1)) {
          fail("{}: a score of {} is missing or not in 0..1; the file is damaged",
               quoted(database.path()), quoted(p.path));
        }
      }
    }
  }

  const std::vector<std::string>& labels_of(int stage) const {
    return run.stages[static_cast<size_t>(stage)].scored_labels;
  }

  int stage_index(std::string_view name) const {
    for (size_t i = 0; i < run.stages.size(); ++i) {
      if (run.stages[i].name == name) return static_cast<int>(i);
    }
    fail("{}: has scores of a stage {} that isn't in its run; the file is damaged",
         quoted(database.path()), quoted(name));
  }

  size_t label_index(int stage, std::string_view label) const {
    if (run.stages[static_cast<size_t>(stage)].binary) return 0;
    const auto& labels = labels_of(stage);
    const auto found = std::find(labels.begin(), labels.end(), label);
    if (found == labels.end()) {
      fail("{}: has a score for {} that its stage doesn't know; the file is damaged",
           quoted(database.path()), quoted(label));
    }
    return static_cast<size_t>(found - labels.begin());
  }

  [[noreturn]] void fail_orphan() const {
    fail("{}: has scores of row {}, which isn't there; the file is damaged",
         quoted(database.path()), scores->integer(0));
  }

  Database database;
  bool by_row;
  RunInfo run;
  std::optional<Statement> images, scores;
  size_t most_scores = 0;  // of one picture
  int64_t last_row = -1;
  int64_t rows = 0;  // read so far
  bool started = false;
  bool score_waits = false;  // `scores` stands on a row that isn't used yet
};

PredictionReader::PredictionReader(const std::filesystem::path& path, RowOrder order) {
  if (!std::filesystem::exists(path)) fail("{}: isn't there", quoted(path));
  if (!looks_like_store(path)) fail("{}: isn't a store of predictions", quoted(path));
  impl_ = std::make_unique<Impl>(path, order);
}

PredictionReader::~PredictionReader() = default;
PredictionReader::PredictionReader(PredictionReader&&) noexcept = default;

const RunInfo& PredictionReader::run() const { return impl_->run; }

int64_t PredictionReader::size() const {
  return impl_->database.integer("SELECT count(*) FROM image");
}

bool PredictionReader::next(Prediction& prediction) { return impl_->next(prediction); }

void PredictionReader::rewind() { impl_->rewind(); }

void PredictionReader::for_each(const std::function<void(const Prediction&)>& use) {
  rewind();
  for (Prediction prediction; next(prediction);) use(prediction);
}

bool looks_like_store(const std::filesystem::path& path) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  std::ifstream file(path, std::ios::binary);
  std::string start(kMagic.size(), '\0');
  return file.read(start.data(), static_cast<std::streamsize>(start.size())) && start == kMagic;
}

}  // namespace fpcls
