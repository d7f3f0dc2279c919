#include "picture.h"

#include <algorithm>

#include "drawings.h"
#include "effects.h"
#include "encode.h"

namespace fpcls::sample {
namespace {

using Draw = cv::Mat (*)(Random&, cv::Size, double);

struct CategoryTraits {
  Draw draw;
  double share;         ///< of production pictures in the first month
  double share_growth;  ///< factor from the first month to the last
  double png_ratio;     ///< photographs compress badly as PNG
};

// Shares: the acceptance set of the classifier's version 2.0, 7,333 pictures.
const CategoryTraits& traits_of(Category category) {
  static constexpr CategoryTraits kTraits[kCategories] = {
      {draw_wireframe, 259, 0.7, 0.55}, {draw_satellite, 120, 1.3, 0.01},
      {draw_photo, 223, 1.5, 0.01},     {draw_simple, 5200, 0.9, 0.5},
      {draw_complex, 1478, 1.3, 0.2},   {draw_garden, 17, 1.4, 0.04},
      {draw_other, 36, 1.2, 0.2}};
  return kTraits[static_cast<int>(category)];
}

Category pick_category(Random& random, const SetOptions& options, int64_t number, double drift) {
  const auto& choices = options.categories;
  if (options.mix == Mix::balanced) {
    return choices[static_cast<size_t>(number) % choices.size()];
  }
  const auto share = [&](Category category) {
    const CategoryTraits& traits = traits_of(category);
    return traits.share * (1 + (traits.share_growth - 1) * drift);
  };
  double total = 0;
  for (const Category category : choices) total += share(category);
  double left = random.uniform(0, total);
  for (const Category category : choices) {
    left -= share(category);
    if (left < 0) return category;
  }
  return choices.back();
}

cv::Size pick_size(Random& random, Category category, const Range<int>& size_px) {
  const double longest = static_cast<double>(random.between(size_px.min, size_px.max));
  double aspect = random.uniform(0.62, 1.0);
  if (category == Category::satellite && random.chance(0.5)) aspect = 1;
  const cv::Size wide(cvRound(longest), std::max(1, cvRound(longest * aspect)));
  return random.chance(0.6) ? wide : cv::Size(wide.height, wide.width);
}

void set_png(Random& random, const cv::Mat& canvas, Picture& picture) {
  const double which = random.uniform();
  const PngKind kind = which < 0.06   ? PngKind::palette
                       : which < 0.12 ? PngKind::alpha
                       : which < 0.17 ? PngKind::gray
                                      : PngKind::rgb;
  picture.bytes = encode_png(canvas, kind);
  picture.extension = "png";
}

void set_jpeg(Random& random, const cv::Mat& canvas, double drift, Picture& picture) {
  JpegSettings settings;
  settings.quality =
      static_cast<int>(random.between(random.chance(0.2 + 0.2 * drift) ? 30 : 60, 93));
  settings.gray = random.chance(0.03);
  settings.progressive = random.chance(0.06);
  settings.full_chroma = random.chance(0.2);
  if (picture.category == Category::photo && random.chance(0.15)) {
    settings.orientation = pick(random, {3, 6, 6, 8});
  }
  picture.bytes = encode_jpeg(canvas, settings);
  picture.extension = "jpg";
}

}  // namespace

Picture make_picture(const SetOptions& options, int64_t number) {
  Random random(derive_seed(options.seed, static_cast<uint64_t>(number)));
  Picture picture;
  picture.month = static_cast<int>(number / kCategories % options.months);
  const double drift = options.months > 1 ? picture.month / (options.months - 1.0) : 0;
  picture.category = pick_category(random, options, number, drift);
  const CategoryTraits& traits = traits_of(picture.category);
  const cv::Size size = pick_size(random, picture.category, options.size_px);
  cv::Mat canvas = traits.draw(random, size, drift);
  if (random.chance(traits.png_ratio)) {
    set_png(random, canvas, picture);
  } else {
    set_jpeg(random, canvas, drift, picture);
  }
  return picture;
}

}  // namespace fpcls::sample
