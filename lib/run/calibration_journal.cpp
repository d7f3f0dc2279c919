#include "run/calibration_journal.h"

#include <cstring>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

namespace fpcls {
namespace {

constexpr std::string_view kMagic = "fpcls calibrate journal 1\n";
constexpr size_t kSha256 = 64, kChecksum = 16, kLength = 4;

void put_text(std::string& bytes, std::string_view text) {
  const auto length = static_cast<uint32_t>(text.size());
  bytes.append(reinterpret_cast<const char*>(&length), kLength);
  bytes.append(text);
}

void put_floats(std::string& bytes, const std::vector<float>& values) {
  put_text(bytes, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
}

std::optional<std::string_view> take_text(std::string_view& bytes) {
  uint32_t length = 0;
  if (bytes.size() < kLength) return std::nullopt;
  std::memcpy(&length, bytes.data(), kLength);
  if (bytes.size() - kLength < length) return std::nullopt;
  const std::string_view text = bytes.substr(kLength, length);
  bytes.remove_prefix(kLength + length);
  return text;
}

std::optional<std::vector<float>> take_floats(std::string_view& bytes, size_t count) {
  const auto text = take_text(bytes);
  if (!text || text->size() != count * sizeof(float)) return std::nullopt;
  std::vector<float> values(count);
  std::memcpy(values.data(), text->data(), text->size());
  return values;
}

std::string checksum(std::string_view payload) { return sha256_hex(payload).substr(0, kChecksum); }

std::string record_of(std::string_view payload) {
  std::string record;
  put_text(record, payload);
  return record + checksum(payload);
}

/// Whether the file holds no more than a part of `head`, which is then taken away.
bool drop_part_of(const std::filesystem::path& path, const std::string& head) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error || size >= head.size() || read_file(path) != head.substr(0, size)) return false;
  std::filesystem::resize_file(path, 0);
  return true;
}

/// The next record's payload, or none where the file was cut off within it.
std::optional<std::string_view> take_record(std::string_view& bytes, bool& sound) {
  std::string_view rest = bytes;
  const auto payload = take_text(rest);
  if (!payload || rest.size() < kChecksum) return std::nullopt;
  sound = checksum(*payload) == rest.substr(0, kChecksum);
  bytes = rest.substr(kChecksum);
  return payload;
}

}  // namespace

CalibrationJournal::CalibrationJournal(std::filesystem::path path, const std::string& of,
                                       size_t features, size_t extremes, bool resume)
    : path_(std::move(path)) {
  std::error_code ignored;
  const bool there = std::filesystem::exists(path_, ignored);
  if (there && !resume) {
    fail("{}: is there already; go on from it with --resume, or delete it", quoted(path_));
  }
  const std::string head = std::string(kMagic) + record_of(of);
  const bool begun = there && !drop_part_of(path_, head);
  if (begun) load(head, features, extremes);
  file_.open(path_, std::ios::binary | std::ios::app);
  if (!begun) file_ << head << std::flush;
  if (!file_) fail("{}: cannot be written; is the disk full?", quoted(path_));
}

void CalibrationJournal::load(const std::string& head, size_t features, size_t extremes) {
  const auto file = MappedFile::open(path_);
  const std::string_view all = file->bytes();
  std::string_view bytes = all;
  const auto damaged = [&](size_t at) {
    fail("{}: is damaged at byte {}; delete the file to start again", quoted(path_), at);
  };
  if (bytes.substr(0, head.size()) != head) {
    fail(
        "{}: is no journal of calibrating this model with this fpcls; delete it to start again, or "
        "name another output",
        quoted(path_));
  }
  bytes.remove_prefix(head.size());
  bool sound = true;
  for (size_t at = all.size() - bytes.size(); !bytes.empty(); at = all.size() - bytes.size()) {
    const auto record = take_record(bytes, sound);
    if (!record) break;
    if (!sound) damaged(at);
    std::string_view payload = *record;
    const auto sha256 = take_text(payload);
    const auto taken_for = take_text(payload);
    auto feature_values = take_floats(payload, features);
    auto extreme_values = take_floats(payload, extremes);
    const auto kept = take_text(payload);
    if (!sha256 || sha256->size() != kSha256 || !taken_for || !feature_values || !extreme_values ||
        !kept || !payload.empty()) {
      damaged(at);
    }
    known_[std::string(*sha256)] = {std::string(*taken_for), std::move(*feature_values),
                                    std::move(*extreme_values), std::string(*kept)};
  }
  if (!bytes.empty()) std::filesystem::resize_file(path_, all.size() - bytes.size());
}

void CalibrationJournal::add(const std::string& sha256, const PictureLook& look) {
  if (path_.empty()) return;
  std::string payload;
  put_text(payload, sha256);
  put_text(payload, look.taken_for);
  put_floats(payload, look.features);
  put_floats(payload, look.extremes);
  put_text(payload, look.kept);
  const std::lock_guard lock(mutex_);
  file_ << record_of(payload) << std::flush;
  if (!file_) fail("{}: cannot be written; is the disk full?", quoted(path_));
}

void CalibrationJournal::finish() {
  if (path_.empty()) return;
  file_.close();
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace fpcls
