#include "run/quantized_files.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/hash.h"
#include "base/text.h"
#include "run/version.h"

namespace fpcls {
namespace {

std::filesystem::path trial_file(const std::filesystem::path& folder, size_t trial) {
  return folder / fmt::format("trial-{}.safetensors", trial);
}

std::string weights_text(const Int8Options& int8) {
  std::string text = fmt::format("-{0} to {0}", int8.highest_weight);
  if (int8.highest_weight_of_signed != int8.highest_weight) {
    text += fmt::format(", -{0} to {0} in layers that read negative numbers",
                        int8.highest_weight_of_signed);
  }
  return text;
}

std::string activations_text(const Int8Options& int8) {
  return fmt::format("symmetric: 0 to {}, -128 to 127 where they can be negative",
                     (1 << int8.activation_bits) - 1);
}

}  // namespace

Metadata metadata_of(const LoadedModel& model, const QuantizeOptions& options,
                     const QuantizingPlan& plan, const std::string& isa,
                     const ControlTrial* trial) {
  Metadata metadata;
  metadata.head = model.head;
  metadata.preprocessing = model.preprocessing;
  metadata.accept = model.accept;
  metadata.precision = "int8";
  metadata.architecture = model.architecture;
  metadata.provenance = model.provenance;
  const RangeMethod method = trial != nullptr ? trial->method : options.ranges;
  std::string ranges = method == RangeMethod::percentile
                           ? fmt::format("percentile {}", options.percentile)
                           : std::string(enum_name(method));
  std::vector<std::string> kept = options.keep, bf16 = options.keep_bf16;
  if (trial != nullptr) {
    kept.insert(kept.end(), trial->kept.begin(), trial->kept.end());
    bf16.insert(bf16.end(), trial->kept_bf16.begin(), trial->kept_bf16.end());
    const auto raised = [&](const std::string& layer) {
      return std::count(kept.begin(), kept.end(), layer) != 0;
    };
    bf16.erase(std::remove_if(bf16.begin(), bf16.end(), raised), bf16.end());
    for (const auto& [result, other] : trial->other_ranges) {
      ranges += fmt::format(", {}: {}", result, enum_name(other));
    }
  }
  const Provenance made{{"fpcls", version()},
                        {"quantized_from", model.sha256},
                        {"calibration", sha256_of_file(options.calibration)},
                        {"ranges", std::move(ranges)},
                        {"weights", weights_text(plan.int8)},
                        {"activations", activations_text(plan.int8)},
                        {"biases", plan.correct_biases ? "corrected" : "kept"},
                        {"scales", options.keep_scales ? "kept" : "equalised where it helps"},
                        {"classifier", plan.solve_classifier ? "solved again" : "kept"},
                        {"int8_isa", isa}};
  metadata.provenance.insert(metadata.provenance.end(), made.begin(), made.end());
  if (!kept.empty()) {
    metadata.provenance.emplace_back("kept_layers", fmt::format("{}", fmt::join(kept, " ")));
  }
  if (!bf16.empty()) {
    metadata.provenance.emplace_back("bf16_layers", fmt::format("{}", fmt::join(bf16, " ")));
  }
  return metadata;
}

std::function<void(const QuantizingResult&, const std::vector<ControlTrial>&)> unbeaten_writer(
    const LoadedModel& model, const QuantizeOptions& options, const QuantizingPlan& plan,
    const std::string& isa) {
  return [&](const QuantizingResult& made, const std::vector<ControlTrial>& trials) {
    const std::filesystem::path folder = options.unbeaten;
    save_model_file(trial_file(folder, trials.size() - 1), made.graph,
                    metadata_of(model, options, plan, isa, &trials.back()));
    const std::vector<size_t> unbeaten = pareto_trials(trials);
    for (size_t i = 0; i < trials.size(); ++i) {
      if (std::count(unbeaten.begin(), unbeaten.end(), i) != 0) continue;
      std::error_code ignored;  // it may not have been kept at all
      std::filesystem::remove(trial_file(folder, i), ignored);
    }
  };
}

}  // namespace fpcls
