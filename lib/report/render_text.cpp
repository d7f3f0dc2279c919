#include "report/render_text.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace fpcls {

namespace {

constexpr int kGap = 2;
constexpr int kIndent = 2;

std::string repeated(std::string_view piece, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += piece;
  return all;
}

void append_line(std::string& out, int indent, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  if (!line.empty()) out += std::string(static_cast<size_t>(indent), ' ') + line;
  out += '\n';
}

/// A table whose cells are text already, with the width of each column.
struct TextTable {
  explicit TextTable(const Table& from);
  std::string line(const std::vector<std::string>& cells, const std::vector<size_t>& shown) const;
  int width_of(const std::vector<size_t>& shown) const;

  const Table& table;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> headings, units;
  std::vector<int> widths;
};

TextTable::TextTable(const Table& from) : table(from) {
  for (const Column& column : table.columns()) {
    headings.push_back(one_line(column.heading));
    units.push_back(one_line(column.unit));
    widths.push_back(std::max(display_width(headings.back()), display_width(units.back())));
  }
  for (const auto& row : table.rows()) {
    auto& cells = rows.emplace_back();
    for (size_t i = 0; i < row.size(); ++i) {
      cells.push_back(cell_text(row[i], table.columns()[i]));
      widths[i] = std::max(widths[i], display_width(cells.back()));
    }
  }
}

std::string TextTable::line(const std::vector<std::string>& cells,
                            const std::vector<size_t>& shown) const {
  std::string all;
  for (const size_t i : shown) {
    if (!all.empty()) all += std::string(kGap, ' ');
    const bool left = table.columns()[i].align == Align::left;
    all += left ? pad_right(cells[i], widths[i]) : pad_left(cells[i], widths[i]);
  }
  return all;
}

int TextTable::width_of(const std::vector<size_t>& shown) const {
  int width = -kGap;
  for (const size_t i : shown) width += kGap + widths[i];
  return width;
}

/// The columns of each part: as many as fit, and at least one besides the first. A last part of a
/// single column gets the one before it too: columns that belong together often end a table.
std::vector<std::vector<size_t>> split_columns(const TextTable& table, int width) {
  std::vector<std::vector<size_t>> parts = {{0}};
  for (size_t i = 1; i < table.widths.size(); ++i) {
    const int wider = table.width_of(parts.back()) + kGap + table.widths[i];
    if (table.table.columns()[i].data_only) continue;
    if (width > 0 && wider > width && parts.back().size() > 1) parts.push_back({0});
    parts.back().push_back(i);
  }
  constexpr size_t kEnough = 4;
  if (parts.size() > 1 && parts.back().size() == 2) {
    std::vector<size_t>& before = parts[parts.size() - 2];
    const int wider = table.width_of(parts.back()) + kGap + table.widths[before.back()];
    if (before.size() >= kEnough && wider <= width) {
      parts.back().insert(parts.back().begin() + 1, before.back());
      before.pop_back();
    }
  }
  return parts;
}

void append_part(std::string& out, const TextTable& text, const std::vector<size_t>& shown,
                 int indent) {
  append_line(out, indent, text.line(text.headings, shown));
  const bool has_units =
      std::any_of(shown.begin(), shown.end(), [&](size_t i) { return !text.units[i].empty(); });
  if (has_units) append_line(out, indent, text.line(text.units, shown));
  const std::string rule = repeated("─", text.width_of(shown));
  append_line(out, indent, rule);
  for (size_t row = 0; row < text.rows.size(); ++row) {
    if (text.table.rule_before(row)) append_line(out, indent, rule);
    append_line(out, indent, text.line(text.rows[row], shown));
  }
  if (text.rows.empty()) append_line(out, indent, "(none)");
}

/// `text` broken at spaces into lines of at most `width` columns, where words allow.
void append_wrapped(std::string& out, std::string_view text, int indent, int width) {
  std::string line;
  const std::string all = one_line(text);
  for (size_t begin = 0; begin < all.size();) {
    size_t end = all.find(' ', begin);
    if (end == std::string::npos) end = all.size();
    const std::string word = all.substr(begin, end - begin);
    const int wider = display_width(line) + 1 + display_width(word);
    if (!line.empty() && width > 0 && wider > width - indent) {
      append_line(out, indent, line);
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
    begin = end + 1;
  }
  append_line(out, indent, line);
}

void append_table(std::string& out, const Table& table, const TextOptions& options, int indent) {
  if (!table.caption.empty()) append_wrapped(out, table.caption, indent, options.width);
  const TextTable text(table);
  const int room = options.width > 0 ? std::max(1, options.width - indent) : 0;
  bool first = true;
  for (const auto& shown : split_columns(text, room)) {
    if (!first) out += '\n';
    append_part(out, text, shown, indent);
    first = false;
  }
  if (!options.notes) return;
  for (const std::string& note : table.notes) append_wrapped(out, note, indent, options.width);
}

/// Eight heights; a bin that isn't empty is never invisible.
std::string sparkline(const std::vector<double>& values) {
  static constexpr std::string_view kHeights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double most = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  std::string line;
  for (const double value : values) {
    if (!(value > 0)) {
      line += "·";
    } else {
      line += kHeights[std::clamp(static_cast<int>(std::ceil(8 * value / most)) - 1, 0, 7)];
    }
  }
  return line;
}

void append_chart(std::string& out, const Chart& chart, int indent, int width) {
  if (!chart.caption.empty()) append_wrapped(out, chart.caption, indent, width);
  int name_width = 0;
  size_t bins = 0;
  for (const auto& series : chart.series) {
    name_width = std::max(name_width, display_width(one_line(series.name)));
    bins = std::max(bins, series.values.size());
  }
  for (const auto& series : chart.series) {
    double sum = 0;
    for (const double value : series.values) sum += value;
    const std::string name = pad_right(one_line(series.name), name_width + kGap);
    append_line(out, indent,
                name + pad_right(sparkline(series.values), static_cast<int>(bins) + kGap) +
                    with_thousands(std::llround(sum)));
  }
  const int between = static_cast<int>(bins) - display_width(chart.low);
  append_line(out, indent + name_width + kGap, chart.low + pad_left(chart.high, between));
}

void append_key_values(std::string& out, const KeyValues& list, int indent) {
  int key_width = 0;
  for (const auto& [key, value] : list.entries) {
    key_width = std::max(key_width, display_width(one_line(key)));
  }
  for (const auto& [key, value] : list.entries) {
    append_line(out, indent, pad_right(one_line(key), key_width + kGap) + one_line(value));
  }
}

void append_block(std::string& out, const Block& block, const TextOptions& options) {
  if (const auto* paragraph = std::get_if<Paragraph>(&block)) {
    append_wrapped(out, paragraph->text, kIndent, options.width);
  } else if (const auto* list = std::get_if<KeyValues>(&block)) {
    append_key_values(out, *list, kIndent);
  } else if (const auto* table = std::get_if<Table>(&block)) {
    append_table(out, *table, options, kIndent);
  } else if (const auto* chart = std::get_if<Chart>(&block)) {
    append_chart(out, *chart, kIndent, options.width);
  } else if (const auto* gallery = std::get_if<Gallery>(&block)) {
    append_table(out, gallery->table, options, kIndent);
  } else if (const auto* plot = std::get_if<Plot>(&block)) {
    append_table(out, as_table(*plot), options, kIndent);
  } else if (const auto* bars = std::get_if<Bars>(&block)) {
    append_table(out, as_table(*bars), options, kIndent);
  } else {
    append_table(out, as_table(std::get<ScoreExplorer>(block)), options, kIndent);
  }
}

}  // namespace

std::string render_text(const Document& document, const TextOptions& options) {
  std::string out;
  if (!document.title.empty()) {
    const std::string title = one_line(document.title);
    append_line(out, 0, title);
    append_line(out, 0, repeated("═", display_width(title)));
  }
  for (const Section& section : document.sections) {
    if (!out.empty()) out += '\n';
    if (!section.title.empty()) append_line(out, 0, one_line(section.title));
    bool first = true;
    for (const Block& block : section.blocks) {
      if (!first) out += '\n';
      append_block(out, block, options);
      first = false;
    }
  }
  return out;
}

std::string render_text(const Table& table, const TextOptions& options) {
  std::string out;
  append_table(out, table, {options.width, false}, 0);
  return out;
}

int stdout_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

}  // namespace fpcls
