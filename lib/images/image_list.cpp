#include "images/image_list.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <unordered_map>

#include "base/csv.h"
#include "base/error.h"
#include "base/text.h"
#include "images/list_builder.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStdin = "-";

enum class Kind { picture, folder, manifest, lines };

Kind kind_of(const std::string& input) {
  if (input == kStdin) return Kind::lines;
  struct stat status {};
  if (::stat(input.c_str(), &status) != 0) {
    fail("{}: {}; expected a picture, a folder, a .csv or .tsv manifest, or '-'", quoted(input),
         errno == ENOENT ? "no such file or folder" : std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) return Kind::folder;
  const fs::path extension = fs::path(input).extension();
  return extension == ".csv" || extension == ".tsv" ? Kind::manifest : Kind::picture;
}

/// The parts of an INPUT's path, the last first.
std::vector<std::string> parts_from_end(const std::string& input) {
  const fs::path path = fs::absolute(input).lexically_normal();
  std::vector<std::string> parts;
  for (const fs::path& part : path) {
    if (!part.empty() && part != "/") parts.push_back(to_utf8(part.native()));
  }
  std::reverse(parts.begin(), parts.end());
  if (parts.empty()) parts.emplace_back("/");
  return parts;
}

std::string joined(const std::vector<std::string>& parts_from_end, size_t count) {
  std::string name = parts_from_end[0];
  for (size_t i = 1; i < std::min(count, parts_from_end.size()); ++i) {
    name = parts_from_end[i] + "/" + name;
  }
  return name;
}

/// One name for each INPUT: the shortest ends of their paths that differ.
std::vector<std::string> distinct_names(const std::vector<std::string>& inputs) {
  std::vector<std::vector<std::string>> parts;
  for (const std::string& input : inputs) {
    parts.push_back(input == kStdin ? std::vector<std::string>{"stdin"} : parts_from_end(input));
  }
  std::vector<size_t> lengths(inputs.size(), 1);
  std::vector<std::string> names(inputs.size());
  for (;;) {
    std::unordered_map<std::string, std::vector<size_t>> same;
    for (size_t i = 0; i < inputs.size(); ++i) {
      names[i] = joined(parts[i], lengths[i]);
      same[names[i]].push_back(i);
    }
    bool longer = false;
    for (const auto& [name, members] : same) {
      if (members.size() == 1) continue;
      for (const size_t i : members) {
        if (i != members[0] && parts[i] == parts[members[0]]) {
          fail("{}: given twice; remove one", quoted(inputs[i]));
        }
        longer = longer || lengths[i] < parts[i].size();
        ++lengths[i];
      }
    }
    if (same.size() == inputs.size()) return names;
    if (!longer) fail("{}: its name can't be told from another INPUT's", quoted(inputs.back()));
  }
}

void list_picture(const std::string& input, const std::string& name, ImageListBuilder& builder) {
  // The name is an end of the path, so what stands before it is where it is relative to. A name
  // that isn't valid UTF-8 is an escaped end, and only its last part can be cut off.
  const fs::path path = fs::absolute(input).lexically_normal();
  const std::string& whole = path.native();
  const bool is_end = whole.size() > name.size() &&
                      whole.compare(whole.size() - name.size(), name.size(), name) == 0;
  const std::string end = is_end ? name : path.filename().native();
  const bool given_alone = end == input;
  builder.start_input(given_alone ? "" : whole.substr(0, whole.size() - end.size()));
  builder.add(end, builder.slice(name), ImageListBuilder::kUnlabelled);
}

void check_options(const std::vector<Kind>& kinds, const ListOptions& options) {
  if (options.slice_by.empty()) return;
  if (std::find(kinds.begin(), kinds.end(), Kind::manifest) == kinds.end()) {
    fail(
        "--slice-by {}: there is no manifest among the INPUTs; give one with that column, or leave "
        "the option out",
        quoted(options.slice_by));
  }
}

}  // namespace

ImageList list_images(const std::vector<std::string>& inputs, const ListOptions& options,
                      std::istream& paths) {
  if (inputs.empty()) fail("no INPUT; name a picture, a folder, a manifest, or '-'");
  std::vector<Kind> kinds;
  for (const std::string& input : inputs) kinds.push_back(kind_of(input));
  check_options(kinds, options);
  const std::vector<std::string> names = distinct_names(inputs);
  const LabelRules rules(options);
  ImageListBuilder builder;
  for (size_t i = 0; i < inputs.size(); ++i) {
    switch (kinds[i]) {
      case Kind::picture:
        list_picture(inputs[i], names[i], builder);
        break;
      case Kind::folder:
        list_folder(inputs[i], builder.slice(names[i]), rules, builder);
        break;
      case Kind::manifest:
        list_manifest(inputs[i], names[i], options.slice_by, rules, builder);
        break;
      case Kind::lines:
        list_lines(paths, builder.slice(names[i]), builder);
        break;
    }
  }
  if (builder.size() == 0) {
    fail("no pictures are left: the label map drops the labels of all {}",
         with_thousands(builder.skipped().dropped));
  }
  return builder.finish();
}

ImageList list_images(const std::vector<std::string>& inputs, const ListOptions& options) {
  return list_images(inputs, options, std::cin);
}

}  // namespace fpcls
