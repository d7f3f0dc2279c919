#include "run/quantize.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/progress.h"
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
#include "run/picture_list.h"
#include "run/quantize_tables.h"
#include "run/quantized_files.h"
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
  for (const std::string& layer : options.keep_bf16) {
    if (std::count(options.keep.begin(), options.keep.end(), layer) == 0) continue;
    fail("{}: is in both --keep and --keep-bf16; leave one out", quoted(layer));
  }
  if (options.max_shift && options.validation.empty()) {
    fail("--max-shift needs --validation, labelled pictures to measure the shift on");
  }
  if (!options.max_shift && (!options.journal.empty() || options.resume)) {
    fail("--journal and --resume are for --max-shift, which makes many trials");
  }
  if (!options.max_shift && !options.unbeaten.empty()) {
    fail("--unbeaten is for --max-shift, which makes many models");
  }
  parse_objective(options.objective);
  if (!options.unbeaten.empty()) make_writable_folder(options.unbeaten);
  if (options.resume && options.journal.empty()) fail("--resume needs --journal FILE");
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

/// All logits that the calibration knows, or none.
std::vector<double> logits_of(const CalibrationFile& file, int64_t outputs,
                              const std::string& where) {
  std::vector<double> logits;
  for (const CalibrationPicture& picture : file.pictures) {
    if (picture.logits.empty()) return {};
    if (static_cast<int64_t>(picture.logits.size()) != outputs) {
      fail("{}: is damaged: has {} logits for {}, expected {}; calibrate again", where,
           picture.logits.size(), quoted(picture.path), outputs);
    }
    logits.insert(logits.end(), picture.logits.begin(), picture.logits.end());
  }
  return logits;
}

QuantizingPlan plan_of(const QuantizeOptions& options, const std::string& isa) {
  QuantizingPlan plan;
  plan.int8.method = options.ranges;
  plan.int8.percentile = options.percentile;
  plan.int8.keep.insert(options.keep.begin(), options.keep.end());
  plan.int8.in_bf16.insert(options.keep_bf16.begin(), options.keep_bf16.end());
  plan.int8.activation_bits = options.activation_bits;
  const bool halved = options.activation_bits == 7;
  const int bits = options.weight_bits.value_or(isa == "VNNI" || halved ? 8 : 7);
  plan.int8.highest_weight = bits == 8 ? kFullWeight : kHalfWeight;
  plan.int8.highest_weight_of_signed = halved ? kHalfWeight : plan.int8.highest_weight;
  plan.correct_biases = !options.keep_biases;
  plan.solve_classifier = !options.keep_classifier;
  plan.workers = options.workers > 0 ? options.workers : usable_cores();
  plan.quiet = options.output.quiet;
  return plan;
}

/// Runs both in turns, so that whatever else the machine does hits both.
void time_both(Executor& f32, Executor& int8, const Tensor& input, QuantizeResult& result) {
  constexpr size_t kFewest = 3, kMost = 15;
  constexpr double kEnoughSeconds = 0.25;
  const auto timed = [&](Executor& executor) {
    const Stopwatch one;
    executor.run(input);
    return one.ms();
  };
  timed(f32);
  timed(int8);  // the first run makes the plan
  std::vector<double> before, after;
  const Stopwatch watch;
  while (before.size() < kFewest || (watch.seconds() < kEnoughSeconds && before.size() < kMost)) {
    before.push_back(timed(f32));
    after.push_back(timed(int8));
  }
  const auto median = [](std::vector<double>& times) {
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  };
  result.f32_ms = median(before);
  result.int8_ms = median(after);
}

void say_speed(const QuantizeResult& result) {
  fmt::print(stderr,
             "fpcls: one picture on one thread takes {:.2f} ms in f32, {:.2f} ms in int8 "
             "({:.2f} times as fast) on this processor ({}, {})\n",
             result.f32_ms, result.int8_ms, result.f32_ms / result.int8_ms, cpu_name(), result.isa);
  if (result.int8_ms >= result.f32_ms) {
    fmt::print(stderr, "fpcls: int8 is not faster here; it only makes the file smaller\n");
  }
}

int64_t size_of(const std::string& file) {
  return static_cast<int64_t>(std::filesystem::file_size(file));
}

/// Labelled pictures at network size; of a binary model 1 is the positive label's target.
TrainingSet load_validation(const QuantizeOptions& options, const LoadedModel& model, int workers) {
  InputOptions input;
  input.inputs = options.validation;
  input.label_map = options.label_map;
  const Head& head = model.head;
  const bool quiet = options.output.quiet;
  const ImageList list = list_pictures(input, head.labels, AnyLabel::yes, quiet);
  if (list.labels().empty()) {
    fail(
        "--validation: none of the {} pictures has a label; put them into folders named after "
        "their labels, or list path and label in a .csv",
        list.size());
  }
  const TargetOf target_of = [&](const std::string& label) {
    const auto found = std::find(head.labels.begin(), head.labels.end(), label);
    const auto index = static_cast<int>(found - head.labels.begin());
    if (head.binary()) return index == head.positive ? 1 : 0;
    return found == head.labels.end() ? -1 : index;
  };
  TrainingSet set = load_training_set(list, target_of, model.preprocessing, workers, quiet);
  const auto positives = std::count(set.targets.begin(), set.targets.end(), 1);
  if (head.binary() && (positives == 0 || positives == set.size())) {
    fail("--validation: all {} pictures are {} the label {}; give both kinds", set.size(),
         positives == 0 ? "without" : "of", quoted(head.scored_labels()[0]));
  }
  return set;
}

bool any_kept(const std::vector<EqualizedPair>& pairs) {
  return std::any_of(pairs.begin(), pairs.end(), [](const auto& pair) { return pair.kept; });
}

/// What to know where pictures are judged that the model was calibrated on, or empty.
std::string overlap_remark(const CalibrationFile& file, const TrainingSet& set) {
  std::set<std::string> calibrated;
  for (const CalibrationPicture& picture : file.pictures) calibrated.insert(picture.sha256);
  const auto both = std::count_if(set.sha256.begin(), set.sha256.end(), [&](const auto& sha256) {
    return calibrated.count(sha256) != 0;
  });
  if (both == 0) return "";
  return fmt::format(
      "{} of the {} validation pictures were calibrated with, and move less than others; calibrate "
      "with --avoid",
      both, set.size());
}

std::string fingerprint_of(const QuantizeOptions& options, const QuantizingPlan& plan,
                           const LoadedModel& model, const TrainingSet& set) {
  return sha256_hex(fmt::format(
      "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", version(), model.sha256,
      sha256_of_file(options.calibration), training_set_sha256(set), enum_name(options.ranges),
      options.percentile, fmt::join(plan.int8.keep, "\n"), fmt::join(plan.int8.in_bf16, "\n"),
      engine_backend().bf16_is_fast(), plan.int8.highest_weight, plan.int8.highest_weight_of_signed,
      plan.int8.activation_bits, plan.correct_biases, plan.solve_classifier, options.keep_scales,
      model.accept, int8_instructions()));
}

void say_trial(const ControlTrial& trial) {
  const std::string other =
      trial.other_ranges.empty()
          ? ""
          : fmt::format(" ({} of its own, the last {} by {})", trial.other_ranges.size(),
                        quoted(trial.other_ranges.back().first),
                        enum_name(trial.other_ranges.back().second));
  fmt::print(stderr, "fpcls: ranges by {}{}, layers back: {}; {:.2f} points\n",
             enum_name(trial.method), other, restored_text(trial), trial.shift_points);
}

/// Makes the model, judging it where there are pictures for that.
class Making {
 public:
  Making(const QuantizeOptions& options, const LoadedModel& model, Quantizer& quantizer,
         const TrainingSet& set, QuantizeResult& result)
      : options_(options), model_(model), quantizer_(quantizer), set_(set), result_(result) {}

  void run() {
    if (set_.size() == 0) {
      result_.made = quantizer_.make();
      return;
    }
    const JudgedScores before = judged(quantizer_.subject().reference);
    const JudgedScores after = options_.max_shift ? search(before) : once();
    ValidationResult validation;
    validation.before = figures_of(before, set_, model_.head);
    validation.after = figures_of(after, set_, model_.head);
    validation.migration = migration_of(before, after);
    validation.shift_points = largest_shift_points(validation.before, validation.after);
    validation.bad = set_.bad;
    result_.validation = std::move(validation);
  }

 private:
  JudgedScores judged(Executor& executor) const {
    const QuantizingPlan& plan = quantizer_.plan();
    Progress progress("judging", "pictures", set_.size(), plan.quiet);
    return judge_scores(executor, model_.head, model_.accept, set_, plan.workers, [&] {
      if (plan.stop()) throw Interrupted();
      progress.advance();
    });
  }

  JudgedScores once() {
    result_.made = quantizer_.make();
    return judged(*make_runner(result_.made.graph, model_.preprocessing));
  }

  JudgedScores search(const JudgedScores& before) {
    ControlPlan plan;
    plan.max_shift_points = *options_.max_shift;
    plan.minutes = options_.minutes;
    plan.journal = options_.journal;
    plan.resume = options_.resume;
    plan.bf16_first = engine_backend().bf16_is_fast();
    plan.fingerprint = fingerprint_of(options_, quantizer_.plan(), model_, set_);
    if (!options_.output.quiet) plan.report = say_trial;
    if (!options_.unbeaten.empty()) {
      plan.unbeaten = unbeaten_writer(model_, options_, quantizer_.plan(), result_.isa);
    }
    ControlResult found =
        control_accuracy(quantizer_, {set_, model_.head, model_.accept}, before, plan);
    result_.made = std::move(found.made);
    result_.int8_ms = found.trials[found.chosen].ms;
    result_.search = SearchResult{std::move(found.trials),
                                  found.chosen,
                                  found.reached,
                                  std::move(found.ended),
                                  parse_objective(options_.objective),
                                  {}};
    SearchResult& search = *result_.search;
    const auto f32_bytes = static_cast<double>(weight_bytes(quantizer_.subject().folded));
    for (const ControlTrial& trial : search.trials) {
      search.costs.push_back(cost_of(search.objective, trial.shift_points,
                                     trial.ms / result_.f32_ms,
                                     static_cast<double>(trial.weight_bytes) / f32_bytes));
    }
    return std::move(found.scores);
  }

  const QuantizeOptions& options_;
  const LoadedModel& model_;
  Quantizer& quantizer_;
  const TrainingSet& set_;
  QuantizeResult& result_;
};

}  // namespace

QuantizeResult run_quantize(const QuantizeOptions& options) {
  check_options(options);
  const LoadedModel model = load(options);
  const CalibrationFile file = load_calibration(options, model);
  QuantizeResult result(QuantizingResult{model.graph, {}, {}, {}, {}, {}});
  result.isa = int8_instructions();
  QuantizingPlan plan = plan_of(options, result.isa);
  const Graph folded = fold_batch_norms(model.graph);
  const CalibrationPictures pictures(options, file, model.preprocessing);
  const InputSource source{static_cast<int64_t>(file.pictures.size()),
                           [&](int64_t i) { return pictures.read(i); },
                           logits_of(file, folded.output_count(), quoted(options.calibration))};
  auto reference = make_runner(folded, model.preprocessing);
  {
    Int8Options any_ranges = plan.int8;
    any_ranges.method = RangeMethod::minmax;  // the quickest to find; the time doesn't depend on it
    const Int8Choice trial = choose_int8(folded, file.tensors, any_ranges);
    const auto integers = make_runner(trial.graph, model.preprocessing);
    time_both(*reference, *integers, source.read(0), result);
  }
  if (!options.output.quiet) say_speed(result);
  TrainingSet set;
  if (!options.validation.empty()) set = load_validation(options, model, plan.workers);
  std::optional<InterruptWatch> watch;
  if (options.max_shift) {
    watch.emplace();
    plan.stop = InterruptWatch::asked;
  }
  try {
    Equalized equalized{folded, file.tensors, {}};
    if (!options.keep_scales) {
      equalized = equalize({folded, *reference, model.preprocessing, file.tensors, source}, plan);
      if (any_kept(equalized.pairs)) {
        reference = make_runner(equalized.folded, model.preprocessing);
      }
    }
    result.equalized = std::move(equalized.pairs);
    Quantizer quantizer(
        {equalized.folded, *reference, model.preprocessing, equalized.tensors, source}, plan);
    Making(options, model, quantizer, set, result).run();
  } catch (const Interrupted&) {
    fail("interrupted before a model was ready; nothing was written");
  }
  if (!options.keep_bf16.empty() && !engine_backend().bf16_is_fast()) {
    result.made.remarks.emplace_back(
        "this processor has no bf16 products: layers in bf16 take as long as in f32");
  }
  const std::string overlap = overlap_remark(file, set);
  if (!overlap.empty()) result.made.remarks.push_back(overlap);
  const auto& search = result.search;
  save_model_file(options.out, result.made.graph,
                  metadata_of(model, options, plan, result.isa,
                              search ? &search->trials[search->chosen] : nullptr));
  result.size_before_bytes = size_of(options.model);
  result.size_bytes = size_of(options.out);
  return result;
}

}  // namespace fpcls
