#include "cascade/loader.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/stopwatch.h"

namespace fpcls {
namespace {

void refuse(Prediction& prediction, const DecodeFailure& failure) {
  prediction.reason_code = enum_name(failure.code);
  prediction.reason = failure.reason;
  prediction.predicted.clear();
  prediction.stage = -1;
  prediction.scores.clear();
  prediction.cache = CacheUse::bypassed;
}

}  // namespace

Loader::Loader(const Cascade& cascade, const PictureSource& source, const CascadeOptions& options,
               const Course& course)
    : source_(source), course_(course), cache_(options.cache) {
  for (const Stage& stage : cascade.stages) {
    const auto form = std::find_if(forms_.begin(), forms_.end(), [&](const Preprocessing& known) {
      return same_pixels(known, stage.preprocessing);
    });
    form_of_stage_.push_back(static_cast<int>(form - forms_.begin()));
    if (form == forms_.end()) forms_.push_back(stage.preprocessing);
    if (cache_ != nullptr) classifiers_.push_back(cache_->classifier_id(classifier_key(stage)));
  }
}

Loader::Loaded Loader::load(int64_t row) const {
  const Stopwatch watch;
  Loaded loaded{std::make_unique<Picture>(), Course::kDone};
  Picture& picture = *loaded.picture;
  picture.cached.resize(form_of_stage_.size());
  Prediction& prediction = picture.prediction;
  ImageEntry entry = source_.entry(row);
  prediction.row = row;
  prediction.path = std::move(entry.path);
  prediction.slice = std::move(entry.slice);
  prediction.label = std::move(entry.label);

  const auto read = source_.read(entry);
  if (const auto* failure = std::get_if<DecodeFailure>(&read)) {
    refuse(prediction, *failure);
    prediction.decode_ms = watch.ms();
    return loaded;
  }
  const std::string& bytes = std::get<std::string>(read);
  prediction.sha256 = sha256_hex(bytes);
  if (cache_ != nullptr) look_up(picture);
  loaded.stage = course_.next_stage(picture, 0);
  if (cache_ != nullptr) {
    prediction.cache = loaded.stage == Course::kDone ? CacheUse::hit : CacheUse::miss;
  }
  prediction.decode_ms = watch.ms();
  if (loaded.stage != Course::kDone && !decode(bytes, loaded.stage, picture)) {
    loaded.stage = Course::kDone;
  }
  return loaded;
}

void Loader::look_up(Picture& picture) const {
  for (size_t stage = 0; stage < classifiers_.size(); ++stage) {
    picture.cached[stage] = cache_->lookup(classifiers_[stage], picture.prediction.sha256);
  }
}

std::vector<bool> Loader::wanted_forms(const Picture& picture, int from_stage) const {
  std::vector<bool> wanted(forms_.size(), false);
  for (auto stage = static_cast<size_t>(from_stage); stage < form_of_stage_.size(); ++stage) {
    if (!picture.cached[stage]) wanted[static_cast<size_t>(form_of_stage_[stage])] = true;
  }
  return wanted;
}

/// Fills `picture.pixels` from `bytes`; false where they can't be decoded.
bool Loader::decode(const std::string& bytes, int from_stage, Picture& picture) const {
  std::vector<bool> wanted = wanted_forms(picture, from_stage);
  picture.pixels.resize(forms_.size());
  Prediction& prediction = picture.prediction;
  for (size_t first = 0; first < forms_.size(); ++first) {
    if (!wanted[first]) continue;
    Stopwatch watch;
    const auto decoded = source_.decode(bytes, forms_[first]);
    prediction.decode_ms += watch.ms();
    if (const auto* failure = std::get_if<DecodeFailure>(&decoded)) {
      refuse(prediction, *failure);
      return false;
    }
    const Image& image = std::get<Image>(decoded);
    prediction.warnings = std::max(prediction.warnings, image.warnings);
    watch.restart();
    for (size_t i = first; i < forms_.size(); ++i) {
      const Preprocessing& form = forms_[i];
      const bool shared = form.decode == Decode::exact && forms_[first].decode == Decode::exact;
      if (!wanted[i] || (i != first && !shared)) continue;
      picture.pixels[i].resize(static_cast<size_t>(form.height) * static_cast<size_t>(form.width) *
                               3);
      source_.resize(image, form, picture.pixels[i].data());
      wanted[i] = false;
    }
    prediction.resize_ms += watch.ms();
  }
  return true;
}

}  // namespace fpcls
