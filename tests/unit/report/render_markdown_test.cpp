#include "report/render_markdown.h"

#include <gtest/gtest.h>

namespace fpcls {
namespace {

TEST(Markdown, WritesATable) {
  Table table("classes", {text_column("label", "class"), count_column("predicted", "", "TP+FP"),
                          ratio_column("recall")});
  table.add_row({"线框", 5229, 0.976833976});
  table.add_row({"a|b", 0, std::nullopt});
  table.notes = {"recall: TP / (TP + FN)"};
  Document document;
  document.title = "Report";
  document.sections.push_back({"Acceptance", {table}});
  EXPECT_EQ(render_markdown(document),
            "# Report\n"
            "\n"
            "## Acceptance\n"
            "\n"
            "| class | predicted (TP+FP) | recall |\n"
            "| --- | ---: | ---: |\n"
            "| 线框 | 5,229 | 0.976834 |\n"
            "| a\\|b | 0 | - |\n"
            "\n"
            "- recall: TP / (TP + FN)\n");
}

TEST(Markdown, SaysThatThereIsNothing) {
  Document document;
  document.sections.push_back({"", {Table("t", {text_column("path")})}});
  EXPECT_EQ(render_markdown(document), "| path |\n| --- |\n\nNone.\n");
}

TEST(Markdown, EscapesWhatMeansSomething) {
  EXPECT_EQ(markdown_escaped("a|b"), "a\\|b");
  EXPECT_EQ(markdown_escaped("<script>"), "\\<script\\>");
  EXPECT_EQ(markdown_escaped("[x](y)"), "\\[x\\](y)");
  EXPECT_EQ(markdown_escaped("*b* `c` \\"), "\\*b\\* \\`c\\` \\\\");
  EXPECT_EQ(markdown_escaped("# title"), "\\# title");
  EXPECT_EQ(markdown_escaped("&lt;"), "\\&lt;");
  EXPECT_EQ(markdown_escaped("two\nlines"), "two\\\\nlines");
}

TEST(Markdown, LeavesWordsAlone) {
  EXPECT_EQ(markdown_escaped("peak_rss_bytes 2024-06/线框.jpg"), "peak_rss_bytes 2024-06/线框.jpg");
  EXPECT_EQ(markdown_escaped("_under_"), "\\_under\\_");
  EXPECT_EQ(markdown_escaped("-"), "-");
}

}  // namespace
}  // namespace fpcls
