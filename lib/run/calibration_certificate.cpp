#include "run/calibration_certificate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <optional>

#include "base/random.h"
#include "base/text.h"

namespace fpcls {
namespace {

constexpr int kDraws = 10;
constexpr int64_t kFewPictures = 300, kVeryFewPictures = 32;
constexpr size_t kMostGroups = 20, kWorstLayers = 5;
/// From which share of the pool on it is said that pictures were left out as foreign.
constexpr double kManyForeign = 0.05;
constexpr const char* kForeignOf = "foreign of ";
constexpr const char* kPoolOf = "pool of ";
constexpr const char* kChosenOf = "chosen of ";
constexpr const char* kRangeOf = "range of ";

struct CertifiedFigure {
  const char* name;
  const char* heading;
  const char* note;
};
constexpr CertifiedFigure kFigures[] = {
    {"mean_distance", "mean distance",
     "distance: from a picture of the pool to the nearest chosen one, in the model's features"},
    {"max_distance", "largest distance", nullptr},
    {"range_ratio", "range covered",
     "range covered: a layer's largest magnitude on the chosen pictures over that on the pool, "
     "mean "
     "over layers"},
    {"imbalance", "imbalance",
     "imbalance: share of the chosen pictures that other groups would have had"}};

using Rows = std::vector<int64_t>;

/// How many of `rows` are of each group.
std::map<std::string, int64_t> groups_of(const Survey& survey, const Rows& rows) {
  std::map<std::string, int64_t> counts;
  for (const int64_t row : rows) ++counts[survey.groups[static_cast<size_t>(row)]];
  return counts;
}

double imbalance_of(const std::map<std::string, int64_t>& pool, int64_t pool_size,
                    const std::map<std::string, int64_t>& chosen, int64_t chosen_size) {
  double sum = 0;
  for (const auto& [name, count] : pool) {
    const auto found = chosen.find(name);
    const double taken = found == chosen.end() ? 0 : static_cast<double>(found->second);
    sum += std::abs(static_cast<double>(count) / static_cast<double>(pool_size) -
                    taken / static_cast<double>(chosen_size));
  }
  return sum / 2;
}

/// The choice's and the draws' figures, by the names of `kFigures`.
class Judge {
 public:
  Judge(const Survey& survey, Rows among)
      : survey_(survey), among_(std::move(among)), pool_(groups_of(survey, among_)) {}

  std::map<std::string, double> figures(const Rows& chosen) const {
    const Coverage c = coverage_of(survey_.features, survey_.extremes, among_, chosen);
    return {{"mean_distance", c.mean_distance},
            {"max_distance", c.max_distance},
            {"range_ratio", c.range_ratio},
            {"imbalance",
             imbalance_of(pool_, static_cast<int64_t>(among_.size()), groups_of(survey_, chosen),
                          static_cast<int64_t>(chosen.size()))}};
  }

 private:
  const Survey& survey_;
  Rows among_;
  std::map<std::string, int64_t> pool_;
};

Rows all_but(int64_t count, const Rows& sorted) {
  Rows rows;
  for (int64_t row = 0; row < count; ++row) {
    if (!std::binary_search(sorted.begin(), sorted.end(), row)) rows.push_back(row);
  }
  return rows;
}

std::string shown(std::string group) {
  std::replace(group.begin(), group.end(), '\n', '/');
  return group;
}

void add_figures(Certificate& c, const Survey& survey, const Rows& among,
                 const Selection& selection, SelectionOptions options) {
  const Judge judge(survey, among);
  const auto chosen = judge.figures(selection.chosen);
  options.strategy = SelectionStrategy::random;
  std::vector<std::map<std::string, double>> draws;
  for (int i = 0; i < kDraws; ++i) {
    options.seed = derive_seed(options.seed, static_cast<uint64_t>(i));
    draws.push_back(judge.figures(
        select_pictures(survey.features, survey.groups, survey.names, survey.extremes, options)
            .chosen));
  }
  for (const CertifiedFigure& figure : kFigures) {
    const std::string name = figure.name;
    double sum = 0, squares = 0;
    for (const auto& draw : draws) sum += draw.at(name);
    const double mean = sum / kDraws;
    for (const auto& draw : draws) squares += (draw.at(name) - mean) * (draw.at(name) - mean);
    c.emplace_back(name, chosen.at(name));
    c.emplace_back("random_" + name, mean);
    c.emplace_back("random_" + name + "_deviation", std::sqrt(squares / (kDraws - 1)));
  }
}

void add_ranges(Certificate& c, const Survey& survey, const Rows& among, const Rows& chosen,
                const std::vector<std::string>& layers) {
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    const auto largest = [&](const Rows& rows) {
      float most = 0;
      for (const int64_t row : rows) {
        most = std::max(most, survey.extremes[static_cast<size_t>(row) * layers.size() + layer]);
      }
      return most;
    };
    const float pool = largest(among);
    c.emplace_back(kRangeOf + layers[layer],
                   pool == 0 ? 1.0 : std::min(1.0, double{largest(chosen)} / double{pool}));
  }
}

std::optional<double> figure(const Certificate& certificate, const std::string& name) {
  for (const auto& [key, value] : certificate) {
    if (key == name) return value;
  }
  return std::nullopt;
}

/// Those whose name begins so, with the rest of the name.
std::vector<std::pair<std::string, double>> those_of(const Certificate& certificate,
                                                     const std::string& prefix) {
  std::vector<std::pair<std::string, double>> found;
  for (const auto& [key, value] : certificate) {
    if (key.rfind(prefix, 0) == 0) found.emplace_back(key.substr(prefix.size()), value);
  }
  return found;
}

Cell whole(const std::optional<double>& value) {
  return value ? Cell(static_cast<int64_t>(*value)) : Cell();
}

/// Where so many are left out as foreign that they may be a kind of their own; else empty.
std::string foreign_remark(const Certificate& c) {
  const auto groups = those_of(c, kForeignOf), pool = those_of(c, kPoolOf);
  double left_out = 0, stay = 0;
  std::pair<std::string, double> most;
  for (const auto& group : groups) {
    left_out += group.second;
    if (group.second > most.second) most = group;
  }
  for (const auto& group : pool) stay += group.second;
  if (left_out <= kManyForeign * (left_out + stay)) return "";
  return fmt::format(
      "{} of {} pictures lie far from all others and are left out, {} of them in {}; if the model "
      "will meet such pictures, keep them with --foreign 0",
      left_out, left_out + stay, most.second, quoted(most.first));
}

Table pool_table(const Certificate& c) {
  Table table("pool", {text_column("what", "pictures"), count_column("count")});
  const std::pair<const char*, const char*> rows[] = {
      {"listed", "listed"},
      {"undecodable", "left out: can't be decoded"},
      {"copies", "left out: copies"},
      {"near_copies", "left out: near copies"},
      {"avoided", "left out: to be avoided, or copies of such"},
      {"foreign", "left out: far from all others"},
      {"chosen", "chosen"},
      {"leaked", "chosen ones that are to be avoided"}};
  for (const auto& [key, words] : rows) table.add_row({words, whole(figure(c, key))});
  if (!figure(c, "leaked")) table.notes = {"nothing was given to --avoid: not checked for leakage"};
  return table;
}

Table coverage_table(const Certificate& c) {
  Table table("coverage",
              {text_column("figure"), number_column("chosen", "chosen", 4),
               number_column("random", "random", 4, "mean of 10"),
               number_column("deviation", "random", 4, "deviation"), text_column("beside random")});
  for (const CertifiedFigure& each : kFigures) {
    const std::string name = each.name;
    const auto chosen = figure(c, name), random = figure(c, "random_" + name),
               deviation = figure(c, "random_" + name + "_deviation");
    if (!chosen || !random || !deviation) continue;
    const double gain = (name == "range_ratio" ? 1 : -1) * (*chosen - *random);
    table.add_row({each.heading, *chosen, *random, *deviation,
                   std::abs(gain) <= 2 * *deviation ? "within noise"
                   : gain > 0                       ? "better"
                                                    : "worse"});
    if (each.note != nullptr) table.notes.emplace_back(each.note);
  }
  table.notes.emplace_back("random: sets of the same size, drawn in the same groups");
  return table;
}

Table balance_table(const Certificate& c) {
  Table table("balance", {text_column("group"), count_column("pool", "in the pool"),
                          count_column("chosen"), percent_column("pool_ratio", "of the pool"),
                          percent_column("chosen_ratio", "of the chosen")});
  const auto pool = those_of(c, kPoolOf), chosen = those_of(c, kChosenOf);
  const auto sum = [](const auto& list) {
    return std::accumulate(list.begin(), list.end(), 0.0,
                           [](double all, const auto& entry) { return all + entry.second; });
  };
  const double all = sum(pool), taken = sum(chosen);
  for (size_t i = 0; i < std::min(pool.size(), chosen.size()); ++i) {
    if (i == kMostGroups) {
      table.notes.push_back(fmt::format("{} more groups are in the file", pool.size() - i));
      break;
    }
    table.add_row({pool[i].first, static_cast<int64_t>(pool[i].second),
                   static_cast<int64_t>(chosen[i].second), pool[i].second / all,
                   chosen[i].second / taken});
  }
  return table;
}

Table range_table(const Certificate& c) {
  Table table("ranges", {text_column("layer"), percent_column("covered", "range covered")});
  auto layers = those_of(c, kRangeOf);
  std::stable_sort(layers.begin(), layers.end(),
                   [](const auto& a, const auto& b) { return a.second < b.second; });
  const auto full = std::count_if(layers.begin(), layers.end(),
                                  [](const auto& layer) { return layer.second == 1; });
  for (size_t i = 0; i < std::min(kWorstLayers, layers.size()); ++i) {
    table.add_row({layers[i].first, layers[i].second});
  }
  table.notes = {
      fmt::format("the {} least covered of {} results; of {} the chosen pictures have the "
                  "pool's largest magnitude",
                  table.rows().size(), layers.size(), full)};
  return table;
}

}  // namespace

Certificate certify(const CalibrationPool& pool, const Survey& survey, const Selection& selection,
                    const SelectionOptions& options, const std::vector<std::string>& layers) {
  Certificate c;
  const auto count = [&](const char* name, auto value) {
    c.emplace_back(name, static_cast<double>(value));
  };
  count("listed", pool.listed);
  count("undecodable", pool.undecodable);
  count("copies", pool.copies);
  count("near_copies", pool.near_copies);
  count("avoided", pool.avoided);
  count("foreign", selection.foreign.size());
  count("chosen", selection.chosen.size());
  if (!pool.avoid_sha256.empty()) {
    count("leaked", std::count_if(selection.chosen.begin(), selection.chosen.end(), [&](int64_t i) {
            return pool.avoid_sha256.count(pool.pictures[static_cast<size_t>(i)].sha256) != 0;
          }));
  }
  const Rows among = all_but(static_cast<int64_t>(survey.names.size()), selection.foreign);
  add_figures(c, survey, among, selection, options);
  const auto before = groups_of(survey, among), after = groups_of(survey, selection.chosen);
  for (const auto& [name, size] : before) c.emplace_back(kPoolOf + shown(name), size);
  for (const auto& [name, size] : before) {
    const auto found = after.find(name);
    c.emplace_back(kChosenOf + shown(name),
                   found == after.end() ? 0 : static_cast<double>(found->second));
  }
  for (const auto& [name, size] : groups_of(survey, selection.foreign)) {
    c.emplace_back(kForeignOf + shown(name), size);
  }
  add_ranges(c, survey, among, selection.chosen, layers);
  return c;
}

std::vector<std::string> choice_remarks(const Certificate& c, const SelectionOptions& options) {
  std::vector<std::string> remarks;
  const auto chosen = static_cast<int64_t>(figure(c, "chosen").value_or(0));
  if (chosen < options.count) {
    remarks.push_back(fmt::format("only {} pictures to choose from, {} were wanted: all are taken",
                                  chosen, options.count));
  }
  if (chosen < kVeryFewPictures) {
    remarks.push_back(
        fmt::format("{} pictures are far too few to set ranges by; expect the int8 "
                    "model's scores to move; give {} or more",
                    chosen, kFewPictures));
  } else if (chosen < kFewPictures) {
    remarks.push_back(
        fmt::format("{} pictures are few; {} or more are usual", chosen, kFewPictures));
  }
  if (those_of(c, kPoolOf).size() == 1) {
    remarks.push_back("the pool is of one class, as far as can be told");
  }
  const std::string foreign = foreign_remark(c);
  if (!foreign.empty()) remarks.push_back(foreign);
  const double gain =
      figure(c, "random_mean_distance").value_or(0) - figure(c, "mean_distance").value_or(0);
  if (options.strategy != SelectionStrategy::random &&
      options.strategy != SelectionStrategy::similar &&
      gain < 2 * figure(c, "random_mean_distance_deviation").value_or(0)) {
    remarks.push_back("the choice covers the pool no better than random ones, within their noise");
  }
  return remarks;
}

Document certificate_document(const Certificate& certificate, bool flat) {
  Document document;
  if (!flat) {
    document.sections.push_back({"Certificate",
                                 {pool_table(certificate), coverage_table(certificate),
                                  balance_table(certificate), range_table(certificate)}});
    return document;
  }
  Table table("certificate", {text_column("name", "figure"), number_column("value", "value", 4)});
  for (const auto& [name, value] : certificate) {
    if (value == std::floor(value)) {
      table.add_row({name, static_cast<int64_t>(value)});
    } else {
      table.add_row({name, value});
    }
  }
  document.sections.push_back({"Certificate", {std::move(table)}});
  return document;
}

}  // namespace fpcls
