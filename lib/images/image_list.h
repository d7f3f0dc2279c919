#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// The pictures that a command works on: INPUTs (pictures, folders, manifests, paths on stdin)
/// resolved to one list with labels and slices. Nothing is opened here but folders and manifests: a
/// listed file that is missing or no picture is found out when it is read, and is a bad picture
/// then.
namespace fpcls {

struct ImageEntry {
  std::filesystem::path file;  ///< to open
  std::string path;            ///< relative to its INPUT, valid UTF-8: what reports show
  std::string slice;
  std::optional<std::string> label;  ///< absent when unlabelled
};

struct ListOptions {
  /// Labels that the cascade, the model or the label map know.
  std::vector<std::string> known_labels;
  /// Renames labels; an empty value drops the pictures of that label from the list.
  std::map<std::string, std::string> label_map;
  /// `none` takes every picture as unlabelled, whatever folders and manifests say.
  bool ignore_labels = false;
  /// Takes every first-level subfolder and every manifest label as a label, known or not: for
  /// training, where the pictures say which labels there are. Renaming and dropping still apply.
  bool any_label = false;
  std::string slice_by;  ///< manifest column; empty: one slice for each INPUT
};

/// What INPUTs hold that isn't in the list. Commands say these numbers.
struct Skipped {
  int64_t hidden = 0;        ///< files and folders whose name starts with a dot
  int64_t other_files = 0;   ///< files whose name ends like .txt, .csv, .json …
  int64_t seen_folders = 0;  ///< folders reached once more through a link
  int64_t dropped = 0;       ///< pictures whose label the label map drops
};

/// A list of pictures, kept small: 16 bytes and the file's name for each.
class ImageList {
 public:
  int64_t size() const { return static_cast<int64_t>(rows_.size()); }
  ImageEntry entry(int64_t row) const;
  /// All slices, in the order of the INPUTs; no name is there twice.
  const std::vector<std::string>& slices() const { return slices_; }
  /// Labels that occur, sorted.
  std::vector<std::string> labels() const;
  int64_t unlabelled() const;
  const Skipped& skipped() const { return skipped_; }
  /// SHA-256 over slices, paths and labels: two runs with the same one judged the same list.
  std::string sha256() const;
  /// Rows of shard `part` (1-based) of `parts`, chosen by a hash of the relative path.
  std::vector<int64_t> shard_rows(int part, int parts) const;

 private:
  friend class ImageListBuilder;

  struct Folder {
    uint32_t base;       // index of the place that paths are relative to
    std::string inside;  // what stands before the file's name, empty or ending in a slash
  };
  struct Row {
    uint32_t folder;
    uint32_t name;  // where it starts in names_; a zero byte ends it
    uint32_t slice;
    int32_t label;  // below 0: unlabelled
  };
  std::string raw_path(const Row& row) const { return folders_[row.folder].inside + name(row); }
  const char* name(const Row& row) const { return names_.c_str() + row.name; }

  std::vector<std::filesystem::path> bases_;
  std::vector<Folder> folders_;
  std::vector<Row> rows_;
  std::string names_;
  std::vector<std::string> slices_;
  std::vector<std::string> labels_;
  Skipped skipped_;
};

/// Resolves INPUTs in order.
///
/// A folder is searched recursively, sorted by path, links followed; a folder that links lead to
/// more than once is entered once. Its files are all listed but hidden ones and those whose name
/// ends in a well-known other type, which are counted in `skipped`. Its first-level subfolders are
/// labels when all of those that hold files are known, an Error when only some are.
/// A manifest is a `.csv` or `.tsv` file, `-` stands for one path a line on `paths`; anything else
/// is taken as a picture. A slice is named after its INPUT, by as many of the last parts of its
/// path as tell it from the others. Throws Error where an INPUT is missing, given twice or without
/// pictures, its labels are unknown or ambiguous, or a path is listed twice.
ImageList list_images(const std::vector<std::string>& inputs, const ListOptions& options,
                      std::istream& paths);
/// With `-` as standard input.
ImageList list_images(const std::vector<std::string>& inputs, const ListOptions& options);

}  // namespace fpcls
