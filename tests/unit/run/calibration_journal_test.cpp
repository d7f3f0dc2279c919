#include "run/calibration_journal.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "temporary_folder.h"

namespace fpcls {
namespace {

const std::string kFirst(64, 'a'), kSecond(64, 'b');
const PictureLook kLook{"score 1", {1, 2}, {3, 4, 5}, "kept"};

class CalibrationJournalTest : public testing::Test {
 protected:
  std::string two_looks() {
    CalibrationJournal journal(path_, "model", 2, 3, false);
    journal.add(kFirst, kLook);
    journal.add(kSecond, {"photo", {0, 0}, {0, 0, 0}, ""});
    return read_file(path_);
  }
  std::string message_of(const std::string& bytes) {
    write_file(path_, bytes);
    try {
      CalibrationJournal(path_, "model", 2, 3, true);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "c.json.journal";
};

TEST_F(CalibrationJournalTest, GivesBackWhatItWasTold) {
  two_looks();
  const auto known = CalibrationJournal(path_, "model", 2, 3, true).take_known();
  ASSERT_EQ(known.size(), 2U);
  EXPECT_EQ(known.at(kFirst).taken_for, "score 1");
  EXPECT_EQ(known.at(kFirst).features, kLook.features);
  EXPECT_EQ(known.at(kFirst).extremes, kLook.extremes);
  EXPECT_EQ(known.at(kFirst).kept, "kept");
  EXPECT_EQ(known.at(kSecond).taken_for, "photo");
}

TEST_F(CalibrationJournalTest, CutOffAnywhereGivesWhatIsWholeAndCanBeGoneOnWith) {
  const std::string bytes = two_looks();
  size_t most = 0;
  for (size_t length = 0; length <= bytes.size(); ++length) {
    EXPECT_EQ(message_of(bytes.substr(0, length)), "");
    {
      CalibrationJournal journal(path_, "model", 2, 3, true);
      const size_t count = journal.take_known().size();
      EXPECT_GE(count, most);
      most = count;
      journal.add(std::string(64, 'c'), kLook);
    }
    EXPECT_EQ(CalibrationJournal(path_, "model", 2, 3, true).take_known().size(), most + 1);
  }
  EXPECT_EQ(most, 2U);
}

TEST_F(CalibrationJournalTest, WithAByteChangedIsRefusedOrCutOff) {
  const std::string bytes = two_looks();
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    const std::string message = message_of(changed);
    // A changed length may look like a record that was cut off: nothing wrong is read then either.
    if (message.empty()) {
      const auto known = CalibrationJournal(path_, "model", 2, 3, true).take_known();
      for (const auto& [sha256, look] : known) EXPECT_TRUE(sha256 == kFirst || sha256 == kSecond);
      EXPECT_LT(known.size(), 2U) << at;
    }
  }
}

TEST_F(CalibrationJournalTest, OfAnotherModelOrSomethingElseIsRefused) {
  const std::string bytes = two_looks();
  EXPECT_THROW(CalibrationJournal(path_, "other", 2, 3, true), Error);
  EXPECT_THROW(CalibrationJournal(path_, "model", 2, 4, true), Error);
  EXPECT_THROW(CalibrationJournal(path_, "model", 2, 3, false), Error);
  EXPECT_NE(message_of("{\"journal\":\"fpcls quantize\",\"of\":\"f\"}\n").find("is no journal of"),
            std::string::npos);
}

TEST_F(CalibrationJournalTest, IsGoneOnceFinished) {
  CalibrationJournal journal(path_, "model", 2, 3, true);
  journal.add(kFirst, kLook);
  EXPECT_TRUE(std::filesystem::exists(path_));
  journal.finish();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace fpcls
