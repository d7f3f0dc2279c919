#include "model/zip_archive.h"

#include <zip.h>

#include "base/error.h"
#include "base/text.h"

namespace fpcls {
namespace {

constexpr zip_int64_t kMaxEntries = 100'000;

}  // namespace

struct ZipArchive::Handle {
  zip_t* zip = nullptr;
  ~Handle() {
    if (zip != nullptr) zip_discard(zip);
  }
};

ZipArchive::ZipArchive(std::string_view bytes, std::shared_ptr<const void> owner, std::string where)
    : owner_(std::move(owner)), where_(std::move(where)), handle_(std::make_unique<Handle>()) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source != nullptr) handle_->zip = zip_open_from_source(source, ZIP_RDONLY, &error);
  if (handle_->zip == nullptr) {
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    if (source != nullptr) zip_source_free(source);
    fail("{}: is truncated or damaged: it begins as a zip archive, but {}", where_, reason);
  }
  zip_error_fini(&error);
  list_entries(static_cast<int64_t>(bytes.size()));
}

ZipArchive::~ZipArchive() = default;

void ZipArchive::list_entries(int64_t archive_bytes) {
  const zip_int64_t count = zip_get_num_entries(handle_->zip, 0);
  if (count > kMaxEntries) {
    fail("{}: has {} files inside, expected at most {}", where_, count, kMaxEntries);
  }
  int64_t left = archive_bytes;
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                                     ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(handle_->zip, static_cast<zip_uint64_t>(i), 0, &stat) != 0 ||
        (stat.valid & kNeeded) != kNeeded) {
      fail("{}: is damaged: file {} inside can't be read", where_, i);
    }
    const std::string path = stat.name;
    if (stat.comp_size > static_cast<zip_uint64_t>(left)) {
      fail("{}: is damaged: the files inside are larger than it is", where_);
    }
    left -= static_cast<int64_t>(stat.comp_size);
    const bool stored = stat.comp_method == ZIP_CM_STORE && stat.encryption_method == ZIP_EM_NONE &&
                        stat.comp_size == stat.size;
    const size_t slash = path.find('/');
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    const Entry entry{static_cast<uint64_t>(i), static_cast<int64_t>(stat.comp_size), stored};
    if (!entries_.emplace(name, entry).second) {
      fail("{}: has the file {} twice inside", where_, quoted(name));
    }
  }
}

bool ZipArchive::has(const std::string& name) const {
  const auto found = entries_.lower_bound(name);
  if (found == entries_.end()) return false;
  const bool folder = !name.empty() && name.back() == '/';
  return folder ? found->first.compare(0, name.size(), name) == 0 : found->first == name;
}

const ZipArchive::Entry& ZipArchive::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    fail("{}: is damaged: the file {} inside is missing", where_, quoted(name));
  }
  return found->second;
}

int64_t ZipArchive::size_bytes(const std::string& name) const { return entry(name).size_bytes; }

std::shared_ptr<const std::vector<char>> ZipArchive::read(const std::string& name) const {
  const Entry& found = entry(name);
  if (!found.stored) {
    fail(
        "{}: {} inside is compressed or encrypted, which PyTorch never does; save it again with "
        "torch.save",
        where_, quoted(name));
  }
  zip_file_t* file = zip_fopen_index(handle_->zip, found.index, 0);
  if (file == nullptr) {
    fail("{}: is damaged: {} inside can't be read: {}", where_, quoted(name),
         zip_strerror(handle_->zip));
  }
  auto bytes = std::make_shared<std::vector<char>>(static_cast<size_t>(found.size_bytes));
  size_t done = 0;
  zip_int64_t count = 1;
  while (done < bytes->size() && count > 0) {
    count = zip_fread(file, bytes->data() + done, bytes->size() - done);
    if (count > 0) done += static_cast<size_t>(count);
  }
  // The checksum is compared when a read meets the end.
  char beyond = 0;
  const bool sound = done == bytes->size() && zip_fread(file, &beyond, 1) == 0;
  zip_fclose(file);
  if (!sound) {
    fail("{}: is damaged: {} inside doesn't have the size and checksum that it should", where_,
         quoted(name));
  }
  return bytes;
}

}  // namespace fpcls
