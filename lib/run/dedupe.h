#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "images/copy_groups.h"
#include "images/image_list.h"
#include "run/common_options.h"

/// Finds copies and near copies among pictures, and between them and others that must stay apart,
/// such as a test set. Never deletes: it says what is a copy of what, writes manifests, and moves
/// the copies into a folder when told so twice.
namespace fpcls {

enum class Keep { largest, first };

template <>
struct EnumNames<Keep> {
  static constexpr std::pair<Keep, std::string_view> entries[] = {{Keep::largest, "largest"},
                                                                  {Keep::first, "first"}};
};

struct DedupeOptions {
  InputOptions input;
  std::vector<std::string> against;
  Keep keep = Keep::largest;
  double min_likeness = 0.85;
  bool same_files_only = false;
  std::string out;
  std::string move_to;
  bool apply = false;
  bool check = false;
  int workers = 0;
  OutputOptions output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.group("Pictures", input);
    v.option("against", against,
             "Pictures that none of the INPUTs may be a copy of, such as a test set; they stay as "
             "they are");
    v.option("keep", keep,
             "Which of several copies stays; largest: a labelled one, of those the one with most "
             "pixels, then the largest file; first: as given");
    v.option("min_likeness", min_likeness, "From which likeness on pictures are near copies",
             Range{0.5, 1.0});
    v.option("same_files_only", same_files_only, "Only byte-identical files, no near copies");
    v.option("o,out", out, "Folder for kept.csv, copies.csv, dedupe.json and dedupe.html");
    v.option("move_to", move_to, "Folder that copies are to be moved into; says what it would do");
    v.option("apply", apply, "Really move them");
    v.option("check", check, "Exit with 1 when there are copies");
    v.option("workers", workers, "Pictures read at once; 0: one a core", Range{0, 1024});
    v.group("Output", output);
  }
};

/// A picture as far as reports speak of it.
struct DedupePicture {
  ImageEntry entry;
  std::string sha256;
  int width = 0;
  int height = 0;
  int64_t file_bytes = 0;
};

struct DedupeResult {
  std::vector<DedupePicture> pictures;  ///< that could be decoded, in the order of the list
  std::vector<DedupePicture> against;
  std::vector<std::optional<CopyOf>> copies;  ///< for each picture; nothing: it is kept
  std::vector<std::pair<std::string, DecodeFailure>> bad;  ///< path and reason
  int64_t listed_twice = 0;  ///< times that a file was listed again through a link or another INPUT
  int64_t moved = 0;

  int64_t copy_count() const;
  const DedupePicture& kept_for(const CopyOf& copy) const {
    return (copy.held ? against : pictures)[static_cast<size_t>(copy.kept)];
  }
};

/// Finds copies, writes the files of --out, then moves the copies where the options say so. Throws Error where no picture can be
/// decoded, and, before anything is moved, where moving would overwrite something or take a picture
/// away that stands in --against as well.
DedupeResult run_dedupe(const DedupeOptions& options);

}  // namespace fpcls
