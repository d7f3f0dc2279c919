#include "report/render_markdown.h"

#include <cctype>

#include "base/text.h"
#include "report/render_text.h"

namespace fpcls {

namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

std::string row_of(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += " " + cell + " |";
  return line + "\n";
}

std::string heading_of(const Column& column) {
  std::string heading = markdown_escaped(column.heading);
  if (!column.unit.empty()) heading += " (" + markdown_escaped(column.unit) + ")";
  return heading;
}

void append_table(std::string& out, const Table& table) {
  if (!table.caption.empty()) out += markdown_escaped(table.caption) + "\n\n";
  std::vector<std::string> headings, rules;
  for (const Column& column : table.columns()) {
    if (column.data_only) continue;
    headings.push_back(heading_of(column));
    rules.push_back(column.align == Align::right ? "---:" : "---");
  }
  out += row_of(headings) + row_of(rules);
  for (const auto& row : table.rows()) {
    std::vector<std::string> cells;
    for (size_t i = 0; i < row.size(); ++i) {
      if (table.columns()[i].data_only) continue;
      cells.push_back(markdown_escaped(cell_text(row[i], table.columns()[i])));
    }
    out += row_of(cells);
  }
  if (table.rows().empty()) out += "\nNone.\n";
  if (!table.notes.empty()) out += "\n";
  for (const std::string& note : table.notes) out += "- " + markdown_escaped(note) + "\n";
}

void append_block(std::string& out, const Block& block) {
  if (const auto* paragraph = std::get_if<Paragraph>(&block)) {
    out += markdown_escaped(paragraph->text) + "\n";
  } else if (const auto* list = std::get_if<KeyValues>(&block)) {
    for (const auto& [key, value] : list->entries) {
      out += "- " + markdown_escaped(key) + ": " + markdown_escaped(value) + "\n";
    }
  } else if (const auto* table = std::get_if<Table>(&block)) {
    append_table(out, *table);
  } else if (const auto* chart = std::get_if<Chart>(&block)) {
    Document only;
    only.sections.push_back({"", {*chart}});
    out += "```text\n" + render_text(only) + "```\n";
  } else if (const auto* gallery = std::get_if<Gallery>(&block)) {
    append_table(out, gallery->table);
  } else if (const auto* plot = std::get_if<Plot>(&block)) {
    append_table(out, as_table(*plot));
  } else if (const auto* bars = std::get_if<Bars>(&block)) {
    append_table(out, as_table(*bars));
  } else {
    append_table(out, as_table(std::get<ScoreExplorer>(block)));
  }
}

}  // namespace

std::string markdown_escaped(std::string_view text) {
  const std::string line = one_line(text);
  std::string escaped;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    // An underscore inside a word is only an underscore.
    const bool inside =
        i > 0 && i + 1 < line.size() && is_word(line[i - 1]) && is_word(line[i + 1]);
    const bool special = std::string_view("\\|`*<>[]~&$").find(c) != std::string_view::npos ||
                         (c == '_' && !inside) ||
                         (i == 0 && std::string_view("#+-=:").find(c) != std::string_view::npos);
    // A lone "-" is how absent values are shown; it opens nothing inside a cell.
    if (special && line != "-") escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string render_markdown(const Document& document) {
  std::string out;
  if (!document.title.empty()) out += "# " + markdown_escaped(document.title) + "\n";
  for (const Section& section : document.sections) {
    if (!out.empty()) out += "\n";
    if (!section.title.empty()) out += "## " + markdown_escaped(section.title) + "\n\n";
    bool first = true;
    for (const Block& block : section.blocks) {
      if (!first) out += "\n";
      append_block(out, block);
      first = false;
    }
  }
  return out;
}

}  // namespace fpcls
