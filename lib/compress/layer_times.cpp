#include "compress/layer_times.h"

#include <algorithm>
#include <cmath>

#include "base/csv.h"
#include "base/file.h"
#include "base/random.h"
#include "base/stopwatch.h"
#include "base/text.h"
#include "exec/backend.h"
#include "exec/step_name.h"

namespace fpcls {
namespace {

constexpr int64_t kOuterChannels = 8;
// What comes as the network's input is read by kernels of its own.
constexpr int64_t kFewInputs = 4;
constexpr int kWarmUps = 2;
constexpr int kLeastRuns = 5;
constexpr int kMostRuns = 60;
constexpr double kLeast_ms = 6;

Tensor noise(const Shape& shape) {
  Random random(0);
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  for (float& value : values) value = static_cast<float>(random.uniform(-0.1, 0.1));
  return Tensor::from(shape, std::move(values));
}

Node pointwise(const char* name, int input, int64_t inputs, int64_t outputs) {
  return {Op::conv, name, {input}, ConvAttributes(), {{"weight", noise({outputs, inputs, 1, 1})}}};
}

Node conv_of(const LayerShape& shape, int input) {
  const Shape weight{shape.outputs, shape.inputs / shape.attributes.groups, shape.kernel[0],
                     shape.kernel[1]};
  return {Op::conv,
          "layer",
          {input},
          shape.attributes,
          {{"weight", noise(weight)}, {"bias", noise({shape.outputs})}}};
}

/// A network with the layer in its middle, called "layer".
Graph network_around(const LayerShape& shape) {
  const bool reads_picture = shape.op == Op::conv && shape.inputs <= kFewInputs;
  std::vector<Node> nodes{{Op::input, "input", {}, {}, {}}};
  if (!reads_picture) nodes.push_back(pointwise("before", 0, kOuterChannels, shape.inputs));
  const auto last = [&] { return static_cast<int>(nodes.size()) - 1; };
  if (shape.op == Op::conv) {
    nodes.push_back(conv_of(shape, last()));
    nodes.push_back(pointwise("after", last(), shape.outputs, kOuterChannels));
  } else {
    if (shape.height * shape.width == 1) {
      nodes.push_back({Op::flatten, "rows", {last()}, AxisAttributes{1}, {}});
    } else {
      nodes.push_back({Op::permute, "rows", {last()}, PermuteAttributes{{0, 2, 3, 1}}, {}});
    }
    nodes.push_back({Op::linear,
                     "layer",
                     {last()},
                     {},
                     {{"weight", noise({shape.outputs, shape.inputs})},
                      {"bias", noise({shape.outputs})}}});
  }
  const int64_t channels = reads_picture ? shape.inputs : kOuterChannels;
  const int result = last();
  return Graph({1, channels, shape.height, shape.width}, std::move(nodes), {{"output", result}},
               "layer " + shape.key());
}

/// The least time of each node's kernel over several runs.
std::vector<double> least_ms(const Graph& graph, int threads) {
  ExecutorOptions options;
  options.threads = threads;
  const std::unique_ptr<Executor> executor =
      engine_backend().make_executor(graph, Preprocessing(), options);
  const Tensor x = noise(graph.input_shape());
  std::vector<double> least(static_cast<size_t>(graph.size()), HUGE_VAL);
  const Stopwatch watch;
  for (int i = 0; i < kMostRuns && (i < kWarmUps + kLeastRuns || watch.ms() < kLeast_ms); ++i) {
    executor->run(x, [&](const NodeResult& result) {
      double& ms = least[static_cast<size_t>(result.node)];
      if (i >= kWarmUps) ms = std::min(ms, result.ms);
    });
  }
  for (double& ms : least) ms = std::isfinite(ms) ? ms : 0;
  return least;
}

}  // namespace

std::string LayerShape::key() const {
  if (op == Op::linear) return fmt::format("linear {} {} {}", inputs, outputs, height * width);
  const ConvAttributes& a = attributes;
  return fmt::format("conv {} {} {} {} {} {} {} {}x{}", inputs, outputs, fmt::join(kernel, "x"),
                     fmt::join(a.stride, "x"), fmt::join(a.padding, "x"),
                     fmt::join(a.dilation, "x"), a.groups, height, width);
}

double MeasuredLayerTimes::layer_ms(const LayerShape& shape) {
  const Graph graph = network_around(shape);
  return least_ms(graph, threads_)[static_cast<size_t>(graph.find("layer"))];
}

std::vector<double> MeasuredLayerTimes::other_ms(const Graph& graph) {
  const std::string refusal = engine_backend().refusal(graph);
  if (!refusal.empty()) {
    fail("latency: is measured by the engine, which can't run {}; remove a share of the macs",
         refusal);
  }
  std::vector<double> ms = least_ms(graph, threads_);
  ExecutorOptions options;
  const std::unique_ptr<Executor> executor =
      engine_backend().make_executor(graph, Preprocessing(), options);
  for (const ExecutorStep& step : executor->steps()) {
    if (step_name(graph, step.inputs, step.node).macs > 0) ms[static_cast<size_t>(step.node)] = 0;
  }
  return ms;
}

double KeptLayerTimes::layer_ms(const LayerShape& shape) {
  const std::string key = shape.key();
  const auto found = times_.find(key);
  if (found != times_.end()) return found->second;
  return times_[key] = source_.layer_ms(shape);
}

std::vector<double> KeptLayerTimes::other_ms(const Graph& graph) {
  const auto key = [](size_t i) { return fmt::format("other {}", i); };
  std::vector<double> ms(static_cast<size_t>(graph.size()));
  if (times_.count(key(0)) == 0) {
    ms = source_.other_ms(graph);
    for (size_t i = 0; i < ms.size(); ++i) times_[key(i)] = ms[i];
  }
  for (size_t i = 0; i < ms.size(); ++i) ms[i] = times_.at(key(i));
  return ms;
}

void KeptLayerTimes::save(const std::filesystem::path& path) const {
  std::string text = "what,ms\n";
  // In hexadecimal, so that they come back bit for bit.
  for (const auto& [what, ms] : times_) text += fmt::format("{},{:a}\n", what, ms);
  write_file(path, text);
}

void KeptLayerTimes::load(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return;
  CsvReader csv(path);
  const auto what = csv.find("what"), ms = csv.find("ms");
  if (!what || !ms) fail("{}: has no columns what and ms; delete it", quoted(path.string()));
  for (std::vector<std::string> row; csv.next(row);) {
    char* end = nullptr;
    const double value = std::strtod(row[*ms].c_str(), &end);
    if (*end != 0 || !(value >= 0) || !std::isfinite(value)) {
      fail("{}: the time is {}, expected 0 or more; delete the file", csv.where(*ms),
           quoted(row[*ms]));
    }
    times_[row[*what]] = value;
  }
}

}  // namespace fpcls
