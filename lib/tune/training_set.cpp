#include "tune/training_set.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <variant>

#include "base/error.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/text.h"
#include "base/threads.h"
#include "images/decode.h"
#include "images/open_picture.h"
#include "images/preprocess.h"

namespace fpcls {
namespace {

struct Wanted {
  int64_t row;
  int target;
};

std::vector<Wanted> wanted_rows(const ImageList& list, const TargetOf& target_of) {
  std::vector<Wanted> wanted;
  for (int64_t row = 0; row < list.size(); ++row) {
    const ImageEntry entry = list.entry(row);
    const int target = entry.label ? target_of(*entry.label) : -1;
    if (target >= 0) wanted.push_back({row, target});
  }
  return wanted;
}

/// Reads one picture into `pixels`; the reason where that can't be done, else empty.
std::string load_picture(const ImageEntry& entry, const Preprocessing& stored, uint8_t* pixels,
                         std::string& sha256) {
  const auto bytes = read_picture_file(entry.file);
  if (const auto* failure = std::get_if<DecodeFailure>(&bytes)) return failure->reason;
  sha256 = sha256_hex(std::get<std::string>(bytes));
  const auto image = decode_image(std::get<std::string>(bytes), stored);
  if (const auto* failure = std::get_if<DecodeFailure>(&image)) return failure->reason;
  preprocess(std::get<Image>(image), stored, pixels);
  return "";
}

/// A set of the same stored size with the pictures of `rows`.
TrainingSet subset(const TrainingSet& set, const std::vector<int64_t>& rows) {
  TrainingSet part;
  part.height = set.height;
  part.width = set.width;
  part.pixels.reserve(rows.size() * set.picture_bytes());
  for (const int64_t row : rows) {
    part.pixels.insert(part.pixels.end(), set.picture(row), set.picture(row) + set.picture_bytes());
    part.targets.push_back(set.targets[static_cast<size_t>(row)]);
    part.sha256.push_back(set.sha256[static_cast<size_t>(row)]);
  }
  return part;
}

}  // namespace

TrainingSet load_training_set(const ImageList& list, const TargetOf& target_of,
                              const Preprocessing& stored, int workers, bool quiet,
                              int64_t limit_bytes) {
  const std::vector<Wanted> wanted = wanted_rows(list, target_of);
  if (wanted.empty()) {
    fail(
        "none of the {} pictures has a label to train on; put them into folders named after their "
        "labels, or list path and label in a .csv",
        list.size());
  }
  TrainingSet set;
  set.height = stored.height;
  set.width = stored.width;
  const auto count = static_cast<int64_t>(wanted.size());
  const int64_t needed_bytes = count * static_cast<int64_t>(set.picture_bytes());
  if (needed_bytes > limit_bytes) {
    fail("{} pictures of {} x {} take {} of memory, more than {}; use fewer, or a smaller --size",
         count, stored.width, stored.height, format_bytes(needed_bytes), format_bytes(limit_bytes));
  }
  TrainingSet all = set;
  all.pixels.resize(static_cast<size_t>(needed_bytes));
  all.sha256.resize(wanted.size());
  std::vector<std::string> reasons(wanted.size());
  std::atomic<int64_t> next{0};
  Progress progress("loading", "pictures", count, quiet);
  run_workers(workers, [&](int) {
    for (int64_t i = next++; i < count; i = next++) {
      const auto at = static_cast<size_t>(i);
      reasons[at] = load_picture(list.entry(wanted[at].row), stored,
                                 all.pixels.data() + at * all.picture_bytes(), all.sha256[at]);
      progress.advance();
    }
  });
  std::vector<int64_t> good;
  for (size_t i = 0; i < wanted.size(); ++i) {
    all.targets.push_back(wanted[i].target);
    if (reasons[i].empty()) {
      good.push_back(static_cast<int64_t>(i));
    } else {
      set.bad.emplace_back(list.entry(wanted[i].row).path, reasons[i]);
    }
  }
  if (good.empty()) {
    fail("none of the {} pictures could be decoded, the first because: {}", count,
         set.bad[0].second);
  }
  if (set.bad.empty()) return all;
  TrainingSet decoded = subset(all, good);
  decoded.bad = std::move(set.bad);
  return decoded;
}

std::pair<TrainingSet, TrainingSet> split_training_set(const TrainingSet& set, double ratio) {
  std::map<int, std::map<std::string, std::vector<int64_t>>> by_content;
  std::map<int, int64_t> totals;
  std::map<std::string, int> target_of_content;  // the smallest, where copies have several
  for (size_t i = 0; i < set.targets.size(); ++i) {
    int& target = target_of_content.try_emplace(set.sha256[i], set.targets[i]).first->second;
    target = std::min(target, set.targets[i]);
  }
  for (int64_t i = 0; i < set.size(); ++i) {
    const std::string& sha256 = set.sha256[static_cast<size_t>(i)];
    const int target = target_of_content.at(sha256);
    by_content[target][sha256].push_back(i);
    ++totals[target];
  }
  std::vector<int64_t> training, validation;
  for (const auto& [target, contents] : by_content) {
    const auto quota = static_cast<int64_t>(ratio * static_cast<double>(totals[target]) + 0.5);
    int64_t taken = 0;
    for (const auto& [sha256, rows] : contents) {
      const bool validates = taken < quota;
      taken += validates ? static_cast<int64_t>(rows.size()) : 0;
      auto& side = validates ? validation : training;
      side.insert(side.end(), rows.begin(), rows.end());
    }
  }
  std::sort(training.begin(), training.end());
  std::sort(validation.begin(), validation.end());
  TrainingSet rest = subset(set, training);
  rest.bad = set.bad;
  return {std::move(rest), subset(set, validation)};
}

TrainingSet without_copies(const TrainingSet& set, const TrainingSet& held) {
  const std::set<std::string> held_back(held.sha256.begin(), held.sha256.end());
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < set.size(); ++i) {
    if (held_back.count(set.sha256[static_cast<size_t>(i)]) == 0) rows.push_back(i);
  }
  TrainingSet rest = subset(set, rows);
  rest.bad = set.bad;
  return rest;
}

TrainingBatch make_training_batch(const TrainingSet& set, const std::vector<int64_t>& rows,
                                  const Shape& input, const AugmentOptions& options,
                                  uint64_t seed) {
  TrainingBatch batch;
  batch.pixels.height = static_cast<int>(input[2]);
  batch.pixels.width = static_cast<int>(input[3]);
  batch.pixels.pixels.resize(rows.size() * batch.pixels.picture_bytes());
  uint8_t* to = batch.pixels.pixels.data();
  for (const int64_t row : rows) {
    augment(set.picture(row), set.height, set.width, options,
            derive_seed(seed, static_cast<uint64_t>(row)), batch.pixels.height, batch.pixels.width,
            to);
    to += batch.pixels.picture_bytes();
    batch.pixels.rows.push_back(row);
    batch.targets.push_back(set.targets[static_cast<size_t>(row)]);
  }
  return batch;
}

std::string training_set_sha256(const TrainingSet& set) {
  Sha256 hash;
  for (size_t i = 0; i < set.targets.size(); ++i) {
    hash.update(fmt::format("{} {}\n", set.sha256[i], set.targets[i]));
  }
  return hash.hex();
}

}  // namespace fpcls
