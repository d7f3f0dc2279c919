#include "run/flip_gallery.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "metrics/comparison.h"
#include "run/evaluation_tables.h"
#include "run/picture_gallery.h"
#include "run/run_comparison.h"
#include "run/validation_table.h"

namespace fpcls {
namespace {

constexpr size_t kShownPerKind = 200;

std::string kind_words(FlipKind kind) {
  switch (kind) {
    case FlipKind::regression:
      return "regression";
    case FlipKind::wrong_to_wrong:
      return "wrong before and now";
    case FlipKind::recovery:
      return "recovery";
    case FlipKind::unlabelled:
      break;
  }
  return "unlabelled";
}

/// The first of each kind: they come sorted by kind, then by harm.
std::vector<const Flip*> shown_flips(const Comparison& comparison) {
  std::vector<const Flip*> shown;
  std::map<FlipKind, size_t> of_kind;
  for (const Flip& flip : comparison.flips) {
    if (of_kind[flip.kind]++ < kShownPerKind) shown.push_back(&flip);
  }
  return shown;
}

Table shown_table(const Comparison& comparison, const std::vector<const Flip*>& shown) {
  Column kind = text_column("kind", "change");
  kind.own_words = OwnWords::heading_and_cells;
  Table table("flips", {text_column("path"), kind, text_column("label", "truth"),
                        text_column("before"), text_column("now"), text_column("stage"),
                        ratio_column("score_before", "score before", 3),
                        ratio_column("score_now", "score now", 3), ratio_column("harm", "", 3),
                        text_column("slice")});
  const auto decimal = [](const std::optional<float>& value) {
    return value ? Cell(as_decimal(*value)) : Cell();
  };
  for (const Flip* flip : shown) {
    table.add_row({flip->path, kind_words(flip->kind), flip->label, flip->before, flip->now,
                   flip->stage, decimal(flip->score_before), decimal(flip->score_now),
                   decimal(flip->harm), flip->slice});
  }
  table.caption =
      fmt::format("{} of {} changed answers, the most harmful first.", with_thousands(shown.size()),
                  with_thousands(static_cast<int64_t>(comparison.flips.size())));
  return table;
}

Table counts_table(const Comparison& comparison) {
  Column kind = text_column("kind", "change");
  kind.own_words = OwnWords::heading_and_cells;
  Table table("flip_counts",
              {kind, count_column("images", "pictures"), percent_column("ratio", "share", 2)});
  std::map<FlipKind, int64_t> counts;
  for (const Flip& flip : comparison.flips) ++counts[flip.kind];
  for (const auto& [of, count] : counts) {
    table.add_row({kind_words(of), count,
                   static_cast<double>(count) / static_cast<double>(comparison.pairs)});
  }
  return table;
}

Section flips_section(const ComparedRuns& compared, const PictureFinder& finder) {
  Section section{"What changed", {}};
  const int64_t alone = compared.pairing.base_only + compared.pairing.candidate_only;
  if (alone > 0) {
    section.blocks.emplace_back(Paragraph{fmt::format(
        "{} pictures are in one run alone and aren't compared.", with_thousands(alone))});
  }
  if (compared.comparison.flips.empty()) {
    section.blocks.emplace_back(
        Paragraph{fmt::format("No answer changed: {} pictures are in both runs.",
                              with_thousands(compared.pairing.paired))});
    return section;
  }
  const std::vector<const Flip*> shown = shown_flips(compared.comparison);
  std::vector<WantedPicture> wanted;
  for (const Flip* flip : shown) wanted.push_back({flip->path, compared.sha256.at(flip->path)});
  section.blocks.emplace_back(counts_table(compared.comparison));
  section.blocks.emplace_back(Gallery{shown_table(compared.comparison, shown),
                                      make_thumbnails(wanted, finder),
                                      {"kind", "label", "before", "now", "stage"}});
  return section;
}

Section migration_section(const Comparison& comparison) {
  Section section{"Migration between buckets", {}};
  for (const BucketComparison& bucket : comparison.buckets) {
    for (Table& table : migration_tables(bucket, "")) section.blocks.emplace_back(std::move(table));
  }
  return section;
}

}  // namespace

std::vector<Section> flip_sections(const FlipSources& sources) {
  const ComparedRuns compared =
      compare_runs(sources.base, sources.candidate, sources.thresholds, sources.truth);
  std::vector<Section> sections = {flips_section(compared, sources.pictures)};
  Section migration = migration_section(compared.comparison);
  if (!migration.blocks.empty()) sections.push_back(std::move(migration));
  return sections;
}

}  // namespace fpcls
