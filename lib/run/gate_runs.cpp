#include "run/gate_runs.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "metrics/intervals.h"
#include "predictions/csv.h"
#include "predictions/store.h"
#include "run/environment.h"
#include "run/judge.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;

fs::path prediction_file(const std::string& input) {
  const fs::path file = fs::is_directory(input) ? fs::path(input) / kStoreName : fs::path(input);
  if (!fs::exists(file)) {
    fail("{}: has no predictions; name a folder that 'fpcls evaluate --out' wrote, or a .csv",
         quoted(input));
  }
  return file;
}

bool comes_before(const Prediction& a, const Prediction& b, RowOrder order) {
  if (order == RowOrder::path) return std::tie(a.path, a.row) < std::tie(b.path, b.row);
  return std::tie(a.sha256, a.path, a.row) < std::tie(b.sha256, b.path, b.row);
}

GateRun open_csv(const std::string& input, const GateRun* like) {
  const bool stages_known = like != nullptr && like->is_store;
  auto csv = std::make_shared<CsvPredictions>(
      read_predictions_csv(input, stages_known ? like->run.stages : std::vector<StageInfo>()));
  GateRun run{input, false, true, csv->run, static_cast<int64_t>(csv->predictions.size()), {}, {}};
  if (stages_known) run.run.otherwise = like->run.otherwise;
  for (const std::string& column : csv->ignored_columns) {
    run.remarks.push_back(fmt::format("{}: column {} isn't used", quoted(input), quoted(column)));
  }
  run.knows_content = std::any_of(csv->predictions.begin(), csv->predictions.end(),
                                  [](const Prediction& p) { return !p.sha256.empty(); });
  run.sorted = [csv](RowOrder order) -> SortedSource {
    std::sort(
        csv->predictions.begin(), csv->predictions.end(),
        [order](const Prediction& a, const Prediction& b) { return comes_before(a, b, order); });
    return [csv, next = size_t{0}](Prediction& prediction) mutable {
      if (next == csv->predictions.size()) return false;
      prediction = csv->predictions[next++];
      return true;
    };
  };
  return run;
}

GateRun open_store(const std::string& input, const fs::path& file) {
  PredictionReader reader(file);
  GateRun run{input, true, true, reader.run(), reader.size(), {}, {}};
  run.sorted = [file](RowOrder order) -> SortedSource {
    auto sorted = std::make_shared<PredictionReader>(file, order);
    return [sorted](Prediction& prediction) { return sorted->next(prediction); };
  };
  return run;
}

bool allowed(const std::vector<Allowance>& allow, Allowance what) {
  return std::find(allow.begin(), allow.end(), what) != allow.end();
}

bool has_int8(const RunInfo& run) {
  return std::any_of(run.stages.begin(), run.stages.end(), [](const StageInfo& stage) {
    return stage.precision.find("int8") != std::string::npos;
  });
}

void check_isa(const GateRun& base, const GateRun& candidate) {
  if (!has_int8(base.run) && !has_int8(candidate.run)) return;
  if (base.run.isa.empty() || candidate.run.isa.empty()) return;
  const std::string before = int8_instructions(base.run.isa);
  const std::string now = int8_instructions(candidate.run.isa);
  if (before == now) return;
  fail(
      "{}: an int8 model ran on {}, and in {} on {}, whose sums differ: the machine would be "
      "judged "
      "with the model; evaluate both on one machine, or pass --allow isa",
      quoted(candidate.name), now, quoted(base.name), before);
}

std::string short_hash(const std::string& sha256) { return sha256.substr(0, 12); }

class Differences {
 public:
  void add(const std::string& what, const std::string& base, const std::string& candidate) {
    if (base != candidate) all_.push_back({what, base, candidate});
  }
  std::vector<RunDifference> take() { return std::move(all_); }

 private:
  std::vector<RunDifference> all_;
};

void add_stage(Differences& all, const StageInfo& base, const StageInfo& candidate) {
  const std::string name = base.name;
  const auto labels = [](const StageInfo& stage) {
    return fmt::format("{}", fmt::join(stage.scored_labels, ", ")) +
           (stage.negative.empty() ? "" : " / " + stage.negative);
  };
  all.add("labels of " + name, labels(base), labels(candidate));
  all.add("model of " + name, short_hash(base.model_sha256), short_hash(candidate.model_sha256));
  all.add("precision of " + name, base.precision, candidate.precision);
  all.add("accept of " + name, fmt::format("{}", base.accept), fmt::format("{}", candidate.accept));
  if (!base.preprocessing.empty() && !candidate.preprocessing.empty()) {
    all.add("preprocessing of " + name, base.preprocessing, candidate.preprocessing);
  }
}

}  // namespace

GateRun open_gate_run(const std::string& input, const GateRun* like) {
  const fs::path file = prediction_file(input);
  if (looks_like_store(file)) return open_store(input, file);
  if (fs::is_directory(input)) {
    fail("{}: isn't a store of predictions; the file is damaged: make it again, or restore a copy",
         quoted(file));
  }
  return open_csv(input, like);
}

void check_comparable(const GateRun& base, const GateRun& candidate,
                      const std::vector<Allowance>& allow) {
  for (const GateRun* run : {&base, &candidate}) {
    if (run->size == 0) {
      fail("{}: holds no prediction, so there is nothing to compare; run evaluate first",
           quoted(run->name));
    }
    if (run->is_store && !has_ended(run->run) && !allowed(allow, Allowance::unfinished)) {
      fail(
          "{}: comes from a run that hasn't ended ({} of {} pictures); go on with it by 'evaluate "
          "--resume', or compare what there is by --allow unfinished",
          quoted(run->name), run->size, run->run.listed);
    }
  }
  if (!allowed(allow, Allowance::isa)) check_isa(base, candidate);
}

std::vector<RunDifference> run_differences(const RunInfo& base, const RunInfo& candidate) {
  Differences all;
  const auto find = [](const RunInfo& run, const std::string& name) {
    return std::find_if(run.stages.begin(), run.stages.end(),
                        [&](const StageInfo& stage) { return stage.name == name; });
  };
  for (const StageInfo& stage : base.stages) {
    const auto match = find(candidate, stage.name);
    if (match == candidate.stages.end()) {
      all.add("stage " + stage.name, "there", "");
    } else {
      add_stage(all, stage, *match);
    }
  }
  for (const StageInfo& stage : candidate.stages) {
    if (find(base, stage.name) == base.stages.end()) all.add("stage " + stage.name, "", "there");
  }
  all.add("otherwise", base.otherwise, candidate.otherwise);
  const auto exit_text = [](const RunInfo& run) { return run.all_stages ? "all" : "early exit"; };
  if (!base.stages.empty()) all.add("stages run", exit_text(base), exit_text(candidate));
  all.add("version", base.version, candidate.version);
  all.add("cpu", base.cpu, candidate.cpu);
  all.add("isa", base.isa, candidate.isa);
  all.add("device", base.device, candidate.device);
  return all.take();
}

RunCost run_cost(const std::string& input) {
  const fs::path file = prediction_file(input);
  if (!looks_like_store(file)) {
    fail("{}: isn't a store, and says nothing of speed or memory; name what evaluate wrote",
         quoted(input));
  }
  PredictionReader reader(file);
  std::vector<float> ms;
  reader.for_each([&](const Prediction& prediction) {
    if (prediction.total_ms() > 0) ms.push_back(static_cast<float>(prediction.total_ms()));
  });
  std::sort(ms.begin(), ms.end());
  return {reader.run().cpu, ms.empty() ? 0 : quantile(ms, 0.5),
          static_cast<double>(reader.run().peak_rss_bytes)};
}

}  // namespace fpcls
