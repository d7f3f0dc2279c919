#include "run/picture_list.h"

#include <cstdio>
#include <utility>

#include "base/error.h"
#include "config/yaml_file.h"

namespace fpcls {
namespace {

/// One line on stderr for what INPUTs hold that isn't taken, where there is any.
void say_skipped(const Skipped& skipped) {
  std::string parts;
  const auto add = [&parts](int64_t count, const char* what) {
    if (count > 0) parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", count, what);
  };
  add(skipped.hidden, "hidden");
  add(skipped.other_files, "of other file types");
  add(skipped.seen_folders, "folders seen already through a link");
  add(skipped.dropped, "dropped by the label map");
  if (!parts.empty()) fmt::print(stderr, "fpcls: left out: {}\n", parts);
}

}  // namespace

void want_inputs(const InputOptions& options) {
  if (options.inputs.empty()) {
    fail("no pictures given; name pictures, folders, .csv/.tsv manifests, or - for paths on stdin");
  }
}

ImageList list_pictures(const InputOptions& options, std::vector<std::string> known_labels,
                        AnyLabel any_label, bool quiet) {
  want_inputs(options);
  ListOptions list;
  list.known_labels = std::move(known_labels);
  list.any_label = any_label == AnyLabel::yes;
  list.ignore_labels = options.labels == LabelSource::none;
  list.slice_by = options.slice_by;
  if (!options.label_map.empty()) list.label_map = read_label_map(options.label_map);
  ImageList pictures = list_images(options.inputs, list);
  if (!quiet) say_skipped(pictures.skipped());
  return pictures;
}

}  // namespace fpcls
