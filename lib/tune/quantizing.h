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
/// channel's mean, and the classifier solved again on the integer features. For every command that
/// quantizes.
namespace fpcls {

/// The calibration pictures, as often as asked, from several threads: f32 {1, 3, H, W}, normalised.
struct InputSource {
  int64_t count = 0;
  std::function<Tensor(int64_t)> read;
  /// {count, outputs}: what the network gives for them as it is; empty where nobody knows yet.
  std::vector<double> logits = {};
};

struct QuantizingPlan {
  Int8Options int8;
  bool correct_biases = true;
  bool solve_classifier = true;
  int workers = 1;
  bool quiet = false;  ///< shows no progress
  /// Asked before each picture; where it says so, the work ends with an `Interrupted`.
  std::function<bool()> stop = [] { return false; };
};

/// Thrown where `QuantizingPlan::stop` said so.
struct Interrupted {};

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

/// What is quantized: a network whose batch norms are folded, as it is run, and its calibration.
/// All must outlive whatever is given the subject.
struct QuantizingSubject {
  const Graph& folded;
  Executor& reference;  ///< runs `folded`
  const Preprocessing& preprocessing;
  const std::vector<CalibrationTensor>& tensors;
  const InputSource& pictures;
};

/// Quantizes one network, once or with several choices of layers and ranges: what doesn't depend on
/// the choice is found out once.
class Quantizer {
 public:
  Quantizer(const QuantizingSubject& subject, QuantizingPlan plan);
  ~Quantizer();

  /// With `int8` in place of the plan's. Throws Error where that can't be done; the result is the
  /// same for any number of workers.
  QuantizingResult make(const Int8Options& int8);
  QuantizingResult make() { return make(plan_.int8); }

  /// The noise of each layer of `integers`, the subject quantized, on a few of the pictures.
  std::vector<WalkedLayer> walk(const Graph& integers) const;

  const QuantizingSubject& subject() const { return subject_; }
  const QuantizingPlan& plan() const { return plan_; }

 private:
  struct Cache;

  void solve_classifier(QuantizingResult& result);

  QuantizingSubject subject_;
  QuantizingPlan plan_;
  std::unique_ptr<Cache> cache_;
};

/// An executor for `graph` that uses one thread a call: the engine, wherever it can.
std::unique_ptr<Executor> make_runner(const Graph& graph, const Preprocessing& preprocessing);

}  // namespace fpcls
