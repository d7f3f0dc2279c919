#include "run/gate_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "metrics/paired.h"
#include "run/evaluation_tables.h"

namespace fpcls {
namespace {

constexpr size_t kFlipsShown = 20;

bool is_paired(const GateCheck& check) { return check.kind <= CheckKind::coverage; }
bool is_speed(const GateCheck& check) {
  return check.kind == CheckKind::slowdown || check.kind == CheckKind::memory;
}

std::string answer_text(const GateCheck& check) {
  if (check.identical && check.answer == GateAnswer::pass) return "pass (identical)";
  return std::string(enum_name(check.answer));
}

Column answer_column() {
  Column column = text_column("answer");
  column.own_words = OwnWords::heading_and_cells;
  return column;
}

int64_t count_flips(const Comparison& comparison, FlipKind kind) {
  return std::count_if(comparison.flips.begin(), comparison.flips.end(),
                       [kind](const Flip& flip) { return flip.kind == kind; });
}

std::string flips_text(const Comparison& c) {
  if (c.flips.empty()) return "none";
  const auto flips = static_cast<int64_t>(c.flips.size());
  std::string text = fmt::format("{} ({:.2f} %)", with_thousands(flips),
                                 100 * static_cast<double>(flips) / static_cast<double>(c.pairs));
  const auto add = [&](FlipKind kind, const char* what) {
    const int64_t count = count_flips(c, kind);
    if (count > 0) text += fmt::format(", {} {}", with_thousands(count), what);
  };
  add(FlipKind::regression, "regressions");
  add(FlipKind::recovery, "recoveries");
  add(FlipKind::wrong_to_wrong, "wrong before and now");
  add(FlipKind::unlabelled, "unlabelled");
  return text;
}

std::string counts_text(const GateResult& result) {
  const auto count = [&](GateAnswer answer) {
    return std::count_if(result.checks.begin(), result.checks.end(),
                         [&](const GateCheck& check) { return check.answer == answer; });
  };
  return fmt::format("{} pass, {} fail, {} undecided", count(GateAnswer::pass),
                     count(GateAnswer::fail), count(GateAnswer::undecided));
}

std::string headline(const GateResult& result) {
  std::string text(enum_name(result.answer));
  if (result.answer == GateAnswer::undecided && result.exit_code != 3) {
    text += result.exit_code == 0 ? " (counts as pass)" : " (counts as fail)";
  }
  if (result.comparison.identical) text += ": every answer and every score is the same";
  return text;
}

Section summary_section(const GateResult& result) {
  const Comparison& c = result.comparison;
  KeyValues facts;
  const auto add = [&](const char* key, std::string value) {
    facts.entries.emplace_back(key, std::move(value));
  };
  add("answer", headline(result));
  add("checks", counts_text(result));
  add("base", result.base_name);
  add("candidate", result.candidate_name);
  add("pictures",
      fmt::format("{} in both (by {}), {} judged", with_thousands(result.pairing.paired),
                  result.pair_by == PairBy::content ? "SHA-256" : "path",
                  with_thousands(c.judged)));
  add("changed answers", flips_text(c));
  if (const GateCheck* worst = worst_class(result)) {
    add("worst class", fmt::format("{}: {} lost {:.2f} points", worst->subject,
                                   worst->kind == CheckKind::recall ? "recall" : "specificity",
                                   100 * *worst->drop));
  }
  if (const SliceComparison* worst = worst_slice(result)) {
    add("worst slice", fmt::format("{}: accuracy lost {:.2f} points", worst->name,
                                   100 * worst->accuracy.counts.drop()));
  }
  return {"", {facts}};
}

/// Fails first, then what is undecided.
std::vector<const GateCheck*> by_urgency(const GateResult& result,
                                         bool (*wanted)(const GateCheck&)) {
  std::vector<const GateCheck*> sorted;
  for (const GateAnswer answer : {GateAnswer::fail, GateAnswer::undecided, GateAnswer::pass}) {
    for (const GateCheck& check : result.checks) {
      if (check.answer == answer && wanted(check)) sorted.push_back(&check);
    }
  }
  return sorted;
}

std::vector<Block> check_blocks(const GateResult& result) {
  Table table("checks",
              {text_column("what", "check"), answer_column(), percent_column("base", "base", 2),
               percent_column("candidate", "candidate", 2), points_column("drop", "drop", 2),
               points_column("interval", "interval", 2), count_column("pictures"),
               count_column("lost"), count_column("gained"), number_column("p", "p", 4),
               count_column("images_needed", "more", "pictures")});
  for (const GateCheck* check :
       by_urgency(result, [](const GateCheck& c) { return is_paired(c); })) {
    table.add_row({check->what, answer_text(*check), check->base, check->candidate, check->drop,
                   check->interval, check->pictures, check->lost, check->gained, check->p,
                   check->images_needed});
  }
  if (table.rows().empty()) return {};
  table.caption = fmt::format(
      "Fails where the drop is certainly above {} points, passes where it is certainly below.",
      100 * result.max_drop);
  table.notes = {
      fmt::format("The risk that anything fails wrongly is at most {} % over all checks together "
                  "(Holm), and that all pass though one dropped by more.",
                  100 * result.risk),
      "drop: share of right answers, base less candidate. Lower ends of intervals err with each "
      "check's part of the risk, upper ends with the whole.",
      "p: that anything changed at all, up or down (McNemar, exact).",
      "more: pictures, besides these, that would decide in 8 of 10 cases."};
  return {table};
}

std::vector<Block> limit_blocks(const GateResult& result) {
  Table table(
      "limits",
      {text_column("what", "check"), answer_column(), percent_column("limit", "limit", 2),
       percent_column("candidate", "candidate", 2), percent_column("interval", "interval", 2),
       count_column("pictures"), count_column("images_needed", "more", "pictures")});
  for (const GateCheck* check :
       by_urgency(result, [](const GateCheck& c) { return !is_paired(c) && !is_speed(c); })) {
    table.add_row({check->what, answer_text(*check), check->limit, check->candidate,
                   check->interval, check->pictures, check->images_needed});
  }
  if (table.rows().empty()) return {};
  table.caption = "Of the candidate alone: at least the limit, of flips at most.";
  return {table};
}

std::vector<Block> speed_blocks(const GateResult& result) {
  Table table("speed",
              {text_column("what", "check"), answer_column(), number_column("base", "base", 3),
               number_column("candidate", "candidate", 3), percent_column("drop", "growth", 2),
               percent_column("limit", "limit", 2), percent_column("interval", "interval", 2),
               count_column("pictures", "runs", "a side")});
  for (const GateCheck* check :
       by_urgency(result, [](const GateCheck& c) { return is_speed(c); })) {
    table.add_row({check->what, answer_text(*check), check->base, check->candidate, check->drop,
                   check->limit, check->interval, check->pictures});
  }
  if (table.rows().empty()) return {};
  table.caption =
      "Medians over the runs of a side; picture_ms is a run's median over its pictures.";
  return {table};
}

Section checks_section(const GateResult& result) {
  Section section{"Checks", {}};
  for (const auto& blocks : {check_blocks(result), limit_blocks(result), speed_blocks(result)}) {
    section.blocks.insert(section.blocks.end(), blocks.begin(), blocks.end());
  }
  return section;
}

Section differences_section(const GateResult& result) {
  Section section{"What else differs", {}};
  if (!result.differences.empty()) {
    Table table("differences",
                {text_column("what"), text_column("base"), text_column("candidate")});
    for (const RunDifference& d : result.differences) {
      table.add_row({d.what, d.base.empty() ? Cell() : Cell(d.base),
                     d.candidate.empty() ? Cell() : Cell(d.candidate)});
    }
    section.blocks.emplace_back(table);
  }
  for (const std::string& remark : result.remarks) section.blocks.emplace_back(Paragraph{remark});
  return section;
}

Cell decimal(const std::optional<float>& value) {
  return value ? Cell(as_decimal(*value)) : Cell();
}

Table flips_of(const GateResult& result, size_t limit) {
  Table table("flips",
              {text_column("kind"), text_column("path"), text_column("slice"),
               text_column("label", "truth"), text_column("before"), text_column("now"),
               text_column("stage"), ratio_column("score_before", "score before", 4),
               ratio_column("score_now", "score now", 4), ratio_column("harm", "harm", 4)});
  for (const Flip& flip : result.comparison.flips) {
    if (table.rows().size() == limit) break;
    table.add_row({std::string(enum_name(flip.kind)), flip.path, flip.slice, flip.label,
                   flip.before, flip.now, flip.stage, decimal(flip.score_before),
                   decimal(flip.score_now), decimal(flip.harm)});
  }
  return table;
}

Section flips_section(const GateResult& result) {
  Table table = flips_of(result, kFlipsShown);
  const size_t all = result.comparison.flips.size();
  if (all > kFlipsShown) {
    table.caption = fmt::format("The first {} of {}, most harm first; flips.csv has all.",
                                kFlipsShown, with_thousands(static_cast<int64_t>(all)));
  }
  table.notes = {
      "harm: how sure the wrong answer was: the score for the wrong label, or 1 less the score for "
      "the true one that a stage passed on."};
  return {"Changed answers", {table}};
}

std::string bin_name(size_t bin) {
  const std::vector<double> bounds = bucket_bounds();
  if (bin == 0) return fmt::format("<{:.2f}", bounds.front());
  if (bin == bounds.size()) return fmt::format("≥{:.2f}", bounds.back());
  return fmt::format("{:.2f}–{:.2f}", bounds[bin - 1], bounds[bin]);
}

bool anything_moved(const BucketComparison& bucket) {
  for (size_t i = 0; i < kMigrationBins; ++i) {
    for (size_t j = 0; j < kMigrationBins; ++j) {
      if (i != j && bucket.migration[i][j] > 0) return true;
    }
  }
  return false;
}

Section migration_section(const GateResult& result) {
  Section section{"Migration between buckets", {}};
  for (const BucketComparison& bucket : result.comparison.buckets) {
    if (!anything_moved(bucket)) continue;
    std::vector<Column> columns = {text_column("before")};
    for (size_t i = 0; i < kMigrationBins; ++i) {
      columns.push_back(count_column(bin_name(i), bin_name(i)));
    }
    Table table("migration_" + bucket.stage, columns);
    table.caption =
        fmt::format("{}: pictures by their score for the correct class, rows before, columns now.",
                    bucket.stage);
    for (size_t i = 0; i < kMigrationBins; ++i) {
      std::vector<Cell> cells = {bin_name(i)};
      for (const int64_t count : bucket.migration[i]) cells.emplace_back(count);
      table.add_row(cells);
    }
    section.blocks.emplace_back(table);
  }
  return section;
}

Section slices_section(const GateResult& result) {
  Section section{"Slices", {}};
  if (result.comparison.slices.size() < 2) return section;
  Table table("slices",
              {text_column("slice"), count_column("pictures"), percent_column("base", "base", 2),
               percent_column("candidate", "candidate", 2), points_column("drop", "drop", 2),
               count_column("lost"), count_column("gained"), number_column("p", "p", 4)});
  for (const SliceComparison& slice : result.comparison.slices) {
    const PairedTally& tally = slice.accuracy;
    const auto n = static_cast<double>(tally.counts.n);
    table.add_row({slice.name, tally.counts.n, static_cast<double>(tally.base_right) / n,
                   static_cast<double>(tally.candidate_right) / n, tally.counts.drop(),
                   tally.counts.lost, tally.counts.gained, mcnemar_p(tally.counts)});
  }
  table.caption = "Accuracy; told, not judged.";
  section.blocks.emplace_back(table);
  return section;
}

}  // namespace

const GateCheck* worst_class(const GateResult& result) {
  const GateCheck* worst = nullptr;
  for (const GateCheck& check : result.checks) {
    if (check.kind != CheckKind::recall && check.kind != CheckKind::specificity) continue;
    if (*check.drop > (worst == nullptr ? 0 : *worst->drop)) worst = &check;
  }
  return worst;
}

const SliceComparison* worst_slice(const GateResult& result) {
  const SliceComparison* worst = nullptr;
  if (result.comparison.slices.size() < 2) return nullptr;  // a slice alone is the whole
  for (const SliceComparison& slice : result.comparison.slices) {
    const double drop = slice.accuracy.counts.drop();
    if (drop > (worst == nullptr ? 0 : worst->accuracy.counts.drop())) worst = &slice;
  }
  return worst;
}

std::string check_sentence(const GateCheck& check) {
  std::string text = check.what + ": ";
  if (!check.candidate) return text + "no picture to judge by";
  if (is_paired(check)) {
    text += fmt::format(
        "{:.2f} % → {:.2f} %, a drop of {:.2f} points ({:.2f} to {:.2f}), {} lost "
        "and {} gained of {}; allowed are {} points",
        100 * *check.base, 100 * *check.candidate, 100 * *check.drop, 100 * check.interval->low,
        100 * check.interval->high, check.lost, check.gained, check.pictures, 100 * check.limit);
  } else if (is_speed(check)) {
    text += fmt::format("{:.3f} → {:.3f}, {:+.2f} %; allowed are {} %", *check.base,
                        *check.candidate, 100 * *check.drop, 100 * check.limit);
  } else {
    text += fmt::format("{:.2f} % ({:.2f} to {:.2f}) of {}; the limit is {} %",
                        100 * *check.candidate, 100 * check.interval->low,
                        100 * check.interval->high, check.pictures, 100 * check.limit);
  }
  if (check.images_needed) {
    text += fmt::format("; about {} more pictures would decide", *check.images_needed);
  }
  return text;
}

Document gate_document(const GateResult& result) {
  Document document;
  document.title = fmt::format("Gate: {}", enum_name(result.answer));
  document.sections.push_back(summary_section(result));
  for (Section section :
       {checks_section(result), differences_section(result), flips_section(result),
        migration_section(result), slices_section(result)}) {
    if (!section.blocks.empty()) document.sections.push_back(std::move(section));
  }
  return document;
}

Table flips_table(const GateResult& result) {
  return flips_of(result, result.comparison.flips.size());
}

Table all_checks_table(const GateResult& result) {
  Table table("checks", {text_column("what"), text_column("answer"), ratio_column("limit"),
                         ratio_column("base"), ratio_column("candidate"), ratio_column("drop"),
                         ratio_column("interval"), count_column("pictures"), count_column("lost"),
                         count_column("gained"), ratio_column("p"), ratio_column("p_fail"),
                         ratio_column("p_fail_family"), ratio_column("p_pass"),
                         count_column("images_needed")});
  for (const GateCheck& check : result.checks) {
    const bool paired = is_paired(check);
    table.add_row({check.what, std::string(enum_name(check.answer)), check.limit, check.base,
                   check.candidate, check.drop, check.interval, check.pictures,
                   paired ? Cell(check.lost) : Cell(), paired ? Cell(check.gained) : Cell(),
                   check.p, check.p_fail, check.p_fail_family, check.p_pass, check.images_needed});
  }
  return table;
}

}  // namespace fpcls
