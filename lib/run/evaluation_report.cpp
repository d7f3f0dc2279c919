#include "run/evaluation_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "run/evaluation_tables.h"

namespace fpcls {
namespace {

constexpr size_t kErrorsShown = 20;
constexpr size_t kBadImagesShown = 10;

std::string bound_text(double bound) { return fmt::format("≥{:.2f}", bound); }

int64_t decoded_count(const ImageCounts& images) { return images.judged + images.unlabelled; }

std::string cascade_text(const RunInfo& run) {
  std::string text;
  for (const StageInfo& stage : run.stages) {
    text += fmt::format("{} ≥{} → ", stage.name, stage.accept);
  }
  return text + run.otherwise;
}

Section summary_section(const RunInfo& run, const Evaluation& e) {
  KeyValues facts;
  std::string pictures = with_thousands(e.images.judged) + " judged";
  if (e.images.unlabelled > 0)
    pictures += ", " + with_thousands(e.images.unlabelled) + " unlabelled";
  if (e.images.undecodable > 0) {
    pictures += ", " + with_thousands(e.images.undecodable) + " undecodable";
  }
  if (e.pictures_with_warnings > 0) {
    pictures += ", " + with_thousands(e.pictures_with_warnings) + " read with warnings";
  }
  facts.entries.emplace_back("pictures", pictures);
  if (e.overall.accuracy) {
    facts.entries.emplace_back(
        "accuracy",
        fmt::format("{:.6f} ({} of {} right; 95 %: {:.3f}–{:.3f})", *e.overall.accuracy,
                    with_thousands(e.overall.correct), with_thousands(e.overall.judged),
                    e.overall.accuracy_interval->low, e.overall.accuracy_interval->high));
  }
  if (!run.stages.empty()) facts.entries.emplace_back("cascade", cascade_text(run));
  if (run.shard_count > 1) {
    facts.entries.emplace_back("shard", fmt::format("{} of {}", run.shard, run.shard_count));
  }
  return {"", {facts}};
}

/// What the stages said, where there is no truth to hold it against.
Section accepted_section(const RunInfo& run, const Evaluation& e) {
  const Paragraph why{"No picture has a label, so there is nothing to judge by."};
  if (e.funnel.empty()) return {"Answers", {why}};
  Table table("accepted", {text_column("stage"), count_column("accepted"),
                           percent_column("accepted_ratio", "share")});
  const auto decoded = static_cast<double>(decoded_count(e.images));
  int64_t left = decoded_count(e.images);
  for (const FunnelStage& f : e.funnel) {
    table.add_row({f.stage, f.accepted, static_cast<double>(f.accepted) / decoded});
    left -= f.accepted;
  }
  table.add_rule();
  table.add_row({run.otherwise, left, static_cast<double>(left) / decoded});
  return {"Answers", {why, table}};
}

Cell decimal_cell(const std::optional<float>& value) {
  return value ? Cell(as_decimal(*value)) : Cell();
}

Section acceptance_section(const Evaluation& e) {
  return {"Acceptance", {classes_table(e.classes)}};
}

Section buckets_section(const Evaluation& e) {
  std::vector<Column> columns = {text_column("stage"), count_column("images", "pictures")};
  const std::vector<double> bounds = bucket_bounds();
  for (const double bound : bounds) {
    columns.push_back(percent_column(fmt::format("ratio_{}", bound), bound_text(bound), 2));
  }
  for (const double bound : bounds) {
    columns.push_back(count_column(fmt::format("count_{}", bound), bound_text(bound), "count"));
  }
  Table table("buckets", columns);
  for (const Buckets& b : e.buckets) {
    std::vector<Cell> cells = {b.stage, b.images};
    for (const auto& ratio : b.ratio) cells.emplace_back(ratio);
    for (const int64_t count : b.count) cells.emplace_back(count);
    table.add_row(cells);
  }
  table.notes = {
      "the stage's pictures whose score for the correct class is at least the bound; the score for "
      "the correct class is the score where the truth is the stage's positive label, else 1 - "
      "score",
      "pictures: labelled ones that the stage scored (of a stage with a negative label, those of "
      "its two labels)"};
  return {"Confidence in the correct class", {table}};
}

Section scores_section(const RunInfo& run, const Evaluation& e) {
  Section section{"Scores", {}};
  section.blocks.emplace_back(Paragraph{
      fmt::format("Pictures by score in {} bins from 0 to 1: positive where the truth is the label "
                  "that the score is for, negative elsewhere; each row to its own scale.",
                  kHistogramBins)});
  for (size_t i = 0; i < e.scores.size(); ++i) {
    const ScoreHistogram& s = e.scores[i];
    const Mark accept{s.stage, as_decimal(run.stages.at(i).accept)};
    Chart chart{s.stage, "0", "1", {{"positive", {}}, {"negative", {}}}, accept};
    chart.series[0].values.assign(s.positive.begin(), s.positive.end());
    chart.series[1].values.assign(s.negative.begin(), s.negative.end());
    section.blocks.emplace_back(chart);
  }
  return section;
}

Section funnel_section(const Evaluation& e) {
  Section section{"Funnel", {funnel_table(e.funnel)}};
  if (e.uncharged_errors > 0) {
    section.blocks.emplace_back(Paragraph{
        fmt::format("Wrong answers that are charged to no stage, because none knows the true label "
                    "and none accepted: {}.",
                    with_thousands(e.uncharged_errors))});
  }
  return section;
}

Section confusion_section(const Evaluation& e) {
  if (e.confusion.labels.size() > kLabelsShown) {
    return {
        "Confusion",
        {Paragraph{fmt::format("{} labels are too many for a table; report.json has the counts.",
                               e.confusion.labels.size())}}};
  }
  return {"Confusion", {confusion_table(e.confusion)}};
}

Table slice_overview(const Evaluation& e) {
  Table table("slices", {text_column("slice"), count_column("judged", "pictures"),
                         count_column("unlabelled"), count_column("undecodable"),
                         count_column("correct", "right"), ratio_column("accuracy")});
  for (const SliceMetrics& s : e.slices) {
    table.add_row({s.name, s.images.judged, s.images.unlabelled, s.images.undecodable,
                   s.overall.accuracy ? Cell(s.overall.correct) : Cell(), s.overall.accuracy});
  }
  return table;
}

/// One row a slice, one column a class of the whole evaluation.
Table slice_ratios(const Evaluation& e, const char* name, const char* caption,
                   std::optional<double> ClassMetrics::*ratio) {
  std::vector<Column> columns = {text_column("slice")};
  for (const ClassMetrics& c : e.classes) {
    columns.push_back(named_by_data(ratio_column(c.label, c.label)));
  }
  Table table(name, columns);
  for (const SliceMetrics& s : e.slices) {
    std::vector<Cell> cells = {s.name};
    for (const ClassMetrics& c : e.classes) {
      const auto found =
          std::find_if(s.classes.begin(), s.classes.end(),
                       [&](const ClassMetrics& other) { return other.label == c.label; });
      cells.push_back(found == s.classes.end() ? Cell() : Cell((*found).*ratio));
    }
    table.add_row(cells);
  }
  table.caption = caption;
  return table;
}

Section slices_section(const Evaluation& e) {
  Section section{"Slices", {slice_overview(e)}};
  if (e.images.judged > 0 && e.classes.size() <= kLabelsShown) {
    section.blocks.emplace_back(
        slice_ratios(e, "slice_precision", "Precision", &ClassMetrics::precision));
    section.blocks.emplace_back(slice_ratios(e, "slice_recall", "Recall", &ClassMetrics::recall));
  }
  return section;
}

Section speed_section(const RunInfo& run, const Evaluation& e) {
  Section section{"Speed", {}};
  if (!e.latency.empty()) section.blocks.emplace_back(latency_table(e.latency));
  KeyValues facts;
  if (const auto rate = images_per_second(run, e)) {
    facts.entries.emplace_back(
        "throughput", fmt::format("{:.1f} pictures/s over {}", *rate, format_duration(run.wall_s)));
  }
  if (run.peak_rss_bytes > 0) {
    facts.entries.emplace_back("peak memory", format_bytes(run.peak_rss_bytes));
  }
  if (run.device_bytes > 0) {
    facts.entries.emplace_back("device memory", format_bytes(run.device_bytes));
  }
  if (e.cache.hits + e.cache.misses > 0) {
    facts.entries.emplace_back(
        "cache", fmt::format("{} hits, {} misses, {} bypassed", with_thousands(e.cache.hits),
                             with_thousands(e.cache.misses), with_thousands(e.cache.bypassed)));
  }
  if (!facts.entries.empty()) section.blocks.emplace_back(facts);
  return section;
}

Section errors_section(const Evaluation& e) {
  Table table("errors", {text_column("path"), text_column("slice"), text_column("label", "truth"),
                         text_column("predicted"), text_column("stage"),
                         ratio_column("score", "", 3), ratio_column("harm", "", 3)});
  const size_t shown = std::min(kErrorsShown, e.errors.size());
  for (size_t i = 0; i < shown; ++i) {
    const ErrorCase& error = e.errors[i];
    table.add_row({error.path, error.slice, error.label, error.predicted, error.stage,
                   decimal_cell(error.score), decimal_cell(error.harm)});
  }
  if (shown < e.errors.size()) {
    table.caption = fmt::format("The {} most harmful of {}; errors.csv has them all.", shown,
                                with_thousands(static_cast<int64_t>(e.errors.size())));
  }
  table.notes = {
      "stage, score: the stage that is charged, and its score for the label that harm is about",
      "harm: how sure the wrong decision was; the score for the wrong label that was accepted, or "
      "1 "
      "minus the score for the true label that was passed on"};
  return {"Wrong answers", {table}};
}

Section bad_images_section(const Evaluation& e, bool brief) {
  std::map<std::string, int64_t> by_code;
  for (const BadImage& bad : e.bad_images) ++by_code[bad.reason_code];
  Table codes("bad_image_codes",
              {text_column("reason_code", "code"), count_column("images", "pictures")});
  for (const auto& [code, count] : by_code) codes.add_row({code, count});
  Section section{"Pictures that can't be decoded", {codes}};
  if (!brief) section.blocks.emplace_back(bad_images_table(e.bad_images, kBadImagesShown));
  return section;
}

Section run_section(const RunInfo& run) {
  Section section{"Run", {}};
  if (!run.stages.empty()) {
    constexpr size_t kShaDigits = 12;
    Table table("models", {text_column("stage"), number_column("accept", "accept", 2),
                           text_column("precision", "type"), text_column("path", "model"),
                           text_column("sha256", "SHA-256")});
    for (const StageInfo& s : run.stages) {
      table.add_row({s.name, as_decimal(s.accept), s.precision, s.model_path,
                     s.model_sha256.substr(0, kShaDigits)});
    }
    section.blocks.emplace_back(table);
  }
  KeyValues facts;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) facts.entries.emplace_back(key, value);
  };
  std::string command;
  for (const std::string& word : run.command) command += (command.empty() ? "" : " ") + word;
  add("command", command);
  add("version", run.version);
  add("started", run.started);
  add("cpu", run.cpu);
  add("isa", run.isa);
  add("device", run.device);
  if (run.threads > 0) add("threads", std::to_string(run.threads));
  if (run.workers > 0) add("workers", std::to_string(run.workers));
  add("seed", std::to_string(run.seed));
  section.blocks.emplace_back(facts);
  return section;
}

/// `brief`: what fits on a screen or two.
Document document_of(const RunInfo& run, const Evaluation& e, bool brief) {
  Document document;
  document.title = fmt::format("Evaluation of {} picture{}", with_thousands(e.images.listed),
                               e.images.listed == 1 ? "" : "s");
  const auto add_if = [&](bool wanted, const auto& section) {
    if (wanted) document.sections.push_back(section());
  };
  const bool labelled = e.images.judged > 0;
  const bool only_unlabelled = !labelled && decoded_count(e.images) > 0;
  const bool slices = e.slices.size() > 1;
  document.sections.push_back(summary_section(run, e));
  add_if(labelled, [&] { return acceptance_section(e); });
  add_if(only_unlabelled, [&] { return accepted_section(run, e); });
  add_if(labelled && !e.buckets.empty(), [&] { return buckets_section(e); });
  add_if(!brief && labelled && !e.scores.empty(), [&] { return scores_section(run, e); });
  add_if(labelled && !e.funnel.empty(), [&] { return funnel_section(e); });
  add_if(!brief && labelled && !e.confusion.labels.empty(), [&] { return confusion_section(e); });
  add_if(brief && slices, [&] { return Section{"Slices", {slice_overview(e)}}; });
  add_if(!brief && slices, [&] { return slices_section(e); });
  add_if(!brief && !e.errors.empty(), [&] { return errors_section(e); });
  add_if(!e.bad_images.empty(), [&] { return bad_images_section(e, brief); });
  Section speed = speed_section(run, e);
  add_if(!speed.blocks.empty(), [&] { return speed; });
  add_if(!brief, [&] { return run_section(run); });
  return document;
}

}  // namespace

Document evaluation_document(const RunInfo& run, const Evaluation& evaluation) {
  return document_of(run, evaluation, false);
}

Document evaluation_summary(const RunInfo& run, const Evaluation& evaluation) {
  return document_of(run, evaluation, true);
}

}  // namespace fpcls
