#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"

/// How long single layers take on this host, by measuring them alone.
namespace fpcls {

/// All that a conv's or linear's time depends on, whatever its weights hold.
struct LayerShape {
  Op op = Op::conv;            ///< conv or linear
  int64_t inputs = 1;          ///< channels read, at least 1
  int64_t outputs = 1;         ///< channels made, at least 1
  ConvAttributes attributes;   ///< conv only; its groups divide inputs and outputs
  Pair kernel = {1, 1};        ///< conv only
  int64_t height = 1;          ///< of what is read; of a linear, the rows that it acts on
  int64_t width = 1;

  /// Tells apart what may take another time: "conv 64 64 3x3 1x1 1x1 1x1 1 56x56".
  std::string key() const;
};

/// Where times come from. A test has one that computes them.
class LayerTimer {
 public:
  virtual ~LayerTimer() = default;
  /// Milliseconds for one picture.
  virtual double layer_ms(const LayerShape& shape) = 0;
  /// For each node of `graph`, milliseconds for one picture of the kernel whose result it is where
  /// that holds no conv and no linear; 0 for all others.
  virtual std::vector<double> other_ms(const Graph& graph) = 0;
};

/// Measures by the engine with `threads` threads: each layer between two that bring the data into
/// the engine's layout, the least of several runs, which other programs disturb least.
class MeasuredLayerTimes : public LayerTimer {
 public:
  explicit MeasuredLayerTimes(int threads) : threads_(threads) {}
  double layer_ms(const LayerShape& shape) override;
  std::vector<double> other_ms(const Graph& graph) override;

 private:
  int threads_;
};

/// Asks another for each time once, and keeps it; in a file too, so that what was decided by times
/// is decided the same again on another day. `other_ms` is kept for one graph alone.
class KeptLayerTimes : public LayerTimer {
 public:
  explicit KeptLayerTimes(LayerTimer& source) : source_(source) {}

  double layer_ms(const LayerShape& shape) override;
  std::vector<double> other_ms(const Graph& graph) override;

  /// CSV with a row for each time, written whole or not at all.
  void save(const std::filesystem::path& path) const;
  /// Does nothing where there is no file; throws Error for a damaged one.
  void load(const std::filesystem::path& path);
  size_t size() const { return times_.size(); }

 private:
  LayerTimer& source_;
  std::map<std::string, double> times_;
};

}  // namespace fpcls
