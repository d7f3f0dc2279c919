#include "run/judge_thresholds.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "config/options.h"
#include "run/evaluation_tables.h"

namespace fpcls {
namespace {

using nlohmann::json;

const char* name_of(Figure figure) { return figure == Figure::precision ? "precision" : "recall"; }

Column with_unit(Column column, const char* unit) {
  column.unit = unit;
  return column;
}

std::string percent_text(const std::optional<double>& ratio) {
  return ratio ? fmt::format("{:.1f} %", 100 * *ratio) : "an unknown share";
}

std::string interval_text(const std::optional<Interval>& interval) {
  return interval ? fmt::format(" (95 %: {:.1f}–{:.1f})", 100 * interval->low, 100 * interval->high)
                  : "";
}

std::string wish_text(const Wish& wish) {
  return fmt::format("{} >= {}", name_of(wish.figure), wish.wanted);
}

/// What was counted on the half that the thresholds weren't chosen on.
std::string figures_text(const ThresholdFigures& f) {
  return fmt::format("{}{} of the traffic, with a precision of {}{} and a recall of {}{}",
                     percent_text(f.coverage()), interval_text(f.coverage_interval()),
                     percent_text(f.precision()), interval_text(f.precision_interval()),
                     percent_text(f.recall()), interval_text(f.recall_interval()));
}

std::string sentence(const StageChoice& stage) {
  if (!stage.accept && stage.wish) {
    return fmt::format("{}: no threshold has {}; {} was kept", stage.stage, wish_text(*stage.wish),
                       as_decimal(stage.was));
  }
  const std::string wish = stage.wish ? ", for " + wish_text(*stage.wish) + "," : "";
  return fmt::format("{}: accept at >= {}{} covers {}", stage.stage,
                     as_decimal(stage.accept.value_or(stage.was)), wish,
                     figures_text(stage.judged_on));
}

std::string funnel_sentence(const ThresholdChoice& choice) {
  const bool chosen = std::any_of(choice.stages.begin(), choice.stages.end(),
                                  [](const StageChoice& s) { return s.accept.has_value(); });
  if (choice.funnel_wish && !chosen) {
    return fmt::format("funnel: no thresholds have {} together; all were kept",
                       wish_text(*choice.funnel_wish));
  }
  const std::string wish =
      choice.funnel_wish ? ", for " + wish_text(*choice.funnel_wish) + "," : "";
  return fmt::format("funnel: all stages together{} cover {}", wish,
                     figures_text(choice.funnel_judged_on));
}

std::string accept_flags(const ThresholdChoice& choice) {
  std::string flags;
  for (const StageChoice& stage : choice.stages) {
    if (!stage.accept) continue;
    flags += fmt::format("{}--accept {}={}", flags.empty() ? "" : " ", stage.stage,
                         as_decimal(*stage.accept));
  }
  return flags;
}

Table thresholds_table(const ThresholdChoice& choice) {
  const auto interval = [](const char* key, const char* heading) {
    return with_unit(ratio_column(key, heading, 3), "95 %");
  };
  Table table("thresholds",
              {text_column("stage"), number_column("was", "", 4), number_column("accept", "", 4),
               with_unit(ratio_column("chosen_precision", "precision", 3), "chosen on"),
               with_unit(ratio_column("chosen_recall", "recall", 3), "chosen on"),
               count_column("entered", "entered", "judged on"),
               count_column("accepted", "accepted", "judged on"),
               with_unit(ratio_column("precision", "precision", 3), "judged on"),
               interval("precision_interval", "precision"),
               with_unit(ratio_column("recall", "recall", 3), "judged on"),
               interval("recall_interval", "recall"),
               with_unit(ratio_column("coverage", "traffic", 3), "judged on"),
               data_only(interval("coverage_interval", "traffic"))});
  const auto add = [&table](const std::string& name, Cell was, Cell accept,
                            const ThresholdFigures& chosen_on, const ThresholdFigures& f) {
    table.add_row({name, std::move(was), std::move(accept), chosen_on.precision(),
                   chosen_on.recall(), f.entered, f.accepted, f.precision(), f.precision_interval(),
                   f.recall(), f.recall_interval(), f.coverage(), f.coverage_interval()});
  };
  for (const StageChoice& s : choice.stages) {
    add(s.stage, as_decimal(s.was), s.accept ? Cell(as_decimal(*s.accept)) : Cell(), s.chosen_on,
        s.judged_on);
  }
  add("(funnel)", Cell(), Cell(), choice.funnel_chosen_on, choice.funnel_judged_on);
  table.notes = {
      "entered: labelled pictures that the stages before, with their new thresholds, leave over",
      "traffic: accepted here, of all labelled pictures"};
  return table;
}

json figures_json(const ThresholdFigures& f) {
  json object{{"entered", f.entered},
              {"accepted", f.accepted},
              {"correct", f.correct},
              {"reachable", f.reachable}};
  const auto add = [&](const char* name, const std::optional<double>& ratio,
                       const std::optional<Interval>& interval) {
    if (!ratio) return;
    object[name] = *ratio;
    object[std::string(name) + "_interval"] = {interval->low, interval->high};
  };
  add("precision", f.precision(), f.precision_interval());
  add("recall", f.recall(), f.recall_interval());
  add("coverage", f.coverage(), f.coverage_interval());
  return object;
}

/// Whose wish (empty: every stage's), and what.
std::pair<std::string, Wish> parse_wish(const std::string& text) {
  const size_t equals = text.rfind('=');
  const std::string before = text.substr(0, equals);
  const size_t dot = before.rfind('.');
  const std::string figure = dot == std::string::npos ? before : before.substr(dot + 1);
  Wish wish{figure == "precision" ? Figure::precision : Figure::recall, 0};
  try {
    if (equals == std::string::npos || (figure != "precision" && figure != "recall")) fail("");
    if (dot == 0) fail("");
    parse_value(text.substr(equals + 1), wish.wanted);
    if (!(wish.wanted > 0 && wish.wanted <= 1)) fail("");
  } catch (const Error&) {
    fail(
        "--choose-thresholds is '{}', expected precision=P or recall=R with a number above 0, at "
        "most 1, for every stage, STAGE.precision=P for one, or funnel.precision=P for all "
        "together",
        text);
  }
  return {dot == std::string::npos ? "" : before.substr(0, dot), wish};
}

}  // namespace

Wishes parse_wishes(const std::vector<std::string>& texts) {
  Wishes wishes;
  for (const std::string& text : texts) {
    const auto [name, wish] = parse_wish(text);
    bool first = true;
    if (name.empty()) {
      first = !wishes.every_stage;
      wishes.every_stage = wish;
    } else if (name == "funnel") {
      first = !wishes.funnel;
      wishes.funnel = wish;
    } else {
      first = wishes.stages.emplace(name, wish).second;
    }
    if (!first) {
      fail("--choose-thresholds {}: {} is asked for twice; give it one wish", text,
           name.empty() ? "every stage" : quoted(name));
    }
  }
  if (wishes.funnel && texts.size() > 1) {
    fail("--choose-thresholds funnel.{}=...: chooses every stage's threshold; give it alone",
         name_of(wishes.funnel->figure));
  }
  return wishes;
}

Document thresholds_document(const ThresholdChoice& choice) {
  Section section{"", {}};
  const int64_t chosen_on = choice.stages.empty() ? 0 : choice.stages[0].chosen_on.all;
  KeyValues facts;
  facts.entries = {{"chosen on", with_thousands(chosen_on) + " pictures"},
                   {"judged on", with_thousands(choice.judged) + " others"}};
  const auto accuracy = [&](int64_t correct) {
    return percent_text(static_cast<double>(correct) / static_cast<double>(choice.judged)) +
           interval_text(wilson_interval(correct, choice.judged)) + ", 'otherwise' among them";
  };
  facts.entries.emplace_back("right before", accuracy(choice.correct_before));
  facts.entries.emplace_back("right after", accuracy(choice.correct_after));
  if (choice.skipped > 0) {
    facts.entries.emplace_back(
        "left out", with_thousands(choice.skipped) + " pictures without a label or all scores");
  }
  section.blocks = {facts, thresholds_table(choice)};
  for (const StageChoice& stage : choice.stages) {
    section.blocks.emplace_back(Paragraph{sentence(stage)});
  }
  section.blocks.emplace_back(Paragraph{funnel_sentence(choice)});
  const std::string flags = accept_flags(choice);
  if (!flags.empty()) section.blocks.emplace_back(Paragraph{"To judge by them: " + flags});
  return {"Thresholds", {std::move(section)}};
}

std::string thresholds_json(const ThresholdChoice& choice) {
  json stages = json::array();
  for (const StageChoice& s : choice.stages) {
    json stage{{"stage", s.stage},
               {"was", as_decimal(s.was)},
               {"chosen_on", figures_json(s.chosen_on)},
               {"judged_on", figures_json(s.judged_on)}};
    if (s.accept) stage["accept"] = as_decimal(*s.accept);
    if (s.wish) stage["wanted"] = {{name_of(s.wish->figure), s.wish->wanted}};
    stages.push_back(std::move(stage));
  }
  json funnel{{"judged", choice.judged},
              {"correct_before", choice.correct_before},
              {"correct_after", choice.correct_after},
              {"chosen_on", figures_json(choice.funnel_chosen_on)},
              {"judged_on", figures_json(choice.funnel_judged_on)}};
  if (choice.funnel_wish) {
    funnel["wanted"] = {{name_of(choice.funnel_wish->figure), choice.funnel_wish->wanted}};
  }
  return json{{"schema_version", 1},
              {"stages", std::move(stages)},
              {"funnel", std::move(funnel)},
              {"left_out", choice.skipped}}
             .dump(1) +
         "\n";
}

}  // namespace fpcls
