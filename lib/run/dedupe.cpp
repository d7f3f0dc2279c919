#include "run/dedupe.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <set>
#include <system_error>
#include <tuple>

#include "base/file.h"
#include "base/text.h"
#include "report/render_csv.h"
#include "run/dedupe_report.h"
#include "run/picture_list.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;

/// The file that a path leads to, links followed; the path itself where that can't be said.
fs::path real_path(const fs::path& file) {
  std::error_code error;
  fs::path real = fs::canonical(file, error);
  return error ? fs::absolute(file) : real;
}

struct Looked {
  std::vector<DedupePicture> pictures;
  std::vector<Fingerprint> fingerprints;
};

/// Fingerprints of a list but for files that are listed again.
Looked look_at(const ImageList& list, const DedupeOptions& options, DedupeResult& result) {
  FingerprintedList found = fingerprint_list(list, options.workers, options.output.quiet);
  Looked looked;
  std::set<fs::path> seen;
  for (size_t i = 0; i < found.rows.size(); ++i) {
    ImageEntry entry = list.entry(found.rows[i]);
    if (!seen.insert(real_path(entry.file)).second) {
      ++result.listed_twice;
      continue;
    }
    Fingerprint& print = found.fingerprints[i];
    looked.pictures.push_back(
        {std::move(entry), print.sha256, print.width, print.height, print.file_bytes});
    looked.fingerprints.push_back(std::move(print));
  }
  for (const auto& [row, failure] : found.bad) {
    result.bad.emplace_back(list.entry(row).path, failure);
  }
  if (looked.pictures.empty()) {
    fail("none of the {} pictures could be decoded, the first because: {}", list.size(),
         result.bad.front().second.reason);
  }
  return looked;
}

/// Indices of the pictures, those to be kept rather first.
std::vector<int64_t> keep_order(const std::vector<DedupePicture>& pictures, Keep keep) {
  std::vector<int64_t> order(pictures.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  if (keep == Keep::first) return order;
  const auto worth = [&](int64_t i) {
    const DedupePicture& p = pictures[static_cast<size_t>(i)];
    return std::make_tuple(p.entry.label.has_value(), int64_t{p.width} * p.height, p.file_bytes);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return worth(a) > worth(b); });
  return order;
}

struct Move {
  fs::path from, to, kept;
};

std::vector<Move> plan_moves(const DedupeOptions& options, const DedupeResult& result) {
  std::set<fs::path> held, targets;
  for (const DedupePicture& picture : result.against) held.insert(real_path(picture.entry.file));
  std::vector<Move> moves;
  for (size_t i = 0; i < result.pictures.size(); ++i) {
    if (!result.copies[i]) continue;
    const ImageEntry& entry = result.pictures[i].entry;
    if (held.count(real_path(entry.file)) > 0) {
      fail("{}: stands in --against too and can't be moved; give INPUTs that don't overlap it",
           quoted(entry.file));
    }
    Move move{entry.file, fs::path(options.move_to) / entry.slice / entry.path,
              result.kept_for(*result.copies[i]).entry.file};
    if (fs::exists(fs::symlink_status(move.to)) || !targets.insert(move.to).second) {
      fail("{}: is there already; give --move-to a new folder", quoted(move.to));
    }
    moves.push_back(std::move(move));
  }
  return moves;
}

void want_folder_outside(const DedupeOptions& options) {
  const fs::path folder = fs::weakly_canonical(fs::absolute(options.move_to));
  for (const std::string& input : options.input.inputs) {
    if (!fs::is_directory(input)) continue;
    const fs::path root = fs::canonical(input);
    if (std::mismatch(root.begin(), root.end(), folder.begin(), folder.end()).first == root.end()) {
      fail(
          "--move-to {}: lies inside {}, where its pictures would be found again; give a folder "
          "outside of the INPUTs",
          quoted(folder), quoted(input));
    }
  }
}

/// Moves one file after the other; the list of all is on the disk before the first.
int64_t move_copies(const DedupeOptions& options, const std::vector<Move>& moves) {
  make_writable_folder(options.move_to);
  std::string list = csv_line({"from", "to", "kept"});
  for (const Move& move : moves) {
    list += csv_line({fs::absolute(move.from).string(), fs::absolute(move.to).string(),
                      fs::absolute(move.kept).string()});
  }
  const fs::path list_file = fs::path(options.move_to) / "moved.csv";
  if (fs::exists(list_file)) {
    fail("{}: is there already, from another run; give --move-to a new folder", quoted(list_file));
  }
  write_file(list_file, list);
  int64_t moved = 0;
  for (const Move& move : moves) {
    make_writable_folder(move.to.parent_path());
    std::error_code error;
    fs::rename(move.from, move.to, error);
    if (error) {
      fail("{}: cannot be moved to {}: {}; {} of {} were moved, {} lists all{}", quoted(move.from),
           quoted(move.to), error.message(), moved, moves.size(), quoted(list_file),
           error.value() == EXDEV ? "; give a folder on the same disk" : "");
    }
    ++moved;
  }
  return moved;
}

}  // namespace

int64_t DedupeResult::copy_count() const {
  return std::count_if(copies.begin(), copies.end(), [](const auto& c) { return c.has_value(); });
}

DedupeResult run_dedupe(const DedupeOptions& options) {
  want_inputs(options.input);
  if (options.apply && options.move_to.empty()) {
    fail("--apply: there is nothing to apply; say where copies go with --move-to FOLDER");
  }
  if (!options.move_to.empty()) want_folder_outside(options);
  if (!options.out.empty()) make_writable_folder(options.out);
  const bool quiet = options.output.quiet;
  const ImageList list = list_pictures(options.input, {}, AnyLabel::yes, quiet);
  NearCopyOptions likeness;
  likeness.min_likeness = options.same_files_only ? 2 : options.min_likeness;
  DedupeResult result;
  NearCopyIndex held(likeness);
  if (!options.against.empty()) {
    InputOptions against = options.input;
    against.inputs = options.against;
    const ImageList test = list_pictures(against, {}, AnyLabel::yes, quiet);
    Looked looked = look_at(test, options, result);
    result.listed_twice = 0;
    result.against = std::move(looked.pictures);
    for (Fingerprint& print : looked.fingerprints) held.add(std::move(print));
  }
  Looked looked = look_at(list, options, result);
  result.pictures = std::move(looked.pictures);
  result.copies =
      find_copies(looked.fingerprints, keep_order(result.pictures, options.keep),
                  options.against.empty() ? nullptr : &held, likeness, options.workers, quiet);
  std::vector<Move> moves;
  if (!options.move_to.empty()) moves = plan_moves(options, result);
  if (!options.out.empty()) write_dedupe_files(options.out, result, options);
  if (options.apply) result.moved = move_copies(options, moves);
  return result;
}

}  // namespace fpcls
