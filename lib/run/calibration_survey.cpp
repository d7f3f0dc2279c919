#include "run/calibration_survey.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/text.h"
#include "base/threads.h"
#include "graph/fold.h"
#include "graph/head.h"
#include "images/network_input.h"
#include "images/open_picture.h"

namespace fpcls {
namespace {

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

/// Averages over places, then to few dimensions by sums of random signs (Achlioptas 2003).
std::vector<float> features_of(const Tensor& values) {
  const int64_t channels = values.shape()[1];
  const int64_t places = values.count() / channels;
  const float* numbers = values.data<float>();
  std::vector<float> features(kPictureFeatures);
  for (int64_t c = 0; c < channels; ++c) {
    double mean = 0;
    for (int64_t i = 0; i < places; ++i) mean += double{numbers[c * places + i]};
    mean /= static_cast<double>(places);
    const uint64_t signs = derive_seed(0, static_cast<uint64_t>(c));
    for (size_t d = 0; d < features.size(); ++d) {
      features[d] += static_cast<float>((signs >> d & 1) != 0 ? mean : -mean);
    }
  }
  return features;
}

/// What the model takes a picture for.
std::string taken_for(const Head& head, const Tensor& logits) {
  const std::vector<float> scores = scores_of(head, logits.data<float>());
  if (head.binary()) {
    return fmt::format("score {}", std::min(4, static_cast<int>(scores[0] * 5)));
  }
  const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
  return head.labels[static_cast<size_t>(best)];
}

std::string group_of(const Candidate& picture, const std::string& taken_for) {
  return picture.entry.slice + "\n" + picture.entry.label.value_or(taken_for);
}

/// What `PictureLook::kept` holds.
struct Kept {
  std::vector<Histogram> histograms;  ///< by slot
  std::vector<float> logits;
};

std::string kept_bytes_of(const Kept& kept) {
  std::string bytes(reinterpret_cast<const char*>(kept.logits.data()),
                    kept.logits.size() * sizeof(float));
  for (const Histogram& h : kept.histograms) bytes += packed(h);
  return bytes;
}

std::optional<Kept> parse_kept(std::string_view bytes, size_t slots, size_t outputs) {
  Kept kept;
  kept.logits.resize(outputs);
  const size_t logit_bytes = outputs * sizeof(float);
  if (bytes.size() < logit_bytes) return std::nullopt;
  std::memcpy(kept.logits.data(), bytes.data(), logit_bytes);
  bytes.remove_prefix(logit_bytes);
  for (size_t i = 0; i < slots; ++i) {
    auto histogram = unpacked(bytes);
    if (!histogram) return std::nullopt;
    kept.histograms.push_back(std::move(*histogram));
  }
  return bytes.empty() ? std::optional(std::move(kept)) : std::nullopt;
}

}  // namespace

Subject make_subject(const std::string& file, const ForeignModelOptions& foreign,
                     ExecutorKind executor, Switch bf16) {
  LoadedModel model = load_model(file, foreign);
  if (model.precision.find("8") != std::string::npos) {
    fail("{}: is {} already; calibrate the model that it was made from", quoted(file),
         model.precision);
  }
  Graph graph = fold_batch_norms(model.graph);
  const ExecutorKind kind = choose_executor(executor, graph, {}).kind;
  ExecutorOptions setup;
  setup.float_type = float_type_of(bf16, kind);
  if (bf16 == Switch::on && setup.float_type != FloatType::bf16) {
    fail("--bf16 on: {}; leave that out",
         kind == ExecutorKind::engine
             ? "this processor doesn't multiply bf16"
             : quoted(file) + " runs in the torch executor, which computes in f32");
  }
  auto made = make_executor(kind, graph, model.preprocessing, setup);
  const PixelTable pixels = pixel_table(model.preprocessing);
  Subject s{std::move(model), std::move(graph), kind, setup.float_type,
            std::move(made),  pixels,           {},   0};
  s.slots[0] = 0;
  for (const ExecutorStep& step : s.executor->steps()) s.slots.emplace(step.node, s.slots.size());
  s.feature_node = find_feature_node(s.graph, s.slots);
  return s;
}

PictureLook Surveyor::look_at(const Candidate& picture, bool keep) const {
  PictureLook look;
  look.extremes.resize(subject_.slots.size());
  Kept kept;
  if (keep) kept.histograms.resize(subject_.slots.size());
  const NodeHook hook = [&](const NodeResult& result) {
    const auto slot = subject_.slots.find(result.node);
    if (slot == subject_.slots.end()) return;
    const Tensor values = result.unordered();
    const auto count = static_cast<size_t>(values.count());
    const NumberExtent extent = extent_of(values.data<float>(), count);
    if (extent.nonfinite != 0) {
      fail("{}: layer {} gives NaN or infinity for {}; the model can't be calibrated",
           quoted(subject_.model.path), quoted(subject_.graph.node(result.node).name),
           quoted(picture.entry.path));
    }
    look.extremes[slot->second] = std::max(std::abs(extent.min), std::abs(extent.max));
    if (keep) kept.histograms[slot->second].add(values.data<float>(), count, extent);
    if (result.node == subject_.feature_node) look.features = features_of(result.values());
  };
  const Tensor logits = subject_.executor->run(input_of(subject_, picture), hook);
  look.taken_for = taken_for(subject_.model.head, logits);
  if (!keep) return look;
  kept.logits.assign(logits.data<float>(), logits.data<float>() + logits.count());
  look.kept = kept_bytes_of(kept);
  return look;
}

Survey Surveyor::look(const CalibrationPool& pool, CalibrationJournal& journal) const {
  const size_t count = pool.pictures.size(), layers = subject_.slots.size();
  Survey survey;
  survey.features.dimensions = kPictureFeatures;
  survey.features.values.resize(count * kPictureFeatures);
  survey.extremes.resize(count * layers);
  survey.groups.resize(count);
  survey.kept.resize(count);
  for (const Candidate& picture : pool.pictures) survey.names.push_back(picture.sha256);
  std::atomic<int64_t> kept_bytes{0};
  const auto note = [&](size_t i, PictureLook&& look) {
    std::copy(look.features.begin(), look.features.end(),
              survey.features.values.begin() + static_cast<std::ptrdiff_t>(i * kPictureFeatures));
    std::copy(look.extremes.begin(), look.extremes.end(),
              survey.extremes.begin() + static_cast<std::ptrdiff_t>(i * layers));
    survey.groups[i] = group_of(pool.pictures[i], look.taken_for);
    if (kept_bytes > most_kept_bytes_) return;
    kept_bytes += static_cast<int64_t>(look.kept.size());
    survey.kept[i] = std::move(look.kept);
  };
  std::map<std::string, PictureLook> known = journal.take_known();
  std::vector<size_t> unknown;
  for (size_t i = 0; i < count; ++i) {
    const auto found = known.find(pool.pictures[i].sha256);
    if (found == known.end()) {
      unknown.push_back(i);
    } else {
      note(i, std::move(found->second));
    }
  }
  std::atomic<size_t> next{0};
  Progress progress("looking", "pictures", static_cast<int64_t>(unknown.size()), quiet_);
  run_workers(workers_, [&](int) {
    for (size_t i = next++; i < unknown.size(); i = next++) {
      const Candidate& picture = pool.pictures[unknown[i]];
      PictureLook look = look_at(picture, kept_bytes < most_kept_bytes_);
      journal.add(picture.sha256, look);
      note(unknown[i], std::move(look));
      progress.advance();
    }
  });
  return survey;
}

Collected Surveyor::collect(const CalibrationPool& pool, const Survey& survey,
                            const std::vector<int64_t>& chosen) const {
  const size_t slots = subject_.slots.size();
  const auto outputs = static_cast<size_t>(subject_.graph.output_count());
  std::vector<std::vector<Histogram>> sums(static_cast<size_t>(workers_),
                                           std::vector<Histogram>(slots));
  Collected collected;
  collected.logits.resize(chosen.size());
  std::atomic<size_t> next{0};
  Progress progress("calibrating", "pictures", static_cast<int64_t>(chosen.size()), quiet_);
  run_workers(workers_, [&](int worker) {
    for (size_t i = next++; i < chosen.size(); i = next++) {
      const auto row = static_cast<size_t>(chosen[i]);
      auto kept = parse_kept(survey.kept[row], slots, outputs);
      if (!kept) kept = parse_kept(look_at(pool.pictures[row], true).kept, slots, outputs);
      FPCLS_CHECK(kept.has_value());
      for (size_t s = 0; s < slots; ++s) {
        sums[static_cast<size_t>(worker)][s].merge(kept->histograms[s]);
      }
      collected.logits[i] = std::move(kept->logits);
      progress.advance();
    }
  });
  collected.tensors.resize(slots);
  for (const auto& [node, slot] : subject_.slots) {
    collected.tensors[slot].layer = subject_.graph.node(node).name;
    for (const auto& worker : sums) collected.tensors[slot].values.merge(worker[slot]);
  }
  return collected;
}

}  // namespace fpcls
