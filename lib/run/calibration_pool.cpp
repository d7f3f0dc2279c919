#include "run/calibration_pool.h"

#include <algorithm>
#include <tuple>

#include "images/near_copies.h"
#include "run/picture_list.h"

namespace fpcls {
namespace {

NearCopyIndex index_of(const std::vector<std::string>& inputs, int workers, bool quiet) {
  NearCopyIndex index;
  if (inputs.empty()) return index;
  InputOptions input;
  input.inputs = inputs;
  input.labels = LabelSource::none;
  const ImageList list = list_pictures(input, {}, AnyLabel::no, quiet);
  for (const Fingerprint& print : fingerprint_list(list, workers, quiet).fingerprints) {
    index.add(print);
  }
  return index;
}

}  // namespace

CalibrationPool gather_pool(const InputOptions& input, const std::vector<std::string>& avoid,
                            int workers, bool quiet) {
  // Labels only sort the pictures here, so any will do.
  const ImageList list = list_pictures(input, {}, AnyLabel::yes, quiet);
  const NearCopyIndex avoided = index_of(avoid, workers, quiet);
  const FingerprintedList prints = fingerprint_list(list, workers, quiet);
  CalibrationPool pool;
  for (int64_t i = 0; i < avoided.size(); ++i) pool.avoid_sha256.insert(avoided.picture(i).sha256);
  pool.listed = list.size();
  pool.undecodable = static_cast<int64_t>(prints.bad.size());
  std::vector<std::pair<Candidate, const Fingerprint*>> all;
  for (size_t i = 0; i < prints.rows.size(); ++i) {
    all.push_back(
        {{list.entry(prints.rows[i]), prints.fingerprints[i].sha256}, &prints.fingerprints[i]});
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first.sha256, a.first.entry.slice, a.first.entry.path) <
           std::tie(b.first.sha256, b.first.entry.slice, b.first.entry.path);
  });
  NearCopyIndex seen;
  for (const auto& [candidate, print] : all) {
    if (avoided.find(*print)) {
      ++pool.avoided;
    } else if (const auto match = seen.find(*print)) {
      ++(match->same_file ? pool.copies : pool.near_copies);
    } else {
      seen.add(*print);
      pool.pictures.push_back(candidate);
    }
  }
  return pool;
}

}  // namespace fpcls
