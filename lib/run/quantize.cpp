#include "run/quantize.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/stopwatch.h"
#include "base/text.h"
#include "base/threads.h"
#include "exec/pixels.h"
#include "graph/fold.h"
#include "images/network_input.h"
#include "images/open_picture.h"
#include "model/calibration_file.h"
#include "model/model_file.h"
#include "run/environment.h"
#include "run/picture_finder.h"
#include "run/version.h"

namespace fpcls {
namespace {

/// Weights of 8 bits overflow the 16-bit sums of processors before VNNI.
constexpr int kFullWeight = 127, kHalfWeight = 63;

/// The calibration's pictures on the disk, each checked to be the one that it was.
class CalibrationPictures {
 public:
  CalibrationPictures(const QuantizeOptions& options, const CalibrationFile& file,
                      const Preprocessing& preprocessing)
      : file_(file),
        folder_(std::filesystem::path(options.calibration).parent_path()),
        elsewhere_(options.pictures),
        preprocessing_(preprocessing),
        table_(pixel_table(preprocessing)) {}

  Tensor read(int64_t i) const {
    const CalibrationPicture& picture = file_.pictures[static_cast<size_t>(i)];
    auto input = network_input(bytes_of(picture), preprocessing_, table_);
    if (const auto* failure = std::get_if<DecodeFailure>(&input)) {
      fail("{}: {}", quoted(picture.path), failure->reason);
    }
    return std::get<Tensor>(std::move(input));
  }

 private:
  std::string bytes_of(const CalibrationPicture& picture) const {
    if (auto found = elsewhere_.find(picture.path, picture.sha256)) return std::move(*found);
    const std::filesystem::path file = folder_ / picture.file;
    auto bytes = read_picture_file(file);
    if (const auto* failure = std::get_if<DecodeFailure>(&bytes)) {
      fail(
          "{}: the calibration's picture can't be read: {}; say where the pictures are now with "
          "--pictures, or calibrate again",
          quoted(file), failure->reason);
    }
    if (sha256_hex(std::get<std::string>(bytes)) != picture.sha256) {
      fail("{}: has changed since the calibration; calibrate again", quoted(file));
    }
    return std::get<std::string>(std::move(bytes));
  }

  const CalibrationFile& file_;
  std::filesystem::path folder_;
  PictureFinder elsewhere_;
  Preprocessing preprocessing_;
  PixelTable table_;
};

void check_options(const QuantizeOptions& options) {
  if (options.model.empty()) fail("quantize: no model given; name its file");
  if (options.calibration.empty()) {
    fail(
        "no calibration given; make one with 'fpcls calibrate {} PICTURES -o FILE.json' and pass "
        "--calibration FILE.json",
        options.model);
  }
  if (options.out.empty()) {
    fail("no file to write the model to; pass -o FILE.safetensors");
  }
  AtomicFile(options.out);  // a path that can't be written fails before the long work
}

LoadedModel load(const QuantizeOptions& options) {
  LoadedModel model = load_model(options.model, options.foreign);
  if (model.precision.find("int8") != std::string::npos) {
    fail("{}: is {} already; quantize the model that it was made from", quoted(options.model),
         model.precision);
  }
  return model;
}

CalibrationFile load_calibration(const QuantizeOptions& options, const LoadedModel& model) {
  CalibrationFile file = load_calibration_file(options.calibration);
  check_calibration(file, model.sha256, model.preprocessing, quoted(options.calibration));
  if (file.pictures.empty()) {
    fail("{}: has no pictures; calibrate again", quoted(options.calibration));
  }
  return file;
}

QuantizingPlan plan_of(const QuantizeOptions& options, const std::string& isa) {
  QuantizingPlan plan;
  plan.int8.method = options.ranges;
  plan.int8.percentile = options.percentile;
  plan.int8.keep.insert(options.keep.begin(), options.keep.end());
  const int bits = options.weight_bits.value_or(isa == "VNNI" ? 8 : 7);
  plan.int8.highest_weight = bits == 8 ? kFullWeight : kHalfWeight;
  plan.correct_biases = !options.keep_biases;
  plan.solve_classifier = !options.keep_classifier;
  plan.workers = options.workers > 0 ? options.workers : usable_cores();
  plan.quiet = options.output.quiet;
  return plan;
}

double run_ms(Executor& executor, const Tensor& input) {
  const Stopwatch watch;
  executor.run(input);
  return watch.ms();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Runs both in turns, so that whatever else the machine does hits both.
void time_both(Executor& f32, Executor& int8, const Tensor& input, QuantizeResult& result) {
  constexpr int kMostRuns = 101;
  constexpr double kEnoughSeconds = 1.5;
  run_ms(f32, input), run_ms(int8, input);
  std::vector<double> before, after;
  const Stopwatch watch;
  while (before.size() < 3 || (watch.seconds() < kEnoughSeconds && before.size() < kMostRuns)) {
    before.push_back(run_ms(f32, input));
    after.push_back(run_ms(int8, input));
  }
  result.f32_ms = median(before);
  result.int8_ms = median(after);
}

void say_speed(const QuantizeResult& result) {
  fmt::print(stderr,
             "fpcls: one picture on one thread takes {:.2f} ms in f32, {:.2f} ms in int8 "
             "({:.2f} of it) on this processor ({}, {})\n",
             result.f32_ms, result.int8_ms, result.int8_ms / result.f32_ms, cpu_name(), result.isa);
  if (result.int8_ms >= result.f32_ms) {
    fmt::print(stderr, "fpcls: int8 is not faster here; it only makes the file smaller\n");
  }
}

Metadata metadata_of(const LoadedModel& model, const QuantizeOptions& options,
                     const QuantizingPlan& plan, const std::string& isa) {
  Metadata metadata;
  metadata.head = model.head;
  metadata.preprocessing = model.preprocessing;
  metadata.accept = model.accept;
  metadata.precision = "int8";
  metadata.architecture = model.architecture;
  metadata.provenance = model.provenance;
  const Provenance made{{"fpcls", version()},
                        {"quantized_from", model.sha256},
                        {"calibration", sha256_of_file(options.calibration)},
                        {"ranges", options.ranges == RangeMethod::percentile
                                       ? fmt::format("percentile {}", options.percentile)
                                       : std::string(enum_name(options.ranges))},
                        {"weights", fmt::format("-{0} to {0}", plan.int8.highest_weight)},
                        {"biases", plan.correct_biases ? "corrected" : "kept"},
                        {"classifier", plan.solve_classifier ? "solved again" : "kept"},
                        {"int8_isa", isa}};
  metadata.provenance.insert(metadata.provenance.end(), made.begin(), made.end());
  if (!options.keep.empty()) {
    metadata.provenance.emplace_back("kept_layers",
                                     fmt::format("{}", fmt::join(options.keep, " ")));
  }
  return metadata;
}

int64_t size_of(const std::string& file) {
  return static_cast<int64_t>(std::filesystem::file_size(file));
}

}  // namespace

QuantizeResult run_quantize(const QuantizeOptions& options) {
  check_options(options);
  const LoadedModel model = load(options);
  const CalibrationFile file = load_calibration(options, model);
  QuantizeResult result{QuantizingResult{model.graph, {}, {}, {}, {}, {}},
                        int8_instructions(isa_names())};
  const QuantizingPlan plan = plan_of(options, result.isa);
  const Graph folded = fold_batch_norms(model.graph);
  const CalibrationPictures pictures(options, file, model.preprocessing);
  const InputSource source{static_cast<int64_t>(file.pictures.size()),
                           [&](int64_t i) { return pictures.read(i); }};
  const auto reference = make_runner(folded, model.preprocessing);
  {
    const Int8Choice trial = choose_int8(folded, file.tensors, plan.int8);
    const auto integers = make_runner(trial.graph, model.preprocessing);
    time_both(*reference, *integers, source.read(0), result);
  }
  if (!options.output.quiet) say_speed(result);
  result.made =
      quantize_network(folded, *reference, model.preprocessing, file.tensors, source, plan);
  save_model_file(options.out, result.made.graph, metadata_of(model, options, plan, result.isa));
  result.size_before_bytes = size_of(options.model);
  result.size_bytes = size_of(options.out);
  return result;
}

}  // namespace fpcls
