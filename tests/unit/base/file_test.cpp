#include "base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "base/hash.h"
#include "temporary_folder.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;

int entry_count(const fs::path& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(AtomicFile, AppearsWholeWhenCommitted) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "户型.json";
  AtomicFile file(path);
  file.write("one ");
  EXPECT_FALSE(fs::exists(path));
  file.write("two");
  file.commit();
  EXPECT_EQ(read_file(path), "one two");
  EXPECT_EQ(entry_count(folder.path()), 1);
}

TEST(AtomicFile, LeavesTheOldFileAndNoTraceWithoutCommit) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "report.json";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write("half of the ne");
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(entry_count(folder.path()), 1);
}

TEST(AtomicFile, LeavesNoTraceWhenKilled) {
  const TemporaryFolder folder;
  const int probe = ::open(folder.path().c_str(), O_TMPFILE | O_WRONLY, 0600);
  if (probe < 0) GTEST_SKIP() << "the file system has no files without a name";
  ::close(probe);
  const fs::path path = folder.path() / "report.json";
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile file(path);
    file.write("half");
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(AtomicFile, TakesThePlaceOfWhatAKilledProcessLeft) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "report.json";
  const fs::path left = path.string() + "." + std::to_string(::getpid()) + ".part";
  std::ofstream(left) << "left by another with this number";
  write_file(path, "new");
  EXPECT_EQ(read_file(path), "new");
  EXPECT_FALSE(fs::exists(left));
}

TEST(AtomicFile, RefusesAFolderAndAMissingFolderAtOnce) {
  const TemporaryFolder folder;
  EXPECT_THROW(AtomicFile(folder.path()), Error);
  EXPECT_THROW(AtomicFile(folder.path() / "no" / "file"), Error);
}

TEST(AtomicFile, SaysThatTheDiskIsFull) {
  try {
    write_file("/dev/full.d/x", "bytes");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("/dev/full.d/x"));
  }
}

TEST(ReadFile, RefusesFoldersPipesAndWhatIsTooLarge) {
  const TemporaryFolder folder;
  write_file(folder.path() / "ten", "0123456789");
  EXPECT_EQ(read_file(folder.path() / "ten", 10), "0123456789");
  EXPECT_THROW(read_file(folder.path() / "ten", 9), Error);
  EXPECT_THROW(read_file(folder.path()), Error);
  EXPECT_THROW(read_file(folder.path() / "missing"), Error);
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(read_file(folder.path() / "pipe"), Error);  // and doesn't wait for a writer
}

TEST(MappedFile, HoldsTheBytesAndAnEmptyFile) {
  const TemporaryFolder folder;
  write_file(folder.path() / "a", "bytes");
  write_file(folder.path() / "empty", "");
  EXPECT_EQ(MappedFile::open(folder.path() / "a")->bytes(), "bytes");
  EXPECT_EQ(MappedFile::open(folder.path() / "empty")->bytes(), "");
}

TEST(MakeWritableFolder, MakesParentsAndRefusesAFile) {
  const TemporaryFolder folder;
  make_writable_folder(folder.path() / "a" / "b");
  EXPECT_TRUE(fs::is_directory(folder.path() / "a" / "b"));
  write_file(folder.path() / "f", "");
  EXPECT_THROW(make_writable_folder(folder.path() / "f"), Error);
}

// FIPS 180-4's examples.
TEST(Sha256, GivesTheStandardsDigests) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace fpcls
