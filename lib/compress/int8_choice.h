#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compress/range_choice.h"
#include "graph/graph.h"
#include "model/calibration_file.h"

/// Which layers of a network become integers, and which range each result is rounded in: decided
/// from a calibration's histograms, without running anything.
namespace fpcls {

struct Int8Options {
  RangeMethod method = RangeMethod::automatic;
  double percentile = 99.99;   ///< as in RangeOptions
  /// Bits of results that are nowhere below 0: 8, or 7 for CPUs whose products of 8 bits saturate
  /// (without VNNI). Results that can be negative always have 8.
  int activation_bits = 8;
  /// The largest weight, 127, or 63 for such CPUs, of layers that read what is nowhere below 0 and
  /// of the others: with signed 8-bit numbers even 8-bit weights saturate there.
  int highest_weight = 127, highest_weight_of_signed = 127;
  std::set<std::string> keep;  ///< layers that stay as they are
  /// Layers that get bf16 weights instead of integers, but for those in `keep`.
  std::set<std::string> in_bf16;
  /// For the results of these nodes another method than `method`.
  std::map<std::string, RangeMethod> other_methods;
};

/// A layer with weights, and what becomes of it.
struct Int8Layer {
  std::string name;
  Op op = Op::conv;
  bool int8 = false;
  bool bf16 = false;
  std::string reason;  ///< why it isn't int8
};

/// How one result is rounded.
struct Rounded {
  std::string name;  ///< of the node whose result it is
  RangeChoice choice;
};

struct Int8Choice {
  std::vector<Int8Layer> layers;  ///< every conv and linear, in order
  std::vector<Rounded> rounded;   ///< in order
  Graph graph;                    ///< with integer layers
};

/// Quantizes `graph`, whose batch norms are folded, by the histograms of `tensors`. Results that
/// are nowhere below 0 become u8, others s8 without a zero point. The last layer with weights, the
/// classifier, stays: it costs nothing and its errors go straight into the scores.
///
/// Throws Error for a name in `keep` or `in_bf16` that is no layer, the classifier in bf16, a graph
/// that is quantized already, values that aren't finite, and where no layer could be quantized.
Int8Choice choose_int8(const Graph& graph, const std::vector<CalibrationTensor>& tensors,
                       const Int8Options& options);

/// The node of the last layer with weights before the first output, or -1: what makes scores of
/// features.
int classifier_of(const Graph& graph);

}  // namespace fpcls
