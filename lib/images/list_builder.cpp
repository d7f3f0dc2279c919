#include "images/list_builder.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"

namespace fpcls {

LabelRules::LabelRules(const ListOptions& options)
    : ignored_(options.ignore_labels),
      any_(options.any_label),
      known_(options.known_labels),
      map_(options.label_map) {
  for (const auto& [from, to] : map_) {
    known_.push_back(from);
    if (!to.empty()) known_.push_back(to);
  }
  std::sort(known_.begin(), known_.end());
  known_.erase(std::unique(known_.begin(), known_.end()), known_.end());
}

bool LabelRules::knows(const std::string& label) const {
  return any_ || std::binary_search(known_.begin(), known_.end(), label);
}

const std::string& LabelRules::renamed(const std::string& label) const {
  const auto found = map_.find(label);
  return found == map_.end() ? label : found->second;
}

std::string LabelRules::known() const {
  std::string all;
  for (const std::string& label : known_) all += (all.empty() ? "" : ", ") + quoted(label);
  return all.empty() ? "none" : all;
}

std::string LabelRules::suggestion(const std::string& label) const {
  const std::string close = closest_name(label, known_);
  return close.empty() ? "" : fmt::format(", did you mean {}?", quoted(close));
}

void ImageListBuilder::start_input(const std::filesystem::path& base) {
  list_.bases_.push_back(base);
  folders_.clear();
}

int ImageListBuilder::slice(const std::string& name) {
  const auto [found, added] = slices_.try_emplace(name, static_cast<int>(list_.slices_.size()));
  if (added) list_.slices_.push_back(name);
  return found->second;
}

int ImageListBuilder::label(const std::string& label, const LabelRules& rules) {
  const std::string& name = rules.renamed(label);
  if (name.empty()) return kDropped;
  const auto [found, added] = labels_.try_emplace(name, static_cast<int>(list_.labels_.size()));
  if (added) list_.labels_.push_back(name);
  return found->second;
}

uint32_t ImageListBuilder::folder(std::string_view inside) {
  const bool same = !list_.folders_.empty() && list_.folders_.back().inside == inside &&
                    list_.folders_.back().base + 1 == list_.bases_.size();
  if (same) return static_cast<uint32_t>(list_.folders_.size() - 1);
  const auto [found, added] =
      folders_.try_emplace(std::string(inside), static_cast<uint32_t>(list_.folders_.size()));
  if (added) {
    list_.folders_.push_back({static_cast<uint32_t>(list_.bases_.size() - 1), std::string(inside)});
  }
  return found->second;
}

void ImageListBuilder::add(std::string_view path, int slice, int label) {
  if (label == kDropped) {
    ++list_.skipped_.dropped;
    return;
  }
  const size_t slash = path.rfind('/');
  const size_t split = slash == std::string_view::npos ? 0 : slash + 1;
  const std::string_view name = path.substr(split);
  if (list_.names_.size() + name.size() >= std::numeric_limits<uint32_t>::max()) {
    fail("{}: too many pictures for one list; give fewer INPUTs", quoted(list_.bases_.back()));
  }
  list_.rows_.push_back({folder(path.substr(0, split)), static_cast<uint32_t>(list_.names_.size()),
                         static_cast<uint32_t>(slice), label});
  list_.names_ += name;
  list_.names_ += '\0';
}

std::string ImageListBuilder::path(int64_t row) const {
  return to_utf8(list_.raw_path(list_.rows_[static_cast<size_t>(row)]));
}

void ImageListBuilder::relabel(int64_t first, const std::function<int(int)>& label) {
  auto& rows = list_.rows_;
  for (auto row = rows.begin() + first; row != rows.end(); ++row) row->label = label(row->label);
  const auto kept = std::remove_if(rows.begin() + first, rows.end(),
                                   [](const auto& row) { return row.label == kDropped; });
  list_.skipped_.dropped += rows.end() - kept;
  rows.erase(kept, rows.end());
}

void ImageListBuilder::check_unique() const {
  struct Hashed {
    uint64_t hash;
    uint32_t row;
  };
  std::vector<Hashed> hashes(list_.rows_.size());
  for (size_t i = 0; i < hashes.size(); ++i) {
    const auto& row = list_.rows_[i];
    hashes[i] = {hash_text(to_utf8(list_.raw_path(row))) + row.slice, static_cast<uint32_t>(i)};
  }
  std::sort(hashes.begin(), hashes.end(),
            [](const Hashed& a, const Hashed& b) { return a.hash < b.hash; });
  for (size_t i = 1; i < hashes.size(); ++i) {
    if (hashes[i].hash != hashes[i - 1].hash) continue;
    const ImageEntry a = list_.entry(hashes[i - 1].row), b = list_.entry(hashes[i].row);
    if (a.slice != b.slice || a.path != b.path) continue;
    fail(
        "{}: the slice {} has it twice, as {} and {}; rename one, or give their INPUTs slices of "
        "their own",
        quoted(a.path), quoted(a.slice), quoted(a.file), quoted(b.file));
  }
}

ImageList ImageListBuilder::finish() {
  check_unique();
  list_.rows_.shrink_to_fit();
  list_.names_.shrink_to_fit();
  list_.folders_.shrink_to_fit();
  return std::move(list_);
}

uint64_t hash_text(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93;  // FNV's low bits alone are weak
  return hash ^ hash >> 32;
}

ImageEntry ImageList::entry(int64_t index) const {
  const Row& row = rows_.at(static_cast<size_t>(index));
  const std::string inside = raw_path(row);
  ImageEntry entry;
  entry.file = bases_[folders_[row.folder].base] / inside;
  entry.path = to_utf8(inside);
  entry.slice = slices_[row.slice];
  if (row.label >= 0) entry.label = labels_[static_cast<size_t>(row.label)];
  return entry;
}

std::vector<std::string> ImageList::labels() const {
  std::vector<bool> occurs(labels_.size());
  for (const Row& row : rows_) {
    if (row.label >= 0) occurs[static_cast<size_t>(row.label)] = true;
  }
  std::vector<std::string> labels;
  for (size_t i = 0; i < labels_.size(); ++i) {
    if (occurs[i]) labels.push_back(labels_[i]);
  }
  std::sort(labels.begin(), labels.end());
  return labels;
}

int64_t ImageList::unlabelled() const {
  return std::count_if(rows_.begin(), rows_.end(), [](const Row& row) { return row.label < 0; });
}

std::string ImageList::sha256() const {
  Sha256 hash;
  const auto add = [&](std::string_view text) {
    hash.update(text);
    hash.update(std::string_view("\0", 1));
  };
  for (const Row& row : rows_) {
    add(slices_[row.slice]);
    add(to_utf8(raw_path(row)));
    hash.update(row.label < 0 ? "-" : "+");
    add(row.label < 0 ? "" : labels_[static_cast<size_t>(row.label)]);
  }
  return hash.hex();
}

std::vector<int64_t> ImageList::shard_rows(int part, int parts) const {
  FPCLS_CHECK(part >= 1 && part <= parts);
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < size(); ++i) {
    const uint64_t hash = hash_text(to_utf8(raw_path(rows_[static_cast<size_t>(i)])));
    if (hash % static_cast<uint64_t>(parts) == static_cast<uint64_t>(part - 1)) rows.push_back(i);
  }
  return rows;
}

}  // namespace fpcls
