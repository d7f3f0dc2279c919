#include "run/html_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "base/file.h"
#include "base/hash.h"
#include "images/decode.h"
#include "images/thumbnail.h"
#include "report/render_html.h"
#include "report/render_markdown.h"
#include "report/render_text.h"
#include "run/picture_gallery.h"
#include "temporary_folder.h"
#include "unit/images/encode.h"
#include "unit/run/golden_run.h"

namespace fpcls {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

template <class Block>
const Block* find_block(Document& document, std::string_view section) {
  Section* found = document.find_section(section);
  if (found == nullptr) return nullptr;
  for (const auto& block : found->blocks) {
    if (const auto* wanted = std::get_if<Block>(&block)) return wanted;
  }
  return nullptr;
}

TEST(HtmlDocument, HasWhatPeopleAcceptAReleaseBy) {
  const RunInfo run = floorplan_run();
  Document document = html_document(run, golden_evaluation(run), {golden_predictions(run), {}});
  EXPECT_NE(document.find_table("classes"), nullptr);
  EXPECT_NE(document.find_table("confusion"), nullptr);
  EXPECT_NE(document.find_table("models"), nullptr);
  EXPECT_NE(find_block<Bars>(document, "Funnel"), nullptr);
  EXPECT_NE(find_block<Bars>(document, "Speed"), nullptr);
  EXPECT_NE(find_block<Chart>(document, "Scores"), nullptr);
  EXPECT_NE(find_block<ScoreExplorer>(document, "Thresholds"), nullptr);
  EXPECT_NE(find_block<Plot>(document, "Thresholds"), nullptr);
  EXPECT_NE(find_block<Plot>(document, "Reliability"), nullptr);
  EXPECT_NE(find_block<Plot>(document, "Slices"), nullptr);
  EXPECT_NE(find_block<Gallery>(document, "Wrong answers"), nullptr);
}

TEST(HtmlDocument, SaysAllItsOwnWordsInChineseToo) {
  const RunInfo run = floorplan_run();
  std::vector<Prediction> all;
  golden_predictions(run)([&](const Prediction& p) { all.push_back(p); });
  all.push_back(undecodable(100000));
  const PredictionSource source = [&](const auto& use) {
    for (const Prediction& p : all) use(p);
  };
  EvaluationAccumulator accumulator(run);
  for (const Prediction& p : all) accumulator.add(p);
  const std::string page = render_html(html_document(run, accumulator.result(), {source, {}}));
  const std::regex element(
      "<(h1|h2|p|dt|legend|summary|figcaption|caption|small|label)[^>]*>([^<]*)</");
  int checked = 0;
  for (auto it = std::sregex_iterator(page.begin(), page.end(), element);
       it != std::sregex_iterator(); ++it) {
    const std::string text = (*it)[2];
    const bool is_data = text.empty() || text.find("jpg") != std::string::npos ||
                         text == "wireframe" || text == "satellite" || text == "photo" ||
                         text == "garden" || text == "white";
    EXPECT_TRUE(is_data) << (*it)[0] << " has no Chinese";
    ++checked;
  }
  EXPECT_GT(checked, 10);
  EXPECT_THAT(page, HasSubstr("<span lang=\"zh\">错误接受</span>"));
}

TEST(HtmlDocument, ListsMoreBadPicturesThanText) {
  const RunInfo run = floorplan_run();
  EvaluationAccumulator accumulator(run);
  for (int64_t row = 0; row < 600; ++row) accumulator.add(undecodable(row));
  const Document document =
      html_document(run, accumulator.result(), {[](const auto&) {}, PictureFinder()});
  EXPECT_EQ(document.find_table("bad_images")->rows().size(), 500u);
  EXPECT_EQ(document.find_table("bad_image_codes")->rows().size(), 1u);
}

TEST(HtmlDocument, WithoutLabelsHasNoThresholds) {
  const RunInfo run = floorplan_run();
  EvaluationAccumulator accumulator(run);
  Prediction p = decided(0, run, "", "photo");
  p.label.reset();
  accumulator.add(p);
  const PredictionSource source = [&](const auto& use) { use(p); };
  Document document = html_document(run, accumulator.result(), {source, {}});
  EXPECT_EQ(document.find_section("Thresholds"), nullptr);
  EXPECT_THAT(render_html(document), Not(HasSubstr("nan")));
}

TEST(HtmlDocument, OfNothingIsStillAPage) {
  const RunInfo run;
  const Evaluation nothing = EvaluationAccumulator(run).result();
  const Document document = html_document(run, nothing, {[](const auto&) {}, {}});
  EXPECT_THAT(render_html(document), HasSubstr("0 张图片的评估"));
  EXPECT_THAT(render_text(document), Not(HasSubstr("nan")));
}

TEST(HtmlDocument, CanBeReadAsTextToo) {
  const RunInfo run = floorplan_run();
  const Document document =
      html_document(run, golden_evaluation(run), {golden_predictions(run), {}});
  const std::string text = render_text(document);
  EXPECT_THAT(text, HasSubstr("Precision and recall by threshold: photo"));
  EXPECT_THAT(text, HasSubstr("What became of the pictures that entered"));
  EXPECT_THAT(render_markdown(document), HasSubstr("| threshold | precision | recall |"));
}

TEST(Thumbnail, KeepsTheShapeAndTheColours) {
  for (const auto& [width, height] : {std::pair{800, 400}, {300, 900}, {50, 20}, {1, 500}}) {
    auto made = make_thumbnail(encode_png(gradient(width, height)), 160);
    ASSERT_TRUE(std::holds_alternative<EncodedThumbnail>(made));
    const auto& thumbnail = std::get<EncodedThumbnail>(made);
    EXPECT_LE(std::max(thumbnail.width, thumbnail.height), 160);
    EXPECT_LE(thumbnail.width, width);
    EXPECT_GE(thumbnail.height, 1);
    EXPECT_LT(thumbnail.webp.size(), 8000u);
    auto decoded = decode_image(thumbnail.webp, {});
    ASSERT_TRUE(std::holds_alternative<Image>(decoded));
    const Image& image = std::get<Image>(decoded);
    ASSERT_EQ(image.width, thumbnail.width);
    ASSERT_EQ(image.height, thumbnail.height);
    const size_t last = image.pixels.size() - 3;
    const size_t last_before = 3 * (static_cast<size_t>(width) * static_cast<size_t>(height) - 1);
    const Image before = gradient(width, height);
    for (size_t channel = 0; channel < 3; ++channel) {
      EXPECT_NEAR(image.pixels[last + channel], before.pixels[last_before + channel], 40);
    }
  }
}

TEST(Thumbnail, OfWhatIsNoPictureIsAReason) {
  EXPECT_TRUE(std::holds_alternative<DecodeFailure>(make_thumbnail("no picture", 160)));
  EXPECT_TRUE(std::holds_alternative<DecodeFailure>(make_thumbnail("", 160)));
}

TEST(PictureFinder, FindsByPathAndContent) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "june");
  std::filesystem::create_directories(folder.path() / "july");
  write_file(folder.path() / "june" / "a.png", "first");
  write_file(folder.path() / "july" / "a.png", "second");
  const PictureFinder finder({folder.path() / "gone", folder.path() / "june",
                              folder.path() / "july", folder.path() / "june" / "list.csv"});
  EXPECT_EQ(finder.find("a.png", sha256_hex("second")), "second");
  EXPECT_EQ(finder.find("a.png", sha256_hex("first")), "first");
  EXPECT_EQ(finder.find("a.png", ""), "first");
  EXPECT_EQ(finder.find("a.png", sha256_hex("changed since")), std::nullopt);
  EXPECT_EQ(finder.find("b.png", ""), std::nullopt);
  EXPECT_EQ(finder.find("", ""), std::nullopt) << "a folder is no picture";
  EXPECT_EQ(PictureFinder().find("a.png", ""), std::nullopt);
}

TEST(PictureFinder, KnowsTheInputsThatTheRunWasGiven) {
  RunInfo run;
  run.config_json = R"({"inputs": ["2024-06", "list.csv", 7]})";
  EXPECT_THAT(recorded_inputs(run), ::testing::ElementsAre("2024-06", "list.csv"));
  for (const char* other : {"", "{}", "[]", R"({"inputs": "2024-06"})", "no JSON"}) {
    run.config_json = other;
    EXPECT_TRUE(recorded_inputs(run).empty()) << other;
  }
}

TEST(ErrorGallery, ShowsTheWorstOfEachKindWithThePicturesThatAreThere) {
  const TemporaryFolder folder;
  const RunInfo run = floorplan_run();
  std::vector<Prediction> all;
  for (int64_t row = 0; row < 100; ++row) all.push_back(decided(row, run, "photo", "garden"));
  for (int64_t row = 100; row < 103; ++row) all.push_back(decided(row, run, "other", "photo"));
  const std::string png = encode_png(gradient(320, 200));
  all[101].path = "here.png";
  all[101].sha256 = sha256_hex(png);
  all[102].path = "here.png";
  all[102].sha256 = sha256_hex("another");
  write_file(folder.path() / "here.png", png);
  EvaluationAccumulator accumulator(run);
  for (const Prediction& p : all) accumulator.add(p);
  const Gallery gallery = error_gallery(
      run, accumulator.result(),
      [&](const auto& use) {
        for (const Prediction& p : all) use(p);
      },
      PictureFinder({folder.path()}));
  ASSERT_EQ(gallery.table.rows().size(), 43u);
  EXPECT_THAT(gallery.table.caption, HasSubstr("43 of 103 wrong answers"));
  const std::string text = render_text(gallery.table);
  EXPECT_THAT(text, HasSubstr("wrongly passed on"));
  EXPECT_THAT(text, HasSubstr("wrongly accepted"));
  int found = 0;
  for (const Thumbnail& thumbnail : gallery.thumbnails) {
    if (thumbnail.webp.empty()) continue;
    ++found;
    EXPECT_EQ(thumbnail.width, 160);
    EXPECT_EQ(thumbnail.height, 100);
  }
  EXPECT_EQ(found, 1) << "a picture that changed isn't what was judged";
}

}  // namespace
}  // namespace fpcls
