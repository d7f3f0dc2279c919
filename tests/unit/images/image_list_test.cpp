#include "images/image_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "images/open_picture.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// A folder of its own for each test. Listing never looks into pictures, so they are empty here.
class ImageListTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("fpcls-list-" + std::to_string(::getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string at(const std::string& path) const { return (root_ / path).native(); }
  void put(const std::string& path, const std::string& text = "") const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(at(path)) << text;
  }
  void put_all(const std::vector<std::string>& paths) const {
    for (const std::string& path : paths) put(path);
  }
  ImageList list(const std::vector<std::string>& inputs, const ListOptions& options = {},
                 const std::string& lines = "") const {
    std::vector<std::string> full;
    for (const std::string& input : inputs) full.push_back(input == "-" ? input : at(input));
    std::istringstream stream(lines);
    return list_images(full, options, stream);
  }
  std::string error_of(const std::vector<std::string>& inputs, const ListOptions& options = {},
                       const std::string& lines = "") const {
    try {
      list(inputs, options, lines);
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    return "no error";
  }

  fs::path root_;
};

std::vector<std::string> paths(const ImageList& list) {
  std::vector<std::string> all;
  for (int64_t i = 0; i < list.size(); ++i) all.push_back(list.entry(i).path);
  return all;
}

std::vector<std::string> labels(const ImageList& list) {
  std::vector<std::string> all;
  for (int64_t i = 0; i < list.size(); ++i) all.push_back(list.entry(i).label.value_or("-"));
  return all;
}

ListOptions knowing(const std::vector<std::string>& known) {
  ListOptions options;
  options.known_labels = known;
  return options;
}

TEST_F(ImageListTest, SearchesFoldersAndSortsPathsByTheirBytes) {
  put_all({"in/b.png", "in/a/z.jpg", "in/a.jpg", "in/a-b/c.jpg", "in/B.jpg", "in/a/b/c/d.png"});
  const ImageList found = list({"in"});
  EXPECT_THAT(paths(found),
              ElementsAre("B.jpg", "a-b/c.jpg", "a.jpg", "a/b/c/d.png", "a/z.jpg", "b.png"));
  EXPECT_EQ(found.entry(3).file, at("in/a/b/c/d.png"));
  EXPECT_THAT(found.slices(), ElementsAre("in"));
  EXPECT_EQ(found.unlabelled(), 6);
}

TEST_F(ImageListTest, CountsWhatItSkips) {
  put_all({"in/a.png", "in/.hidden", "in/.git/x.png", "in/note.TXT", "in/list.csv", "in/Thumbs.db",
           "in/plan.pdf", "in/noextension"});
  const ImageList found = list({"in"});
  EXPECT_THAT(paths(found), ElementsAre("a.png", "noextension", "plan.pdf"));
  EXPECT_EQ(found.skipped().hidden, 2);
  EXPECT_EQ(found.skipped().other_files, 3);
}

TEST_F(ImageListTest, EntersLinkedFoldersAndLoopsOnce) {
  put_all({"in/a/1.png", "elsewhere/2.png"});
  fs::create_directory_symlink(at("in"), at("in/a/loop"));
  fs::create_directory_symlink(at("elsewhere"), at("in/b"));
  fs::create_directory_symlink(at("elsewhere"), at("in/c"));
  fs::create_directory_symlink(at("in/self"), at("in/self"));
  fs::create_symlink(at("nowhere"), at("in/dangling.png"));
  const ImageList found = list({"in"});
  EXPECT_THAT(paths(found), ElementsAre("a/1.png", "b/2.png", "dangling.png", "self"));
  EXPECT_EQ(found.skipped().seen_folders, 2);
}

TEST_F(ImageListTest, TakesAFolderForAFolderWhateverItsName) {
  put_all({"x.jpg/1.png", "in/y.jpg/2.png", "z.csv/3.png"});
  EXPECT_THAT(paths(list({"x.jpg"})), ElementsAre("1.png"));
  EXPECT_THAT(paths(list({"in"})), ElementsAre("y.jpg/2.png"));
  EXPECT_THAT(paths(list({"z.csv"})), ElementsAre("3.png"));
}

TEST_F(ImageListTest, KeepsNamesOfAnyBytes) {
  const std::string odd[] = {"in/户型 图.png", "in/line\nend.png", "in/\xff\xfe.png"};
  for (const std::string& name : odd) put(name, "x");
  const ImageList found = list({"in"});
  EXPECT_THAT(paths(found), ElementsAre("line\nend.png", "户型 图.png", "\\xff\\xfe.png"));
  for (int64_t i = 0; i < found.size(); ++i) EXPECT_TRUE(fs::exists(found.entry(i).file));
}

TEST_F(ImageListTest, RefusesWhatIsMissingOrWithoutPictures) {
  fs::create_directories(at("empty/below"));
  put("texts/a.txt");
  EXPECT_THAT(error_of({"nothere"}), HasSubstr("no such file or folder"));
  EXPECT_THAT(error_of({"empty"}), HasSubstr("holds no pictures"));
  EXPECT_THAT(error_of({"texts"}), HasSubstr("1 hidden or of other types"));
  EXPECT_THAT(error_of({}), HasSubstr("no INPUT"));
}

TEST_F(ImageListTest, LabelsByFirstLevelFoldersWhenAllAreKnown) {
  put_all({"in/photo/1.png", "in/photo/deep/2.png", "in/plan/3.png", "in/4.png"});
  fs::create_directories(at("in/unknown but empty"));
  const ImageList found = list({"in"}, knowing({"plan", "photo", "other"}));
  EXPECT_THAT(paths(found), ElementsAre("4.png", "photo/1.png", "photo/deep/2.png", "plan/3.png"));
  EXPECT_THAT(labels(found), ElementsAre("-", "photo", "photo", "plan"));
  EXPECT_THAT(found.labels(), ElementsAre("photo", "plan"));
  EXPECT_EQ(found.unlabelled(), 1);
}

TEST_F(ImageListTest, LeavesPicturesUnlabelledWhenNoFolderIsKnown) {
  put_all({"in/jan/1.png", "in/feb/2.png"});
  EXPECT_EQ(list({"in"}, knowing({"photo"})).unlabelled(), 2);
}

TEST_F(ImageListTest, RefusesFoldersOfWhichOnlySomeAreKnown) {
  put_all({"in/photo/1.png", "in/phto/2.png"});
  const std::string error = error_of({"in"}, knowing({"photo", "plan"}));
  EXPECT_THAT(error, HasSubstr("'photo' is a known label but 'phto' is not"));
  EXPECT_THAT(error, HasSubstr("did you mean 'photo'?"));
  EXPECT_THAT(error, HasSubstr("--labels none"));
  ListOptions ignoring = knowing({"photo"});
  ignoring.ignore_labels = true;
  EXPECT_EQ(list({"in"}, ignoring).unlabelled(), 2);
  ListOptions any = knowing({"photo"});
  any.any_label = true;
  EXPECT_THAT(list({"in"}, any).labels(), ElementsAre("photo", "phto"));
}

TEST_F(ImageListTest, RenamesAndDropsLabels) {
  put_all({"in/photo/1.png", "in/fotos/2.png", "in/rubbish/3.png"});
  ListOptions options = knowing({"photo"});
  options.label_map = {{"fotos", "photo"}, {"rubbish", ""}};
  const ImageList found = list({"in"}, options);
  EXPECT_THAT(labels(found), ElementsAre("photo", "photo"));
  EXPECT_EQ(found.skipped().dropped, 1);
  options.label_map = {{"photo", ""}, {"fotos", ""}, {"rubbish", ""}};
  EXPECT_THAT(error_of({"in"}, options), HasSubstr("drops the labels of all 3"));
}

TEST_F(ImageListTest, NamesSlicesByAsMuchOfThePathAsTellsThemApart) {
  put_all({"2023/06/1.png", "2024/06/1.png", "2024/07/1.png", "a.png", "b/a.png"});
  EXPECT_THAT(list({"2024/06/", "2024/07"}).slices(), ElementsAre("06", "07"));
  EXPECT_THAT(list({"2023/06", "2024/06", "2024/07"}).slices(),
              ElementsAre("2023/06", "2024/06", "07"));
  const ImageList pictures = list({"a.png", "b/a.png"});
  EXPECT_EQ(std::set<std::string>(pictures.slices().begin(), pictures.slices().end()).size(), 2U);
  EXPECT_EQ(pictures.entry(1).path, "b/a.png");
  EXPECT_TRUE(fs::equivalent(pictures.entry(1).file, at("b/a.png")));
  EXPECT_EQ(list({"b/a.png"}).entry(0).path, "a.png");
  EXPECT_THAT(error_of({"2024/06", "2024/07/../06"}), HasSubstr("given twice"));
}

TEST_F(ImageListTest, ReadsManifests) {
  put("in/list.csv",
      "\xef\xbb\xbfpath,label,month,\"a \"\"note\"\"\"\r\n"
      "a.png,photo,jan,x\r\n"
      "\"sub/b, c.png\",,feb,\"two\r\nlines\"\r\n"
      "./sub//d.png,plan,jan,\r\n");
  const ListOptions known = knowing({"photo", "plan"});
  const ImageList found = list({"in/list.csv"}, known);
  EXPECT_THAT(paths(found), ElementsAre("a.png", "sub/b, c.png", "sub/d.png"));
  EXPECT_THAT(labels(found), ElementsAre("photo", "-", "plan"));
  EXPECT_EQ(found.entry(2).file, at("in/sub/d.png"));
  EXPECT_THAT(found.slices(), ElementsAre("list.csv"));
  ListOptions by_month = known;
  by_month.slice_by = "month";
  const ImageList sliced = list({"in/list.csv"}, by_month);
  EXPECT_THAT(sliced.slices(), ElementsAre("jan", "feb"));
  EXPECT_EQ(sliced.entry(2).slice, "jan");
  put("in/list.tsv", "path\tlabel\na, b.png\tphoto\n");
  EXPECT_THAT(paths(list({"in/list.tsv"}, known)), ElementsAre("a, b.png"));
}

TEST_F(ImageListTest, RefusesBadManifestsWithTheLine) {
  const ListOptions known = knowing({"photo", "plan"});
  const auto error = [&](const std::string& text, ListOptions options) {
    put("m.csv", text);
    return error_of({"m.csv"}, options);
  };
  EXPECT_THAT(error("file,label\na.png,photo\n", known), HasSubstr("m.csv:1: no column 'path'"));
  EXPECT_THAT(error("path;label\na.png;photo\n", known), HasSubstr("commas"));
  EXPECT_THAT(error("path,path\na,b\n", known), HasSubstr("twice"));
  EXPECT_THAT(error("path,label\na.png\n", known), HasSubstr("m.csv:2"));
  EXPECT_THAT(error("path,label\na.png,photo,3\n", known), HasSubstr("m.csv:2"));
  EXPECT_THAT(error("path,label\na.png,photo\n\nb.png,phto\n", known),
              HasSubstr("m.csv:4: label 'phto' isn't known, did you mean 'photo'?"));
  EXPECT_THAT(error("path\na.png\nb.png\n./a.png\n", known),
              HasSubstr("m.csv:4: 'a.png' is listed twice, first on line 2"));
  EXPECT_THAT(error("path,label\n,photo\n", known), HasSubstr("m.csv:2: the path is empty"));
  EXPECT_THAT(error("path\n", known), HasSubstr("lists no pictures"));
  EXPECT_THAT(error("", known), HasSubstr("header"));
  EXPECT_THAT(error("path\n\"a.png\n", known), HasSubstr("never closed"));
  ListOptions by = known;
  by.slice_by = "mont";
  EXPECT_THAT(error("path,month\na.png,1\n", by), HasSubstr("no column 'mont'"));
  put("in/a.png");
  EXPECT_THAT(error_of({"in"}, by), HasSubstr("no manifest among the INPUTs"));
}

TEST_F(ImageListTest, RefusesAPathThatASliceHasTwice) {
  put("a/m.csv", "path,month\nx.png,jan\n");
  put("b/m.csv", "path,month\nx.png,jan\n");
  ListOptions by;
  by.slice_by = "month";
  EXPECT_THAT(error_of({"a/m.csv", "b/m.csv"}, by), HasSubstr("has it twice"));
  EXPECT_EQ(list({"a/m.csv", "b/m.csv"}).size(), 2);
}

TEST_F(ImageListTest, ReadsPathsFromAStream) {
  const ImageList found = list({"-"}, {}, "b/two.png\r\n\n/abs/one.png\nplain.png");
  EXPECT_THAT(paths(found), ElementsAre("b/two.png", "/abs/one.png", "plain.png"));
  EXPECT_EQ(found.entry(1).file, "/abs/one.png");
  EXPECT_THAT(found.slices(), ElementsAre("stdin"));
  EXPECT_THAT(error_of({"-"}, {}, ""), HasSubstr("one path a line"));
  EXPECT_THAT(error_of({"-"}, {}, "a.png\nb.png\na.png\n"), HasSubstr("standard input:3"));
  EXPECT_THAT(error_of({"-", "-"}, {}, "a.png\n"), HasSubstr("given twice"));
}

TEST_F(ImageListTest, ShardsAreDisjointAndCompleteAndDependOnThePathAlone) {
  for (int i = 0; i < 200; ++i) put("in/" + std::to_string(i) + ".png");
  const ImageList found = list({"in"});
  std::multiset<int64_t> seen;
  for (int part = 1; part <= 16; ++part) {
    const auto rows = found.shard_rows(part, 16);
    EXPECT_GT(rows.size(), 2U) << "of 200 / 16";
    EXPECT_LT(rows.size(), 30U) << "of 200 / 16";
    seen.insert(rows.begin(), rows.end());
  }
  EXPECT_EQ(seen.size(), 200U);
  EXPECT_EQ(std::set<int64_t>(seen.begin(), seen.end()).size(), 200U);
  const std::string probe = found.entry(found.shard_rows(3, 16)[0]).path;
  put("other/" + probe);
  EXPECT_EQ(list({"other"}).shard_rows(3, 16).size(), 1U);
}

TEST_F(ImageListTest, HashesSlicesPathsAndLabels) {
  put_all({"in/photo/1.png", "in/plan/2.png"});
  const std::string hash = list({"in"}, knowing({"photo", "plan"})).sha256();
  EXPECT_EQ(hash.size(), 64U);
  EXPECT_EQ(list({"in"}, knowing({"photo", "plan", "other"})).sha256(), hash);
  EXPECT_NE(list({"in"}).sha256(), hash);
  put("in/plan/3.png");
  EXPECT_NE(list({"in"}, knowing({"photo", "plan"})).sha256(), hash);
}

TEST_F(ImageListTest, ReadingSaysWhyAFileIsUnusable) {
  put("empty.png");
  put("good.png", "12345");
  fs::create_directories(at("folder.png"));
  fs::create_symlink(at("nowhere"), at("dangling.png"));
  fs::create_symlink(at("loop.png"), at("loop.png"));
  ASSERT_EQ(::mkfifo(at("pipe.png").c_str(), 0600), 0);
  const auto code = [&](const std::string& name, int64_t limit_bytes = 100) {
    const auto result = read_picture_file(at(name), {100, limit_bytes});
    const auto* failure = std::get_if<DecodeFailure>(&result);
    return failure == nullptr ? "fine" : std::string(enum_name(failure->code));
  };
  EXPECT_EQ(code("good.png"), "fine");
  EXPECT_EQ(code("good.png", 4), "too_large");
  EXPECT_EQ(code("empty.png"), "empty");
  for (const char* name : {"folder.png", "dangling.png", "loop.png", "pipe.png", "gone.png"}) {
    EXPECT_EQ(code(name), "unreadable") << name;
  }
  EXPECT_EQ(std::get<std::string>(read_picture_file(at("good.png"))), "12345");
}

}  // namespace
}  // namespace fpcls
