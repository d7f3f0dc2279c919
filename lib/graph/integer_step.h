#pragma once

#include <map>
#include <vector>

#include "graph/graph.h"

/// What an i8 conv computes in one go, and by which arithmetic: from integers to integers, without
/// a real number in between being stored. Every executor that computes with integers follows it, so
/// that they agree bit for bit wherever the activation is exact.
namespace fpcls {

struct IntegerStep {
  int conv = 0;         ///< the i8 conv
  int result = 0;       ///< the last of the nodes below: the one whose result it gives
  int sum = -1;         ///< the addition of `other`, or -1
  int other = -1;       ///< an earlier result of the same shape that is integers too
  int activation = -1;  ///< or -1
  int rounding = -1;    ///< the quantize whose integers it gives; -1: real numbers
};

/// For each i8 conv that the first output needs and whose input is rounded. A sum is taken in only
/// where the result is rounded after it.
std::map<int, IntegerStep> integer_steps(const Graph& graph);

/// What the step reads: the conv's input and, where there is one, `other`.
std::vector<int> reads_of(const Graph& graph, const IntegerStep& step);

/// With s the exact sum of the products of integers, each operation in float32, halves to even:
///
///     y = (s + bias / (input * weight)) * (input * weight * early)
///     y = y + (integer of `other`) * (other * early)          one rounding, as fma does
///     y = activation(y)
///     integer = clamp(round(y * late)), or y where nothing is rounded
///
/// where `weight` is the output channel's scale. One of `early` and `late` is the result's 1 /
/// scale and the other 1: for what commutes with a positive factor (ReLU, leaky ReLU) the division
/// is done by the multiplication that is there anyway.
struct StepScales {
  float input = 1;  ///< of the integers that the conv reads
  float other = 0;  ///< of those that are added; 0 where there are none
  float early = 1, late = 1;
};

StepScales scales_of(const Graph& graph, const IntegerStep& step);

/// Whether the op maps each number by itself: what can follow in the same step.
bool is_activation(Op op);

}  // namespace fpcls
