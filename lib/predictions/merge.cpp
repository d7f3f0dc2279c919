#include "predictions/merge.h"

#include <algorithm>
#include <map>
#include <queue>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "predictions/schema.h"

namespace fpcls {
namespace {

/// What a store is called where its slices' names aren't enough: the folder it lies in.
std::string store_name(const std::filesystem::path& path) {
  const std::filesystem::path parent = std::filesystem::absolute(path).parent_path();
  return to_utf8(parent.filename().native());
}

}  // namespace

MergedPredictions::MergedPredictions(const std::vector<std::filesystem::path>& paths) {
  FPCLS_CHECK(!paths.empty());
  open(paths);
  group_by_list();
  for (const Group& group : groups_) {
    check_shards(group);
    find_incomplete(group);
  }
  name_slices();
  combine_runs();
}

void MergedPredictions::open(const std::vector<std::filesystem::path>& paths) {
  for (const std::filesystem::path& path : paths) {
    sources_.push_back({PredictionReader(path), path});
    const RunInfo& first = sources_.front().reader.run();
    const std::string differs = stage_difference(first, sources_.back().reader.run());
    if (!differs.empty()) {
      fail("{}: cannot be merged with {}: there {}; compare them by --side-by-side",
           quoted(sources_.front().path), quoted(path), differs);
    }
  }
}

void MergedPredictions::group_by_list() {
  for (size_t i = 0; i < sources_.size(); ++i) {
    const RunInfo& run = sources_[i].reader.run();
    const auto group = std::find_if(groups_.begin(), groups_.end(), [&](const Group& g) {
      return sources_[g.sources.front()].reader.run().list_sha256 == run.list_sha256;
    });
    if (group != groups_.end()) {
      group->sources.push_back(i);
      continue;
    }
    Group fresh;
    fresh.sources = {i};
    fresh.slices = run.slices;
    fresh.first_row = groups_.empty()
                          ? 0
                          : groups_.back().first_row +
                                sources_[groups_.back().sources.front()].reader.run().listed;
    groups_.push_back(std::move(fresh));
  }
}

void MergedPredictions::check_shards(const Group& group) {
  std::map<int, size_t> by_shard;
  const Source& first = sources_[group.sources.front()];
  const int count = first.reader.run().shard_count;
  for (const size_t i : group.sources) {
    const RunInfo& run = sources_[i].reader.run();
    if (run.shard_count != count) {
      fail(
          "{}: is shard {}/{}, and {} of the same list is one of {}; they overlap: merge shards "
          "of one number",
          quoted(sources_[i].path), run.shard, run.shard_count, quoted(first.path), count);
    }
    const auto [other, fresh] = by_shard.try_emplace(run.shard, i);
    if (!fresh) {
      fail("{} and {}: overlap, both hold {} of the same list of pictures; leave one out",
           quoted(sources_[other->second].path), quoted(sources_[i].path),
           count == 1 ? "all" : fmt::format("shard {}/{}", run.shard, count));
    }
  }
  std::string missing;
  for (int shard = 1; shard <= count; ++shard) {
    if (by_shard.count(shard) > 0) continue;
    missing += fmt::format("{}{}", missing.empty() ? "" : ", ", shard);
  }
  if (missing.empty()) return;
  gaps_.push_back(fmt::format("{} is one of {} shards, of which are missing: {}",
                              quoted(first.path), count, missing));
}

void MergedPredictions::find_incomplete(const Group& group) {
  int64_t rows = 0;
  for (const size_t i : group.sources) {
    rows += sources_[i].reader.size();
    if (has_ended(sources_[i].reader.run())) continue;
    gaps_.push_back(
        fmt::format("{} comes from a run that hasn't ended ({} pictures so far); go on "
                    "with it by --resume",
                    quoted(sources_[i].path), sources_[i].reader.size()));
  }
  const int64_t listed = sources_[group.sources.front()].reader.run().listed;
  if (rows > listed) {
    fail("{}: has {} pictures with its other shards, expected {}; the file is damaged",
         quoted(sources_[group.sources.front()].path), rows, listed);
  }
}

void MergedPredictions::name_slices() {
  std::map<std::string, int> uses;
  for (const Group& group : groups_) {
    for (const std::string& slice : group.slices) ++uses[slice];
  }
  std::map<std::string, int> shown;
  for (Group& group : groups_) {
    for (const std::string& slice : group.slices) {
      std::string name = slice;
      if (uses[slice] > 1) {
        const std::string store = store_name(sources_[group.sources.front()].path);
        name = slice.empty() ? store : store + "/" + slice;
      }
      const int again = ++shown[name];
      if (again > 1) name += fmt::format(" ({})", again);
      group.shown_slices.push_back(name);
      run_.slices.push_back(std::move(name));
    }
  }
}

void MergedPredictions::combine_runs() {
  std::vector<std::string> slices = std::move(run_.slices);
  run_ = sources_.front().reader.run();
  run_.slices = std::move(slices);
  run_.shard = run_.shard_count = 1;
  run_.listed = 0;
  run_.wall_s = 0;
  for (const Source& source : sources_) {
    const RunInfo& run = source.reader.run();
    run_.wall_s += run.wall_s;
    run_.peak_rss_bytes = std::max(run_.peak_rss_bytes, run.peak_rss_bytes);
    run_.device_bytes = std::max(run_.device_bytes, run.device_bytes);
  }
  for (const Group& group : groups_) {
    run_.listed += sources_[group.sources.front()].reader.run().listed;
  }
}

void MergedPredictions::for_each(const std::function<void(const Prediction&)>& use) {
  for (const Group& group : groups_) read_group(group, use);
}

void MergedPredictions::read_group(const Group& group,
                                   const std::function<void(const Prediction&)>& use) {
  using Head = std::pair<int64_t, size_t>;  // next row of a store, its place in `heads`
  std::priority_queue<Head, std::vector<Head>, std::greater<Head>> order;
  std::vector<Prediction> heads(group.sources.size());
  const auto advance = [&](size_t i) {
    if (sources_[group.sources[i]].reader.next(heads[i])) order.push({heads[i].row, i});
  };
  for (size_t i = 0; i < heads.size(); ++i) {
    sources_[group.sources[i]].reader.rewind();
    advance(i);
  }
  int64_t last_row = -1;
  while (!order.empty()) {
    const auto [row, i] = order.top();
    order.pop();
    if (row == last_row) {
      fail("{}: overlaps another shard: row {} is in both; leave one out",
           quoted(sources_[group.sources[i]].path), row);
    }
    last_row = row;
    Prediction& p = heads[i];
    p.row += group.first_row;
    const auto slice = std::find(group.slices.begin(), group.slices.end(), p.slice);
    if (slice != group.slices.end()) {
      p.slice = group.shown_slices[static_cast<size_t>(slice - group.slices.begin())];
    }
    use(p);
    advance(i);
  }
}

}  // namespace fpcls
