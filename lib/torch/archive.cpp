#include "torch/archive.h"

#include <zip.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace fpcls {
namespace {

struct Closer {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

using Archive = std::unique_ptr<zip_t, Closer>;
using Entry = std::unique_ptr<zip_file_t, Closer>;

// Weights are stored as they are, and code doesn't shrink nearly as much; a bomb does.
constexpr zip_uint64_t kMaxExpansion = 100;
constexpr size_t kPieceBytes = size_t{1} << 20;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  fail(
      "{}: is damaged or not TorchScript: {}; save the model again with torch.jit.save, or, for "
      "weights alone, name their --architecture",
      quoted(path), why);
}

Archive open_archive(const std::filesystem::path& path) {
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (archive) return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string why = zip_error_strerror(&error);
  zip_error_fini(&error);
  refuse(path, why);
}

void check_sizes(zip_t* archive, const std::filesystem::path& path) {
  zip_uint64_t left = std::filesystem::file_size(path) * kMaxExpansion;
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive, 0); ++i) {
    zip_stat_t stat;
    if (zip_stat_index(archive, static_cast<zip_uint64_t>(i), 0, &stat) != 0) {
      refuse(path, zip_strerror(archive));
    }
    if ((stat.valid & ZIP_STAT_SIZE) == 0 || stat.size > left) {
      refuse(path, "its entries claim far more bytes than the file has");
    }
    left -= stat.size;
  }
}

/// Reading to the end is what makes libzip compare the checksum.
void check_entry(zip_t* archive, zip_uint64_t index, const std::filesystem::path& path) {
  const Entry entry(zip_fopen_index(archive, index, 0));
  if (!entry) refuse(path, zip_strerror(archive));
  std::vector<char> piece(kPieceBytes);
  zip_int64_t count = 1;
  while (count > 0) count = zip_fread(entry.get(), piece.data(), piece.size());
  if (count == 0) return;
  const char* name = zip_get_name(archive, index, ZIP_FL_ENC_RAW);
  refuse(path, quoted(std::string_view(name == nullptr ? "" : name)) + ": " +
                   zip_file_strerror(entry.get()));
}

}  // namespace

void check_archive(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) fail("{}: is a folder, expected a model", quoted(path));
  MappedFile::open(path);  // says in our own words why a file can't be opened
  const Archive archive = open_archive(path);
  check_sizes(archive.get(), path);
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    check_entry(archive.get(), static_cast<zip_uint64_t>(i), path);
  }
}

}  // namespace fpcls
