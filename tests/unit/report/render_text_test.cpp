#include "report/render_text.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/random.h"
#include "base/text.h"

namespace fpcls {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Table bilingual() {
  Table table("classes", {text_column("label", "class"), count_column("predicted", "", "TP+FP"),
                          ratio_column("recall")});
  table.add_row({"线框 wireframe", 270, 0.976833976});
  table.add_row({"户外园林", 17, 0.941176470});
  table.add_row({"photo", 5229, std::nullopt});
  table.add_rule();
  table.add_row({"all", 7333, 0.99});
  return table;
}

TEST(TextTable, LinesUpChineseAndEnglishLabels) {
  EXPECT_EQ(render_text(bilingual()),
            "class           predicted    recall\n"
            "                    TP+FP\n"
            "───────────────────────────────────\n"
            "线框 wireframe        270  0.976834\n"
            "户外园林               17  0.941176\n"
            "photo               5,229         -\n"
            "───────────────────────────────────\n"
            "all                 7,333  0.990000\n");
}

TEST(TextTable, RepeatsTheFirstColumnWhereTheScreenIsTooNarrow) {
  EXPECT_EQ(render_text(bilingual(), {30, false}),
            "class           predicted\n"
            "                    TP+FP\n"
            "─────────────────────────\n"
            "线框 wireframe        270\n"
            "户外园林               17\n"
            "photo               5,229\n"
            "─────────────────────────\n"
            "all                 7,333\n"
            "\n"
            "class             recall\n"
            "────────────────────────\n"
            "线框 wireframe  0.976834\n"
            "户外园林        0.941176\n"
            "photo                  -\n"
            "────────────────────────\n"
            "all             0.990000\n");
}

TEST(TextTable, LeavesNoColumnAlone) {
  Table table("t", {text_column("a"), text_column("bb"), text_column("cc"), text_column("dd"),
                    text_column("ee")});
  table.add_row({"1", "2", "3", "4", "5"});
  EXPECT_EQ(render_text(table, {13, false}),
            "a  bb  cc\n"
            "─────────\n"
            "1  2   3\n"
            "\n"
            "a  dd  ee\n"
            "─────────\n"
            "1  4   5\n");
}

TEST(TextTable, ShowsNoColumnThatIsForCsvOnly) {
  Table table("t", {text_column("a"), data_only(count_column("b")), count_column("c")});
  table.add_row({"x", 1, 2});
  EXPECT_EQ(render_text(table), "a  c\n────\nx  2\n");
}

TEST(TextTable, SaysThatThereIsNothing) {
  EXPECT_EQ(render_text(Table("t", {text_column("path"), count_column("n")})),
            "path  n\n"
            "───────\n"
            "(none)\n");
}

std::string random_label(Random& random) {
  static constexpr std::string_view kPieces[] = {"a",  "线", "框", "wire ", "é",
                                                 "\t", "\n", "户", "x",     "\xff"};
  std::string label;
  for (int64_t i = random.below(8); i >= 0; --i) label += kPieces[random.below(10)];
  return label + ".";
}

// The last column is right-aligned, so a line that ends elsewhere is out of line.
TEST(TextTable, HasLinesOfTheSameWidthWhateverTheCells) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    std::vector<Column> columns = {text_column("label")};
    for (int64_t i = random.below(4); i > 0; --i) columns.push_back(text_column("文 text"));
    columns.push_back(ratio_column("ratio"));
    Table table("t", columns);
    for (int64_t row = random.between(1, 6); row > 0; --row) {
      std::vector<Cell> cells;
      for (size_t i = 0; i + 1 < columns.size(); ++i) cells.emplace_back(random_label(random));
      cells.emplace_back(random.chance(0.3) ? Cell() : Cell(random.uniform()));
      table.add_row(cells);
    }
    const auto lines = lines_of(render_text(table));
    ASSERT_EQ(lines.size(), table.rows().size() + 2) << "seed " << seed;
    for (const std::string& line : lines) {
      EXPECT_EQ(display_width(line), display_width(lines[1])) << "seed " << seed << ": " << line;
    }
  }
}

TEST(TextTable, FitsTheScreenWhereTwoColumnsDo) {
  for (int width = 26; width < 60; ++width) {
    for (const std::string& line : lines_of(render_text(bilingual(), {width, false}))) {
      EXPECT_LE(display_width(line), width) << line;
    }
  }
}

TEST(TextDocument, ShowsAllKindsOfBlocks) {
  Document document;
  document.title = "户型图 report";
  document.sections.push_back({"Run", {KeyValues{{{"cpu", "Xeon"}, {"模型", "a.safetensors"}}}}});
  Table table("t", {text_column("path"), count_column("n")});
  table.add_row({"x", 1});
  table.caption = "Pictures:";
  table.notes = {"n: how many"};
  Chart chart{"Scores", "0", "1", {{"positive", {0, 1, 4, 8}}, {"负", {800, 0, 0, 1}}}};
  document.sections.push_back({"All", {Paragraph{"some words"}, table, chart}});
  const std::string head =
      "户型图 report\n"
      "═════════════\n"
      "\n"
      "Run\n"
      "  cpu   Xeon\n"
      "  模型  a.safetensors\n"
      "\n"
      "All\n"
      "  some words\n"
      "\n"
      "  Pictures:\n"
      "  path  n\n"
      "  ───────\n"
      "  x     1\n";
  const std::string tail =
      "\n"
      "  Scores\n"
      "  positive  ·▁▄█  13\n"
      "  负        █··▁  801\n"
      "            0  1\n";
  EXPECT_EQ(render_text(document), head + tail);
  EXPECT_EQ(render_text(document, {80, true}), head + "  n: how many\n" + tail);
}

TEST(TextDocument, BreaksParagraphsAtSpacesOnly) {
  Document document;
  document.sections.push_back({"", {Paragraph{"one two three unbreakable_word four"}}});
  EXPECT_EQ(render_text(document, {12, false}), "  one two\n  three\n  unbreakable_word\n  four\n");
}

TEST(TextDocument, IsEmptyWhenTheDocumentIs) { EXPECT_EQ(render_text(Document()), ""); }

}  // namespace
}  // namespace fpcls
