#include <algorithm>
#include <istream>
#include <optional>

#include "base/csv.h"
#include "base/error.h"
#include "base/text.h"
#include "images/list_builder.h"

namespace fpcls {
namespace {

/// A listed path with the line it is on.
struct Listed {
  uint64_t hash;
  int64_t row;
  int64_t line;
};

/// Refuses a path that is on two lines.
void check_lines(const std::string& where, std::vector<Listed> listed,
                 const ImageListBuilder& builder) {
  std::sort(listed.begin(), listed.end(), [](const Listed& a, const Listed& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.line < b.line;
  });
  for (size_t i = 1; i < listed.size(); ++i) {
    const Listed &a = listed[i - 1], &b = listed[i];
    if (a.hash != b.hash || builder.path(a.row) != builder.path(b.row)) continue;
    fail("{}:{}: {} is listed twice, first on line {}; remove one", where, b.line,
         quoted(builder.path(b.row)), a.line);
  }
}

/// `./a//b.png` and `a/b.png` are one path.
std::string normal_path(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().native();
}

struct ManifestColumns {
  size_t path;
  std::optional<size_t> label;
  std::optional<size_t> slice;
};

std::string column_names(const CsvReader& csv) {
  std::string all;
  for (const std::string& name : csv.columns()) all += (all.empty() ? "" : ", ") + quoted(name);
  return all;
}

ManifestColumns find_columns(const std::string& input, const CsvReader& csv,
                             const std::string& slice_by, const LabelRules& rules) {
  const auto path = csv.find("path");
  if (!path) {
    const bool semicolons =
        csv.columns().size() == 1 && csv.columns()[0].find(';') != std::string::npos;
    fail("{}:1: no column 'path' (got {}); {}", one_line(input), column_names(csv),
         semicolons ? "separate columns with commas" : "name the column of the pictures' paths so");
  }
  ManifestColumns columns{*path, csv.find("label"), std::nullopt};
  if (rules.ignored()) columns.label.reset();
  if (slice_by.empty()) return columns;
  columns.slice = csv.find(slice_by);
  if (!columns.slice) {
    fail("{}:1: no column {} to slice by (got {}); name one of them with --slice-by",
         one_line(input), quoted(slice_by), column_names(csv));
  }
  return columns;
}

int label_of(const std::string& input, const CsvReader& csv, const std::string& field,
             const LabelRules& rules, ImageListBuilder& builder) {
  if (field.empty()) return ImageListBuilder::kUnlabelled;
  const std::string label = to_utf8(field);
  if (!rules.knows(label)) {
    fail(
        "{}:{}: label {} isn't known{} (known: {}); rename or drop it with --label-map, or ignore "
        "labels with --labels none",
        one_line(input), csv.line(), quoted(label), rules.suggestion(label), rules.known());
  }
  return builder.label(label, rules);
}

}  // namespace

void list_manifest(const std::string& input, const std::string& slice_name,
                   const std::string& slice_by, const LabelRules& rules,
                   ImageListBuilder& builder) {
  CsvReader csv(input, csv_separator(input));
  const ManifestColumns columns = find_columns(input, csv, slice_by, rules);
  builder.start_input(std::filesystem::path(input).parent_path());
  const int whole = columns.slice ? -1 : builder.slice(slice_name);
  std::vector<Listed> listed;
  std::vector<std::string> fields;
  bool empty = true;
  while (csv.next(fields)) {
    empty = false;
    const std::string path = normal_path(fields[columns.path]);
    if (path.empty()) {
      fail("{}:{}: the path is empty; name a picture or remove the line", one_line(input),
           csv.line());
    }
    const int label = columns.label ? label_of(input, csv, fields[*columns.label], rules, builder)
                                    : ImageListBuilder::kUnlabelled;
    int slice = whole;
    if (columns.slice) {
      const std::string& name = fields[*columns.slice];
      slice = builder.slice(name.empty() ? "(none)" : to_utf8(name));
    }
    const int64_t row = builder.size();
    builder.add(path, slice, label);
    if (builder.size() > row) listed.push_back({hash_text(path), row, csv.line()});
  }
  if (empty) fail("{}: lists no pictures; add lines below the header", quoted(input));
  check_lines(one_line(input), std::move(listed), builder);
}

void list_lines(std::istream& paths, int slice, ImageListBuilder& builder) {
  builder.start_input("");
  std::vector<Listed> listed;
  int64_t number = 0;
  for (std::string line; std::getline(paths, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    if (line.find('\0') != std::string::npos) {
      fail("standard input:{}: a zero byte; expected one path a line", number);
    }
    listed.push_back({hash_text(normal_path(line)), builder.size(), number});
    builder.add(normal_path(line), slice, ImageListBuilder::kUnlabelled);
  }
  if (listed.empty()) fail("standard input: lists no pictures; expected one path a line");
  check_lines("standard input", std::move(listed), builder);
}

}  // namespace fpcls
