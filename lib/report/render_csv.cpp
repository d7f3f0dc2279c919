#include "report/render_csv.h"

#include "base/text.h"

namespace fpcls {

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ',';
    line += csv_field(fields[i]);
  }
  return line + '\n';
}

std::string render_csv(const Table& table) {
  std::vector<std::string> fields;
  for (const Column& column : table.columns()) fields.push_back(column.key);
  std::string out = csv_line(fields);
  for (const auto& row : table.rows()) {
    fields.clear();
    for (const Cell& cell : row) fields.push_back(cell_data(cell));
    out += csv_line(fields);
  }
  return out;
}

}  // namespace fpcls
