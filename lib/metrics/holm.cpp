#include "metrics/holm.h"

#include <algorithm>
#include <numeric>

namespace fpcls {
namespace {

/// Places in the order of rising p-values.
std::vector<size_t> order_of(const std::vector<double>& p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  return order;
}

}  // namespace

std::vector<double> holm_adjusted(const std::vector<double>& p) {
  std::vector<double> adjusted(p.size());
  double largest = 0;
  size_t left = p.size();
  for (const size_t i : order_of(p)) {
    largest = std::max(largest, p[i] * static_cast<double>(left--));
    adjusted[i] = std::min(1.0, largest);
  }
  return adjusted;
}

std::vector<double> holm_risks(const std::vector<double>& p, double risk) {
  std::vector<double> risks(p.size());
  size_t left = p.size();
  bool rejecting = true;
  for (const size_t i : order_of(p)) {
    risks[i] = risk / static_cast<double>(left);
    rejecting = rejecting && p[i] <= risks[i];
    if (rejecting) --left;
  }
  return risks;
}

}  // namespace fpcls
