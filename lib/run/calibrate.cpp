#include "run/calibrate.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <mutex>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/text.h"
#include "base/threads.h"
#include "exec/backend.h"
#include "exec/pixels.h"
#include "graph/fold.h"
#include "graph/head.h"
#include "images/near_copies.h"
#include "images/network_input.h"
#include "images/open_picture.h"
#include "run/picture_list.h"
#include "run/version.h"

namespace fpcls {
namespace {

constexpr int kFeatureDimensions = 64;
constexpr int64_t kFewPictures = 300, kVeryFewPictures = 32;

/// The model made ready to be looked into.
struct Subject {
  LoadedModel model;
  Graph graph;  ///< folded
  ExecutorKind kind;
  std::unique_ptr<Executor> executor;
  PixelTable pixels;
  std::map<int, size_t> slots;  ///< which observed result a node is
  int feature_node = 0;         ///< whose result, averaged over places, describes a picture
};

/// The result that the last linear layer reads, or the nearest before it that is observed.
int find_feature_node(const Graph& graph, const std::map<int, size_t>& slots) {
  int node = graph.outputs()[0].node;
  for (int i = graph.size() - 1; i > 0; --i) {
    if (graph.node(i).op != Op::linear) continue;
    node = graph.node(i).inputs[0];
    break;
  }
  while (node > 0 && slots.count(node) == 0) node = graph.node(node).inputs[0];
  return node;
}

Subject make_subject(const CalibrateOptions& options) {
  LoadedModel model = load_model(options.model, options.foreign_model);
  if (model.precision.find("8") != std::string::npos) {
    fail("{}: is {} already; calibrate the model that it was made from", quoted(options.model),
         model.precision);
  }
  Graph graph = fold_batch_norms(model.graph);
  const ExecutorKind kind = choose_executor(options.executor, graph, {}).kind;
  auto executor = make_executor(kind, graph, model.preprocessing, {});
  const PixelTable pixels = pixel_table(model.preprocessing);
  Subject s{std::move(model), std::move(graph), kind, std::move(executor), pixels, {}, 0};
  s.slots[0] = 0;
  for (const ExecutorStep& step : s.executor->steps()) s.slots.emplace(step.node, s.slots.size());
  s.feature_node = find_feature_node(s.graph, s.slots);
  return s;
}

struct Candidate {
  ImageEntry entry;
  std::string sha256;
};

struct Pool {
  std::vector<Candidate> pictures;  ///< sorted by content, each kind once
  int64_t listed = 0, undecodable = 0, copies = 0, near_copies = 0, avoided = 0;
};

Pool gather(const CalibrateOptions& options) {
  const bool quiet = options.output.quiet;
  // Labels only sort the pictures here, so any will do.
  const ImageList list = list_pictures(options.input, {}, AnyLabel::yes, quiet);
  NearCopyIndex avoided;
  if (!options.avoid.empty()) {
    InputOptions input;
    input.inputs = options.avoid;
    input.labels = LabelSource::none;
    const ImageList avoid = list_pictures(input, {}, AnyLabel::no, quiet);
    for (const Fingerprint& f : fingerprint_list(avoid, options.workers, quiet).fingerprints) {
      avoided.add(f);
    }
  }
  const FingerprintedList prints = fingerprint_list(list, options.workers, quiet);
  Pool pool;
  pool.listed = list.size();
  pool.undecodable = static_cast<int64_t>(prints.bad.size());
  std::vector<std::pair<Candidate, const Fingerprint*>> all;
  for (size_t i = 0; i < prints.rows.size(); ++i) {
    all.push_back(
        {{list.entry(prints.rows[i]), prints.fingerprints[i].sha256}, &prints.fingerprints[i]});
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first.sha256, a.first.entry.slice, a.first.entry.path) <
           std::tie(b.first.sha256, b.first.entry.slice, b.first.entry.path);
  });
  NearCopyIndex seen;
  for (const auto& [candidate, print] : all) {
    if (avoided.find(*print)) {
      ++pool.avoided;
    } else if (const auto match = seen.find(*print)) {
      ++(match->same_file ? pool.copies : pool.near_copies);
    } else {
      seen.add(*print);
      pool.pictures.push_back(candidate);
    }
  }
  return pool;
}

/// f32 {1, 3, H, W}, normalised.
Tensor input_of(const Subject& subject, const Candidate& picture) {
  const Preprocessing& p = subject.model.preprocessing;
  const std::string where = quoted(picture.entry.path);
  const auto bytes = read_picture_file(picture.entry.file);
  if (const auto* failure = std::get_if<DecodeFailure>(&bytes)) {
    fail("{}: {}", where, failure->reason);
  }
  if (sha256_hex(std::get<std::string>(bytes)) != picture.sha256) {
    fail("{}: changed while it was being read; start again", where);
  }
  auto input = network_input(std::get<std::string>(bytes), p, subject.pixels);
  if (const auto* failure = std::get_if<DecodeFailure>(&input)) {
    fail("{}: {}", where, failure->reason);
  }
  return std::get<Tensor>(std::move(input));
}

/// Calls `look(worker, picture, node, values)` with every observed result of every picture, and
/// `done(picture, logits)` after each.
template <class Look, class Done>
void look_into(const Subject& subject, const std::vector<Candidate>& pictures, const char* what,
               int workers, bool quiet, const Look& look, const Done& done) {
  std::atomic<size_t> next{0};
  Progress progress(what, "pictures", static_cast<int64_t>(pictures.size()), quiet);
  run_workers(workers, [&](int worker) {
    for (size_t i = next++; i < pictures.size(); i = next++) {
      const NodeHook hook = [&](const NodeResult& result) {
        if (subject.slots.count(result.node) > 0) look(worker, i, result.node, result.values());
      };
      done(i, subject.executor->run(input_of(subject, pictures[i]), hook));
      progress.advance();
    }
  });
}

void want_finite(const Subject& subject, int node, const std::string& path, bool finite) {
  if (finite) return;
  fail("{}: layer {} gives NaN or infinity for {}; the model can't be calibrated",
       quoted(subject.model.path), quoted(subject.graph.node(node).name), quoted(path));
}

/// Averages over places, then to few dimensions by sums of random signs (Achlioptas 2003).
void describe_picture(const Tensor& values, float* features) {
  const int64_t channels = values.shape()[1];
  const int64_t places = values.count() / channels;
  std::fill(features, features + kFeatureDimensions, 0.0F);
  for (int64_t c = 0; c < channels; ++c) {
    double mean = 0;
    for (int64_t i = 0; i < places; ++i) mean += double{values.data<float>()[c * places + i]};
    mean /= static_cast<double>(places);
    const uint64_t signs = derive_seed(0, static_cast<uint64_t>(c));
    for (int d = 0; d < kFeatureDimensions; ++d) {
      features[d] += static_cast<float>((signs >> d & 1) != 0 ? mean : -mean);
    }
  }
}

/// What the model makes of every picture of the pool.
struct Survey {
  FeatureTable features;
  std::vector<std::string> groups;
  std::vector<std::string> names;
  std::vector<float> extremes;
};

/// A picture's label, or where there is none what the model takes it for.
std::string group_of(const Candidate& picture, const Head& head, const Tensor& logits) {
  if (picture.entry.label) return picture.entry.slice + "\n" + *picture.entry.label;
  const std::vector<float> scores = scores_of(head, logits.data<float>());
  if (head.binary()) {
    return fmt::format("{}\nscore {}", picture.entry.slice,
                       std::min(4, static_cast<int>(scores[0] * 5)));
  }
  const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
  return picture.entry.slice + "\n" + head.labels[static_cast<size_t>(best)];
}

Survey survey(const Subject& subject, const Pool& pool, int workers, bool quiet) {
  Survey s;
  const size_t count = pool.pictures.size(), layers = subject.slots.size();
  s.features.dimensions = kFeatureDimensions;
  s.features.values.resize(count * kFeatureDimensions);
  s.groups.resize(count);
  s.extremes.resize(count * layers);
  for (const Candidate& picture : pool.pictures) s.names.push_back(picture.sha256);
  look_into(
      subject, pool.pictures, "looking", workers, quiet,
      [&](int, size_t i, int node, const Tensor& values) {
        float largest = 0;
        bool finite = true;
        for (int64_t k = 0; k < values.count(); ++k) {
          const float v = std::abs(values.data<float>()[k]);
          finite = finite && std::isfinite(v);
          largest = std::max(largest, v);
        }
        want_finite(subject, node, pool.pictures[i].entry.path, finite);
        s.extremes[i * layers + subject.slots.at(node)] = largest;
        if (node == subject.feature_node) {
          describe_picture(values, s.features.values.data() + i * kFeatureDimensions);
        }
      },
      [&](size_t i, const Tensor& logits) {
        s.groups[i] = group_of(pool.pictures[i], subject.model.head, logits);
      });
  return s;
}

std::vector<CalibrationTensor> collect(const Subject& subject, const std::vector<Candidate>& chosen,
                                       int workers, bool quiet) {
  std::vector<std::vector<Histogram>> counted(static_cast<size_t>(workers),
                                              std::vector<Histogram>(subject.slots.size()));
  look_into(
      subject, chosen, "calibrating", workers, quiet,
      [&](int worker, size_t i, int node, const Tensor& values) {
        Histogram& h = counted[static_cast<size_t>(worker)][subject.slots.at(node)];
        h.add(values.data<float>(), static_cast<size_t>(values.count()));
        want_finite(subject, node, chosen[i].entry.path, h.nonfinite == 0);
      },
      [](size_t, const Tensor&) {});
  std::vector<CalibrationTensor> tensors(subject.slots.size());
  for (const auto& [node, slot] : subject.slots) {
    tensors[slot].layer = subject.graph.node(node).name;
    for (const auto& worker : counted) tensors[slot].values.merge(worker[slot]);
  }
  return tensors;
}

using Certificate = std::vector<std::pair<std::string, double>>;

/// The choice's coverage of the pool, beside that of sets drawn at random in the same groups.
Certificate certify(const Survey& survey, const Selection& selection, SelectionOptions options) {
  constexpr int kDraws = 10;
  std::vector<int64_t> among(survey.names.size());
  std::iota(among.begin(), among.end(), 0);
  among.erase(std::remove_if(among.begin(), among.end(),
                             [&](int64_t row) {
                               return std::binary_search(selection.foreign.begin(),
                                                         selection.foreign.end(), row);
                             }),
              among.end());
  const auto cover = [&](const std::vector<int64_t>& rows) {
    return coverage_of(survey.features, survey.extremes, among, rows);
  };
  const Coverage chosen = cover(selection.chosen);
  options.strategy = SelectionStrategy::random;
  std::vector<Coverage> draws;
  for (int i = 0; i < kDraws; ++i) {
    options.seed = derive_seed(options.seed, static_cast<uint64_t>(i));
    draws.push_back(cover(
        select_pictures(survey.features, survey.groups, survey.names, survey.extremes, options)
            .chosen));
  }
  Certificate c;
  const auto add = [&](const std::string& name, auto figure) {
    double sum = 0, squares = 0;
    for (const Coverage& draw : draws) {
      sum += figure(draw);
      squares += figure(draw) * figure(draw);
    }
    const double mean = sum / kDraws;
    c.emplace_back(name, figure(chosen));
    c.emplace_back("random_" + name, mean);
    c.emplace_back("random_" + name + "_deviation",
                   std::sqrt(std::max(0.0, squares / kDraws - mean * mean)));
  };
  add("mean_distance", [](const Coverage& x) { return x.mean_distance; });
  add("max_distance", [](const Coverage& x) { return x.max_distance; });
  add("range_ratio", [](const Coverage& x) { return x.range_ratio; });
  return c;
}

double figure(const Certificate& certificate, const std::string& name) {
  for (const auto& [key, value] : certificate) {
    if (key == name) return value;
  }
  return 0;
}

std::vector<std::string> remarks_of(const CalibrateOptions& options, const Survey& survey,
                                    const CalibrationFile& file) {
  std::vector<std::string> remarks;
  const auto chosen = static_cast<int64_t>(file.pictures.size());
  if (chosen < options.count) {
    remarks.push_back(fmt::format("only {} pictures to choose from, {} were wanted: all are taken",
                                  chosen, options.count));
  }
  if (chosen < kVeryFewPictures) {
    remarks.push_back(
        fmt::format("{} pictures are far too few to set ranges by; expect the int8 "
                    "model's scores to move; give {} or more",
                    chosen, kFewPictures));
  } else if (chosen < kFewPictures) {
    remarks.push_back(
        fmt::format("{} pictures are few; {} or more are usual", chosen, kFewPictures));
  }
  const std::set<std::string> groups(survey.groups.begin(), survey.groups.end());
  if (groups.size() == 1) remarks.push_back("the pool is of one class, as far as can be told");
  for (const CalibrationTensor& tensor : file.tensors) {
    if (tensor.values.min == tensor.values.max) {
      remarks.push_back(
          fmt::format("layer {} gives {} everywhere", quoted(tensor.layer), tensor.values.min));
    }
  }
  const double gain =
      figure(file.certificate, "random_mean_distance") - figure(file.certificate, "mean_distance");
  if (options.strategy == SelectionStrategy::cover &&
      gain < 2 * figure(file.certificate, "random_mean_distance_deviation")) {
    remarks.push_back("the choice covers the pool no better than random ones, within their noise");
  }
  return remarks;
}

/// `file` as one finds it from the folder of `out`.
std::string relative_to(const std::filesystem::path& out, const std::filesystem::path& file) {
  const auto folder_of = [](const std::filesystem::path& path) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path).parent_path());
  };
  const auto place = folder_of(file) / file.filename();
  return to_utf8(place.lexically_proximate(folder_of(out)).generic_string());
}

void check_options(const CalibrateOptions& options) {
  if (options.model.empty()) fail("calibrate: no model given; name its file");
  if (options.out.empty()) fail("no file to write the calibration to; pass -o FILE.json");
  want_inputs(options.input);
  AtomicFile(options.out);  // a path that can't be written fails before the long work
}

}  // namespace

CalibrateResult run_calibrate(const CalibrateOptions& options) {
  check_options(options);
  const int workers = options.workers > 0 ? options.workers : usable_cores();
  const Subject subject = make_subject(options);
  const Pool pool = gather(options);
  if (pool.pictures.empty()) {
    fail(
        "no picture is left to calibrate with: of {} listed, {} can't be decoded and {} are to be "
        "avoided; give others",
        pool.listed, pool.undecodable, pool.avoided);
  }
  const Survey looked = survey(subject, pool, workers, options.output.quiet);
  SelectionOptions choice;
  choice.strategy = options.strategy;
  choice.count = options.count;
  choice.foreign_multiple = options.foreign;
  choice.seed = options.seed;
  const Selection selection =
      select_pictures(looked.features, looked.groups, looked.names, looked.extremes, choice);
  std::vector<Candidate> chosen;
  CalibrateResult result;
  CalibrationFile& file = result.file;
  for (const int64_t row : selection.chosen) {
    chosen.push_back(pool.pictures[static_cast<size_t>(row)]);
    const ImageEntry& entry = chosen.back().entry;
    file.pictures.push_back({entry.path, relative_to(options.out, entry.file), entry.slice,
                             entry.label, chosen.back().sha256});
  }
  file.command =
      fmt::format("fpcls calibrate --count {} --strategy {} --foreign {} --seed {}", options.count,
                  enum_name(options.strategy), options.foreign, options.seed);
  file.version = version();
  file.model_sha256 = subject.model.sha256;
  file.preprocessing_sha256 = preprocessing_sha256(subject.model.preprocessing);
  file.executor = enum_name(subject.kind);
  file.seed = static_cast<int64_t>(options.seed);
  file.tensors = collect(subject, chosen, workers, options.output.quiet);
  const auto count = [&](const char* name, int64_t value) {
    file.certificate.emplace_back(name, static_cast<double>(value));
  };
  count("listed", pool.listed);
  count("undecodable", pool.undecodable);
  count("copies", pool.copies);
  count("near_copies", pool.near_copies);
  count("avoided", pool.avoided);
  count("foreign", static_cast<int64_t>(selection.foreign.size()));
  count("chosen", static_cast<int64_t>(chosen.size()));
  const Certificate coverage = certify(looked, selection, choice);
  file.certificate.insert(file.certificate.end(), coverage.begin(), coverage.end());
  result.remarks = remarks_of(options, looked, file);
  save_calibration_file(options.out, file);
  return result;
}

Document calibrate_document(const CalibrateResult& result) {
  Table table("certificate", {text_column("name", "figure"), number_column("value", "value", 4)});
  for (const auto& [name, value] : result.file.certificate) {
    if (value == std::floor(value)) {
      table.add_row({name, with_thousands(static_cast<int64_t>(value))});
    } else {
      table.add_row({name, value});
    }
  }
  table.notes = {
      "distances are from a picture of the pool to the nearest chosen one, in the model's features",
      "range_ratio: each layer's largest magnitude on the chosen pictures over that on the pool",
      "random_: mean over ten sets of the same size drawn at random in the same groups"};
  Document document;
  document.sections.push_back({"Certificate", {std::move(table)}});
  return document;
}

}  // namespace fpcls
