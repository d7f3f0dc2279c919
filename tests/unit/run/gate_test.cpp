#include "run/gate.h"

#include <gmock/gmock.h>

#include <functional>
#include <stdexcept>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "predictions/store.h"
#include "run/gate_report.h"
#include "temporary_folder.h"

namespace fpcls {
namespace {

using testing::HasSubstr;

class GateTest : public testing::Test {
 protected:
  GateTest() {
    StageInfo photo{"photo", {"photo"}, "", 0.5F, true, "photo.safetensors", "ab12", "f32"};
    run_.version = "0.1.0";
    run_.stages = {photo};
    run_.otherwise = "other";
    run_.slices = {"june"};
    run_.wall_s = 1;
  }

  std::string at(const std::string& name) const { return (folder_.path() / name).string(); }

  static Prediction picture(int i, const std::string& truth, float score) {
    Prediction p;
    p.row = i;
    p.path = std::to_string(i) + ".jpg";
    p.slice = "june";
    p.sha256 = sha256_hex(p.path);
    if (!truth.empty()) p.label = truth;
    p.predicted = score >= 0.5F ? "photo" : "other";
    p.stage = score >= 0.5F ? 0 : -1;
    p.scores = {{0, {score}, 1}};
    return p;
  }

  /// A finished store of `count` pictures; `make` may change each.
  std::string store(const std::string& name, int count,
                    const std::function<void(Prediction&)>& make = {}) {
    RunInfo run = run_;
    run.listed = count;
    const std::string file = at(name);
    const auto written = PredictionStore::create(file, run);
    for (int i = 0; i < count; ++i) {
      Prediction p = picture(i, i % 2 == 0 ? "photo" : "other", i % 2 == 0 ? 0.9F : 0.1F);
      if (make) make(p);
      written->add(std::move(p));
    }
    written->finish(run);
    return file;
  }

  GateResult judge(const std::string& base, const std::string& candidate) {
    options_.runs = {base, candidate};
    return run_gate(options_);
  }

  std::string complaint(const std::string& base, const std::string& candidate) {
    try {
      judge(base, candidate);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  static const GateCheck& find(const GateResult& result, const std::string& what) {
    for (const GateCheck& check : result.checks) {
      if (check.what == what) return check;
    }
    throw std::out_of_range(what);
  }

  TemporaryFolder folder_;
  RunInfo run_;
  GateOptions options_;
};

/// Says "other" of some photos that were right.
std::function<void(Prediction&)> losing(int every) {
  return [every](Prediction& p) {
    if (p.row % every != 0) return;
    p.scores[0].scores = {0.3F};
    p.predicted = "other";
    p.stage = -1;
  };
}

TEST_F(GateTest, PassesARunAgainstItself) {
  const GateResult result = judge(store("a", 3), store("b", 3));
  EXPECT_EQ(result.answer, GateAnswer::pass);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.comparison.identical);
}

TEST_F(GateTest, CannotDecideThreePicturesThatDiffer) {
  const GateResult result = judge(store("a", 3), store("b", 3, losing(2)));
  EXPECT_EQ(result.answer, GateAnswer::undecided);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_GT(find(result, "accuracy").images_needed.value_or(0), 0);
}

TEST_F(GateTest, FailsARealDrop) {
  const GateResult result = judge(store("a", 2000), store("b", 2000, losing(20)));
  EXPECT_EQ(result.answer, GateAnswer::fail);
  EXPECT_EQ(find(result, "recall.photo").lost, 100);
}

TEST_F(GateTest, SaysThatAClassHasNoPositive) {
  const auto no_photo = [](Prediction& p) { p.label = "other"; };
  const GateResult result = judge(store("a", 40, no_photo), store("b", 40, no_photo));
  EXPECT_THAT(result.remarks, testing::Contains(HasSubstr("no picture is labelled 'photo'")));
  EXPECT_THROW(find(result, "recall.photo"), std::out_of_range);
}

TEST_F(GateTest, RefusesStoresOfOtherPictures) {
  const std::string base = store("a", 10);
  EXPECT_THAT(complaint(base, store("b", 9)), HasSubstr("are of different pictures"));
  const auto changed = [](Prediction& p) { p.sha256 = sha256_hex("changed" + p.path); };
  EXPECT_THAT(complaint(base, store("c", 10, changed)), HasSubstr("have no picture in common"));
}

TEST_F(GateTest, PairsRenamedPicturesByContent) {
  const auto renamed = [](Prediction& p) { p.path = "moved/" + std::to_string(99 - p.row); };
  const GateResult result = judge(store("a", 30), store("b", 30, renamed));
  EXPECT_EQ(result.pairing.paired, 30);
  EXPECT_TRUE(result.comparison.identical);
}

TEST_F(GateTest, RefusesAnEmptyStoreAndOneThatIsHalfFinished) {
  const std::string base = store("a", 4);
  EXPECT_THAT(complaint(base, store("b", 0)), HasSubstr("holds no prediction"));
  run_.wall_s = 0;
  RunInfo run = run_;
  run.listed = 4;
  run.started = "2026-01-01T00:00:00Z";
  {
    const auto half = PredictionStore::create(at("half"), run);
    half->add(picture(0, "photo", 0.9F));
    half->flush();
  }
  EXPECT_THAT(complaint(base, at("half")), HasSubstr("hasn't ended (1 of 4 pictures)"));
  options_.comparability.allow = {Allowance::unfinished, Allowance::pictures};
  EXPECT_EQ(judge(base, at("half")).pairing.paired, 1);
}

TEST_F(GateTest, TakesAStoreOfPredictionsMadeElsewhere) {
  run_.wall_s = 0;  // nobody knows how long that took
  EXPECT_EQ(judge(store("a", 4), store("b", 4)).answer, GateAnswer::pass);
}

TEST_F(GateTest, TakesLabelsFromTheSideThatHasThem) {
  const auto unlabelled = [](Prediction& p) { p.label.reset(); };
  const std::string base = store("a", 4), other = store("b", 4, unlabelled);
  for (const GateResult& result : {judge(base, other), judge(other, base)}) {
    EXPECT_EQ(result.comparison.judged, 4);
    EXPECT_THAT(result.remarks, testing::Contains(HasSubstr("have a label in one run alone")));
  }
  EXPECT_THAT(complaint(other, other), HasSubstr("no picture has a label"));
}

TEST_F(GateTest, WritesAPageThatNeedsNothingElse) {
  options_.out = at("gate");
  judge(store("a", 500), store("b", 500, losing(4)));
  const std::string page = read_file(at("gate/gate.html"));
  EXPECT_THAT(page, HasSubstr("门禁：不通过"));
  EXPECT_THAT(page, HasSubstr("What changed"));
  EXPECT_THAT(page, testing::Not(HasSubstr("src=\"http")));
}

}  // namespace
}  // namespace fpcls
