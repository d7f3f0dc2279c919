#include "tune/equalizing.h"

#include <algorithm>
#include <map>
#include <utility>

#include "compress/equalize.h"
#include "tune/picture_work.h"

namespace fpcls {
namespace {

/// Most of the channels' sizes is known after a few pictures; below this gain a pair isn't worth
/// counting its values again.
constexpr int64_t kPictures = 8, kParts = 8;
constexpr double kWorthDb = 6;

struct Candidate {
  ScalablePair pair;
  ChannelFactors factors;
};

std::vector<Candidate> candidates(const QuantizingSubject& subject, const QuantizingPlan& plan) {
  std::vector<ScalablePair> pairs = scalable_pairs(subject.folded);
  std::map<int, size_t> place;  // of the pair by what lies between
  for (size_t i = 0; i < pairs.size(); ++i) place[pairs[i].result] = i;
  std::vector<std::vector<ChannelSizes>> parts(kParts, std::vector<ChannelSizes>(pairs.size()));
  if (pairs.empty()) return {};
  const InputSource pictures = spread(subject.pictures, kPictures);
  for_each_picture(pictures, pictures.count, kParts, "measuring channels", plan,
                   [&](int64_t part, int64_t, const Tensor& input) {
                     subject.reference.run(input, [&](const NodeResult& result) {
                       const auto found = place.find(result.node);
                       if (found == place.end()) return;
                       parts[static_cast<size_t>(part)][found->second].add(result.values());
                     });
                   });
  std::vector<Candidate> found;
  for (size_t i = 0; i < pairs.size(); ++i) {
    ChannelSizes sizes;
    for (const auto& part : parts) sizes.merge(part[i]);
    if (sizes.largest().empty()) continue;  // the executor doesn't show what lies between
    ChannelFactors factors = choose_factors(subject.folded.node(pairs[i].second), sizes);
    if (factors.gain_db >= kWorthDb) found.push_back({pairs[i], std::move(factors)});
  }
  return found;
}

Graph scaled(const Graph& graph, const std::vector<Candidate>& chosen) {
  Graph result = graph;
  for (const Candidate& c : chosen) result = scaled_pair(result, c.pair, c.factors.factors);
  return result;
}

/// `subject.tensors` with those between the chosen pairs counted again, in `graph`.
std::vector<CalibrationTensor> counted(const QuantizingSubject& subject, const QuantizingPlan& plan,
                                       const Graph& graph, const std::vector<Candidate>& chosen) {
  std::map<int, size_t> place;
  for (size_t i = 0; i < chosen.size(); ++i) place[chosen[i].pair.result] = i;
  const auto executor = make_runner(graph, subject.preprocessing);
  std::vector<std::vector<Histogram>> parts(kParts, std::vector<Histogram>(chosen.size()));
  for_each_picture(subject.pictures, subject.pictures.count, kParts, "counting scaled values", plan,
                   [&](int64_t part, int64_t, const Tensor& input) {
                     executor->run(input, [&](const NodeResult& result) {
                       const auto found = place.find(result.node);
                       if (found == place.end()) return;
                       const Tensor values = result.values();
                       parts[static_cast<size_t>(part)][found->second].add(
                           values.data<float>(), static_cast<size_t>(values.count()));
                     });
                   });
  std::vector<CalibrationTensor> tensors = subject.tensors;
  for (CalibrationTensor& tensor : tensors) {
    const auto found = place.find(graph.find(tensor.layer));
    if (found == place.end()) continue;
    tensor.values = Histogram();
    for (const auto& part : parts) tensor.values.merge(part[found->second]);
  }
  return tensors;
}

/// The SQNR of each layer alone, by name, and last of the scores.
struct Measured {
  std::map<std::string, std::optional<double>> layers;
  std::optional<double> scores;
};

Measured measured(const QuantizingSubject& subject, const QuantizingPlan& plan, const Graph& folded,
                  const std::vector<CalibrationTensor>& tensors) {
  const Graph integers = choose_int8(folded, tensors, plan.int8).graph;
  Measured result;
  // Against the scaled network itself: it has other numbers between the layers of a pair.
  const auto reference = make_runner(folded, subject.preprocessing);
  const QuantizingSubject scaled{folded, *reference, subject.preprocessing, tensors,
                                 subject.pictures};
  for (const WalkedLayer& layer : Quantizer(scaled, plan).walk(integers)) {
    result.layers[layer.name] = layer.injected.sqnr_db();
    result.scores = layer.so_far.sqnr_db();
  }
  return result;
}

}  // namespace

Equalized equalize(const QuantizingSubject& subject, const QuantizingPlan& plan) {
  Equalized result{subject.folded, subject.tensors, {}};
  std::vector<Candidate> tried = candidates(subject, plan);
  if (tried.empty()) return result;
  const Graph all = scaled(subject.folded, tried);
  const std::vector<CalibrationTensor> tensors = counted(subject, plan, all, tried);
  const Measured before = measured(subject, plan, subject.folded, subject.tensors);
  const Measured after = measured(subject, plan, all, tensors);
  std::vector<Candidate> kept;
  std::map<std::string, bool> scaled_results;
  for (const Candidate& c : tried) {
    const Graph& graph = subject.folded;
    EqualizedPair pair{graph.node(c.pair.first).name,
                       graph.node(c.pair.second).name,
                       c.factors.gain_db,
                       {},
                       {},
                       false};
    const auto sqnr = [&](const Measured& m) {
      const auto found = m.layers.find(pair.second);
      return found == m.layers.end() ? std::nullopt : found->second;
    };
    pair.before_db = sqnr(before);
    pair.after_db = sqnr(after);
    pair.kept = pair.before_db && pair.after_db && *pair.after_db > *pair.before_db;
    if (pair.kept) {
      kept.push_back(c);
      scaled_results[graph.node(c.pair.result).name] = true;
    }
    result.pairs.push_back(std::move(pair));
  }
  Graph chosen = scaled(subject.folded, kept);
  std::vector<CalibrationTensor> chosen_tensors = subject.tensors;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (scaled_results.count(tensors[i].layer) != 0) chosen_tensors[i] = tensors[i];
  }
  const Measured last =
      kept.size() == tried.size() ? after : measured(subject, plan, chosen, chosen_tensors);
  if (kept.empty() || (before.scores && last.scores && *last.scores < *before.scores)) {
    for (EqualizedPair& pair : result.pairs) pair.kept = false;
    return result;
  }
  result.folded = std::move(chosen);
  result.tensors = std::move(chosen_tensors);
  return result;
}

}  // namespace fpcls
