#include "fuzz/target.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.h"
#include "base/file.h"

namespace fpcls::fuzz {
namespace {

namespace fs = std::filesystem;

/// Removed when the process ends, unless a finding ends it.
class Folder {
 public:
  Folder() {
    std::error_code ignored;
    const fs::path base =
        fs::is_directory("/dev/shm", ignored) ? fs::path("/dev/shm") : fs::temp_directory_path();
    std::string pattern = (base / "fpcls-fuzz-XXXXXX").string();
    FPCLS_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

const fs::path& folder() {
  static const Folder folder;
  return folder.path();
}

}  // namespace

std::vector<Target> all_targets() {
  std::vector<Target> all;
  for (auto* group :
       {journal_targets, model_targets, picture_targets, store_targets, text_targets}) {
    std::vector<Target> targets = group();
    std::move(targets.begin(), targets.end(), std::back_inserter(all));
  }
  std::sort(all.begin(), all.end(),
            [](const Target& a, const Target& b) { return a.name < b.name; });
  return all;
}

void answer(const std::function<void()>& parse) {
  try {
    parse();
  } catch (const Error& error) {
    FPCLS_CHECK(*error.what() != '\0');
  }
}

std::string file_with(const std::string& name, std::string_view bytes) {
  const fs::path path = folder() / name;
  fs::remove(path);  // never change a file that something has mapped
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return path.string();
}

std::string bytes_of_file(const std::function<void(const std::string& path)>& write) {
  const fs::path path = folder() / "seed";
  fs::remove(path);
  write(path.string());
  std::string bytes = read_file(path);
  fs::remove(path);
  return bytes;
}

}  // namespace fpcls::fuzz
