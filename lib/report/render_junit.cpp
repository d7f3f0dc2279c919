#include "report/render_junit.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace fpcls {
namespace {

/// `text` for an attribute or an element: what XML 1.0 can't hold at all, control characters, is
/// shown as `\xNN`.
std::string escaped(std::string_view text) {
  constexpr std::array<std::pair<char, std::string_view>, 5> kNames = {
      {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&apos;"}}};
  std::string result;
  for (const char c : one_line(text)) {
    const auto* const found = std::find_if(kNames.begin(), kNames.end(),
                                           [c](const auto& entry) { return entry.first == c; });
    if (found == kNames.end()) {
      result += c;
    } else {
      result += found->second;
    }
  }
  return result;
}

std::string attribute(const char* name, std::string_view value) {
  return fmt::format(" {}=\"{}\"", name, escaped(value));
}

const char* element_of(JUnitOutcome outcome) {
  return outcome == JUnitOutcome::failed    ? "failure"
         : outcome == JUnitOutcome::errored ? "error"
                                            : "skipped";
}

}  // namespace

std::string render_junit(const std::string& suite, const std::vector<JUnitCase>& cases) {
  const auto count = [&](JUnitOutcome outcome) {
    return std::count_if(cases.begin(), cases.end(),
                         [outcome](const JUnitCase& c) { return c.outcome == outcome; });
  };
  const std::string counts = fmt::format(
      " tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"", cases.size(),
      count(JUnitOutcome::failed), count(JUnitOutcome::errored), count(JUnitOutcome::skipped));
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" +
                    attribute("name", suite) + counts + ">\n  <testsuite" +
                    attribute("name", suite) + counts + ">\n";
  for (const JUnitCase& c : cases) {
    xml += "    <testcase" + attribute("classname", suite + "." + c.group) +
           attribute("name", c.name);
    if (c.outcome == JUnitOutcome::passed) {
      xml += "/>\n";
      continue;
    }
    const std::string element = element_of(c.outcome);
    xml += ">\n      <" + element + attribute("message", c.message) + ">" + escaped(c.message) +
           "</" + element + ">\n    </testcase>\n";
  }
  return xml + "  </testsuite>\n</testsuites>\n";
}

}  // namespace fpcls
