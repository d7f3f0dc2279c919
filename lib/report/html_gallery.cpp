#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "report/html_page.h"

namespace fpcls {
namespace {

size_t column_index(const Table& table, const std::string& key) {
  const auto& columns = table.columns();
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.key == key; });
  FPCLS_CHECK(found != columns.end());
  return static_cast<size_t>(found - columns.begin());
}

/// The values of a column, each once, with how often, the most frequent first.
std::vector<std::pair<std::string, int>> values_of(const Table& table, size_t column) {
  std::map<std::string, int> counts;
  for (const auto& row : table.rows()) {
    ++counts[cell_text(row[column], table.columns()[column])];
  }
  std::vector<std::pair<std::string, int>> values(counts.begin(), counts.end());
  std::stable_sort(values.begin(), values.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return values;
}

}  // namespace

void HtmlPage::gallery_filters(const Gallery& gallery) {
  write("<div class=\"filters\" hidden>");
  for (size_t f = 0; f < gallery.filters.size(); ++f) {
    const size_t index = column_index(gallery.table, gallery.filters[f]);
    const Column& column = gallery.table.columns()[index];
    const bool own = column.own_words == OwnWords::heading_and_cells;
    write(fmt::format("<label>{} <select data-filter=\"{}\"><option value=\"\"{}>all</option>",
                      html_words(column.heading), f, html_word_attributes("all")));
    for (const auto& [value, count] : values_of(gallery.table, index)) {
      write(fmt::format("<option value=\"{0}\"{1}>{0}</option>", html_escaped(value),
                        own ? html_word_attributes(value) : ""));
    }
    write("</select></label>");
  }
  write("<output></output></div>\n");
}

void HtmlPage::card(const Gallery& gallery, size_t row) {
  const Table& table = gallery.table;
  const auto& cells = table.rows()[row];
  const std::string path = html_escaped(cell_text(cells[0], table.columns()[0]));
  std::string markup = "<li";
  for (size_t f = 0; f < gallery.filters.size(); ++f) {
    const size_t index = column_index(table, gallery.filters[f]);
    markup += fmt::format(" data-f{}=\"{}\"", f,
                          html_escaped(cell_text(cells[index], table.columns()[index])));
  }
  write(markup + ">");
  const Thumbnail& thumbnail = gallery.thumbnails[row];
  if (thumbnail.webp.empty()) {
    write("<span class=\"no-picture\">" + html_words("no picture") + "</span>");
  } else {
    write(
        fmt::format("<img width=\"{}\" height=\"{}\" alt=\"{}\" "
                    "decoding=\"async\" src=\"data:image/webp;base64,",
                    thumbnail.width, thumbnail.height, path));
    write(base64(thumbnail.webp));
    write("\">");
  }
  write("<p>" + path + "</p><dl>");
  for (size_t i = 1; i < cells.size(); ++i) {
    const Column& column = table.columns()[i];
    if (column.data_only || cells[i].absent() || cell_data(cells[i]).empty()) continue;
    write("<div><dt>" + heading_markup(column) + "</dt><dd>" + cell_markup(cells[i], column) +
          "</dd></div>");
  }
  write("</dl></li>\n");
}

void HtmlPage::gallery(const Gallery& gallery) {
  const Table& table = gallery.table;
  FPCLS_CHECK(gallery.thumbnails.size() == table.rows().size());
  write("<div class=\"gallery\">\n");
  if (!table.caption.empty()) write("<p>" + html_words(table.caption) + "</p>\n");
  gallery_filters(gallery);
  write("<ul class=\"cards\">\n");
  // The script takes out of the template what is asked for: hundreds of cards at once would make
  // the page open slowly.
  constexpr size_t kShownFirst = 24;
  for (size_t row = 0; row < table.rows().size(); ++row) {
    if (row == kShownFirst) write("</ul>\n<template>\n");
    card(gallery, row);
  }
  write(table.rows().size() > kShownFirst ? "</template>\n" : "</ul>\n");
  write("<button type=\"button\" class=\"more\" hidden>" + html_words("show more") +
        "</button>\n</div>\n");
  if (table.notes.empty()) return;
  write("<ul class=\"notes\">");
  for (const std::string& note : table.notes) write("<li>" + html_words(note) + "</li>");
  write("</ul>\n");
}

}  // namespace fpcls
