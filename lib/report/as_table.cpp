#include "base/error.h"
#include "base/text.h"
#include "report/document.h"

namespace fpcls {
namespace {

constexpr int kDigits = 3;

/// The table can be read without the chart: at most about twenty of its positions.
size_t step_of(size_t positions) {
  constexpr size_t kMostRows = 21;
  return positions <= kMostRows ? 1 : (positions + kMostRows - 2) / (kMostRows - 1);
}

}  // namespace

Table as_table(const Plot& plot) {
  const size_t positions = plot.x.empty() ? plot.ticks.size() : plot.x.size();
  std::vector<Column> columns;
  columns.push_back(plot.x.empty() ? text_column("x", plot.x_name)
                                   : number_column("x", plot.x_name, 2));
  for (const Plot::Series& series : plot.series) {
    FPCLS_CHECK(series.y.size() == positions);
    Column column = ratio_column(series.name, series.name, kDigits);
    columns.push_back(plot.series_are_data ? named_by_data(column) : column);
  }
  Table table("plot", columns);
  table.caption = plot.caption;
  for (size_t i = 0; i < positions; i += step_of(positions)) {
    std::vector<Cell> cells = {plot.x.empty() ? Cell(plot.ticks[i]) : Cell(plot.x[i])};
    for (const Plot::Series& series : plot.series) cells.emplace_back(series.y[i]);
    table.add_row(cells);
  }
  return table;
}

Table as_table(const Bars& bars) {
  std::vector<Column> columns = {text_column("name")};
  for (const std::string& part : bars.parts) {
    columns.push_back(number_column(part, part, bars.digits, bars.unit));
  }
  Table table("bars", columns);
  table.caption = bars.caption;
  for (const Bars::Row& row : bars.rows) {
    std::vector<Cell> cells = {row.name};
    cells.insert(cells.end(), row.values.begin(), row.values.end());
    table.add_row(cells);
  }
  return table;
}

Table as_table(const ScoreExplorer& explorer) {
  Table table("thresholds", {text_column("stage"), number_column("accept", "accept", 2)});
  for (const StageInfo& stage : explorer.stages) table.add_row({stage.name, stage.accept});
  return table;
}

}  // namespace fpcls
