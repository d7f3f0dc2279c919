#include "images/fingerprint.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>

#include "base/hash.h"
#include "base/progress.h"
#include "base/threads.h"
#include "images/open_picture.h"
#include "images/preprocess.h"

namespace fpcls {
namespace {

/// Side at which margins are looked for and frequencies are taken.
constexpr int kWorkSide = 192;
constexpr int kHashSide = 32;

/// A part of the work picture, in its pixels; ends are excluded.
struct Box {
  double x0, y0, x1, y1;
};

std::vector<uint8_t> work_grey(const Image& image, const Preprocessing& preprocessing) {
  std::vector<uint8_t> rgb(size_t{3} * kWorkSide * kWorkSide);
  preprocess(image, preprocessing, rgb.data());
  std::vector<uint8_t> grey(size_t{kWorkSide} * kWorkSide);
  for (size_t i = 0; i < grey.size(); ++i) {
    // Rec. 601 luma, in 256ths.
    grey[i] = static_cast<uint8_t>(
        (77 * rgb[3 * i] + 150 * rgb[3 * i + 1] + 29 * rgb[3 * i + 2] + 128) >> 8);
  }
  return grey;
}

Preprocessing work_size() {
  Preprocessing preprocessing;
  preprocessing.width = preprocessing.height = kWorkSide;
  preprocessing.fit = Fit::stretch;
  preprocessing.decode = Decode::fast;
  return preprocessing;
}

/// Without the rows and columns at its borders that hold one colour, that of the corners. What is
/// nearly all margin stays as it is.
Box without_margins(const std::vector<uint8_t>& grey) {
  constexpr int kTolerance = 24;
  const int last = kWorkSide - 1;
  const auto at = [&](int x, int y) { return int{grey[static_cast<size_t>(y * kWorkSide + x)]}; };
  const auto is_margin = [&](int line, bool row, int color) {
    for (int i = 0; i < kWorkSide; ++i) {
      if (std::abs((row ? at(i, line) : at(line, i)) - color) > kTolerance) return false;
    }
    return true;
  };
  const auto trim = [&](bool row, int& first, int& end) {
    const int low = at(0, 0), high = at(last, last);
    while (first < end && is_margin(first, row, low)) ++first;
    while (end > first && is_margin(end - 1, row, high)) --end;
  };
  int x0 = 0, x1 = kWorkSide, y0 = 0, y1 = kWorkSide;
  trim(true, y0, y1);
  trim(false, x0, x1);
  constexpr int kSmallest = kWorkSide / 4;
  if (x1 - x0 < kSmallest || y1 - y0 < kSmallest) return {0, 0, kWorkSide, kWorkSide};
  return {double(x0), double(y0), double(x1), double(y1)};
}

/// The mean of each of side x side equal parts of `box`.
std::vector<float> averaged(const std::vector<uint8_t>& grey, const Box& box, int side) {
  // Along x first; a source pixel counts by the share of it that lies in the part.
  const auto parts = [side](double from, double to, auto&& take) {
    const double step = (to - from) / side;
    for (int i = 0; i < side; ++i) {
      const double low = from + i * step, high = low + step;
      for (int p = static_cast<int>(low); p < kWorkSide && p < high; ++p) {
        const double share = std::min<double>(high, p + 1) - std::max<double>(low, p);
        take(i, p, static_cast<float>(share / step));
      }
    }
  };
  std::vector<float> narrow(static_cast<size_t>(kWorkSide * side));
  parts(box.x0, box.x1, [&](int i, int p, float share) {
    for (int y = 0; y < kWorkSide; ++y) {
      narrow[static_cast<size_t>(y * side + i)] +=
          share * static_cast<float>(grey[static_cast<size_t>(y * kWorkSide + p)]);
    }
  });
  std::vector<float> result(static_cast<size_t>(side * side));
  parts(box.y0, box.y1, [&](int i, int p, float share) {
    for (int x = 0; x < side; ++x) {
      result[static_cast<size_t>(i * side + x)] +=
          share * narrow[static_cast<size_t>(p * side + x)];
    }
  });
  return result;
}

/// The frequencies of a hash: the 64 lowest but the constant one, along diagonals.
struct Frequencies {
  std::array<std::pair<int, int>, 64> at{};
  std::array<std::array<float, kHashSide>, 11> cosine{};

  Frequencies() {
    size_t count = 0;
    for (int sum = 1; count < at.size(); ++sum) {
      for (int u = 0; u <= sum && count < at.size(); ++u) at[count++] = {u, sum - u};
    }
    for (size_t u = 0; u < cosine.size(); ++u) {
      for (int x = 0; x < kHashSide; ++x) {
        cosine[u][static_cast<size_t>(x)] = static_cast<float>(
            std::cos((2 * x + 1) * static_cast<double>(u) * M_PI / (2 * kHashSide)));
      }
    }
  }
};

uint64_t perceptual_hash(const std::vector<float>& grey) {
  static const Frequencies kFrequencies;
  constexpr size_t kCount = 11;  // u + v <= 10 holds all 64
  std::array<std::array<float, kCount>, kHashSide> rows{};
  for (size_t y = 0; y < kHashSide; ++y) {
    for (size_t u = 0; u < kCount; ++u) {
      for (size_t x = 0; x < kHashSide; ++x) {
        rows[y][u] += grey[y * kHashSide + x] * kFrequencies.cosine[u][x];
      }
    }
  }
  std::array<float, 64> values{};
  for (size_t i = 0; i < values.size(); ++i) {
    const auto [u, v] = kFrequencies.at[i];
    for (size_t y = 0; y < kHashSide; ++y) {
      values[i] += rows[y][static_cast<size_t>(u)] *
                   kFrequencies.cosine[static_cast<size_t>(v)][y];
    }
  }
  std::array<float, 64> sorted = values;
  std::nth_element(sorted.begin(), sorted.begin() + 32, sorted.end());
  uint64_t hash = 0;
  for (size_t i = 0; i < values.size(); ++i) hash |= uint64_t{values[i] > sorted[32]} << i;
  return hash;
}

}  // namespace

Fingerprint fingerprint(const Image& image) {
  Fingerprint result;
  result.width = image.file_width > 0 ? image.file_width : image.width;
  result.height = image.file_height > 0 ? image.file_height : image.height;
  const std::vector<uint8_t> grey = work_grey(image, work_size());
  const Box box = without_margins(grey);
  const std::vector<float> small = averaged(grey, box, Fingerprint::kSide);
  for (size_t i = 0; i < small.size(); ++i) {
    result.grey[i] = static_cast<uint8_t>(std::clamp(small[i] + 0.5F, 0.0F, 255.0F));
  }
  for (size_t part = 0; part < result.hashes.size(); ++part) {
    const double cut_ratio = 0.02 * static_cast<double>(part);
    const double x = cut_ratio * (box.x1 - box.x0), y = cut_ratio * (box.y1 - box.y0);
    const Box inner{box.x0 + x, box.y0 + y, box.x1 - x, box.y1 - y};
    result.hashes[part] = perceptual_hash(averaged(grey, inner, kHashSide));
  }
  return result;
}

std::variant<Fingerprint, DecodeFailure> fingerprint(std::string_view bytes,
                                                     const DecodeLimits& limits) {
  const auto image = decode_image(bytes, work_size(), limits);
  if (const auto* failure = std::get_if<DecodeFailure>(&image)) return *failure;
  Fingerprint result = fingerprint(std::get<Image>(image));
  result.sha256 = sha256_hex(bytes);
  result.file_bytes = static_cast<int64_t>(bytes.size());
  return result;
}

FingerprintedList fingerprint_list(const ImageList& list, int workers, bool quiet) {
  std::vector<std::variant<Fingerprint, DecodeFailure>> all(static_cast<size_t>(list.size()),
                                                            DecodeFailure{});
  std::atomic<int64_t> next{0};
  Progress progress("looking at", "pictures", list.size(), quiet);
  run_workers(workers > 0 ? workers : usable_cores(), [&](int) {
    for (int64_t row = next++; row < list.size(); row = next++) {
      const auto bytes = read_picture_file(list.entry(row).file);
      auto& slot = all[static_cast<size_t>(row)];
      if (const auto* failure = std::get_if<DecodeFailure>(&bytes)) {
        slot = *failure;
      } else {
        slot = fingerprint(std::get<std::string>(bytes));
      }
      progress.advance();
    }
  });
  FingerprintedList result;
  for (int64_t row = 0; row < list.size(); ++row) {
    auto& slot = all[static_cast<size_t>(row)];
    if (const auto* failure = std::get_if<DecodeFailure>(&slot)) {
      result.bad.emplace_back(row, *failure);
    } else {
      result.rows.push_back(row);
    }
  }
  result.fingerprints.reserve(result.rows.size());
  for (const int64_t row : result.rows) {
    result.fingerprints.push_back(std::move(std::get<Fingerprint>(all[static_cast<size_t>(row)])));
  }
  return result;
}

}  // namespace fpcls
