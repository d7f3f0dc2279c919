#include "base/text.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace fpcls {
namespace {

TEST(DisplayWidth, CountsTwoColumnsForChineseAndNoneForCombiningMarks) {
  EXPECT_EQ(display_width("plan"), 4);
  EXPECT_EQ(display_width("户外园林"), 8);
  EXPECT_EQ(display_width("e\xcc\x81"), 1);
  EXPECT_EQ(display_width("±é"), 2);
  EXPECT_EQ(display_width(""), 0);
}

TEST(Padding, FillsUpToTheSameWidthForAnyScript) {
  for (const char* text : {"a", "线框", "wireframe", ""}) {
    EXPECT_EQ(display_width(pad_right(text, 12)), 12);
    EXPECT_EQ(display_width(pad_left(text, 12)), 12);
  }
  EXPECT_EQ(pad_left("too long", 3), "too long");
}

TEST(ToUtf8, KeepsValidTextAndEscapesTheRest) {
  EXPECT_EQ(to_utf8("户型图.jpg"), "户型图.jpg");
  EXPECT_EQ(to_utf8("a\xff\xfe.png"), "a\\xff\\xfe.png");
  EXPECT_EQ(to_utf8("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(to_utf8("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(to_utf8("\xe6\x88"), "\\xe6\\x88");           // cut off
  EXPECT_EQ(to_utf8("two\nlines"), "two\nlines");
}

TEST(ToUtf8, GivesValidUtf8ForAnyBytes) {
  Random random(5);
  for (int round = 0; round < 500; ++round) {
    std::string bytes;
    for (int64_t i = random.below(20); i > 0; --i) bytes += static_cast<char>(random.below(256));
    const std::string once = to_utf8(bytes);
    EXPECT_EQ(to_utf8(once), once);
  }
}

TEST(OneLine, EscapesWhatWouldBreakALineOrATerminal) {
  EXPECT_EQ(one_line("a\nb\x1b[31m"), "a\\nb\\x1b[31m");
  EXPECT_EQ(quoted("a\nb"), "'a\\nb'");
  EXPECT_EQ(one_line("\xe2\x80\xa8"), "\\xe2\\x80\\xa8");  // line separator
}

TEST(CsvField, QuotesOnlyWhereNeeded) {
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"hi\"\n"), "\"say \"\"hi\"\"\n\"");
}

TEST(Numbers, AreWrittenForPeople) {
  EXPECT_EQ(with_thousands(1234567), "1,234,567");
  EXPECT_EQ(with_thousands(-999), "-999");
  EXPECT_EQ(format_bytes(940), "940 B");
  EXPECT_EQ(format_bytes(94350000), "94.3 MB");
  EXPECT_EQ(format_bytes(1100000), "1.10 MB");
  EXPECT_EQ(format_bytes(999999), "1.00 MB");
  EXPECT_EQ(format_duration(0.84), "0.8 s");
  EXPECT_EQ(format_duration(185), "3 min 05 s");
  EXPECT_EQ(format_duration(7800), "2 h 10 min");
}

TEST(ClosestName, FindsATypoAndNothingFarOff) {
  const std::vector<std::string> known = {"wireframe", "satellite"};
  EXPECT_EQ(closest_name("wirefrane", known), "wireframe");
  EXPECT_EQ(closest_name("garden", known), "");
}

}  // namespace
}  // namespace fpcls
