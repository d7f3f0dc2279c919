#include "run/flip_gallery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "report/render_text.h"
#include "temporary_folder.h"

namespace fpcls {
namespace {

using ::testing::HasSubstr;

std::string text_of(const std::vector<Section>& sections) {
  Document document;
  document.sections = sections;
  return render_text(document);
}

/// A hash of 64 times the same digit.
std::string sha(char digit) { return std::string(64, digit); }

constexpr const char* kHeader = "path,sha256,label,predicted,score.photo\n";

TEST(FlipSections, ShowRegressionsFirst) {
  const TemporaryFolder folder;
  const auto base = folder.path() / "base.csv", now = folder.path() / "now.csv";
  write_file(base, std::string(kHeader) + "a.jpg," + sha('a') + ",photo,photo,0.9\nb.jpg," +
                       sha('b') +
                       ",other,photo,0.8\n"
                       "c.jpg," +
                       sha('c') + ",photo,photo,0.7\n");
  write_file(now, std::string(kHeader) + "b.jpg," + sha('b') + ",other,other,0.1\nmoved/a.jpg," +
                      sha('a') + ",photo,other,0.2\n" + "c.jpg," + sha('c') + ",photo,photo,0.7\n");
  const std::vector<Section> sections = flip_sections({base, now, {}, {}});
  ASSERT_GE(sections.size(), 1u);
  const auto& gallery = std::get<Gallery>(sections[0].blocks.back());
  ASSERT_EQ(gallery.table.rows().size(), 2u);
  EXPECT_EQ(cell_data(gallery.table.rows()[0][0]), "moved/a.jpg") << "paired by content";
  EXPECT_EQ(cell_data(gallery.table.rows()[0][1]), "regression");
  EXPECT_EQ(cell_data(gallery.table.rows()[1][1]), "recovery");
}

TEST(FlipSections, SayThatNothingChanged) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "base.csv";
  write_file(file, "path,label,predicted\na.jpg,photo,photo\n");
  EXPECT_THAT(text_of(flip_sections({file, file, {}, {}})),
              HasSubstr("No answer changed: 1 pictures are in both runs."));
}

TEST(FlipSections, SayWhatIsInOneRunAlone) {
  const TemporaryFolder folder;
  const auto base = folder.path() / "base.csv", now = folder.path() / "now.csv";
  write_file(base, std::string(kHeader) + "a.jpg," + sha('a') + ",photo,photo,0.9\nb.jpg," +
                       sha('b') + ",other,photo,0.8\n");
  write_file(now, std::string(kHeader) + "a.jpg," + sha('a') + ",photo,photo,0.9\n");
  EXPECT_THAT(text_of(flip_sections({base, now, {}, {}})),
              HasSubstr("1 pictures are in one run alone"));
}

}  // namespace
}  // namespace fpcls
