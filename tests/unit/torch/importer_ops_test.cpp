#include <algorithm>
#include <set>

#include "unit/torch/import_check.h"

namespace fpcls {
namespace {

using testing::HasSubstr;

int count_of(const Graph& graph, Op op) {
  return static_cast<int>(std::count_if(graph.nodes().begin(), graph.nodes().end(),
                                        [&](const Node& node) { return node.op == op; }));
}

void expect_all_imported(const std::vector<std::string>& bodies) {
  for (const std::string& body : bodies) {
    SCOPED_TRACE(body);
    expect_imported(top(body));
  }
}

TEST(ImporterOps, ReadArithmeticWithNumbers) {
  expect_all_imported({"  return x * 2 + 1\n", "  return 1 - x\n", "  return x / 3 - 0.5\n",
                       "  return torch.add(x, x, alpha=2)\n", "  return torch.sub(x, 2, alpha=3)\n",
                       "  return torch.rsub(x, 2, 3)\n", "  return -x\n", "  return x.abs()\n",
                       "  return torch.sub(x, torch.relu(x), alpha=0.5)\n",
                       "  return x / (torch.relu(x) + 1)\n", "  return 1 / (torch.relu(x) + 1)\n",
                       "  return torch.addcmul(x, x, torch.relu(x), value=2)\n",
                       "  y = torch.relu(x) + 0.5\n  return y.sqrt() + y ** 3 + torch.rsqrt(y)\n",
                       "  y = torch.sigmoid(x)\n  y *= 2\n  y -= 1\n  y /= 3\n  return y\n",
                       "  return torch.clamp(x, -0.3, 0.4)\n",
                       "  return torch.hardtanh(x, -1, 0.5)\n",
                       "  return torch.clamp(x, None, 0.2)\n",
                       "  return torch.leaky_relu(x, 0.2)\n", "  return torch.tanh(x)\n"});
}

TEST(ImporterOps, ReadArithmeticWithConstantTensorsOfAnyShape) {
  for (const Shape& shape : {Shape{1}, {8}, {3, 1, 1}, {1, 3, 1, 1}, {8, 8}, {1, 3, 8, 8}}) {
    for (const char* body : {"  return x * self.w\n", "  return self.w - x\n",
                             "  return torch.addcmul(self.w, x, self.w)\n",
                             "  return torch.mean(x, [2, 3], True) + self.w\n"}) {
      SCOPED_TRACE(shape_text(shape) + body);
      expect_imported(top(body).weight("w", random_tensor(shape, 3)));
    }
  }
}

TEST(ImporterOps, TellFixedNumbersFromParameters) {
  const Graph graph =
      expect_imported(top("  return (x * 2) * self.w\n").weight("w", random_tensor({3, 1, 1}, 3)));
  ASSERT_EQ(graph.size(), 3);
  EXPECT_EQ(graph.node(1).name, "affine");
  EXPECT_EQ(graph.node(2).name, "w");
  EXPECT_EQ(parameter_count(graph), 0) << "a buffer is no parameter";
}

TEST(ImporterOps, ReadReductions) {
  expect_all_imported({"  return x.mean([1])\n", "  return x.mean([1, 3], True)\n",
                       "  return x.mean(-1)\n", "  return x.mean([1, 2, 3])\n",
                       "  return x.sum([2])\n", "  return x.sum([1, 2, 3], True)\n",
                       "  return x.amax([1], True)\n", "  return x.amax([2, 3])\n",
                       "  return torch.norm(x, 2, [2, 3], True)\n",
                       "  return torch.adaptive_avg_pool1d(torch.flatten(x, 2), [1])\n",
                       "  return x.view(3, 8, 8).mean(0)\n"});
}

TEST(ImporterOps, ReadWhatMovesNumbers) {
  expect_all_imported({"  return x.permute(0, 2, 3, 1)\n",
                       "  return x.transpose(1, -1)\n",
                       "  return x.view(1, 3, 4, 2, 8).transpose(2, 3).reshape(1, 6, 4, 8)\n",
                       "  return x.permute(2, 0, 3, 1)\n",
                       "  return x.permute([3, 1, 2, 0]).reshape(8, 24)\n",
                       "  return x[:, 1]\n",
                       "  return x[:, :, 1:7:2, -3:]\n",
                       "  return x[0]\n",
                       "  return x.select(3, -1)\n",
                       "  return x.narrow(2, 1, 4)\n",
                       "  a, b = x.chunk(2, 2)\n  return torch.cat([b, a], 1)\n",
                       "  a, b, c = x.split(3, 3)\n  return torch.cat([c, a, b], 3)\n",
                       "  a, b = torch.split(x, [1, 2], 1)\n  return torch.cat([b, a], 1)\n",
                       "  a, b, c = x.unbind(1)\n  return torch.stack([c, a, b], 1)\n",
                       "  return x.unsqueeze(1).squeeze(1).unsqueeze(-1)\n",
                       "  return x.squeeze()\n",
                       "  return torch.flatten(x)\n",
                       "  return torch.flatten(x, 1, 2)\n",
                       "  return x.view(3, 64)\n",
                       "  return torch.roll(x, [3, -1], [2, 3])\n",
                       "  return x.repeat(1, 2, 1, 3)\n",
                       "  y = x.mean([2, 3], True)\n  return x * y.expand_as(x)\n",
                       "  y = x.mean([2, 3], True)\n  return torch.relu(y.expand(-1, -1, 2, 3))\n",
                       "  return torch.upsample_nearest2d(x, [16, 24])\n",
                       "  return torch.constant_pad_nd(x, [1, 2, 0, 3, 1, 0], 0.5)\n",
                       "  return torch.constant_pad_nd(x, [-1, 2, 0, -3], 0.)\n"});
}

TEST(ImporterOps, LeaveOutReshapesThatUndoOneAnother) {
  const Graph graph = expect_imported(
      top("  return torch.relu(x.view(1, 3, 2, 4, 8).view(1, 24, 8).view(1, 3, 8, 8))\n"));
  EXPECT_EQ(graph.size(), 2);
}

TEST(ImporterOps, ReadAttentionWhoseWindowsAreABatch) {
  const std::string windows =
      "  y = x.view(1, 3, 2, 4, 2, 4).permute(0, 2, 4, 3, 5, 1).reshape(4, 16, 3)\n"
      "  q = torch.linear(y, self.q)\n"
      "  k = torch.linear(y, self.k)\n"
      "  a = torch.softmax(q.matmul(k.transpose(-2, -1)) * 0.5 + self.bias, -1)\n"
      "  y = torch.bmm(a, y).view(1, 2, 2, 4, 4, 3)\n"
      "  return y.permute(0, 5, 1, 3, 2, 4).reshape(1, 3, 8, 8)\n";
  const Graph graph = expect_imported(top(windows)
                                          .weight("q", random_tensor({3, 3}, 4))
                                          .weight("k", random_tensor({3, 3}, 5))
                                          .weight("bias", random_tensor({1, 16, 16}, 6)));
  EXPECT_EQ(count_of(graph, Op::matmul), 2);
}

TEST(ImporterOps, ReadAClassTokenAndAPartOfEachHead) {
  expect_imported(top("  y = torch.flatten(x, 2).transpose(1, 2)\n"
                      "  y = torch.cat([self.token.expand(x.size(0), -1, -1), y], 1)\n"
                      "  qkv = y.reshape(1, 65, 3, 1, 1).permute(2, 0, 3, 1, 4)\n"
                      "  q, k, v = qkv.unbind(0)\n"
                      "  y = torch.softmax(q.matmul(k.transpose(-2, -1)), -1).matmul(v)\n"
                      "  return torch.cat([y.flatten(1), self.more], 1)\n")
                      .weight("token", random_tensor({1, 1, 3}, 7))
                      .weight("more", random_tensor({1, 4}, 8)));
}

TEST(ImporterOps, ReadNorms) {
  expect_imported(top("  return torch.layer_norm(x, [8, 8], self.w, self.b)\n")
                      .weight("w", random_tensor({8, 8}, 9))
                      .weight("b", random_tensor({8, 8}, 10)));
  expect_imported(top("  y = torch.layer_norm(x.permute(0, 2, 3, 1), [3], self.w, None, 1e-3)\n"
                      "  return y.permute(0, 3, 1, 2)\n")
                      .weight("w", random_tensor({3}, 9)));
  expect_imported(top("  y = torch.cat([x, x * x], 1)\n"
                      "  return torch.group_norm(y, 3, self.w, self.b)\n")
                      .weight("w", random_tensor({6}, 9))
                      .weight("b", random_tensor({6}, 10)));
}

TEST(ImporterOps, ReadConvolutionsAlongOneAxis) {
  expect_imported(top("  y = x.mean([2, 3]).unsqueeze(1)\n"
                      "  y = torch.conv1d(y, self.w, None, [1], [1], [1], 1)\n"
                      "  y = torch.sigmoid(y).view(1, -1, 1, 1)\n"
                      "  return x * y.expand_as(x)\n")
                      .weight("w", random_tensor({1, 1, 3}, 11)));
}

TEST(ImporterOps, PutBordersIntoTheLayerThatReadsThem) {
  const auto expect_border_taken = [](const std::string& layer, const std::string& value) {
    SCOPED_TRACE(layer + value);
    const Graph graph =
        expect_imported(top("  y = torch.constant_pad_nd(torch.relu(x), [0, 1, 1, 1], " + value +
                            ")\n  return " + layer + "\n")
                            .weight("w", random_tensor({2, 3, 3, 3}, 12)));
    EXPECT_EQ(count_of(graph, Op::pad), 0);
  };
  expect_border_taken("torch.conv2d(y, self.w, None, [2, 2], [1, 0])", "0.");
  expect_border_taken("torch.avg_pool2d(y, 3, 2)", "0.");
  expect_border_taken("torch.max_pool2d(y, 3, 2)", "0.");
  expect_border_taken("torch.max_pool2d(y, 3, 2)", "float('-inf')");
}

TEST(ImporterOps, KeepBordersThatTheLayerCantHave) {
  const auto expect_border_kept = [](const std::string& body) {
    SCOPED_TRACE(body);
    const Graph graph = expect_imported(top(body).weight("w", random_tensor({2, 3, 3, 3}, 12)));
    EXPECT_EQ(count_of(graph, Op::pad), 1);
  };
  expect_border_kept(
      "  y = torch.constant_pad_nd(x, [1, 1, 1, 1], 0.5)\n  return torch.conv2d(y, self.w)\n");
  expect_border_kept(
      "  y = torch.constant_pad_nd(x, [1, 1, 1, 1], 0.)\n  return torch.max_pool2d(y, 3, 2)\n");
  expect_border_kept(
      "  y = torch.constant_pad_nd(x, [2, 2, 2, 2], 0.)\n  return torch.avg_pool2d(y, 3, 2)\n");
  expect_border_kept(
      "  y = torch.constant_pad_nd(x, [1, 1, 1, 1], 0.)\n"
      "  return torch.avg_pool2d(y, [3, 3], [2, 2], [1, 1], False, False)\n");
}

TEST(ImporterOps, FollowTextAndTensorsThatDontDependOnThePicture) {
  expect_all_imported(
      {"  assert x.dim() == 4, '{} of {}'.format(x.dim(), 4)\n  return torch.relu(x)\n",
       "  s = '{} {}'.format(x.size(0), x.size(1))\n  return torch.relu(x)\n",
       "  mask = x.new_zeros([8, 8])\n  mask[0:4, 2:] = 1.\n  return x + mask.masked_fill(mask != "
       "0, -2.)\n",
       "  return x * torch.ones_like(x)\n"});
}

TEST(ImporterOps, RefuseToGuess) {
  EXPECT_THAT(refusal_of(top("  y = torch.sigmoid(x)\n  y[:, 0].add_(1)\n  return y\n")),
              HasSubstr("changed through a view"));
  EXPECT_THAT(refusal_of(top("  return torch.softmax(x, 0).matmul(torch.relu(x)[:, :, :5])\n")),
              HasSubstr("layer '"));
}

}  // namespace
}  // namespace fpcls
