#include "compress/picture_selection.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>

#include "base/error.h"
#include "base/random.h"

namespace fpcls {
namespace {

using Rows = std::vector<int64_t>;

constexpr double kFar = std::numeric_limits<double>::infinity();

/// Rows in the order of their pictures' names.
Rows by_name(const std::vector<std::string>& names) {
  Rows rows(names.size());
  std::iota(rows.begin(), rows.end(), 0);
  std::sort(rows.begin(), rows.end(), [&](int64_t a, int64_t b) {
    return names[static_cast<size_t>(a)] < names[static_cast<size_t>(b)];
  });
  return rows;
}

/// The distance of each of `rows` to its third nearest neighbour (a foreign picture may have
/// another foreign one beside it), looked for among at most 2,000 of them at even steps.
std::vector<double> loneliness(const FeatureTable& features, const Rows& rows) {
  constexpr size_t kNeighbours = 3, kMost = 2000;
  const size_t step = (rows.size() + kMost - 1) / kMost;
  std::vector<double> result;
  for (const int64_t row : rows) {
    std::vector<double> nearest(kNeighbours, kFar);
    for (size_t i = 0; i < rows.size(); i += step) {
      if (rows[i] == row) continue;
      const double d = squared_distance(features, row, rows[i]);
      if (d >= nearest.back()) continue;
      nearest.back() = d;
      std::sort(nearest.begin(), nearest.end());
    }
    result.push_back(std::sqrt(nearest.back()));
  }
  return result;
}

/// The rows that stay, and those that are far from everything.
std::pair<Rows, Rows> trim(const FeatureTable& features, const Rows& rows, double multiple) {
  constexpr size_t kFewest = 10;  // of fewer nobody can say which are foreign
  if (multiple <= 0 || rows.size() < kFewest) return {rows, {}};
  const std::vector<double> lonely = loneliness(features, rows);
  std::vector<double> sorted = lonely;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2),
                   sorted.end());
  const double limit = multiple * sorted[sorted.size() / 2];
  Rows kept, foreign;
  for (size_t i = 0; i < rows.size(); ++i) (lonely[i] > limit ? foreign : kept).push_back(rows[i]);
  return {kept, foreign};
}

std::vector<double> middle(const FeatureTable& features, const Rows& rows) {
  std::vector<double> mean(static_cast<size_t>(features.dimensions));
  for (const int64_t row : rows) {
    for (size_t d = 0; d < mean.size(); ++d) mean[d] += double{features.row(row)[d]};
  }
  for (double& m : mean) m /= static_cast<double>(rows.size());
  return mean;
}

/// `rows`, the nearest to their middle first.
Rows by_centrality(const FeatureTable& features, const Rows& rows) {
  const std::vector<double> mean = middle(features, rows);
  std::vector<std::pair<double, size_t>> order;
  for (size_t i = 0; i < rows.size(); ++i) {
    double sum = 0;
    for (size_t d = 0; d < mean.size(); ++d) {
      const double difference = double{features.row(rows[i])[d]} - mean[d];
      sum += difference * difference;
    }
    order.emplace_back(sum, i);
  }
  std::sort(order.begin(), order.end());
  Rows sorted;
  for (const auto& [distance, i] : order) sorted.push_back(rows[i]);
  return sorted;
}

/// Adds to `chosen` the rows that are farthest from all chosen ones, one after the other.
void cover(const FeatureTable& features, const Rows& rows, int64_t count, Rows& chosen) {
  std::vector<double> distance(rows.size(), kFar);
  const auto note = [&](int64_t taken) {
    for (size_t i = 0; i < rows.size(); ++i) {
      distance[i] = std::min(distance[i], squared_distance(features, rows[i], taken));
      if (rows[i] == taken) distance[i] = -1;
    }
  };
  int64_t next = by_centrality(features, rows)[0];
  for (int64_t taken = 0; taken < count; ++taken) {
    chosen.push_back(next);
    note(next);
    next = rows[static_cast<size_t>(std::max_element(distance.begin(), distance.end()) -
                                    distance.begin())];
  }
}

/// For each of `rows` the place in `chosen` of the nearest one, the first of equals; of a chosen one
/// its own, though another may lie in the same point.
std::vector<size_t> nearest_of(const FeatureTable& features, const Rows& rows, const Rows& chosen) {
  std::vector<size_t> nearest;
  for (const int64_t row : rows) {
    size_t best = 0;
    double least = kFar;
    for (size_t c = 0; c < chosen.size(); ++c) {
      const double d = squared_distance(features, row, chosen[c]);
      if (d < least || row == chosen[c]) {
        least = row == chosen[c] ? -1 : d;
        best = c;
      }
    }
    nearest.push_back(best);
  }
  return nearest;
}

/// Moves each of `chosen` to the middle of the rows that it is nearest to, until all stay.
void move_to_middles(const FeatureTable& features, const Rows& rows, Rows& chosen) {
  constexpr int kMostRounds = 20;
  for (int round = 0; round < kMostRounds; ++round) {
    const std::vector<size_t> nearest = nearest_of(features, rows, chosen);
    std::vector<Rows> clusters(chosen.size());
    for (size_t i = 0; i < rows.size(); ++i) clusters[nearest[i]].push_back(rows[i]);
    Rows moved;
    for (const Rows& cluster : clusters) moved.push_back(by_centrality(features, cluster)[0]);
    if (moved == chosen) return;
    chosen = std::move(moved);
  }
}

/// The pictures in which a layer's values are largest; those that are it for most layers first.
Rows extreme_rows(const std::vector<float>& extremes, const Rows& rows, size_t pictures,
                  int64_t count) {
  Rows result;
  if (extremes.empty()) return result;
  const size_t layers = extremes.size() / pictures;
  const auto value = [&](int64_t row, size_t layer) {
    return extremes[static_cast<size_t>(row) * layers + layer];
  };
  std::map<int64_t, int> layers_set;
  std::vector<int64_t> order;
  for (size_t layer = 0; layer < layers; ++layer) {
    int64_t best = rows[0];
    for (const int64_t row : rows) best = value(row, layer) > value(best, layer) ? row : best;
    if (layers_set[best]++ == 0) order.push_back(best);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return layers_set[a] > layers_set[b]; });
  for (const int64_t row : order) {
    if (static_cast<int64_t>(result.size()) < count) result.push_back(row);
  }
  return result;
}

Rows choose_in_group(const FeatureTable& features, const Rows& rows, int64_t count,
                     const SelectionOptions& options, Random& random) {
  Rows chosen;
  if (count == 0) return chosen;
  switch (options.strategy) {
    case SelectionStrategy::cover:
      cover(features, rows, count, chosen);
      return chosen;
    case SelectionStrategy::medoids:
      cover(features, rows, count, chosen);
      move_to_middles(features, rows, chosen);
      return chosen;
    case SelectionStrategy::similar:
      chosen = by_centrality(features, rows);
      break;
    case SelectionStrategy::random:
      chosen = rows;
      random.shuffle(chosen);
      break;
  }
  chosen.resize(static_cast<size_t>(count));
  return chosen;
}

}  // namespace

double squared_distance(const FeatureTable& table, int64_t a, int64_t b) {
  const float* x = table.row(a);
  const float* y = table.row(b);
  double sum = 0;
  for (int d = 0; d < table.dimensions; ++d) {
    const double difference = double{x[d]} - double{y[d]};
    sum += difference * difference;
  }
  return sum;
}

std::vector<int64_t> proportional_shares(const std::vector<int64_t>& sizes, int64_t count) {
  const int64_t all = std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
  count = std::min(count, all);
  std::vector<int64_t> shares(sizes.size());
  int64_t given = 0;
  const auto give = [&](size_t i) {
    if (given == count || shares[i] == sizes[i]) return;
    ++shares[i];
    ++given;
  };
  for (size_t i = 0; i < sizes.size(); ++i) give(i);
  while (given < count) {
    size_t neediest = 0;
    double need = -kFar;
    for (size_t i = 0; i < sizes.size(); ++i) {
      const double exact =
          static_cast<double>(sizes[i]) * static_cast<double>(count) / static_cast<double>(all);
      const double lacks = exact - static_cast<double>(shares[i]);
      if (shares[i] < sizes[i] && lacks > need) {
        need = lacks;
        neediest = i;
      }
    }
    give(neediest);
  }
  return shares;
}

Selection select_pictures(const FeatureTable& features, const std::vector<std::string>& groups,
                          const std::vector<std::string>& names,
                          const std::vector<float>& extremes, const SelectionOptions& options) {
  FPCLS_CHECK(groups.size() == names.size());
  FPCLS_CHECK(features.count() == static_cast<int64_t>(names.size()) ||
              options.strategy == SelectionStrategy::random);
  Selection selection;
  Rows rows = by_name(names);
  if (options.strategy != SelectionStrategy::random) {
    std::tie(rows, selection.foreign) = trim(features, rows, options.foreign_multiple);
  }
  if (rows.empty()) return selection;
  std::vector<bool> taken(names.size());
  if (options.strategy == SelectionStrategy::cover ||
      options.strategy == SelectionStrategy::medoids) {
    const auto reserved = static_cast<int64_t>(options.range_ratio *
                                               static_cast<double>(options.count));
    for (const int64_t row : extreme_rows(extremes, rows, names.size(), reserved)) {
      taken[static_cast<size_t>(row)] = true;
      selection.chosen.push_back(row);
    }
  }
  std::map<std::string, Rows> members;
  for (const int64_t row : rows) {
    if (!taken[static_cast<size_t>(row)]) members[groups[static_cast<size_t>(row)]].push_back(row);
  }
  std::vector<int64_t> sizes;
  for (const auto& [name, list] : members) sizes.push_back(static_cast<int64_t>(list.size()));
  const std::vector<int64_t> shares = proportional_shares(
      sizes, options.count - static_cast<int64_t>(selection.chosen.size()));
  Random random(options.seed);
  size_t group = 0;
  for (const auto& [name, list] : members) {
    const Rows chosen = choose_in_group(features, list, shares[group++], options, random);
    selection.chosen.insert(selection.chosen.end(), chosen.begin(), chosen.end());
  }
  std::sort(selection.chosen.begin(), selection.chosen.end());
  std::sort(selection.foreign.begin(), selection.foreign.end());
  return selection;
}

Coverage coverage_of(const FeatureTable& features, const std::vector<float>& extremes,
                     const std::vector<int64_t>& among, const std::vector<int64_t>& chosen) {
  FPCLS_CHECK(!among.empty() && !chosen.empty());
  Coverage coverage;
  for (const int64_t row : among) {
    double nearest = kFar;
    for (const int64_t taken : chosen) {
      nearest = std::min(nearest, squared_distance(features, row, taken));
    }
    coverage.mean_distance += std::sqrt(nearest) / static_cast<double>(among.size());
    coverage.max_distance = std::max(coverage.max_distance, std::sqrt(nearest));
  }
  if (extremes.empty()) return coverage;
  const size_t layers = extremes.size() / static_cast<size_t>(features.count());
  const auto largest = [&](const std::vector<int64_t>& rows, size_t layer) {
    float most = 0;
    for (const int64_t row : rows) {
      most = std::max(most, extremes[static_cast<size_t>(row) * layers + layer]);
    }
    return double{most};
  };
  double sum = 0;
  for (size_t layer = 0; layer < layers; ++layer) {
    const double pool = largest(among, layer);
    sum += pool == 0 ? 1 : std::min(1.0, largest(chosen, layer) / pool);
  }
  coverage.range_ratio = sum / static_cast<double>(layers);
  return coverage;
}

}  // namespace fpcls
