#include "run/bench.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/progress.h"
#include "base/text.h"
#include "config/options.h"
#include "metrics/rank_test.h"
#include "run/bench_case.h"
#include "run/child_process.h"

namespace fpcls {
namespace {

constexpr int kComparedRepeats = 10;
constexpr double kBusy_ratio = 0.05;
constexpr double kSteal_ratio = 0.02;
constexpr double kSignificance = 0.05;

/// A model in one of the ways to run it.
struct Subject {
  std::string model;
  ExecutorKind executor;
  FloatType float_type;
};

std::vector<Subject> subjects_of(const BenchOptions& o) {
  std::vector<std::string> models = o.models;
  if (!o.against.empty()) models.insert(models.begin(), o.against);
  if (models.empty()) fail("bench: no model given; name its file");
  std::vector<ExecutorKind> executors = o.executor;
  if (executors.empty()) executors.push_back(ExecutorKind::automatic);
  std::vector<FloatType> types = o.float_type;
  if (types.empty()) types.push_back(FloatType::f32);
  std::vector<Subject> subjects;
  for (const std::string& model : models) {
    for (const ExecutorKind executor : executors) {
      for (const FloatType type : types) subjects.push_back({model, executor, type});
    }
  }
  return subjects;
}

/// Subjects outermost, so that the base's cases come first.
std::vector<BenchCase> cases_of(const BenchOptions& options, const std::vector<Subject>& subjects) {
  std::vector<BenchCase> cases;
  for (const Subject& subject : subjects) {
    for (const int workers : options.workers) {
      for (const int batch : options.batch) {
        cases.push_back({subject.model, subject.executor, subject.float_type, batch, workers});
      }
    }
  }
  return cases;
}

void check_options(const BenchOptions& o) {
  if (o.batch.empty() || o.workers.empty()) fail("bench: --batch and --workers need a value");
  if (o.price > 0 && o.device != "cpu") return;
  for (const std::string& model : o.models) {
    if (!is_cascade_file(model)) continue;
    if (o.clients > 0 || o.noise || !o.layer.empty()) {
      fail("bench: {} is a cascade, which has no --clients, --noise or --output; name models",
           quoted(model));
    }
  }
}

BenchRecord measure_here(const BenchOptions& options, const BenchCase& what) {
  return is_cascade_file(what.model) ? measure_cascade(options, what)
                                     : measure_model(options, what);
}

/// This program's arguments that measure one case, once.
std::vector<std::string> arguments_for(const BenchOptions& options, const BenchCase& what) {
  BenchOptions single = options;
  single.models = {what.model};
  single.against.clear();
  single.executor = {what.executor};
  single.float_type = {what.float_type};
  single.batch = {what.batch};
  single.workers = {what.workers};
  single.repeats = 1;
  single.noise = false;
  single.price = 0;
  single.curve.clear();
  single.output.format = OutputFormat::json;
  single.output.quiet = true;
  single.output.verbose = false;
  std::vector<std::string> arguments{"bench", what.model};
  for (const OptionSpec& spec : describe_options(single)) {
    if (spec.positional) continue;
    for (const std::string& value : spec.values()) {
      if (spec.kind == ValueKind::boolean) {
        if (value == "true") arguments.push_back(flag_name(spec));
      } else if (!value.empty()) {
        arguments.push_back(flag_name(spec) + "=" + value);
      }
    }
  }
  return arguments;
}

BenchRecord measure_apart(const BenchOptions& options, const BenchCase& what,
                          const std::string& program) {
  const std::string json = child_output(program, arguments_for(options, what));
  std::vector<BenchRecord> records = parse_bench_json(json, quoted(program));
  if (records.size() != 1)
    fail("{}: measured {} cases, expected 1", quoted(program), records.size());
  return std::move(records[0]);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/// The repeat in the middle stands for all; what was busiest, for the machine.
BenchRecord joined(std::vector<BenchRecord> repeats) {
  std::vector<double> rates;
  BenchMachine machine = repeats[0].machine;
  for (const BenchRecord& r : repeats) {
    rates.push_back(r.throughput.images_per_second);
    machine.others_ratio = std::max(machine.others_ratio, r.machine.others_ratio);
    machine.steal_ratio = std::max(machine.steal_ratio, r.machine.steal_ratio);
  }
  const double middle = median(rates);
  const auto nearest = std::min_element(repeats.begin(), repeats.end(),
                                        [&](const BenchRecord& a, const BenchRecord& b) {
                                          return std::abs(a.throughput.images_per_second - middle) <
                                                 std::abs(b.throughput.images_per_second - middle);
                                        });
  BenchRecord record = *nearest;
  record.throughput.images_per_second = middle;
  record.repeats = std::move(rates);
  record.machine = std::move(machine);
  return record;
}

void compare(std::vector<BenchRecord>& records, size_t cases_each) {
  for (size_t i = cases_each; i < records.size(); ++i) {
    const BenchRecord& base = records[i % cases_each];
    const auto test = mann_whitney(records[i].repeats, base.repeats);
    const auto ratio = ratio_of(records[i].repeats, base.repeats);
    if (!test || !ratio) continue;
    BenchAgainst against;
    against.base = base.subject();
    against.speed_ratio = ratio->ratio;
    against.low = ratio->low;
    against.high = ratio->high;
    against.p = test->p;
    against.significant = test->p <= kSignificance;
    records[i].against = std::move(against);
  }
}

std::vector<std::string> remarks_on(const std::vector<BenchRecord>& records) {
  std::vector<std::string> remarks;
  double others = 0, steal = 0;
  for (const BenchRecord& r : records) {
    others = std::max(others, r.machine.others_ratio);
    steal = std::max(steal, r.machine.steal_ratio);
    if (!r.throughput.stable) {
      remarks.push_back(fmt::format(
          "{}, batch {}, {} workers: no three windows of {} agree within 5 %; measure longer "
          "(--window), or on a quieter machine",
          r.subject(), r.batch, r.workers, r.throughput.windows));
    }
  }
  if (others > kBusy_ratio) {
    remarks.push_back(fmt::format(
        "the machine was busy: other processes used up to {:.0f} % of its processors meanwhile; "
        "these figures are too low",
        100 * others));
  }
  if (steal > kSteal_ratio) {
    remarks.push_back(fmt::format(
        "the host took away up to {:.0f} % of this virtual machine's processors meanwhile",
        100 * steal));
  }
  return remarks;
}

}  // namespace

BenchResult run_bench(const BenchOptions& options, const std::string& program) {
  check_options(options);
  const std::vector<Subject> subjects = subjects_of(options);
  const std::vector<BenchCase> cases = cases_of(options, subjects);
  const int repeats = options.repeats > 0   ? options.repeats
                      : subjects.size() > 1 ? kComparedRepeats
                                            : 1;
  BenchResult result;
  if (cases.size() == 1 && repeats == 1) {
    result.records.push_back(measure_here(options, cases[0]));
  } else {
    std::vector<std::vector<BenchRecord>> all(cases.size());
    Progress progress("measuring", "runs", static_cast<int64_t>(cases.size()) * repeats,
                      options.output.quiet);
    for (int repeat = 0; repeat < repeats; ++repeat) {
      for (size_t i = 0; i < cases.size(); ++i) {
        all[i].push_back(measure_apart(options, cases[i], program));
        progress.advance();
      }
    }
    for (auto& measured : all) result.records.push_back(joined(std::move(measured)));
    if (subjects.size() > 1) compare(result.records, cases.size() / subjects.size());
  }
  for (size_t i = 0; i < result.records.size(); ++i) {
    BenchRecord& record = result.records[i];
    if (options.price > 0 && record.throughput.images_per_second > 0) {
      constexpr double kMillion = 1e6, kSecondsInHour = 3600;
      record.throughput.cost_per_million =
          options.price * kMillion / kSecondsInHour / record.throughput.images_per_second;
    }
    const bool first_of_subject = i % (cases.size() / subjects.size()) == 0;
    if (options.noise && first_of_subject) record.noise = measure_noise(options, cases[i]);
  }
  result.remarks = remarks_on(result.records);
  return result;
}

}  // namespace fpcls
