#include "run/graph_drawing.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "base/file.h"
#include "temporary_folder.h"

namespace fpcls {
namespace {

using testing::HasSubstr;

Graph network(const std::string& name) {
  Node conv{Op::conv, name, {0}, ConvAttributes{{2, 2}, {1, 1, 1, 1}, {1, 1}, 3}, {}};
  conv.weights["weight"] = Tensor::from<float>({6, 1, 3, 3}, std::vector<float>(54));
  return Graph({1, 3, 8, 8},
               {{Op::input, "input", {}, {}, {}}, conv, {Op::relu, "relu", {1}, {}, {}}},
               {{"logits", 2}});
}

TEST(GraphDrawing, HasABoxForEachLayerAndAnArrowForEachResult) {
  const std::string dot = graph_dot(network("stem.conv"));
  EXPECT_THAT(dot, HasSubstr("n1 [label=\"stem.conv\\nconv 3x3 / 2x2, 3 groups\\n6 x 4 x 4\""));
  EXPECT_THAT(dot, HasSubstr("n0 -> n1;"));
  EXPECT_THAT(dot, HasSubstr("n1 -> n2;"));
  EXPECT_THAT(dot, HasSubstr("n2 -> out0;"));
}

TEST(GraphDrawing, EscapesNames) {
  EXPECT_THAT(graph_dot(network("a\"b\\c")), HasSubstr("label=\"a\\\"b\\\\c\\n"));
}

TEST(GraphDrawing, WritesTextUnderItsOwnEndingAndRefusesOthers) {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "m.dot").string();
  draw_graph(network("conv"), path);
  EXPECT_EQ(read_file(path), graph_dot(network("conv")));
  const std::string other = (folder.path() / "m.docx").string();
  EXPECT_THROW(draw_graph(network("conv"), other), Error);
  EXPECT_FALSE(std::filesystem::exists(other));
}

}  // namespace
}  // namespace fpcls
