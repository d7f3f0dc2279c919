#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "unit/torch/import_check.h"

namespace fpcls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) names.push_back(node.name);
  return names;
}

/// Conv, batch norm, ReLU, a shortcut and a classifier, as modules in a block.
ScriptMaker residual_network() {
  ScriptMaker maker;
  maker.weight("block.conv1.weight", random_tensor({3, 3, 3, 3}, 2));
  for (const char* key : {"weight", "bias", "running_mean"}) {
    maker.weight(std::string("block.bn1.") + key, random_tensor({3}, 3));
  }
  maker.weight("block.bn1.running_var", random_tensor({3}, 4, 0.5, 2));
  maker.weight("fc.weight", random_tensor({2, 3}, 5)).weight("fc.bias", random_tensor({2}, 6));
  maker.code("block.conv1",
             "def forward(self, x):\n"
             "  return torch.conv2d(x, self.weight, None, [1, 1], [1, 1], [1, 1], 1)\n");
  maker.code("block.bn1",
             "def forward(self, x):\n"
             "  return torch.batch_norm(x, self.weight, self.bias, self.running_mean,"
             " self.running_var, self.training, 0.1, 1e-5, True)\n");
  maker.code("block.relu", "def forward(self, x):\n  return torch.relu_(x)\n");
  maker.code("block",
             "def forward(self, x):\n"
             "  y = self.relu.forward(self.bn1.forward(self.conv1.forward(x)))\n"
             "  y += x\n"
             "  return self.relu.forward(y)\n");
  maker.code("fc", "def forward(self, x):\n  return torch.linear(x, self.weight, self.bias)\n");
  maker.code("",
             "def forward(self, x):\n"
             "  y = self.block.forward(x)\n"
             "  y = torch.adaptive_avg_pool2d(y, [1, 1])\n"
             "  return self.fc.forward(torch.flatten(y, 1))\n");
  return maker;
}

TEST(Importer, NamesLayersAfterTheModulesThatComputeThem) {
  const Graph graph = expect_imported(residual_network());
  EXPECT_THAT(names_of(graph),
              ElementsAre("input", "block.conv1", "block.bn1", "block.relu", "block.add",
                          "block.relu_1", "adaptive_avg_pool", "flatten", "fc"));
  EXPECT_EQ(graph.output_count(), 2);
}

TEST(Importer, ReadsFrozenFilesWhoseModulesAreGone) {
  const Graph graph = expect_imported(residual_network(), /*frozen=*/true);
  EXPECT_EQ(graph.size(), 9);
}

TEST(Importer, ReadsEveryConvolution) {
  for (const char* arguments :
       {"None, [1, 1], [0, 0], [1, 1], 1", "self.bias, [2, 1], [1, 2], [1, 2], 1",
        "None, [1, 1], 'same', [1, 2], 1", "self.bias, [2, 2], 'valid', [1, 1], 1"}) {
    expect_imported(top(std::string("  return torch.conv2d(x, self.weight, ") + arguments + ")\n")
                        .weight("weight", random_tensor({4, 3, 3, 2}, 7))
                        .weight("bias", random_tensor({4}, 8)));
  }
  expect_imported(top("  return torch.conv2d(x, self.weight, None, [1, 1], [1, 1], [1, 1], 3)\n")
                      .weight("weight", random_tensor({6, 1, 3, 3}, 9)));
  expect_imported(top("  return torch._convolution(x, self.weight, None, [1, 1], [1, 1], [1, 1],"
                      " False, [0, 0], 1, False, False, True, True)\n")
                      .weight("weight", random_tensor({2, 3, 3, 3}, 10)));
}

TEST(Importer, ReadsActivationsPoolsAndWhatJoinsTensors) {
  for (const char* body :
       {"  return torch.relu(x)\n",
        "  return torch.sigmoid(x)\n",
        "  return torch.hardtanh(x, 0, 6)\n",
        "  return torch.clamp(x, 0, 6)\n",
        "  return torch.clamp_min(x, 0)\n",
        "  return torch.hardswish(x)\n",
        "  return torch.hardsigmoid(x)\n",
        "  return torch.silu(x)\n",
        "  return torch.gelu(x)\n",
        "  return torch.softmax(torch.flatten(x, 1), -1)\n",
        "  return torch.cat([x, torch.relu(x)], 1)\n",
        "  return torch.add(x, x * x)\n",
        "  return torch.max_pool2d(x, [3, 2], [2, 2], [1, 1], [1, 1], True)\n",
        "  return torch.max_pool2d(x, 2)\n",
        "  return torch.avg_pool2d(x, [3, 3], [2, 2], [1, 1], True, False)\n",
        "  return torch.adaptive_avg_pool2d(x, [3, 5])\n",
        "  return torch.mean(x, [2, 3])\n",
        "  return torch.mean(x, [-1, -2], True)\n",
        "  return x.view(1, -1)\n",
        "  return x.reshape([x.size(0), -1])\n",
        "  return torch.flatten(x, 2)\n",
        "  return torch.adaptive_avg_pool2d(x, [1, 1]).squeeze(-1).squeeze(-1)\n",
        "  return torch.dropout(x.contiguous().detach().clone(), 0.5, False)\n",
        "  return torch.relu(x.to(6))\n"}) {
    SCOPED_TRACE(body);
    expect_imported(top(body));
  }
}

TEST(Importer, ReadsLinearLayersInEveryForm) {
  for (const char* expression :
       {"torch.linear(y, self.weight, self.bias)", "torch.linear(y, self.weight)",
        "torch.addmm(self.bias, y, self.weight.t())", "torch.matmul(y, self.weight.t())"}) {
    expect_imported(top(std::string("  y = torch.flatten(x, 1)\n  return ") + expression + "\n")
                        .weight("weight", random_tensor({5, 192}, 11, -0.1, 0.1))
                        .weight("bias", random_tensor({5}, 12)));
  }
}

TEST(Importer, FollowsBranchesLoopsAndListsThatDependOnTheSize) {
  const Graph graph =
      expect_imported(top("  parts = [x]\n"
                          "  for i in range(x.size(2) // 4):\n"
                          "    if i % 2 == 0:\n"
                          "      parts.append(torch.relu(parts[-1]))\n"
                          "    else:\n"
                          "      parts.append(torch.sigmoid(parts[-1]))\n"
                          "  assert len(parts) <= 3 and x.dim() == 4\n"
                          "  return torch.cat(parts[1:], 1)\n"));
  EXPECT_THAT(names_of(graph), ElementsAre("input", "relu", "sigmoid", "concat"));
}

TEST(Importer, KeepsTrackOfWhatIsChangedInPlace) {
  expect_imported(
      top("  y = torch.sigmoid(x)\n"
          "  z = y\n"
          "  torch.relu_(y.add_(x))\n"
          "  return torch.cat([z, y], 1)\n"));
  EXPECT_THAT(refusal_of(top("  y = torch.sigmoid(x)\n"
                             "  z = torch.flatten(y, 1)\n"
                             "  torch.relu_(y.add_(x))\n"
                             "  return z\n")),
              HasSubstr("changed through a view"));
  // A view that nobody reads any more does no harm.
  expect_imported(
      top("  y = torch.sigmoid(x)\n"
          "  z = y.view(1, 3, 64)\n"
          "  return torch.relu_(y.add_(x))\n"));
}

TEST(Importer, LeavesOutWhatNoOutputNeeds) {
  const Graph graph = expect_imported(top("  y = torch.sigmoid(x)\n  return torch.relu(x)\n"));
  EXPECT_THAT(names_of(graph), ElementsAre("input", "relu"));
}

TEST(Importer, TakesTheFirstOfSeveralOutputsAsTheOneThatIsJudged) {
  const std::filesystem::path path = fresh_path();
  top("  return torch.relu(x), None, torch.sigmoid(x)\n").save(path);
  const Graph graph = import(path);
  ASSERT_EQ(graph.outputs().size(), 2u);
  EXPECT_EQ(graph.node(graph.outputs()[0].node).op, Op::relu);
  EXPECT_EQ(graph.node(graph.outputs()[1].node).op, Op::sigmoid);
}

TEST(Importer, RefusesByNameWhatAGraphCannotHold) {
  EXPECT_THAT(refusal_of(top("  return torch.sin(x)\n")),
              HasSubstr("aten::sin: a graph has no such"));
  ScriptMaker nested;
  nested.code("layer.strange", "def forward(self, x):\n  return torch.erf(x)\n");
  nested.code("layer", "def forward(self, x):\n  return self.strange.forward(x)\n");
  nested.code("", "def forward(self, x):\n  return self.layer.forward(x)\n");
  EXPECT_THAT(refusal_of(nested), HasSubstr("layer 'layer.strange': aten::erf"));
}

TEST(Importer, RefusesWhatDependsOnThePictureItself) {
  EXPECT_THAT(refusal_of(top(
                  "  if bool(torch.relu(x).sum() > 0):\n    return x\n  return torch.relu(x)\n")),
              HasSubstr("aten::sum"));
  EXPECT_NE(refusal_of(top("  return torch.flatten(x, int(x.item()))\n")), "no error");
}

TEST(Importer, RefusesModelsSavedInTrainingMode) {
  EXPECT_THAT(refusal_of(top("  return torch.dropout(x, 0.5, True)\n")),
              HasSubstr("training mode"));
  EXPECT_THAT(refusal_of(top("  self.seen.add_(1)\n  return torch.relu(x)\n")
                             .weight("seen", random_tensor({1}, 13))),
              HasSubstr("changes 'seen'"));
}

TEST(Importer, RefusesVariantsThatItWouldGetWrong) {
  const auto with_weight = [](const std::string& expression, const Shape& shape) {
    return refusal_of(top("  return " + expression + "\n").weight("w", random_tensor(shape, 14)));
  };
  EXPECT_THAT(with_weight("torch.conv_transpose2d(x, self.w)", {3, 2, 2, 2}),
              HasSubstr("aten::conv_transpose2d"));
  EXPECT_THAT(
      with_weight("torch._convolution(x, self.w, None, [1, 1], [0, 0], [1, 1], True, [0, 0],"
                  " 1, False, False, True, True)",
                  {3, 2, 2, 2}),
      HasSubstr("transposed"));
  EXPECT_THAT(with_weight("x.to(5)", {1}), HasSubstr("32-bit"));
  EXPECT_THAT(with_weight("torch.mean(x, [0, 2])", {1}), HasSubstr("the first is the batch"));
  EXPECT_THAT(with_weight("torch.sum(x)", {1}), HasSubstr("the first is the batch"));
  EXPECT_THAT(with_weight("x.view(3, 63)", {1}), HasSubstr("from [1, 3, 8, 8] to [3, 63]"));
  EXPECT_THAT(with_weight("torch.norm(x, 1, [1])", {1}), HasSubstr("only 2 is supported"));
  EXPECT_THAT(with_weight("torch.reflection_pad2d(x, [1, 1, 1, 1])", {1}),
              HasSubstr("aten::reflection_pad2d"));
  EXPECT_THAT(with_weight("torch.upsample_nearest2d(x, [12, 16])", {1}),
              HasSubstr("whole factors"));
  EXPECT_THAT(with_weight("x + self.w", {5}), HasSubstr("don't fit together"));
  EXPECT_THAT(with_weight("torch.cat([x, self.w], 1)", {1, 2, 8, 7}), HasSubstr("[1, 2, 8, 7]"));
  EXPECT_THAT(
      with_weight("torch.batch_norm(x.view(3, 8, 8), None, None, self.w, self.w, False, 0.1,"
                  " 1e-5, True)",
                  {8}),
      HasSubstr("whose first axis isn't the batch"));
  EXPECT_THAT(with_weight("torch.conv2d(x.view(3, 1, 8, 8), self.w)", {1, 1, 1, 1}),
              HasSubstr("expected a picture"));
  EXPECT_THAT(with_weight("torch.conv2d(x, self.w)", {2, 5, 3, 3}), HasSubstr("layer 'conv'"));
  EXPECT_THAT(with_weight("torch.ones([1, 2])", {1}), HasSubstr("doesn't depend on the picture"));
}

TEST(Importer, PassesOnWhatTheModelItselfComplainsAbout) {
  EXPECT_THAT(refusal_of(top("  assert x.size(1) == 4, 'wants four channels'\n"
                             "  return torch.relu(x)\n")),
              HasSubstr("wants four channels"));
}

TEST(Importer, EndsProgramsThatDoNot) {
  EXPECT_THAT(refusal_of(top("  while True:\n    x = x.detach()\n  return x\n")),
              HasSubstr("too many steps"));
}

TEST(Importer, RefusesFilesThatAreNotWhole) {
  const std::filesystem::path good = fresh_path();
  residual_network().save(good);
  const std::string bytes = read_file(good);
  const std::filesystem::path bad = fresh_path();
  const auto expect_refused = [&](const std::string& content) {
    write_file(bad, content);
    EXPECT_THAT(error_of([&] { import(bad); }), testing::StartsWith("'" + bad.string() + "': "));
  };
  expect_refused("");
  expect_refused("hello");
  for (size_t size = 1; size < bytes.size(); size += bytes.size() / 23) {
    expect_refused(bytes.substr(0, size));
  }
  expect_refused(bytes.substr(0, bytes.size() - 1));
}

TEST(Importer, NoticesAFlippedBitInAWeight) {
  const std::filesystem::path good = fresh_path();
  const Tensor weight = random_tensor({2, 192}, 15);
  top("  return torch.linear(torch.flatten(x, 1), self.weight)\n")
      .weight("weight", weight)
      .save(good);
  std::string bytes = read_file(good);
  const size_t place = bytes.find(std::string(weight.bytes()));
  ASSERT_NE(place, std::string::npos);
  bytes[place + 100] = static_cast<char>(bytes[place + 100] ^ 1);
  const std::filesystem::path bad = fresh_path();
  write_file(bad, bytes);
  EXPECT_THAT(error_of([&] { import(bad); }), HasSubstr("damaged"));
}

TEST(Importer, SurvivesAnyFlippedByte) {
  const std::filesystem::path good = fresh_path();
  residual_network().save(good);
  const std::string bytes = read_file(good);
  const std::filesystem::path bad = fresh_path();
  Random random(16);
  for (int i = 0; i < 100; ++i) {
    std::string flipped = bytes;
    char& byte = flipped[static_cast<size_t>(random.below(static_cast<int64_t>(bytes.size())))];
    byte = static_cast<char>(byte ^ (1 << random.below(8)));
    write_file(bad, flipped);
    error_of([&] { import(bad); });  // an Error or none, as long as it ends
  }
}

TEST(Importer, SaysWhichFileCannotBeOpened) {
  EXPECT_THAT(error_of([] { import(fresh_path().parent_path() / "missing.pt"); }), HasSubstr("missing.pt"));
  EXPECT_THAT(error_of([] { import(fresh_path().parent_path()); }), HasSubstr("is a folder"));
}

}  // namespace
}  // namespace fpcls
