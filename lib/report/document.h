#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "metrics/intervals.h"
#include "predictions/prediction.h"

/// What every report, console table and CSV file of the program is rendered from: a title and
/// sections of paragraphs, tables, charts, pictures and key-value lists. A document holds values,
/// not their looks; `render_text`, `render_markdown`, `render_html` and `render_csv` show the same
/// document in four ways.
///
///     Table table("classes", {text_column("label", "class"), count_column("total"),
///                             ratio_column("precision")});
///     table.add_row({"线框", 270, 0.937037});
///     table.add_row({"卫星", 0, std::nullopt});  // no precision: "-" as text, empty in CSV
namespace fpcls {

/// One value of a table. Absent is a value of its own, never 0; a number that isn't finite is
/// absent too.
class Cell {
 public:
  using Value = std::variant<std::monostate, std::string, int64_t, double, Interval>;

  Cell() = default;
  Cell(std::nullopt_t) {}
  Cell(const char* text) : value_(std::string(text)) {}
  Cell(std::string text) : value_(std::move(text)) {}
  Cell(std::string_view text) : value_(std::string(text)) {}
  Cell(int count) : value_(int64_t{count}) {}
  Cell(int64_t count) : value_(count) {}
  Cell(size_t count) : value_(static_cast<int64_t>(count)) {}
  Cell(double number);
  Cell(Interval interval);
  template <class T>
  Cell(const std::optional<T>& value) : Cell(value ? Cell(*value) : Cell()) {}

  bool absent() const { return std::holds_alternative<std::monostate>(value_); }
  const Value& value() const { return value_; }

 private:
  Value value_;
};

/// How a column's numbers are shown. Cells of text are shown as they are in any column.
enum class Kind {
  text,
  count,    ///< "7,333"
  ratio,    ///< 0..1, with a fixed number of digits: "0.937037"
  percent,  ///< 0..1, shown times 100: "93.7"
  points,   ///< a difference of ratios, shown times 100 with its sign: "+1.2"
  number,   ///< anything else, with a fixed number of digits
  bytes,    ///< "1.5 MB"
};

enum class Align { left, right };

/// Which of a column's words are the program's own, so that a reader can have them in another
/// language; all others come from data (labels, names, paths) and stay as they are.
enum class OwnWords { heading, heading_and_cells, none };

struct Column {
  std::string key;      ///< the heading in CSV and the name in code
  std::string heading;  ///< what people read
  Kind kind = Kind::text;
  int digits = 0;
  /// What the figures are in ("ms", "%") or how they are got ("TP+FP"); stands under the heading.
  std::string unit;
  Align align = Align::left;
  bool data_only = false;  ///< only in CSV: what people would find too much
  OwnWords own_words = OwnWords::heading;
};

/// The columns that tables are made of; without a heading the key is the heading.
Column text_column(std::string key, std::string heading = "");
Column count_column(std::string key, std::string heading = "", std::string unit = "");
Column ratio_column(std::string key, std::string heading = "", int digits = 6);
Column percent_column(std::string key, std::string heading = "", int digits = 1);
Column points_column(std::string key, std::string heading = "", int digits = 1);
Column ms_column(std::string key, std::string heading = "", int digits = 2);
Column number_column(std::string key, std::string heading, int digits, std::string unit = "");
Column bytes_column(std::string key, std::string heading = "");
/// `column`, in CSV only.
Column data_only(Column column);
/// `column`, whose heading is a name out of the data.
Column named_by_data(Column column);

/// The one table type of the program.
class Table {
 public:
  Table(std::string name, std::vector<Column> columns);

  /// As many cells as there are columns.
  void add_row(std::vector<Cell> cells);
  /// The rows that follow are set apart by a rule: totals, a next group.
  void add_rule();

  const std::string& name() const { return name_; }
  const std::vector<Column>& columns() const { return columns_; }
  const std::vector<std::vector<Cell>>& rows() const { return rows_; }
  bool rule_before(size_t row) const;

  std::string caption;             ///< shown above the table; may be empty
  std::vector<std::string> notes;  ///< definitions, shown beneath it where there is room
  /// Rows and columns stand for the same things: where colours can be shown, each cell is shaded
  /// by its share of the row, and those off the diagonal as errors.
  bool is_matrix = false;

 private:
  std::string name_;
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
  std::vector<size_t> rules_;
};

struct Paragraph {
  std::string text;
};

/// Facts that need no table: "cpu: …", "models: …".
struct KeyValues {
  std::vector<std::pair<std::string, std::string>> entries;
};

/// A place on an axis from 0 to 1: where the threshold of a stage is.
struct Mark {
  std::string of;
  double at = 0;
};

/// Columns of equal width over a range, one series for each thing counted: a score histogram.
struct Chart {
  struct Series {
    std::string name;
    std::vector<double> values;  ///< >= 0, one a bin
  };
  std::string caption;
  std::string low, high;  ///< what stands at the two ends of the axis: "0", "1"
  std::vector<Series> series;
  std::optional<Mark> mark = std::nullopt;
};

/// Several series of values at the same positions: curves, or one line over months. Values lie in
/// 0..1; absent ones leave a gap.
struct Plot {
  struct Series {
    std::string name;
    std::vector<std::optional<double>> y;           ///< one for each position
    std::vector<std::optional<Interval>> interval;  ///< the same, or none at all
    int color = 0;                                  ///< series of the same thing share one
    bool dashed = false;
  };
  std::string caption;
  std::string x_name, y_name;
  std::vector<double> x;           ///< ascending, in 0..1; empty: one position for each tick
  std::vector<std::string> ticks;  ///< names of the positions, where they aren't numbers
  std::vector<Series> series;
  bool diagonal = false;         ///< show where y equals x
  bool series_are_data = false;  ///< names out of the data: classes, stages
  std::optional<Mark> mark = std::nullopt;
};

/// Horizontal bars, one row each: parts of a whole, or beside each other.
struct Bars {
  struct Row {
    std::string name;
    std::vector<double> values;  ///< >= 0, one for each part
  };
  std::string caption;
  std::vector<std::string> parts;
  std::vector<Row> rows;
  std::vector<int> colors;  ///< of the parts, as in Plot; empty: one after the other
  bool stacked = false;
  int digits = 0;
  std::string unit;
};

/// A small picture as WebP; without bytes there is none to show.
struct Thumbnail {
  std::string webp;
  int width = 0;
  int height = 0;
};

/// Pictures with what is said of them. Text forms show the table alone.
struct Gallery {
  Table table;                        ///< one row a picture; the first column is its path
  std::vector<Thumbnail> thumbnails;  ///< one for each row
  std::vector<std::string> filters;   ///< keys of the columns that a reader may choose by
};

/// Calls its argument with each prediction of a run, in the order of rows, as often as asked.
using PredictionSource = std::function<void(const std::function<void(const Prediction&)>&)>;

/// The scores of all pictures, so that a reader can try other thresholds: a page recomputes the
/// tables, text forms list the thresholds.
struct ScoreExplorer {
  std::vector<StageInfo> stages;
  std::string otherwise;
  std::vector<std::string> labels;  ///< those of the confusion matrix
  /// As they are under these thresholds, by name: overall, classes (whose rows are the first of the
  /// labels), funnel, confusion. A page recomputes those that are there.
  std::vector<Table> tables;
  PredictionSource predictions;  ///< must stay usable until the document is rendered
};

using Block = std::variant<Paragraph, KeyValues, Table, Chart, Plot, Bars, Gallery, ScoreExplorer>;

struct Section {
  std::string title;
  std::vector<Block> blocks;
};

struct Document {
  std::string title;
  std::vector<Section> sections;

  /// The table called `name`, or nullptr.
  const Table* find_table(std::string_view name) const;
  /// The section called `title`, or nullptr.
  Section* find_section(std::string_view title);
};

/// What a chart, gallery or explorer says, as a table for those who read text.
Table as_table(const Plot& plot);
Table as_table(const Bars& bars);
Table as_table(const ScoreExplorer& explorer);

/// A cell as people read it, without padding: "-" where absent, on one line.
std::string cell_text(const Cell& cell, const Column& column);

/// A cell as programs read it: empty where absent, numbers in the fewest digits that give the same
/// double again, an interval as "[0.9,0.95]".
std::string cell_data(const Cell& cell);

}  // namespace fpcls
