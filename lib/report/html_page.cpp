#include "report/html_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/svg.h"

namespace fpcls {
namespace {

std::string column_class(const Column& column) {
  return column.align == Align::right ? " class=\"n\"" : "";
}

double count_of(const Cell& cell) {
  const auto* count = std::get_if<int64_t>(&cell.value());
  return count == nullptr ? 0 : static_cast<double>(*count);
}

/// How a matrix's cell is shaded: right or wrong, in five steps of its share of the row.
std::string shade_step(const std::vector<Cell>& row, size_t column) {
  double sum = 0;
  for (size_t i = 1; i < row.size(); ++i) sum += count_of(row[i]);
  const double share = sum > 0 ? count_of(row[column]) / sum : 0;
  return std::to_string(share > 0 ? static_cast<int>(std::ceil(share * 5)) : 0);
}

std::string legend_entry(int color, bool line, bool dashed, const std::string& words) {
  return "<li>" + svg_swatch(color, line, dashed) + words + "</li>";
}

}  // namespace

std::string cell_markup(const Cell& cell, const Column& column) {
  if (cell.absent()) return "–";
  const std::string text = cell_text(cell, column);
  return column.own_words == OwnWords::heading_and_cells ? html_words(text) : html_escaped(text);
}

std::string heading_markup(const Column& column) {
  std::string markup = column.own_words == OwnWords::none ? html_escaped(column.heading)
                                                          : html_words(column.heading);
  if (!column.unit.empty()) markup += "<small>" + html_words(column.unit) + "</small>";
  return markup;
}

void HtmlPage::table_row(const Table& table, size_t row) {
  const auto& cells = table.rows()[row];
  std::string markup = table.rule_before(row) ? "<tr class=\"rule\">" : "<tr>";
  for (size_t i = 0; i < cells.size(); ++i) {
    const Column& column = table.columns()[i];
    if (column.data_only) continue;
    const std::string text = cell_markup(cells[i], column);
    if (i == 0) {
      markup += "<th scope=\"row\"" + column_class(column) + ">" + text + "</th>";
    } else if (table.is_matrix) {
      const bool right = cell_data(cells[0]) == column.heading;
      markup += fmt::format("<td class=\"n {}{}\">{}</td>", right ? "right" : "wrong",
                            shade_step(cells, i), text);
    } else {
      markup += "<td" + column_class(column) + ">" + text + "</td>";
    }
  }
  write(markup + "</tr>\n");
}

void HtmlPage::table(const Table& table) {
  const std::string id = next_id("table");
  // It scrolls where it is too wide, so the keyboard must reach it, and it needs a name.
  write(
      fmt::format("<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-labelledby=\"{0}\">"
                  "<table data-name=\"{1}\">\n<caption id=\"{0}\"{2}>{3}</caption>\n<thead><tr>",
                  id, html_escaped(table.name()), table.caption.empty() ? " class=\"unseen\"" : "",
                  html_words(table.caption.empty() ? table.name() : table.caption)));
  for (const Column& column : table.columns()) {
    if (column.data_only) continue;
    write(fmt::format("<th scope=\"col\" data-key=\"{}\"{}>{}</th>", html_escaped(column.key),
                      column_class(column), heading_markup(column)));
  }
  write("</tr></thead>\n<tbody>\n");
  for (size_t row = 0; row < table.rows().size(); ++row) table_row(table, row);
  write("</tbody></table></div>\n");
  if (table.rows().empty()) write("<p>" + html_words("None.") + "</p>\n");
  if (table.notes.empty()) return;
  write("<ul class=\"notes\">");
  for (const std::string& note : table.notes) write("<li>" + html_words(note) + "</li>");
  write("</ul>\n");
}

void HtmlPage::key_values(const KeyValues& list) {
  write("<dl>\n");
  for (const auto& [key, value] : list.entries) {
    write("<div><dt>" + html_words(key) + "</dt><dd>" + html_escaped(value) + "</dd></div>\n");
  }
  write("</dl>\n");
}

void HtmlPage::figure(const std::string& caption, const std::string& legend,
                      const std::string& svg_id, const std::string& svg, const Table* data) {
  write("<figure><figcaption id=\"" + svg_id + "\">" + caption + "</figcaption>\n");
  if (!legend.empty()) write("<ul class=\"legend\">" + legend + "</ul>\n");
  write(svg + "\n");
  if (data != nullptr) {
    write("<details><summary>" + html_words("as a table") + "</summary>\n");
    table(*data);
    write("</details>");
  }
  write("</figure>\n");
}

void HtmlPage::chart(const Chart& chart) {
  const std::string id = next_id("chart");
  std::string legend;
  for (size_t i = 0; i < chart.series.size(); ++i) {
    legend += legend_entry(static_cast<int>(i), false, false, html_words(chart.series[i].name));
  }
  figure(html_escaped(chart.caption), legend, id, svg_of(chart, id), nullptr);
}

void HtmlPage::plot(const Plot& plot) {
  const std::string id = next_id("chart");
  std::string legend;
  for (const Plot::Series& series : plot.series) {
    legend +=
        legend_entry(series.color, true, series.dashed,
                     plot.series_are_data ? html_escaped(series.name) : html_words(series.name));
  }
  Table data = as_table(plot);
  figure(html_words(plot.caption), legend, id, svg_of(plot, id), &data);
}

void HtmlPage::bars(const Bars& bars) {
  const std::string id = next_id("chart");
  std::string legend;
  for (size_t i = 0; i < bars.parts.size(); ++i) {
    legend += legend_entry(bar_color(bars, i), false, false, html_words(bars.parts[i]));
  }
  figure(html_words(bars.caption), legend, id, svg_of(bars, id), nullptr);
}

}  // namespace fpcls
