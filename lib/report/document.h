#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "metrics/intervals.h"

/// What every report, console table and CSV file of the program is rendered from: a title and
/// sections of paragraphs, tables, charts and key-value lists. A document holds values, not their
/// looks; `render_text`, `render_markdown` and `render_csv` show the same document in three ways.
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

struct Column {
  std::string key;      ///< the heading in CSV and the name in code
  std::string heading;  ///< what people read
  Kind kind = Kind::text;
  int digits = 0;
  /// What the figures are in ("ms", "%") or how they are got ("TP+FP"); stands under the heading.
  std::string unit;
  Align align = Align::left;
  bool data_only = false;  ///< only in CSV: what people would find too much
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

/// Columns of equal width over a range, one series for each thing counted: a score histogram.
struct Chart {
  struct Series {
    std::string name;
    std::vector<double> values;  ///< >= 0, one a bin
  };
  std::string caption;
  std::string low, high;  ///< what stands at the two ends of the axis: "0", "1"
  std::vector<Series> series;
};

using Block = std::variant<Paragraph, KeyValues, Table, Chart>;

struct Section {
  std::string title;
  std::vector<Block> blocks;
};

struct Document {
  std::string title;
  std::vector<Section> sections;

  /// The table called `name`, or nullptr.
  const Table* find_table(std::string_view name) const;
};

/// A cell as people read it, without padding: "-" where absent, on one line.
std::string cell_text(const Cell& cell, const Column& column);

/// A cell as programs read it: empty where absent, numbers in the fewest digits that give the same
/// double again, an interval as "[0.9,0.95]".
std::string cell_data(const Cell& cell);

}  // namespace fpcls
