#pragma once

#include <cstdint>

/// Pictures varied for training, on 8-bit pixels near network size. A plan stays the same plan when
/// it is mirrored, turned by quarters, cropped a little, lit otherwise or saved as a poorer JPEG;
/// it doesn't when it is cropped hard or its colours are rotated, so neither is done.
namespace fpcls {

/// How far pictures are varied. All zero: only the whole picture, resized.
struct AugmentOptions {
  /// The cut-out's sides are chosen apart, between 1 - this and all of the picture's.
  double crop_ratio = 0;
  double horizontal_flip_probability = 0;
  double vertical_flip_probability = 0;
  double quarter_turn_probability = 0;  ///< one quarter; with both flips every orientation occurs
  double brightness = 0;                ///< largest shift, as a part of white
  double contrast = 0;                  ///< largest relative change
  double channel_gain = 0;              ///< largest relative change of each of R, G, B
  double blur_probability = 0;
  double noise_probability = 0;
  double noise_sigma = 0;  ///< standard deviation at most, in steps of 255
  double jpeg_probability = 0;
  int jpeg_quality_min = 30;
  int jpeg_quality_max = 90;
};

/// What suits floor plans.
AugmentOptions plan_augmentation();

/// By how much larger than the network's input pictures are best kept for `options`, as a factor
/// of their sides: what is cut out then has about the network's size.
double stored_scale(const AugmentOptions& options);

/// One variation of a picture of `stored_height` x `stored_width` x 3 bytes, written to `result` as
/// `height` x `width` x 3. The same `seed` gives the same bytes; derive it from the run's seed, the
/// epoch and the picture. Quarter turns need height = width and are left out otherwise.
void augment(const uint8_t* stored, int stored_height, int stored_width,
             const AugmentOptions& options, uint64_t seed, int height, int width, uint8_t* result);

}  // namespace fpcls
