#include "report/document.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "report/render_csv.h"

namespace fpcls {
namespace {

Table example() {
  Table table("classes", {text_column("label", "class"), count_column("total", "", "TP+FP"),
                          ratio_column("precision"), ratio_column("interval", "95 %", 3)});
  table.add_row({"wireframe", 7333, 0.937037037037037, Interval{0.9, 0.95}});
  table.add_row({"线框", 0, std::nullopt, Cell()});
  return table;
}

TEST(Cell, ShowsAbsentAsADashAndNeverAsZero) {
  const Column column = ratio_column("precision");
  EXPECT_EQ(cell_text(Cell(), column), "-");
  EXPECT_EQ(cell_text(Cell(std::optional<double>()), column), "-");
  EXPECT_EQ(cell_data(Cell()), "");
  EXPECT_EQ(cell_data(Cell(std::optional<double>(0.0))), "0");
}

TEST(Cell, IsAbsentWhenTheNumberIsNotFinite) {
  EXPECT_TRUE(Cell(std::nan("")).absent());
  EXPECT_TRUE(Cell(std::numeric_limits<double>::infinity()).absent());
  EXPECT_TRUE(Cell(Interval{0, std::nan("")}).absent());
}

TEST(Cell, IsShownAsItsColumnSays) {
  EXPECT_EQ(cell_text(7333, count_column("n")), "7,333");
  EXPECT_EQ(cell_text(0.9370370, ratio_column("p")), "0.937037");
  EXPECT_EQ(cell_text(0.937, percent_column("p")), "93.7");
  EXPECT_EQ(cell_text(0.012, points_column("d")), "+1.2");
  EXPECT_EQ(cell_text(-0.012, points_column("d")), "-1.2");
  EXPECT_EQ(cell_text(-0.0001, points_column("d")), "0.0");
  EXPECT_EQ(cell_text(1.234, ms_column("t")), "1.23");
  EXPECT_EQ(cell_text(int64_t{1500000}, bytes_column("size")), "1.50 MB");
  EXPECT_EQ(cell_text(Interval{0.1, 0.25}, ratio_column("p", "", 2)), "0.10–0.25");
}

TEST(Cell, KeepsItsLineEndsFromBreakingATable) {
  EXPECT_EQ(cell_text("a\nb", text_column("path")), "a\\nb");
}

TEST(Table, EndsTheProgramWhenARowHasTheWrongNumberOfCells) {
  Table table = example();
  EXPECT_DEATH(table.add_row({"one"}), "columns");
}

TEST(Document, FindsItsTablesByName) {
  Document document;
  document.sections.push_back({"s", {Paragraph{"p"}, example()}});
  ASSERT_NE(document.find_table("classes"), nullptr);
  EXPECT_EQ(document.find_table("classes")->rows().size(), 2u);
  EXPECT_EQ(document.find_table("buckets"), nullptr);
}

TEST(Csv, HasKeysAndUnroundedValuesAndEmptyFieldsWhereAbsent) {
  EXPECT_EQ(render_csv(example()),
            "label,total,precision,interval\n"
            "wireframe,7333,0.937037037037037,\"[0.9,0.95]\"\n"
            "线框,0,,\n");
}

TEST(Csv, QuotesWhatWouldBreakALine) {
  EXPECT_EQ(csv_line({"a,b", "say \"x\"", "two\nlines", "plain"}),
            "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",plain\n");
}

}  // namespace
}  // namespace fpcls
