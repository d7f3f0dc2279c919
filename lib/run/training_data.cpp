#include "run/training_data.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"

namespace fpcls {

std::vector<std::pair<std::string, std::string>> TrainingData::bad() const {
  auto all = training.bad;
  all.insert(all.end(), validation.bad.begin(), validation.bad.end());
  return all;
}

TrainingData load_training_data(const ImageList& list, const ImageList& held, double share,
                                const TargetOf& target_of, const Preprocessing& preprocessing,
                                const AugmentOptions& augment, int workers, bool quiet) {
  Preprocessing stored = preprocessing;
  const double scale = stored_scale(augment);
  stored.height = static_cast<int>(std::lround(preprocessing.height * scale));
  stored.width = static_cast<int>(std::lround(preprocessing.width * scale));
  stored.resize = static_cast<int>(std::lround(preprocessing.resize * scale));
  TrainingSet all = load_training_set(list, target_of, stored, workers, quiet);
  if (held.size() > 0) {
    TrainingSet validation = load_training_set(held, target_of, preprocessing, workers, quiet);
    TrainingSet training = without_copies(all, validation);
    const int64_t copies = all.size() - training.size();
    return {std::move(training), std::move(validation), copies};
  }
  // The same pictures at both sizes split the same way: the split depends on content alone.
  TrainingSet exact = load_training_set(list, target_of, preprocessing, workers, quiet);
  return {split_training_set(all, share).first, split_training_set(exact, share).second, 0};
}

std::string weights_sha256(const Graph& graph) {
  Sha256 hash;
  for (const Node& node : graph.nodes()) {
    for (const auto& [key, weight] : node.weights) hash.update(weight.bytes());
  }
  return hash.hex();
}

}  // namespace fpcls
