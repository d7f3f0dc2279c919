// The folders of lib/ may include one another only along the arrows drawn here.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

const std::map<std::string, std::set<std::string>> kArrows = {
    {"base", {}},
    {"config", {"base"}},
    {"graph", {"base"}},
    {"model", {"base", "graph"}},
    {"exec", {"base", "graph"}},
    {"engine", {"base", "graph", "exec"}},
    {"torch", {"base", "graph", "exec"}},
    {"images", {"base", "graph", "exec"}},
    {"compress", {"base", "graph", "model", "exec", "images"}},
    {"predictions", {"base"}},
    {"metrics", {"base", "predictions"}},
    {"cascade", {"base", "graph", "exec", "images", "predictions"}},
    {"tune",
     {"base", "graph", "model", "exec", "images", "compress", "predictions", "metrics", "cascade"}},
    {"report", {"base", "metrics", "predictions"}},
    {"run",
     {"base", "config", "graph", "model", "exec", "images", "compress", "predictions", "metrics",
      "cascade", "tune", "report"}},
};

/// The folder that an include of ours names, or "".
std::string included_folder(const std::string& line) {
  const std::string start = "#include \"";
  const size_t slash = line.find('/');
  if (line.rfind(start, 0) != 0 || slash == std::string::npos) return "";
  return line.substr(start.size(), slash - start.size());
}

TEST(Arrows, NeverTurnRound) {
  const fs::path lib = fs::path(FPCLS_SOURCE_DIR) / "lib";
  int includes = 0;
  for (const fs::directory_entry& file : fs::recursive_directory_iterator(lib)) {
    if (file.path().extension() != ".h" && file.path().extension() != ".cpp") continue;
    const std::string folder = fs::relative(file.path(), lib).begin()->string();
    ASSERT_TRUE(kArrows.count(folder)) << folder << " is a folder without arrows";
    std::ifstream stream(file.path());
    for (std::string line; std::getline(stream, line);) {
      const std::string target = included_folder(line);
      if (target.empty() || target == folder) continue;
      ++includes;
      EXPECT_TRUE(kArrows.at(folder).count(target)) << file.path() << " includes " << target;
    }
  }
  EXPECT_GT(includes, 200);
}

}  // namespace
