#include "report/curve_svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fpcls {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(CurveSvg, DrawsALineForEachSeriesAndNamesIt) {
  const std::string svg = curve_svg(
      {"Throughput", "batch", "pictures/s", {{"a", {{1, 10}, {2, 15}}}, {"b<c", {{1, 5}}}}});
  EXPECT_THAT(svg, HasSubstr("<svg xmlns="));
  EXPECT_THAT(svg, HasSubstr("a: 2, 15.0"));
  EXPECT_THAT(svg, HasSubstr("b&lt;c"));
  EXPECT_THAT(svg, Not(HasSubstr("b<c")));
}

TEST(CurveSvg, StaysInsideTheFrame) {
  // The highest value is at or below the top line, zero at the bottom.
  const std::string svg = curve_svg({"", "x", "y", {{"a", {{1, 0}, {4, 1234.5}}}}});
  EXPECT_THAT(svg, HasSubstr("cy=\"310.0\""));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(CurveSvg, OfNothingIsStillAPicture) {
  for (const std::string& svg :
       {curve_svg({}), curve_svg({"", "", "", {{"a", {}}}}), curve_svg({"", "", "", {{"a", {{8, 0}}}}})}) {
    EXPECT_THAT(svg, HasSubstr("</svg>"));
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
  }
}

}  // namespace
}  // namespace fpcls
