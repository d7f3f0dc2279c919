#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cascade/cascade.h"
#include "cascade/course.h"
#include "cascade/schedule.h"

/// A row of the list to a picture at the networks' sizes.
namespace fpcls {

/// Stages that can be given the same pixels share a *pixel form*: each picture is resized once for
/// each form, and decoded once for all forms that want every pixel and once more for each form
/// that is content with a JPEG decoded at reduced size (how far it is reduced depends on the form,
/// and scores must not depend on which other stages there are).
class Loader {
 public:
  struct Loaded {
    PicturePtr picture;
    int stage = Course::kDone;  ///< the first that has to be computed
  };

  Loader(const Cascade& cascade, const PictureSource& source, const CascadeOptions& options,
         const Course& course);

  /// Thread-safe. A picture without a readable file or with cached scores only is done.
  Loaded load(int64_t row) const;

  /// Index into `Picture::pixels` and the preprocessing of a stage.
  int form_of(int stage) const { return form_of_stage_[static_cast<size_t>(stage)]; }
  const Preprocessing& form(int index) const { return forms_[static_cast<size_t>(index)]; }
  /// The stage's number in the cache; only with a cache.
  int64_t classifier(int stage) const { return classifiers_[static_cast<size_t>(stage)]; }

 private:
  void look_up(Picture& picture) const;
  std::vector<bool> wanted_forms(const Picture& picture, int from_stage) const;
  bool decode(const std::string& bytes, int from_stage, Picture& picture) const;

  const PictureSource& source_;
  const Course& course_;
  ResultCache* const cache_;
  std::vector<Preprocessing> forms_;
  std::vector<int> form_of_stage_;
  std::vector<int64_t> classifiers_;
};

}  // namespace fpcls
