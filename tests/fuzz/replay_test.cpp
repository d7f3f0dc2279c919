#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/random.h"
#include "fuzz/target.h"

/// Every fuzz target as an ordinary test: its seeds, the files that fuzzing kept for it in
/// tests/fuzz/corpus/<target>/, and mutations of both that are the same in every run. A finding
/// ends the program; FPCLS_FUZZ_MUTATIONS makes more of them (or fewer) for each file.
namespace fpcls::fuzz {
namespace {

namespace fs = std::filesystem;

int64_t mutations_per_file() {
  const char* given = std::getenv("FPCLS_FUZZ_MUTATIONS");
  return given != nullptr ? std::atoll(given) : 40;
}

std::vector<std::string> corpus(const Target& target) {
  std::vector<std::string> files = target.seeds();
  const fs::path folder = fs::path(FPCLS_SOURCE_DIR) / "tests/fuzz/corpus" / target.name;
  if (!fs::exists(folder)) return files;
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) files.push_back(read_file(path));
  return files;
}

/// One to eight changes of kinds that parsers stumble over: flipped bits, extreme numbers, pieces
/// cut out, repeated or taken from `other`, an early end.
std::string mutated(std::string bytes, const std::string& other, Random& random) {
  const auto place = [&](const std::string& text) {
    return static_cast<size_t>(random.below(static_cast<int64_t>(text.size()) + 1));
  };
  const auto length = [&] { return static_cast<size_t>(random.between(1, 16)); };
  for (int64_t changes = random.between(1, 8); changes > 0; --changes) {
    const size_t at = place(bytes);
    switch (random.below(6)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ 1 << random.below(8));
        break;
      case 1: {
        constexpr std::array<char, 6> kExtremes = {'\0', '\1', '\x7f', '\x80', '\xfe', '\xff'};
        const size_t end = std::min(bytes.size(), at + (size_t{1} << random.below(4)));
        const char value = kExtremes[static_cast<size_t>(random.below(kExtremes.size()))];
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                  bytes.begin() + static_cast<std::ptrdiff_t>(end), value);
        break;
      }
      case 2:
        bytes.erase(at, length());
        break;
      case 3:
        bytes.insert(at, bytes.substr(place(bytes), length()));
        break;
      case 4:
        bytes.insert(at, other.substr(place(other), length()));
        break;
      default:
        if (random.chance(0.2)) bytes.resize(at);
    }
  }
  return bytes;
}

class FuzzTarget : public testing::TestWithParam<Target> {};

TEST_P(FuzzTarget, AnswersItsCorpusAndMutationsOfIt) {
  const std::vector<std::string> files = corpus(GetParam());
  ASSERT_FALSE(files.empty());
  Random random(1);
  for (const std::string& file : files) {
    GetParam().run(file);
    for (int64_t i = mutations_per_file(); i > 0; --i) {
      const std::string& other =
          files[static_cast<size_t>(random.below(static_cast<int64_t>(files.size())))];
      GetParam().run(mutated(file, other, random));
    }
  }
}

TEST_P(FuzzTarget, AnswersEverySeedCutShort) {
  for (const std::string& seed : GetParam().seeds()) {
    const size_t step = std::max<size_t>(1, seed.size() / 64);
    for (size_t length = 0; length < seed.size(); length += step) {
      GetParam().run(std::string_view(seed).substr(0, length));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FuzzTarget, testing::ValuesIn(all_targets()),
                         [](const auto& test) { return test.param.name; });

}  // namespace

/// For gtest, which would print the bytes of the functions.
void PrintTo(const Target& target, std::ostream* out) { *out << target.name; }

}  // namespace fpcls::fuzz
