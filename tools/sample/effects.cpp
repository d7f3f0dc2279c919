#include "effects.h"

#include <algorithm>
#include <array>
#include <opencv2/imgproc.hpp>

namespace fpcls::sample {
namespace {

cv::Mat random_cells(Random& random, cv::Size size, double low, double high) {
  cv::Mat cells(size, CV_8U);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      cells.at<uchar>(y, x) = static_cast<uchar>(random.uniform(low, high));
    }
  }
  return cells;
}

// Each value of `gains` is in 128ths.
void multiply(cv::Mat& picture, const cv::Mat& gains) {
  for (int y = 0; y < picture.rows; ++y) {
    uchar* row = picture.ptr(y);
    const uchar* gain = gains.ptr(y);
    for (int x = 0; x < picture.cols; ++x) {
      for (int c = 0; c < 3; ++c, ++row) *row = cv::saturate_cast<uchar>((*row * gain[x]) >> 7);
    }
  }
}

}  // namespace

cv::Mat fractal_noise(Random& random, cv::Size size, int cell_px, int octaves) {
  cv::Mat sum(size, CV_8U, cv::Scalar(128));
  double weight = 0.6;
  for (int octave = 0; octave < octaves; ++octave, cell_px = std::max(1, cell_px / 2)) {
    const cv::Size cells(size.width / cell_px + 2, size.height / cell_px + 2);
    cv::Mat layer;
    cv::resize(random_cells(random, cells, 0, 256), layer, size, 0, 0, cv::INTER_LINEAR_EXACT);
    if (octave == 0) {
      sum = layer;
    } else {
      cv::addWeighted(sum, 1, layer, weight, -128 * weight, sum);
    }
    weight *= 0.75;
  }
  return sum;
}

cv::Mat tint(const cv::Mat& gray, const Color& low, const Color& high) {
  std::array<cv::Vec3b, 256> colors;
  for (int i = 0; i < 256; ++i) {
    const Color color = mix(low, high, i / 255.0);
    for (int c = 0; c < 3; ++c)
      colors[static_cast<size_t>(i)][c] = cv::saturate_cast<uchar>(color[c]);
  }
  cv::Mat picture(gray.size(), CV_8UC3);
  for (int y = 0; y < gray.rows; ++y) {
    const uchar* from = gray.ptr(y);
    cv::Vec3b* to = picture.ptr<cv::Vec3b>(y);
    for (int x = 0; x < gray.cols; ++x) to[x] = colors[from[x]];
  }
  return picture;
}

cv::Mat texture(Random& random, cv::Size size, int cell_px, int octaves, const Color& low,
                const Color& high) {
  return tint(fractal_noise(random, size, cell_px, octaves), low, high);
}

void light_unevenly(Random& random, cv::Mat& picture, double strength) {
  const double depth = 70 * strength;
  cv::Mat gains;
  cv::resize(random_cells(random, {3, 3}, 132 - depth, 132 + depth * 0.25), gains, picture.size(),
             0, 0, cv::INTER_LINEAR_EXACT);
  multiply(picture, gains);
}

void cast_shadow(Random& random, cv::Mat& picture, double strength) {
  // At a sixteenth of the size the blur costs nothing.
  const cv::Size small(picture.cols / 16 + 1, picture.rows / 16 + 1);
  cv::Mat shade(small, CV_8UC3, cv::Scalar::all(128));
  const Point at(random.uniform(0, small.width), random.uniform(0, small.height));
  fill_polygon(shade,
               turned_box(at, small.width * random.uniform(0.3, 0.9), small.height * 2.0,
                          random.uniform(0, 180)),
               grey(128 * (1 - strength)));
  cv::GaussianBlur(shade, shade, {5, 5}, random.uniform(0.6, 2));
  cv::Mat gains, one;
  cv::resize(shade, gains, picture.size(), 0, 0, cv::INTER_LINEAR_EXACT);
  cv::extractChannel(gains, one, 0);
  multiply(picture, one);
}

void add_noise(Random& random, cv::Mat& picture, double deviation) {
  // Sums of four bytes are close enough to normal; a table of them is fast and exact.
  std::array<int, 1024> levels;
  for (int& level : levels) {
    const uint64_t bits = random.bits();
    const int sum = static_cast<int>((bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) +
                                     (bits >> 24 & 255)) -
                    510;
    level = cvRound(sum * deviation / 148);
  }
  for (int y = 0; y < picture.rows; ++y) {
    uchar* row = picture.ptr(y);
    uint64_t bits = 0;
    for (int x = 0; x < picture.cols * 3; ++x, bits >>= 10) {
      if (x % 6 == 0) bits = random.bits();
      row[x] = cv::saturate_cast<uchar>(row[x] + levels[bits & 1023]);
    }
  }
}

void blur(cv::Mat& picture, double sigma_px) {
  if (sigma_px > 0.2) cv::GaussianBlur(picture, picture, {}, sigma_px);
}

void add_moire(Random& random, cv::Mat& picture, double levels) {
  // Steps in 1024ths of a period per pixel.
  const int64_t step_x = random.between(-380, 380), step_y = random.between(-380, 380);
  const int64_t bend = random.between(-60, 60);
  for (int y = 0; y < picture.rows; ++y) {
    uchar* row = picture.ptr(y);
    for (int x = 0; x < picture.cols; ++x) {
      const int64_t phase = (x * step_x + y * step_y + bend * x * y / 700) & 1023;
      const int wave = static_cast<int>((phase < 512 ? phase : 1023 - phase) - 256);
      const int level = cvRound(wave * levels / 256);
      for (int c = 0; c < 3; ++c, ++row) *row = cv::saturate_cast<uchar>(*row + level);
    }
  }
}

void cast_color(cv::Mat& picture, const Color& gains_percent) {
  cv::multiply(picture, gains_percent * 0.01, picture);
}

void add_glare(Random& random, cv::Mat& picture) {
  const cv::Size small(picture.cols / 16 + 1, picture.rows / 16 + 1);
  cv::Mat light(small, CV_8UC3, cv::Scalar::all(0));
  const Point at(random.uniform(0, small.width), random.uniform(0, small.height));
  fill_ellipse(light, at, random.uniform(1.5, 6), random.uniform(1, 3), random.uniform(0, 180),
               grey(random.uniform(70, 170)));
  cv::GaussianBlur(light, light, {7, 7}, 2);
  cv::Mat large;
  cv::resize(light, large, picture.size(), 0, 0, cv::INTER_LINEAR_EXACT);
  cv::add(picture, large, picture);
}

void lose_detail(cv::Mat& picture, double ratio) {
  const cv::Size size = picture.size();
  const cv::Size small(std::max(8, cvRound(size.width * ratio)),
                       std::max(8, cvRound(size.height * ratio)));
  cv::Mat reduced;
  cv::resize(picture, reduced, small, 0, 0, cv::INTER_AREA);
  cv::resize(reduced, picture, size, 0, 0, cv::INTER_LINEAR_EXACT);
}

void project_onto(cv::Mat& scene, const cv::Mat& drawing, const Polygon& quad) {
  const auto w = static_cast<float>(drawing.cols), h = static_cast<float>(drawing.rows);
  const cv::Point2f from[] = {{0, 0}, {w, 0}, {w, h}, {0, h}};
  cv::Point2f to[4];
  for (size_t i = 0; i < 4; ++i) to[i] = cv::Point2f(quad[i]);
  cv::Mat warped;
  cv::warpPerspective(drawing, warped, cv::getPerspectiveTransform(from, to), scene.size(),
                      cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  fill_polygon(scene, quad, warped);
}

cv::Mat turned(const cv::Mat& picture, double turn_deg, const Color& paper) {
  const cv::Point2f centre(static_cast<float>(picture.cols) / 2,
                           static_cast<float>(picture.rows) / 2);
  cv::Mat result;
  cv::warpAffine(picture, result, cv::getRotationMatrix2D(centre, turn_deg, 1), picture.size(),
                 cv::INTER_LINEAR, cv::BORDER_CONSTANT, paper);
  return result;
}

}  // namespace fpcls::sample
