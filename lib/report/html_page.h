#pragma once

#include <string>

#include "report/document.h"
#include "report/html_text.h"

/// The elements that an HTML page is made of. Internal to lib/report.
namespace fpcls {

/// Writes blocks as elements, each with an id of its own.
class HtmlPage {
 public:
  explicit HtmlPage(HtmlSink sink) : sink_(std::move(sink)) {}

  void document(const Document& document);

 private:
  void write(std::string_view text) { sink_(text); }
  void head(const Document& document);
  void navigation(const Document& document);
  void section(const Section& section, size_t number);
  void block(const Block& block);

  void table(const Table& table);
  void table_row(const Table& table, size_t row);
  void key_values(const KeyValues& list);
  void chart(const Chart& chart);
  void plot(const Plot& plot);
  void bars(const Bars& bars);
  /// Caption and legend, then `svg`, then what it shows as a table.
  void figure(const std::string& caption, const std::string& legend, const std::string& svg_id,
              const std::string& svg, const Table* data);
  void gallery(const Gallery& gallery);
  void gallery_filters(const Gallery& gallery);
  void card(const Gallery& gallery, size_t row);
  void explorer(const ScoreExplorer& explorer);
  void stage_controls(const ScoreExplorer& explorer, size_t stage);
  void scores(const ScoreExplorer& explorer);

  std::string next_id(const char* kind) { return kind + std::to_string(++ids_); }

  HtmlSink sink_;
  int ids_ = 0;
};

/// The text of a cell as markup: words of the program in both languages.
std::string cell_markup(const Cell& cell, const Column& column);
/// The heading of a column as markup, its unit beneath it.
std::string heading_markup(const Column& column);

}  // namespace fpcls
