#pragma once

#include "canvas.h"

/// What paper, light, lenses and cheap screens do to a picture, and the textures of the world
/// outside. Everything works in 8 bits, so that equal seeds give equal pixels.
namespace fpcls::sample {

/// Grey noise with features from `cell_px` down, mean about 128.
cv::Mat fractal_noise(Random& random, cv::Size size, int cell_px, int octaves);
/// Grey to colour: 0 becomes `low`, 255 `high`.
cv::Mat tint(const cv::Mat& gray, const Color& low, const Color& high);
/// `fractal_noise` between two colours.
cv::Mat texture(Random& random, cv::Size size, int cell_px, int octaves, const Color& low,
                const Color& high);

/// Uneven light and vignetting; `strength` 0..1.
void light_unevenly(Random& random, cv::Mat& picture, double strength);
/// One soft shadow across the picture.
void cast_shadow(Random& random, cv::Mat& picture, double strength);
/// Sensor noise; `deviation` in levels.
void add_noise(Random& random, cv::Mat& picture, double deviation);
void blur(cv::Mat& picture, double sigma_px);
/// Fine wavy stripes, as when a camera looks at a screen.
void add_moire(Random& random, cv::Mat& picture, double levels);
/// Multiplies each channel.
void cast_color(cv::Mat& picture, const Color& gains_percent);
/// Bright reflection of a lamp or window.
void add_glare(Random& random, cv::Mat& picture);
/// Loses detail: down to `ratio` of the size, up again.
void lose_detail(cv::Mat& picture, double ratio);
/// Draws `drawing` onto `scene` so that its corners come to lie on `quad` (clockwise from top
/// left).
void project_onto(cv::Mat& scene, const cv::Mat& drawing, const Polygon& quad);
/// Turned by a small angle, the corners filled with `paper`.
cv::Mat turned(const cv::Mat& picture, double turn_deg, const Color& paper);

}  // namespace fpcls::sample
