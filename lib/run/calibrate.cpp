#include "run/calibrate.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/threads.h"
#include "run/calibration_certificate.h"
#include "run/calibration_journal.h"
#include "run/calibration_pool.h"
#include "run/calibration_survey.h"
#include "run/chosen_pictures.h"
#include "run/picture_list.h"
#include "run/version.h"

namespace fpcls {
namespace {

void check_options(const CalibrateOptions& options) {
  if (options.model.empty()) fail("calibrate: no model given; name its file");
  if (options.out.empty()) fail("no file to write the calibration to; pass -o FILE.json");
  want_inputs(options.input);
  check_chosen_pictures(options.chosen);
  AtomicFile(options.out);  // a path that can't be written fails before the long work
}

/// What decides a look at a picture.
std::string journal_key(const Subject& subject) {
  return sha256_hex(fmt::format("{} {} {} {} {}", version(), subject.model.sha256,
                                preprocessing_sha256(subject.model.preprocessing),
                                enum_name(subject.kind), enum_name(subject.float_type)));
}

SelectionOptions selection_options(const CalibrateOptions& options) {
  SelectionOptions choice;
  choice.strategy = options.strategy;
  choice.count = options.count;
  choice.foreign_multiple = options.foreign;
  choice.seed = options.seed;
  return choice;
}

/// The file without what the layers gave.
CalibrationFile file_of(const CalibrateOptions& options, const Subject& subject,
                        const CalibrationPool& pool, const std::vector<int64_t>& chosen) {
  CalibrationFile file;
  for (const int64_t row : chosen) {
    const Candidate& candidate = pool.pictures[static_cast<size_t>(row)];
    const ImageEntry& entry = candidate.entry;
    file.pictures.push_back({entry.path,
                             relative_to(options.out, entry.file),
                             entry.slice,
                             entry.label,
                             candidate.sha256,
                             {}});
  }
  file.command =
      fmt::format("fpcls calibrate --count {} --strategy {} --foreign {} --seed {}", options.count,
                  enum_name(options.strategy), options.foreign, options.seed);
  file.version = version();
  file.model_sha256 = subject.model.sha256;
  file.preprocessing_sha256 = preprocessing_sha256(subject.model.preprocessing);
  file.executor = enum_name(subject.kind);
  file.float_type = enum_name(subject.float_type);
  file.seed = static_cast<int64_t>(options.seed);
  return file;
}

void add_constant_layers(const CalibrationFile& file, std::vector<std::string>& remarks) {
  for (const CalibrationTensor& tensor : file.tensors) {
    if (tensor.values.min != tensor.values.max) continue;
    remarks.push_back(
        fmt::format("layer {} gives {} everywhere", quoted(tensor.layer), tensor.values.min));
  }
}

}  // namespace

CalibrateResult run_calibrate(const CalibrateOptions& options) {
  check_options(options);
  const int workers = options.workers > 0 ? options.workers : usable_cores();
  const bool quiet = options.output.quiet;
  const Subject subject =
      make_subject(options.model, options.foreign_model, options.executor, options.bf16);
  CalibrationJournal journal(options.out + ".journal", journal_key(subject), kPictureFeatures,
                             subject.slots.size(), options.resume);
  const CalibrationPool pool = gather_pool(options.input, options.avoid, workers, quiet);
  if (pool.pictures.empty()) {
    journal.finish();
    fail(
        "no picture is left to calibrate with: of {} listed, {} can't be decoded and {} are to be "
        "avoided; give others",
        pool.listed, pool.undecodable, pool.avoided);
  }
  const Surveyor surveyor(subject, workers, quiet);
  const Survey survey = surveyor.look(pool, journal);
  const SelectionOptions choice = selection_options(options);
  const Selection selection =
      select_pictures(survey.features, survey.groups, survey.names, survey.extremes, choice);
  CalibrateResult result{file_of(options, subject, pool, selection.chosen), {}};
  CalibrationFile& file = result.file;
  Collected collected = surveyor.collect(pool, survey, selection.chosen);
  file.tensors = std::move(collected.tensors);
  const auto pictures = static_cast<int64_t>(file.pictures.size());
  if (pictures * subject.graph.output_count() <= kMostLogits) {
    for (size_t i = 0; i < file.pictures.size(); ++i) {
      file.pictures[i].logits = std::move(collected.logits[i]);
    }
  }
  std::vector<std::string> layers;
  for (const CalibrationTensor& tensor : file.tensors) layers.push_back(tensor.layer);
  file.certificate = certify(pool, survey, selection, choice, layers);
  result.remarks = choice_remarks(file.certificate, choice);
  add_constant_layers(file, result.remarks);
  save_calibration_file(options.out, file);
  journal.finish();
  export_chosen_pictures(options.chosen, file, options.out);
  return result;
}

Document calibrate_document(const CalibrateResult& result, bool flat) {
  return certificate_document(result.file.certificate, flat);
}

}  // namespace fpcls
