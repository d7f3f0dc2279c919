#include "report/render_html.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"
#include "report/html_assets.h"
#include "report/html_page.h"

namespace fpcls {
namespace {

/// How a content security policy names a text by its hash.
std::string policy_hash(std::string_view text) {
  const std::string hex = sha256_hex(text);
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return "'sha256-" + base64(bytes) + "'";
}

std::string section_id(size_t number) { return fmt::format("section{}", number); }

}  // namespace

void HtmlPage::head(const Document& document) {
  write("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
  write(fmt::format(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
      "style-src {}; script-src {}; base-uri 'none'; form-action 'none'\">\n",
      policy_hash(kReportCss), policy_hash(kReportJs)));
  write("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
  write("<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
  write(html_escaped(document.title) + "</title>\n<style>");
  write(kReportCss);
  write("</style>\n</head>\n");
}

void HtmlPage::navigation(const Document& document) {
  write("<nav aria-label=\"Sections\"><ul>");
  for (size_t i = 0; i < document.sections.size(); ++i) {
    const std::string& title = document.sections[i].title;
    if (title.empty()) continue;
    write("<li><a href=\"#" + section_id(i) + "\">" + html_words(title) + "</a></li>");
  }
  write("</ul></nav>\n");
}

void HtmlPage::section(const Section& section, size_t number) {
  const std::string id = section_id(number);
  if (section.title.empty()) {
    write("<section id=\"" + id + "\">\n");
  } else {
    write(
        fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}title\">\n<h2 id=\"{0}title\">{1}"
                    "</h2>\n",
                    id, html_words(section.title)));
  }
  bool in_figures = false;
  for (const Block& b : section.blocks) {
    // Charts stand beside each other where there is room.
    const bool is_figure = std::holds_alternative<Chart>(b) || std::holds_alternative<Plot>(b) ||
                           std::holds_alternative<Bars>(b);
    if (is_figure != in_figures) write(is_figure ? "<div class=\"figures\">\n" : "</div>\n");
    in_figures = is_figure;
    block(b);
  }
  if (in_figures) write("</div>\n");
  write("</section>\n");
}

void HtmlPage::block(const Block& b) {
  if (const auto* paragraph = std::get_if<Paragraph>(&b)) {
    write("<p>" + html_words(paragraph->text) + "</p>\n");
  } else if (const auto* list = std::get_if<KeyValues>(&b)) {
    key_values(*list);
  } else if (const auto* as_rows = std::get_if<Table>(&b)) {
    table(*as_rows);
  } else if (const auto* histogram = std::get_if<Chart>(&b)) {
    chart(*histogram);
  } else if (const auto* curves = std::get_if<Plot>(&b)) {
    plot(*curves);
  } else if (const auto* rows = std::get_if<Bars>(&b)) {
    bars(*rows);
  } else if (const auto* pictures = std::get_if<Gallery>(&b)) {
    gallery(*pictures);
  } else {
    explorer(std::get<ScoreExplorer>(b));
  }
}

void HtmlPage::document(const Document& document) {
  head(document);
  write("<body>\n<a class=\"skip\" href=\"#main\">" + html_words("Skip to the report") +
        "</a>\n<header>\n<h1>" + html_words(document.title) +
        "</h1>\n<button id=\"language\" type=\"button\" lang=\"zh\" hidden>中文</button>\n"
        "</header>\n");
  navigation(document);
  write("<main id=\"main\">\n");
  for (size_t i = 0; i < document.sections.size(); ++i) section(document.sections[i], i);
  write("</main>\n<script>");
  write(kReportJs);
  write("</script>\n</body>\n</html>\n");
}

void render_html(const Document& document, const std::function<void(std::string_view)>& write) {
  HtmlPage(write).document(document);
}

std::string render_html(const Document& document) {
  std::string page;
  render_html(document, [&](std::string_view piece) { page += piece; });
  return page;
}

}  // namespace fpcls
