#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compress/int8_choice.h"
#include "compress/layer_walk.h"
#include "exec/backend.h"
#include "exec/executor.h"
#include "graph/preprocessing.h"

/// From a network and its calibration to the same network in integers that gives nearly the same
/// scores: ranges from histograms, then, with the calibration pictures, biases that keep every
/// channel's mean, and the classifier solved again on the integer features. One function, for every
/// command that quantizes.
namespace fpcls {

/// The calibration pictures, as often as asked, from several threads: f32 {1, 3, H, W}, normalised.
struct InputSource {
  int64_t count = 0;
  std::function<Tensor(int64_t)> read;
};

struct QuantizingPlan {
  Int8Options int8;
  bool correct_biases = true;
  bool solve_classifier = true;
  int workers = 1;
  bool quiet = false;  ///< shows no progress
};

/// What solving the classifier again came to.
struct ClassifierFit {
  std::string layer;
  double strength = 0;      ///< of the ridge; infinite where the old weights stayed
  double rms_before = 0;    ///< root mean square error of the logits with the old weights
  double rms_left_out = 0;  ///< with the new ones, on pictures left out of the fit
};

struct QuantizingResult {
  Graph graph;
  std::vector<Int8Layer> layers;
  std::vector<Rounded> rounded;
  std::vector<WalkedLayer> walk;  ///< each layer's error, on a few of the pictures
  std::optional<ClassifierFit> classifier;
  std::vector<std::string> remarks;  ///< what wasn't done, and why
};

/// Quantizes `folded`, whose batch norms are folded. `reference` runs it as it is. Throws Error
/// where that can't be done; the result is the same for any number of workers.
QuantizingResult quantize_network(const Graph& folded, Executor& reference,
                                  const Preprocessing& preprocessing,
                                  const std::vector<CalibrationTensor>& tensors,
                                  const InputSource& pictures, const QuantizingPlan& plan);

/// An executor for `graph` that uses one thread a call: the engine, wherever it can.
std::unique_ptr<Executor> make_runner(const Graph& graph, const Preprocessing& preprocessing);

}  // namespace fpcls
