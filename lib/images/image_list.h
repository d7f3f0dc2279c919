#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// The pictures that a command works on: INPUTs (pictures, folders, manifests, paths on stdin)
/// resolved to one list with labels and slices.
namespace fpcls {

struct ImageEntry {
  std::filesystem::path file;        ///< to open
  std::string path;                  ///< relative to its INPUT, valid UTF-8: what reports show
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
  std::string slice_by;  ///< manifest column; empty: one slice for each INPUT
};

/// A list of pictures, kept small: about 20 bytes and the path for each.
class ImageList {
 public:
  int64_t size() const;
  ImageEntry entry(int64_t row) const;
  const std::vector<std::string>& slices() const;
  /// Labels that occur, sorted.
  std::vector<std::string> labels() const;
  int64_t unlabelled() const;
  /// SHA-256 over slices, paths and labels: two runs with the same one judged the same list.
  std::string sha256() const;
  /// Rows of shard `part` (1-based) of `parts`, chosen by a hash of the relative path.
  std::vector<int64_t> shard_rows(int part, int parts) const;
};

/// Resolves INPUTs in order; folders are searched recursively, sorted by path, links followed (a
/// loop is entered once). Every file in a folder is listed but hidden ones and, in a folder that
/// has pictures, ones whose name ends in a well-known other type (.txt, .csv, .json, .md …).
/// Throws Error where an INPUT is missing, empty, or its labels are ambiguous.
ImageList list_images(const std::vector<std::string>& inputs, const ListOptions& options);

}  // namespace fpcls
