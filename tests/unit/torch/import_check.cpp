#include "unit/torch/import_check.h"

#include <cmath>

namespace fpcls {
namespace {

const std::filesystem::path& folder() {
  static const std::filesystem::path path = [] {
    std::string made = testing::TempDir() + "fpcls-importer-XXXXXX";
    FPCLS_CHECK(mkdtemp(made.data()) != nullptr);
    return std::filesystem::path(made);
  }();
  return path;
}

class CleanUp : public testing::Environment {
  void TearDown() override { std::filesystem::remove_all(folder()); }
};
const auto* const kCleanUp = testing::AddGlobalTestEnvironment(new CleanUp);

Tensor both(const Tensor& a, const Tensor& b) {
  std::vector<float> values(a.data<float>(), a.data<float>() + a.count());
  values.insert(values.end(), b.data<float>(), b.data<float>() + b.count());
  Shape shape = a.shape();
  shape[0] = 2;
  return Tensor::from(shape, std::move(values));
}

void expect_near(const Tensor& got, const Tensor& expected) {
  ASSERT_EQ(got.count(), expected.count());
  for (int64_t i = 0; i < got.count(); ++i) {
    const float want = expected.data<float>()[i];
    ASSERT_NEAR(got.data<float>()[i], want, 1e-5 * std::max(1.0F, std::abs(want))) << i;
  }
}

}  // namespace

std::filesystem::path fresh_path() {
  static int count = 0;
  return folder() / ("model" + std::to_string(count++) + ".pt");
}

Tensor random_tensor(const Shape& shape, uint64_t seed, double low, double high) {
  return GraphMaker({1, 1, 1, 1}, seed).random_tensor(shape, low, high);
}

Graph import(const std::filesystem::path& path, const Shape& input) {
  return torch_backend().make_importer()->import_torchscript(path, input);
}

Graph expect_imported(const ScriptMaker& maker, bool frozen) {
  const std::filesystem::path path = fresh_path();
  maker.save(path, frozen);
  Graph graph = import(path);
  const auto executor = make_executor(ExecutorKind::torch, graph, {}, {});
  const Tensor a = random_tensor(kInput, 1), b = random_tensor(kInput, 101);
  const Tensor one = executor->run(a), other = executor->run(b);
  expect_near(one, ScriptMaker::run(path, a));
  expect_near(other, ScriptMaker::run(path, b));
  expect_near(executor->run(both(a, b)), both(one, other));
  return graph;
}

std::string refusal_of(const ScriptMaker& maker) {
  const std::filesystem::path path = fresh_path();
  maker.save(path);
  const std::string error = error_of([&] { import(path); });
  EXPECT_THAT(error, testing::StartsWith("'" + path.string() + "': "));
  return error;
}

ScriptMaker top(const std::string& body) {
  return ScriptMaker().code("", "def forward(self, x):\n" + body);
}

}  // namespace fpcls
