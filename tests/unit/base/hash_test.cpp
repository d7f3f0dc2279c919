#include "base/hash.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/file.h"
#include "temporary_folder.h"

namespace fpcls {
namespace {

TEST(Sha256, KnowsTheTestVectorsOfItsStandard) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, OfAFileIsThatOfItsBytesWhateverItsSize) {
  const TemporaryFolder folder;
  constexpr size_t kPiece = size_t{1} << 20;
  for (const size_t size : {size_t{0}, size_t{1}, kPiece - 1, kPiece, kPiece + 1, 2 * kPiece}) {
    const std::string bytes(size, 'x');
    write_file(folder.path() / "f", bytes);
    EXPECT_EQ(sha256_of_file(folder.path() / "f"), sha256_hex(bytes)) << size;
  }
}

TEST(Sha256, SaysWhichFileItCannotRead) {
  const TemporaryFolder folder;
  for (const auto& path : {folder.path() / "missing", folder.path()}) {
    try {
      sha256_of_file(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(path.string()));
    }
  }
}

}  // namespace
}  // namespace fpcls
