#include "run/format_document.h"

#include "base/error.h"
#include "report/render_csv.h"
#include "report/render_markdown.h"
#include "report/render_text.h"

namespace fpcls {

std::string format_document(const Document& document, std::string_view csv_table,
                            OutputFormat format, const std::function<std::string()>& json) {
  switch (format) {
    case OutputFormat::text:
      return render_text(document, {stdout_width(), false});
    case OutputFormat::markdown:
      return render_markdown(document);
    case OutputFormat::json:
      return json();
    case OutputFormat::csv:
      break;
  }
  const Table* table = document.find_table(csv_table);
  if (table == nullptr) fail("there is no table to print as CSV: no picture has a label");
  return render_csv(*table);
}

}  // namespace fpcls
