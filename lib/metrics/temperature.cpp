#include "metrics/temperature.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"

namespace fpcls {
namespace {

constexpr double kNearest = 1e-7;

double logit_of(float score) {
  const double p = std::clamp<double>(score, kNearest, 1 - kNearest);
  return std::log(p) - std::log1p(-p);
}

}  // namespace

double at_temperature(float score, double temperature) {
  FPCLS_CHECK(temperature > 0);
  if (score <= 0 || score >= 1) return score;
  return 1 / (1 + std::exp(-logit_of(score) / temperature));
}

double log_loss(const std::vector<ScoredPicture>& pictures, double temperature) {
  FPCLS_CHECK(!pictures.empty() && temperature > 0);
  double sum = 0;
  for (const ScoredPicture& picture : pictures) {
    const double z = logit_of(picture.score) / temperature * (picture.positive ? 1 : -1);
    sum += z > 0 ? std::log1p(std::exp(-z)) : std::log1p(std::exp(z)) - z;
  }
  return sum / static_cast<double>(pictures.size());
}

double calibration_error(const std::vector<ScoredPicture>& pictures, double temperature) {
  FPCLS_CHECK(!pictures.empty());
  constexpr size_t kBins = 15;
  struct Bin {
    double scores = 0, positives = 0;
  };
  std::array<Bin, kBins> bins{};
  for (const ScoredPicture& picture : pictures) {
    const double score = at_temperature(picture.score, temperature);
    Bin& bin = bins[std::min(kBins - 1, static_cast<size_t>(score * kBins))];
    bin.scores += score;
    bin.positives += picture.positive ? 1 : 0;
  }
  double sum = 0;
  for (const Bin& bin : bins) sum += std::abs(bin.scores - bin.positives);
  return sum / static_cast<double>(pictures.size());
}

std::optional<double> fit_temperature(const std::vector<ScoredPicture>& pictures) {
  const auto positives =
      std::count_if(pictures.begin(), pictures.end(), [](const auto& p) { return p.positive; });
  if (positives == 0 || positives == static_cast<int64_t>(pictures.size())) return std::nullopt;
  const double lowest = std::log(0.05), highest = std::log(20.0);
  const double golden = (std::sqrt(5.0) - 1) / 2;
  const auto loss = [&](double t) { return log_loss(pictures, std::exp(t)); };
  double low = lowest, high = highest;
  double a = high - golden * (high - low), b = low + golden * (high - low);
  double loss_a = loss(a), loss_b = loss(b);
  while (high - low > 1e-6) {
    if (loss_a <= loss_b) {
      high = b;
      b = a, loss_b = loss_a;
      a = high - golden * (high - low), loss_a = loss(a);
    } else {
      low = a;
      a = b, loss_a = loss_b;
      b = low + golden * (high - low), loss_b = loss(b);
    }
  }
  const double best = (low + high) / 2;
  if (best - lowest < 1e-4 || highest - best < 1e-4) return std::nullopt;
  return std::exp(best);
}

}  // namespace fpcls
