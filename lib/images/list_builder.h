#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "images/image_list.h"

/// How an image list comes together, for the files that read one kind of INPUT each.
namespace fpcls {

/// Which labels are known, and what they become.
class LabelRules {
 public:
  explicit LabelRules(const ListOptions& options);

  bool ignored() const { return ignored_; }
  bool knows(const std::string& label) const;
  /// The label after renaming; empty when its pictures are dropped.
  const std::string& renamed(const std::string& label) const;
  /// "'photo', 'wireframe'", for messages.
  std::string known() const;
  /// ", did you mean 'photo'", or nothing.
  std::string suggestion(const std::string& label) const;

 private:
  bool ignored_, any_;
  std::vector<std::string> known_;  // sorted
  std::map<std::string, std::string> map_;
};

class ImageListBuilder {
 public:
  static constexpr int kUnlabelled = -1;
  static constexpr int kDropped = -2;

  /// Paths that follow are relative to `base`.
  void start_input(const std::filesystem::path& base);
  int slice(const std::string& name);
  /// Number of a label after the rules; `kDropped` where they drop it.
  int label(const std::string& label, const LabelRules& rules);
  /// Adds the file `path`, relative to the base. With `kDropped` only counts it.
  void add(std::string_view path, int slice, int label);

  int64_t size() const { return static_cast<int64_t>(list_.rows_.size()); }
  std::string path(int64_t row) const;
  /// Sets the labels of the rows from `first` on by a function of those that they have.
  void relabel(int64_t first, const std::function<int(int)>& label);
  Skipped& skipped() { return list_.skipped_; }

  /// Refuses a list where a slice has a path twice.
  ImageList finish();

 private:
  void check_unique() const;
  uint32_t folder(std::string_view inside);

  ImageList list_;
  std::unordered_map<std::string, uint32_t> folders_;  // of this INPUT
  std::unordered_map<std::string, int> slices_;
  std::map<std::string, int> labels_;
};

/// Stable 64-bit hash of text (FNV-1a, mixed): the same on every machine.
uint64_t hash_text(std::string_view text);

void list_folder(const std::string& input, int slice, const LabelRules& rules,
                 ImageListBuilder& builder);
void list_manifest(const std::string& input, const std::string& slice_name,
                   const std::string& slice_by, const LabelRules& rules, ImageListBuilder& builder);
void list_lines(std::istream& paths, int slice, ImageListBuilder& builder);

}  // namespace fpcls
