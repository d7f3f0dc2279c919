#include "base/csv.h"

#include <gmock/gmock.h>

#include <fstream>

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"

namespace fpcls {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Row = std::vector<std::string>;

std::vector<Row> rows_of(const std::string& text, char separator = ',') {
  CsvReader csv = CsvReader::of_text("t.csv", text, separator);
  std::vector<Row> rows;
  for (Row row; csv.next(row);) rows.push_back(row);
  return rows;
}

std::string error_of(const std::string& text) {
  try {
    rows_of(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(CsvReader, ReadsQuotesSeparatorsAndLineEndsInsideFields) {
  EXPECT_THAT(rows_of("path,label\n\"a,b\"\"c\nd\",x\n,\n"),
              ElementsAre(Row{"a,b\"c\nd", "x"}, Row{"", ""}));
}

TEST(CsvReader, TakesAByteOrderMarkWindowsLineEndsAndBlankLines) {
  CsvReader csv = CsvReader::of_text("t", "\xef\xbb\xbf\"path\",label\r\n\r\na,b\r\n\r\n");
  EXPECT_THAT(csv.columns(), ElementsAre("path", "label"));
  Row row;
  ASSERT_TRUE(csv.next(row));
  EXPECT_THAT(row, ElementsAre("a", "b"));
  EXPECT_EQ(csv.line(), 3);
  EXPECT_FALSE(csv.next(row));
}

TEST(CsvReader, NeedsNoLineEndAtTheEnd) {
  EXPECT_THAT(rows_of("a,b\n1,"), ElementsAre(Row{"1", ""}));
  EXPECT_THAT(rows_of("a\n1\r\n2"), ElementsAre(Row{"1"}, Row{"2"}));
}

TEST(CsvReader, SeparatesByTabs) {
  EXPECT_THAT(rows_of("a\tb\n1,2\t3\n", '\t'), ElementsAre(Row{"1,2", "3"}));
  EXPECT_EQ(csv_separator("x/list.tsv"), '\t');
  EXPECT_EQ(csv_separator("x/list.csv"), ',');
}

TEST(CsvReader, ReadsBackWhateverCsvFieldWrites) {
  Random random(5);
  const std::string alphabet = "ab,\"\n\r\xe7\xba\xbf ";
  for (int round = 0; round < 200; ++round) {
    std::vector<Row> rows(3, Row(4));
    std::string text = "h,i,j,k\n";
    for (Row& row : rows) {
      for (std::string& field : row) {
        for (int64_t n = random.below(6); n > 0; --n) {
          field +=
              alphabet[static_cast<size_t>(random.below(static_cast<int64_t>(alphabet.size())))];
        }
      }
      text += csv_field(row[0]) + ',' + csv_field(row[1]) + ',' + csv_field(row[2]) + ',' +
              csv_field(row[3]) + '\n';
    }
    ASSERT_EQ(rows_of(text), rows) << text;
  }
}

TEST(CsvReader, ReadsFilesLongerThanItsBuffer) {
  const std::string path = testing::TempDir() + "csv_test_long.csv";
  {
    std::ofstream file(path);
    file << "n,text\n";
    for (int i = 0; i < 20000; ++i) file << i << ",\"x" << i << "\"\n";
  }
  CsvReader csv{std::filesystem::path(path)};
  int count = 0;
  for (Row row; csv.next(row); ++count) ASSERT_EQ(row[1], "x" + row[0]);
  EXPECT_EQ(count, 20000);
  EXPECT_EQ(csv.line(), 20001);
}

TEST(CsvReader, SaysWhereAFieldBeginsInCharacters) {
  CsvReader csv = CsvReader::of_text("list.csv", "a,b\n\"\xe7\xba\xbf\n\",x\n");
  Row row;
  ASSERT_TRUE(csv.next(row));
  EXPECT_EQ(csv.where(0), "list.csv:2:1");
  EXPECT_EQ(csv.where(1), "list.csv:3:3");
}

TEST(CsvReader, FindsColumnsByExactName) {
  const CsvReader csv = CsvReader::of_text("t", "path,Label,,\n");
  EXPECT_EQ(csv.find("path"), 0u);
  EXPECT_EQ(csv.find("label"), std::nullopt);
}

TEST(CsvReader, RefusesBrokenRowsAndSaysWhere) {
  EXPECT_THAT(error_of("a,b\n1\n"), HasSubstr("t.csv:2:1: the row has 1 field, expected 2"));
  EXPECT_THAT(error_of("a,b\n1,2,3\n"), HasSubstr("t.csv:2:3: the row has 3 fields, expected 2"));
  EXPECT_THAT(error_of("a,b\n1,\"x\n"), HasSubstr("t.csv:2:3: a quoted field is never closed"));
  EXPECT_THAT(error_of("a,b\n1,x\"y\n"), HasSubstr("t.csv:2:4: a quote inside"));
  EXPECT_THAT(error_of("a,b\n1,\"x\"y\n"), HasSubstr("t.csv:2:6: text after a closing quote"));
  EXPECT_THAT(error_of("a,b\r1,2\r"), HasSubstr("carriage return without a line feed"));
  EXPECT_THAT(error_of(std::string("a,b\n1,\0\n", 8)), HasSubstr("a zero byte"));
}

TEST(CsvReader, RefusesBrokenHeaders) {
  EXPECT_THAT(error_of(""), HasSubstr("'t.csv': has no lines"));
  EXPECT_THAT(error_of("\n\n"), HasSubstr("has no lines"));
  EXPECT_THAT(error_of("a,path,path\n"), HasSubstr("t.csv:1:8: column 'path' is there twice"));
  EXPECT_THAT(error_of("\xff\xfe"
                       "a"),
              HasSubstr("UTF-16"));
  EXPECT_THAT(error_of("\xef"
                       "abc"),
              HasSubstr("aren't UTF-8"));
}

TEST(CsvReader, AnUnclosedQuoteDoesNotSwallowTheFile) {
  EXPECT_THAT(error_of("a\n\"" + std::string(1 << 20, 'x')), HasSubstr("longer than 65536 bytes"));
  EXPECT_THAT(error_of(std::string(1 << 20, ',')), HasSubstr("more than 4096 fields"));
}

TEST(CsvReader, NamesAFileThatCannotBeOpened) {
  EXPECT_THROW(CsvReader(std::filesystem::path("/nonexistent/x.csv")), Error);
  EXPECT_THROW(CsvReader(std::filesystem::path("/tmp")), Error);
}

}  // namespace
}  // namespace fpcls
