#include "report/document.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace fpcls {

namespace {

Column number_like(std::string key, std::string heading, Kind kind, int digits, std::string unit) {
  if (heading.empty()) heading = key;
  Column column{std::move(key), std::move(heading), kind, digits, std::move(unit)};
  column.align = Align::right;
  return column;
}

std::string number_text(double value, const Column& column) {
  switch (column.kind) {
    case Kind::count:
      return with_thousands(std::llround(value));
    case Kind::percent:
      return fmt::format("{:.{}f}", 100 * value, column.digits);
    case Kind::points: {
      const std::string text = fmt::format("{:+.{}f}", 100 * value, column.digits);
      // A difference that rounds to nothing has no sign.
      const bool zero = text.find_first_of("123456789") == std::string::npos;
      return zero ? text.substr(1) : text;
    }
    case Kind::bytes:
      return format_bytes(std::llround(value));
    case Kind::text:
      return fmt::format("{}", value);
    case Kind::ratio:
    case Kind::number:
      break;
  }
  return fmt::format("{:.{}f}", value, column.digits);
}

}  // namespace

Cell::Cell(double number) {
  if (std::isfinite(number)) value_ = number;
}

Cell::Cell(Interval interval) {
  if (std::isfinite(interval.low) && std::isfinite(interval.high)) value_ = interval;
}

Column text_column(std::string key, std::string heading) {
  Column column = number_like(std::move(key), std::move(heading), Kind::text, 0, "");
  column.align = Align::left;
  return column;
}

Column count_column(std::string key, std::string heading, std::string unit) {
  return number_like(std::move(key), std::move(heading), Kind::count, 0, std::move(unit));
}

Column ratio_column(std::string key, std::string heading, int digits) {
  return number_like(std::move(key), std::move(heading), Kind::ratio, digits, "");
}

Column percent_column(std::string key, std::string heading, int digits) {
  return number_like(std::move(key), std::move(heading), Kind::percent, digits, "%");
}

Column points_column(std::string key, std::string heading, int digits) {
  return number_like(std::move(key), std::move(heading), Kind::points, digits, "points");
}

Column ms_column(std::string key, std::string heading, int digits) {
  return number_like(std::move(key), std::move(heading), Kind::number, digits, "ms");
}

Column number_column(std::string key, std::string heading, int digits, std::string unit) {
  return number_like(std::move(key), std::move(heading), Kind::number, digits, std::move(unit));
}

Column bytes_column(std::string key, std::string heading) {
  return number_like(std::move(key), std::move(heading), Kind::bytes, 0, "");
}

Column data_only(Column column) {
  column.data_only = true;
  return column;
}

Column named_by_data(Column column) {
  column.own_words = OwnWords::none;
  return column;
}

Table::Table(std::string name, std::vector<Column> columns)
    : name_(std::move(name)), columns_(std::move(columns)) {
  FPCLS_CHECK(!columns_.empty());
}

void Table::add_row(std::vector<Cell> cells) {
  FPCLS_CHECK(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

void Table::add_rule() {
  if (!rows_.empty()) rules_.push_back(rows_.size());
}

bool Table::rule_before(size_t row) const {
  return std::find(rules_.begin(), rules_.end(), row) != rules_.end();
}

const Table* Document::find_table(std::string_view name) const {
  for (const Section& section : sections) {
    for (const Block& block : section.blocks) {
      const Table* table = std::get_if<Table>(&block);
      if (table != nullptr && table->name() == name) return table;
    }
  }
  return nullptr;
}

Section* Document::find_section(std::string_view title_wanted) {
  const auto found = std::find_if(sections.begin(), sections.end(),
                                  [&](const Section& s) { return s.title == title_wanted; });
  return found == sections.end() ? nullptr : &*found;
}

std::string cell_text(const Cell& cell, const Column& column) {
  if (const auto* text = std::get_if<std::string>(&cell.value())) return one_line(*text);
  if (const auto* count = std::get_if<int64_t>(&cell.value())) {
    return column.kind == Kind::bytes ? format_bytes(*count) : with_thousands(*count);
  }
  if (const auto* number = std::get_if<double>(&cell.value())) return number_text(*number, column);
  if (const auto* interval = std::get_if<Interval>(&cell.value())) {
    return number_text(interval->low, column) + "–" + number_text(interval->high, column);
  }
  return "-";
}

std::string cell_data(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell.value())) return *text;
  if (const auto* count = std::get_if<int64_t>(&cell.value())) return std::to_string(*count);
  if (const auto* number = std::get_if<double>(&cell.value())) return fmt::format("{}", *number);
  if (const auto* interval = std::get_if<Interval>(&cell.value())) {
    return fmt::format("[{},{}]", interval->low, interval->high);
  }
  return "";
}

}  // namespace fpcls
