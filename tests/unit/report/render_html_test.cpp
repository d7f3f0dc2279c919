#include "report/render_html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <regex>

#include "report/html_text.h"

namespace fpcls {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Document of_blocks(std::vector<Block> blocks) {
  Document document;
  document.title = "Report";
  document.sections.push_back({"Acceptance", std::move(blocks)});
  return document;
}

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Html, WritesATable) {
  Table table("classes", {text_column("label", "class"), count_column("predicted", "", "TP+FP"),
                          data_only(count_column("tn")), ratio_column("recall")});
  table.add_row({"线框", 5229, 7, 0.976833976});
  table.add_rule();
  table.add_row({"x", 0, 8, std::nullopt});
  const std::string page = render_html(of_blocks({table}));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">线框</th><td class=\"n\">5,229</td>"
                              "<td class=\"n\">0.976834</td></tr>"));
  EXPECT_THAT(page, HasSubstr("<tr class=\"rule\"><th scope=\"row\">x</th><td class=\"n\">0</td>"
                              "<td class=\"n\">–</td></tr>"));
  EXPECT_THAT(page, Not(HasSubstr("data-key=\"tn\"")));
}

TEST(Html, SaysItsOwnWordsInTwoLanguagesAndLeavesNamesAlone) {
  Table table("confusion", {text_column("truth"), named_by_data(count_column("recall", "recall"))});
  table.add_row({"precision", 1});
  const std::string page = render_html(of_blocks({table}));
  EXPECT_THAT(page, HasSubstr("<h2 id=\"section0title\"><span lang=\"en\">Acceptance</span>"
                              "<span lang=\"zh\">验收</span></h2>"));
  EXPECT_THAT(page, HasSubstr("data-key=\"recall\" class=\"n\">recall</th>"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">precision</th>"));
}

/// Puts a text wherever data can stand.
Document hostile_document(const std::string& evil) {
  Table table(evil, {text_column(evil, evil), named_by_data(count_column(evil, evil, evil))});
  table.caption = evil;
  table.notes = {evil};
  table.add_row({evil, 3});
  Table matrix("confusion", {text_column("truth"), named_by_data(count_column(evil, evil))});
  matrix.is_matrix = true;
  matrix.add_row({evil, 3});
  Chart chart{evil, evil, evil, {{evil, {1, 2}}}, Mark{evil, 0.5}};
  Plot plot;
  plot.caption = plot.x_name = plot.y_name = evil;
  plot.ticks = {evil};
  plot.series = {{evil, {0.5}, {}, 0, false}};
  Plot data_plot = plot;
  data_plot.series_are_data = true;
  Bars bars{evil, {evil}, {{evil, {1}}}, {}, false, 1, evil};
  Gallery gallery{table, {{std::string("\xff<", 2), 4, 3}}, {evil}};
  ScoreExplorer explorer;
  explorer.stages = {{evil, {evil}, "no " + evil, 0.5F, true, "m", "s", "f32"}};
  explorer.otherwise = "other";
  explorer.labels = {evil, "no " + evil, "other"};
  explorer.tables = {table, matrix};
  explorer.predictions = [evil](const auto& use) {
    Prediction p;
    p.path = p.slice = evil;
    p.label = evil;
    p.scores = {{0, {0.25F}, 1}};
    use(p);
  };
  Document document;
  document.title = evil;
  document.sections.push_back({evil,
                               {Paragraph{evil}, KeyValues{{{evil, evil}}}, table, matrix, chart,
                                plot, data_plot, bars, gallery, explorer}});
  return document;
}

TEST(Html, TakesNothingFromDataAsMarkup) {
  // A page's own markup has none of these words, so they may only come escaped.
  for (const std::string evil :
       {"</script><script>evil()</script>", "<img src=evil onerror=evil()>",
        "\" onmouseover=\"evil()\" x=\"", "' onfocus='evil()", "-->]]><evil>", "</style><evil>",
        "</template></title><evil>", "&lt;evil&gt;", "\xff\xfe<evil>", "a\n<evil>\t"}) {
    const std::string page = render_html(hostile_document(evil));
    EXPECT_EQ(count_of(page, "<evil"), 0) << evil;
    EXPECT_EQ(count_of(page, "<img src=evil"), 0) << evil;
    EXPECT_EQ(count_of(page, "\" onmouseover"), 0) << evil;
    EXPECT_EQ(count_of(page, "' onfocus"), 0) << evil;
    EXPECT_EQ(count_of(page, "<script>"), 1) << evil;
    EXPECT_EQ(count_of(page, "</style>"), 1) << evil;
    EXPECT_EQ(count_of(page, "</title>"), 1 + count_of(page, "</title></")) << evil;
    EXPECT_EQ(count_of(page, "\xff"), 0) << "valid UTF-8 only";
  }
}

TEST(Html, AsksNobodyElseForAnything) {
  const std::string page = render_html(hostile_document("x"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'; img-src data:; style-src 'sha256-"));
  EXPECT_THAT(page, Not(HasSubstr("http:")));
  EXPECT_THAT(page, Not(HasSubstr("https:")));
  EXPECT_THAT(page, Not(HasSubstr(" style=")));
  EXPECT_THAT(page, Not(HasSubstr(" onclick=")));
}

TEST(Html, GivesNoIdTwice) {
  const std::string page = render_html(hostile_document("x"));
  const std::regex id("\\sid=\"([^\"]*)\"");
  std::set<std::string> ids;
  for (auto it = std::sregex_iterator(page.begin(), page.end(), id); it != std::sregex_iterator();
       ++it) {
    EXPECT_TRUE(ids.insert((*it)[1]).second) << (*it)[1];
  }
  EXPECT_GT(ids.size(), 10u);
}

TEST(Html, HoldsTheScoresAsFloats) {
  ScoreExplorer explorer;
  explorer.stages = {{"a", {"cat"}, "", 0.5F, true, "", "", ""},
                     {"b", {"dog", "cow"}, "", 0.5F, false, "", "", ""}};
  explorer.otherwise = "other";
  explorer.labels = {"cat", "dog", "cow", "other"};
  explorer.predictions = [](const auto& use) {
    Prediction p;
    p.label = "cow";
    p.scores = {{0, {0.25F}, 0}, {1, {0.5F, 0.75F}, 0}};
    use(p);
    p.label.reset();
    p.scores = {{0, {1.0F}, 0}};
    use(p);
    p.reason_code = "truncated";
    use(p);
  };
  // 2, 0.25, 0.75 of label 1; -1, 1, nothing, nothing.
  const std::string floats(
      "\0\0\0\x40\0\0\x80\x3e\0\0\x40\x3f\0\0\x80\x3f"
      "\0\0\x80\xbf\0\0\x80\x3f\0\0\xc0\x7f\0\0\xc0\x7f",
      32);
  EXPECT_THAT(render_html(of_blocks({explorer})),
              HasSubstr("class=\"scores\">" + base64(floats) + "</script>"));
}

TEST(Html, ShowsAPictureThatWasNotFoundAsMissing) {
  Table table("errors", {text_column("path"), text_column("label", "truth")});
  table.add_row({"a.jpg", "photo"});
  table.add_row({"b.jpg", "garden"});
  const std::string page =
      render_html(of_blocks({Gallery{table, {{"webp", 160, 90}, {}}, {"label"}}}));
  EXPECT_THAT(page, HasSubstr("<img width=\"160\" height=\"90\" alt=\"a.jpg\" "
                              "decoding=\"async\" src=\"data:image/webp;base64,d2VicA==\">"));
  EXPECT_EQ(count_of(page, "<img"), 1);
  EXPECT_EQ(count_of(page, "class=\"no-picture\""), 1);
  EXPECT_THAT(page, HasSubstr("<li data-f0=\"garden\">"));
}

TEST(Html, KeepsPicturesBehindTheFirstFewForLater) {
  Gallery gallery{Table("errors", {text_column("path")}), {}, {}};
  for (int i = 0; i < 30; ++i) gallery.table.add_row({std::to_string(i) + ".jpg"});
  gallery.thumbnails.resize(30);
  const std::string page = render_html(of_blocks({gallery}));
  const size_t later = page.find("<template>");
  ASSERT_NE(later, std::string::npos);
  EXPECT_LT(page.find("23.jpg"), later);
  EXPECT_GT(page.find("24.jpg"), later);
  EXPECT_LT(page.find("29.jpg"), page.find("</template>"));
}

TEST(Html, LeavesGapsWherePlotsHaveNoValue) {
  Plot plot;
  plot.caption = "Precision";
  plot.x = {0, 0.5, 1};
  plot.series = {{"precision", {0.5, std::nullopt, 1.0}, {}, 0, false}};
  const std::string page = render_html(of_blocks({plot}));
  EXPECT_EQ(std::count(page.begin(), page.end(), 'M') > 1, true);
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  const std::regex path("<path d=\"M[0-9.]+ [0-9.]+M[0-9.]+ [0-9.]+\"/>");
  EXPECT_TRUE(std::regex_search(page, path));
}

TEST(Html, OfNothingIsStillAPage) {
  EXPECT_THAT(render_html(Document{}), HasSubstr("<main id=\"main\">\n</main>"));
  Plot plot;
  Bars bars;
  Chart chart;
  const std::string page =
      render_html(of_blocks({plot, bars, chart, Table("t", {text_column("a")})}));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  EXPECT_THAT(page, Not(HasSubstr("inf\"")));
}

TEST(Base64, IsThatOfTheStandardInPiecesOfAnyLength) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(random() % 100, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    std::string pieces;
    Base64Writer writer([&](std::string_view digits) { pieces += digits; });
    for (size_t at = 0; at < bytes.size();) {
      const size_t length = random() % 7;
      writer.write(bytes.substr(at, length));
      at += length;
    }
    writer.finish();
    EXPECT_EQ(pieces, base64(bytes));
  }
}

TEST(Chinese, FillsPatterns) {
  EXPECT_EQ(in_chinese("Acceptance"), "验收");
  EXPECT_EQ(in_chinese("never heard of"), "");
  EXPECT_EQ(in_chinese("Evaluation of 1,234 pictures"), "1,234 张图片的评估");
  EXPECT_EQ(in_chinese("Evaluation of 1,234 pictures and more"), "");
  EXPECT_EQ(in_chinese("Evaluation of "), "");
}

}  // namespace
}  // namespace fpcls
