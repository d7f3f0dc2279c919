#include "config/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "config/command_line.h"
#include "config/yaml_file.h"
#include "error_of.h"
#include "temporary_folder.h"

namespace fpcls {

enum class Colour { red, dark_green };
template <>
struct EnumNames<Colour> {
  static constexpr std::pair<Colour, std::string_view> entries[] = {
      {Colour::red, "red"}, {Colour::dark_green, "dark_green"}};
};

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Step {
  std::string name;
  std::string file;
  float accept = 0.5F;
  template <class Visitor>
  void describe(Visitor& v) {
    v.option("name", name, "Name");
    v.path("file", file, "File");
    v.option("accept", accept, "Threshold", Range{0.0F, 1.0F});
  }
};

struct Options {
  std::vector<std::string> inputs;
  int batch_size = 8;
  std::optional<double> rate;
  std::vector<int> sizes = {1};
  Colour colour = Colour::red;
  bool quiet = false;
  bool shuffle = true;
  std::string out;
  std::vector<Step> steps;
  template <class Visitor>
  void describe(Visitor& v) {
    v.positional("inputs", inputs, "Inputs");
    v.option("batch_size", batch_size, "Pictures at once", Range{1, 4096});
    v.option("rate", rate, "Rate");
    v.option("sizes", sizes, "Sizes");
    v.option("colour", colour, "Colour");
    v.option("quiet", quiet, "Say nothing");
    v.option("shuffle", shuffle, "Shuffle");
    v.option("o,out", out, "Where to write");
    v.list("steps", steps, "Steps");
  }
};

struct Parsed {
  Options options;
  ParsedCommand command;
};

Parsed parse(const std::vector<std::string>& arguments) {
  Parsed parsed;
  parsed.command = parse_command_line({"test", "Tests", "", "  fpcls test x"}, arguments,
                                      describe_options(parsed.options));
  return parsed;
}

/// The message of the Error that `work` throws.
TEST(CommandLine, SetsEveryKindOfOption) {
  const Options o = parse({"a", "b", "--batch-size", "4", "--rate=0.25", "--sizes", "2,4,8",
                           "--colour", "dark_green", "--quiet", "--no-shuffle", "-o", "folder"})
                        .options;
  EXPECT_THAT(o.inputs, ElementsAre("a", "b"));
  EXPECT_EQ(o.batch_size, 4);
  EXPECT_EQ(o.rate, 0.25);
  EXPECT_THAT(o.sizes, ElementsAre(2, 4, 8));
  EXPECT_EQ(o.colour, Colour::dark_green);
  EXPECT_TRUE(o.quiet);
  EXPECT_FALSE(o.shuffle);
  EXPECT_EQ(o.out, "folder");
}

TEST(CommandLine, LeavesWhatFollowsAFlagsValueToThePositionals) {
  const Options o =
      parse({"--out", "folder", "a", "--sizes", "2", "b", "--sizes", "3", "c"}).options;
  EXPECT_EQ(o.out, "folder");
  EXPECT_THAT(o.inputs, ElementsAre("a", "b", "c"));
  EXPECT_THAT(o.sizes, ElementsAre(2, 3));
}

TEST(CommandLine, RefusesAFlagThatIsGivenTwice) {
  EXPECT_THAT(error_of([] { parse({"--out", "a", "--out", "b"}); }), HasSubstr("--out"));
}

TEST(CommandLine, KeepsDefaultsOfWhatIsNotTyped) {
  const Options o = parse({}).options;
  EXPECT_EQ(o.batch_size, 8);
  EXPECT_FALSE(o.rate.has_value());
  EXPECT_TRUE(o.shuffle);
}

TEST(CommandLine, RefusesWhatDoesNotFitAndSaysWhatWould) {
  EXPECT_EQ(error_of([] {
              parse({"--batch-size", "0"});
            }),
            "--batch-size is 0, expected 1 to 4096");
  EXPECT_EQ(error_of([] {
              parse({"--batch-size", "4x"});
            }),
            "--batch-size is '4x', expected a whole number");
  EXPECT_EQ(error_of([] {
              parse({"--batch-size", "99999999999"});
            }),
            "--batch-size is 99999999999, expected -2147483648 to 2147483647");
  EXPECT_EQ(error_of([] { parse({"--rate", "nan"}); }), "--rate is 'nan', expected a number");
  EXPECT_EQ(error_of([] {
              parse({"--colour", "1"});
            }),
            "--colour is '1', expected one of: red, dark_green");
}

TEST(CommandLine, SuggestsTheFlagThatWasMeant) {
  EXPECT_THAT(error_of([] {
                parse({"--batchsize", "4"});
              }),
              HasSubstr("did you mean '--batch-size'"));
  EXPECT_THAT(error_of([] { parse({"--steps", "4"}); }), HasSubstr("unknown flag '--steps'"));
}

TEST(CommandLine, HelpShowsDefaultsRangesAndExamples) {
  const ParsedCommand help = parse({"--help", "--batch-size", "4"}).command;
  EXPECT_EQ(help.request, Request::help);
  EXPECT_THAT(help.text, HasSubstr("Pictures at once (1 to 4096) [8]"));
  EXPECT_THAT(help.text, HasSubstr("fpcls test x"));
  EXPECT_THAT(help.text, HasSubstr("red, dark_green"));
}

class Yaml : public testing::Test {
 protected:
  std::string write(const std::string& text) {
    const std::filesystem::path file = folder_.path() / "c.yaml";
    std::ofstream(file) << text;
    return file.string();
  }
  std::string error(const std::string& yaml) {
    const std::string file = write(yaml);
    const std::string message = error_of([&] { parse({"--config", file}); });
    const size_t at = message.find(file);
    return at == std::string::npos ? message : message.substr(at + file.size());
  }
  TemporaryFolder folder_;
};

TEST_F(Yaml, IsReadBeforeWhatIsTyped) {
  const std::string file = write("batch_size: 2\nsizes: [3, 5]\ncolour: dark_green\n");
  const Options o = parse({"--batch-size", "7", "--config", file}).options;
  EXPECT_EQ(o.batch_size, 7);
  EXPECT_THAT(o.sizes, ElementsAre(3, 5));
  EXPECT_EQ(o.colour, Colour::dark_green);
}

TEST_F(Yaml, FillsListsOfStructsWithPathsRelativeToTheFile) {
  const std::string file =
      write("steps:\n  - {name: a, file: m/a.bin}\n  - {name: 线框, file: /b, accept: 0.7}\n");
  const Options o = parse({"--config", file}).options;
  ASSERT_EQ(o.steps.size(), 2u);
  EXPECT_EQ(o.steps[0].file, (folder_.path() / "m/a.bin").string());
  EXPECT_EQ(o.steps[0].accept, 0.5F);
  EXPECT_EQ(o.steps[1].name, "线框");
  EXPECT_EQ(o.steps[1].file, "/b");
  EXPECT_EQ(o.steps[1].accept, 0.7F);
}

TEST_F(Yaml, SaysWhereAndWhatIsWrong) {
  EXPECT_THAT(error("quiet: true\nbatchsize: 4\n"),
              HasSubstr(":2:1: unknown key 'batchsize', did you mean 'batch_size'"));
  EXPECT_EQ(error("batch_size: 0\n"), ":1:13: batch_size is 0, expected 1 to 4096");
  EXPECT_EQ(error("batch_size: [1, 2]\n"), ":1:13: batch_size is a list, expected one value");
  EXPECT_EQ(error("quiet: yes\n"), ":1:8: quiet is 'yes', expected true or false");
  EXPECT_EQ(error("steps:\n  - {name: a, accept: 1.5}\n"), ":2:23: accept is 1.5, expected 0 to 1");
  EXPECT_THAT(error("steps:\n  - {nam: a}\n"), HasSubstr(":2:6: unknown key 'nam'"));
  EXPECT_EQ(error("rate: 1\nrate: 2\n"), ":2:1: key 'rate' stands here twice");
  EXPECT_THAT(error("a: [1\n"), HasSubstr(":2:1:"));
  EXPECT_THAT(error("- 1\n"), HasSubstr("expected keys with values"));
}

TEST_F(Yaml, RefusesDeepNestingAndMissingFiles) {
  EXPECT_THAT(error("a: " + std::string(100000, '[')), HasSubstr("brackets inside each other"));
  EXPECT_THAT(error_of([] { parse({"--config", "/nowhere/c.yaml"}); }), HasSubstr("cannot open"));
}

TEST_F(Yaml, PrintedConfigurationReadsBackTheSame) {
  const std::string file =
      write("steps:\n  - {name: 'a: b', accept: 0.25}\nout: \"x y\"\nsizes: [4]\n");
  const std::string first = parse({"--config", file, "--print-config", "in put"}).command.text;
  const std::string again = write(first);
  EXPECT_EQ(parse({"--config", again, "--print-config"}).command.text, first);
}

TEST_F(Yaml, LabelMapRenamesAndDrops) {
  const auto labels = read_label_map(write("lines: wireframe\njunk: ~\n"));
  EXPECT_EQ(labels.at("lines"), "wireframe");
  EXPECT_EQ(labels.at("junk"), "");
  EXPECT_THAT(error_of([&] { read_label_map(write("a: [b]\n")); }),
              HasSubstr("expected 'folder name: label'"));
}

TEST(OptionsJson, IsAnObjectInTheOrderOfDeclaration) {
  Options options;
  options.inputs = {"a\"b"};
  options.rate = 0.5;
  options.steps.resize(1);
  EXPECT_EQ(
      options_json(describe_options(options)),
      R"({"inputs": ["a\"b"], "batch_size": 8, "rate": 0.5, "sizes": [1], "colour": "red", )"
      R"("quiet": false, "shuffle": true, "out": "", "steps": [{"name": "", "file": "", "accept": 0.5}]})");
}

}  // namespace
}  // namespace fpcls
