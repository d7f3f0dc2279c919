#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "images/list_builder.h"

namespace fpcls {
namespace {

/// What lies between pictures and is evidently something else. A type that people take for a
/// picture (.pdf, .heic, .dwg) isn't here: such a file is listed, and reported as a bad picture.
constexpr std::array<std::string_view, 50> kOtherTypes = {
    "7z",  "avi", "bak",  "bat",  "c",      "cfg",  "csv",         "db",   "doc",  "docx",
    "gz",  "htm", "html", "ini",  "ipynb",  "json", "jsonl",       "log",  "md",   "mov",
    "mp3", "mp4", "npy",  "npz",  "onnx",   "pkl",  "ppt",         "pptx", "pt",   "pth",
    "py",  "rar", "rst",  "sh",   "sqlite", "tar",  "safetensors", "tgz",  "toml", "tsv",
    "txt", "wav", "xls",  "xlsx", "xml",    "yaml", "yml",         "zip",  "part", "sqlite-wal"};

bool is_other_type(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  std::string type(name.substr(dot + 1));
  for (char& c : type) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::find(kOtherTypes.begin(), kOtherTypes.end(), type) != kOtherTypes.end();
}

/// The names in a folder, packed, in the order that sorts whole paths by their bytes: a subfolder's
/// name counts with its slash.
class SortedNames {
 public:
  void add(std::string_view name, bool folder) {
    starts_.push_back(static_cast<uint32_t>(names_.size()));
    names_ += name;
    if (folder) names_ += '/';
    names_ += '\0';
  }
  void sort() {
    std::sort(starts_.begin(), starts_.end(),
              [this](uint32_t a, uint32_t b) { return std::strcmp(&names_[a], &names_[b]) < 0; });
  }
  size_t size() const { return starts_.size(); }
  std::string_view operator[](size_t i) const { return &names_[starts_[i]]; }

 private:
  std::string names_;
  std::vector<uint32_t> starts_;
};

class FolderScan {
 public:
  FolderScan(const std::string& input, int slice, ImageListBuilder& builder)
      : input_(input), slice_(slice), builder_(builder) {}

  void scan() { enter("", ImageListBuilder::kUnlabelled); }
  /// First-level subfolders, by the label number that their files were given.
  const std::vector<std::string>& top_folders() const { return top_folders_; }

 private:
  /// `top`: number of the first-level subfolder that this is in.
  void enter(const std::string& inside, int top) {
    const SortedNames names = read(inside);
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string path = inside + std::string(names[i]);
      if (path.back() != '/') {
        builder_.add(path, slice_, top);
        continue;
      }
      int below = top;
      if (inside.empty()) {
        below = static_cast<int>(top_folders_.size());
        top_folders_.push_back(to_utf8(path.substr(0, path.size() - 1)));
      }
      enter(path, below);
    }
  }

  SortedNames read(const std::string& inside) {
    SortedNames names;
    const std::string folder = input_ + "/" + inside;
    struct stat status {};
    DIR* open = ::opendir(folder.c_str());
    if (open == nullptr || ::fstat(::dirfd(open), &status) != 0) {
      const int error = errno;
      if (open != nullptr) ::closedir(open);
      fail("{}: cannot read the folder: {}", quoted(folder), std::strerror(error));
    }
    if (!seen_.insert({status.st_dev, status.st_ino}).second) {
      ++builder_.skipped().seen_folders;
    } else {
      while (const dirent* item = ::readdir(open)) add(*item, folder, names);
    }
    ::closedir(open);
    names.sort();
    return names;
  }

  void add(const dirent& item, const std::string& folder, SortedNames& names) {
    const std::string_view name = item.d_name;
    if (name == "." || name == "..") return;
    if (name.front() == '.') {
      ++builder_.skipped().hidden;
      return;
    }
    bool is_folder = item.d_type == DT_DIR;
    if (item.d_type == DT_LNK || item.d_type == DT_UNKNOWN) {
      struct stat status {};
      const std::string path = folder + std::string(name);
      is_folder = ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    }
    if (!is_folder && is_other_type(name)) {
      ++builder_.skipped().other_files;
    } else {
      names.add(name, is_folder);
    }
  }

  const std::string& input_;
  const int slice_;
  ImageListBuilder& builder_;
  std::set<std::pair<dev_t, ino_t>> seen_;
  std::vector<std::string> top_folders_;
};

std::string name_some(const std::vector<std::string>& names) {
  constexpr size_t kNamed = 5;
  std::string all;
  for (size_t i = 0; i < std::min(names.size(), kNamed); ++i) {
    all += (i == 0 ? "" : ", ") + quoted(names[i]);
  }
  return names.size() > kNamed ? fmt::format("{} and {} more", all, names.size() - kNamed) : all;
}

/// The number of each subfolder's label: its own, or unlabelled for all of them.
std::vector<int> choose_labels(const std::string& input, const std::vector<std::string>& folders,
                               const std::vector<bool>& holds_files, const LabelRules& rules,
                               ImageListBuilder& builder) {
  std::vector<int> labels(folders.size(), ImageListBuilder::kUnlabelled);
  std::vector<std::string> known, unknown;
  for (size_t i = 0; i < folders.size(); ++i) {
    if (holds_files[i]) (rules.knows(folders[i]) ? known : unknown).push_back(folders[i]);
  }
  if (rules.ignored() || known.empty()) return labels;
  if (!unknown.empty()) {
    fail(
        "{}: of its subfolders, {} {} a known label but {} {} not{}; known: {}; rename or drop "
        "labels with --label-map, or ignore the folders with --labels none",
        quoted(input), name_some(known), known.size() == 1 ? "is" : "are", name_some(unknown),
        unknown.size() == 1 ? "is" : "are", rules.suggestion(unknown.front()), rules.known());
  }
  for (size_t i = 0; i < folders.size(); ++i) {
    if (holds_files[i]) labels[i] = builder.label(folders[i], rules);
  }
  return labels;
}

}  // namespace

void list_folder(const std::string& input, int slice, const LabelRules& rules,
                 ImageListBuilder& builder) {
  const int64_t first = builder.size();
  const Skipped before = builder.skipped();
  builder.start_input(input);
  FolderScan folder(input, slice, builder);
  folder.scan();
  if (builder.size() == first) {
    const int64_t skipped = builder.skipped().other_files + builder.skipped().hidden -
                            before.other_files - before.hidden;
    fail("{}: holds no pictures{}; give a folder with pictures", quoted(input),
         skipped > 0 ? fmt::format(" ({} hidden or of other types)", with_thousands(skipped)) : "");
  }
  std::vector<bool> holds_files(folder.top_folders().size());
  builder.relabel(first, [&](int top) {
    if (top >= 0) holds_files[static_cast<size_t>(top)] = true;
    return top;
  });
  const std::vector<int> labels =
      choose_labels(input, folder.top_folders(), holds_files, rules, builder);
  builder.relabel(first, [&](int top) {
    return top < 0 ? ImageListBuilder::kUnlabelled : labels[static_cast<size_t>(top)];
  });
}

}  // namespace fpcls
