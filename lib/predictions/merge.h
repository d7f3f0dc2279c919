#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "predictions/store.h"

/// Several stores read as one: the shards of a run, several runs side by side as slices of one, or
/// both. Rows stream from all stores at once; none is loaded.
namespace fpcls {

class MergedPredictions {
 public:
  /// Opens all stores. Those with the same list of pictures are shards of one run; each further
  /// list adds its pictures, and its slices, behind those before. A slice's name that occurs in two
  /// lists is led by its store's folder: 'june/inbox'. Throws Error naming the stores that overlap
  /// (the same shard twice would count its pictures twice) or whose cascades differ.
  explicit MergedPredictions(const std::vector<std::filesystem::path>& paths);

  /// The run as if it had been one: shard 1 of 1, all lists together. What was measured once for
  /// each store is added up (wall_s) or the largest (memory); the rest is the first store's.
  const RunInfo& run() const { return run_; }

  /// What the answer leaves out, each as a line for people: missing shards, and stores whose
  /// pictures aren't all there because their run was killed or goes on. Empty when all is complete.
  const std::vector<std::string>& gaps() const { return gaps_; }

  /// Calls `use` with each prediction in the order of rows.
  void for_each(const std::function<void(const Prediction&)>& use);

 private:
  struct Source {
    PredictionReader reader;
    std::filesystem::path path;
  };
  /// The shards of one list of pictures.
  struct Group {
    std::vector<size_t> sources;
    int64_t first_row = 0;
    std::vector<std::string> slices;        // as in its stores
    std::vector<std::string> shown_slices;  // as in the merged run
  };

  void open(const std::vector<std::filesystem::path>& paths);
  void group_by_list();
  void check_shards(const Group& group);
  void find_incomplete(const Group& group);
  void name_slices();
  void combine_runs();
  void read_group(const Group& group, const std::function<void(const Prediction&)>& use);

  std::vector<Source> sources_;
  std::vector<Group> groups_;
  RunInfo run_;
  std::vector<std::string> gaps_;
};

}  // namespace fpcls
