#include "report/bars_svg.h"

#include <gmock/gmock.h>

namespace fpcls {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(BarsSvg, DrawsBarsInProportionWithTheirValues) {
  const std::string svg = bars_svg("From dense", {{"size, MB", 1, {{"dense", 40}, {"int8", 10}}}});
  EXPECT_THAT(svg, HasSubstr("width=\"218.0\""));
  EXPECT_THAT(svg, HasSubstr("width=\"54.5\""));
  EXPECT_THAT(svg, HasSubstr(">40.0</text>"));
  EXPECT_THAT(svg, HasSubstr(">10.0</text>"));
}

TEST(BarsSvg, EscapesNamesAndDrawsNothingForZeros) {
  const std::string svg = bars_svg("a < b", {{"<ms>", 0, {{"a&b", 0}}}, {"none", 0, {}}});
  EXPECT_THAT(svg, HasSubstr("a &lt; b"));
  EXPECT_THAT(svg, HasSubstr("a&amp;b"));
  EXPECT_THAT(svg, HasSubstr("width=\"0.0\""));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(BarsSvg, IsAWholeFileWithoutPanels) {
  const std::string svg = bars_svg("", {});
  EXPECT_THAT(svg, testing::StartsWith("<svg "));
  EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
}

}  // namespace
}  // namespace fpcls
