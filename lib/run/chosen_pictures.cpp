#include "run/chosen_pictures.h"

#include <filesystem>
#include <functional>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;

void want_empty_folder(const std::string& folder, const char* flag) {
  if (folder.empty()) return;
  make_writable_folder(folder);
  if (!fs::is_empty(folder)) {
    fail("{} {}: isn't empty; name a new folder", flag, quoted(folder));
  }
}

/// Where each picture goes beneath a folder, in their order.
std::vector<fs::path> places_of(const CalibrationFile& file) {
  std::vector<fs::path> places;
  std::set<fs::path> taken;
  for (const CalibrationPicture& picture : file.pictures) {
    const fs::path name = fs::u8path(picture.path).filename();
    fs::path place = fs::u8path(picture.label.value_or("")) / name;
    if (!taken.insert(place).second) {
      place.replace_filename(name.stem());
      place += "-" + picture.sha256.substr(0, 12);
      place += name.extension();
      taken.insert(place);
    }
    places.push_back(place);
  }
  return places;
}

using Put = std::function<void(const fs::path& from, const fs::path& to)>;

void fill(const std::string& folder, const CalibrationFile& file, const fs::path& base,
          const Put& put) {
  if (folder.empty()) return;
  const std::vector<fs::path> places = places_of(file);
  for (size_t i = 0; i < places.size(); ++i) {
    const fs::path to = fs::path(folder) / places[i];
    try {
      fs::create_directories(to.parent_path());
      put(fs::absolute(base / fs::u8path(file.pictures[i].file)).lexically_normal(), to);
    } catch (const fs::filesystem_error& error) {
      fail("{}: cannot be written: {}", quoted(to), error.code().message());
    }
  }
}

}  // namespace

void check_chosen_pictures(const ChosenPicturesOptions& options) {
  if (!options.list.empty()) AtomicFile(options.list);
  want_empty_folder(options.links, "--links");
  want_empty_folder(options.copies, "--copies");
}

void export_chosen_pictures(const ChosenPicturesOptions& options, const CalibrationFile& file,
                            const std::string& calibration) {
  const fs::path base = fs::absolute(calibration).parent_path();
  if (!options.list.empty()) {
    std::string lines = "path,label,slice,sha256\n";
    for (const CalibrationPicture& p : file.pictures) {
      lines += fmt::format("{},{},{},{}\n",
                           csv_field(relative_to(options.list, base / fs::u8path(p.file))),
                           csv_field(p.label.value_or("")), csv_field(p.slice), p.sha256);
    }
    write_file(options.list, lines);
  }
  fill(options.links, file, base,
       [](const fs::path& from, const fs::path& to) { fs::create_symlink(from, to); });
  fill(options.copies, file, base,
       [](const fs::path& from, const fs::path& to) { fs::copy_file(from, to); });
}

std::string relative_to(const fs::path& out, const fs::path& file) {
  const auto folder_of = [](const fs::path& path) {
    return fs::weakly_canonical(fs::absolute(path).parent_path());
  };
  const auto place = folder_of(file) / file.filename();
  return to_utf8(place.lexically_proximate(folder_of(out)).generic_string());
}

}  // namespace fpcls
