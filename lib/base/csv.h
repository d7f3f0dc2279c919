#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reading CSV and TSV files with a header, row by row in flat memory: RFC 4180 (quoted fields,
/// doubled quotes, line ends inside quotes), Windows line ends, a byte-order mark, blank lines
/// skipped. What isn't that is an Error with file:line:column, never a guess.
///
///     CsvReader csv("list.csv", csv_separator("list.csv"));
///     const auto label = csv.find("label");
///     for (std::vector<std::string> row; csv.next(row);) use(row[*label]);
namespace fpcls {

/// A tab for names that end in .tsv, else a comma.
char csv_separator(const std::filesystem::path& path);

class CsvReader {
 public:
  /// A longer field, or more columns, is an Error: an unclosed quote must not swallow a whole file.
  static constexpr size_t kMaxFieldBytes = 1 << 16;
  static constexpr size_t kMaxColumns = 4096;

  /// Opens `path` (which may be a pipe) and reads the header. Throws Error where the file is empty
  /// or names a column twice.
  explicit CsvReader(const std::filesystem::path& path, char separator = ',');
  /// The same of `text`, called `name` in messages.
  static CsvReader of_text(std::string name, std::string text, char separator = ',');
  CsvReader(CsvReader&&) noexcept;
  ~CsvReader();

  const std::vector<std::string>& columns() const { return columns_; }
  /// Index of the column with this exact name.
  std::optional<size_t> find(std::string_view name) const;

  /// Reads the next row into `fields`, as many as there are columns (else an Error). The bytes are
  /// as in the file: they needn't be valid UTF-8. Returns false at the end.
  bool next(std::vector<std::string>& fields);

  /// Line, from 1, on which the last row begins.
  int64_t line() const { return line_; }
  /// "list.csv:4:9" of a field of the last row, for messages. Columns count characters, from 1.
  std::string where(size_t field = 0) const;

 private:
  struct Source;
  struct Place {
    int64_t line;
    int64_t column;
  };

  CsvReader(std::string name, std::unique_ptr<Source> source, char separator);
  void read_header();
  bool read_row(std::vector<std::string>& fields);
  void read_quoted(std::string& field);
  void read_plain(std::string& field);
  void append(std::string& field, int byte);
  int take();
  int peek();
  void skip_byte_order_mark();
  std::string at(Place place) const;

  std::string name_;
  std::unique_ptr<Source> source_;
  char separator_;
  std::vector<std::string> columns_;
  std::vector<Place> places_;  // where each field of the last row begins
  Place here_{1, 1};
  int64_t line_ = 0;
};

}  // namespace fpcls
