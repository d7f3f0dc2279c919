#include "model/calibration_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "base/file.h"

namespace fpcls {
namespace {

class CalibrationFileTest : public testing::Test {
 protected:
  CalibrationFileTest()
      : path_(std::filesystem::temp_directory_path() /
              ("calibration-" + std::to_string(::getpid()) + ".json")) {
    file_.model_sha256 = "m";
    file_.preprocessing_sha256 = preprocessing_sha256({});
    file_.command = "fpcls calibrate --count 2";
    file_.float_type = "bf16";
    file_.pictures = {{"a.png", "../pool/a.png", "pool", "photo", "00", {0.1F, -3.25F}},
                      {"b.png", "../pool/b.png", "pool", std::nullopt, "11", {}}};
    CalibrationTensor tensor{"conv1", {}};
    const float values[] = {-1, 0, 2.5F, 3e-9F, 100};
    tensor.values.add(values, 5);
    file_.tensors = {tensor};
    file_.certificate = {{"listed", 2}};
  }
  ~CalibrationFileTest() override { std::filesystem::remove(path_); }

  std::filesystem::path path_;
  CalibrationFile file_;
};

TEST_F(CalibrationFileTest, ComesBackAsItWas) {
  save_calibration_file(path_, file_);
  const std::string bytes = read_file(path_);
  const CalibrationFile back = load_calibration_file(path_);
  ASSERT_EQ(back.tensors.size(), 1U);
  EXPECT_TRUE(back.tensors[0].values == file_.tensors[0].values);
  EXPECT_EQ(back.float_type, "bf16");
  EXPECT_EQ(back.pictures[0].label, "photo");
  EXPECT_EQ(back.pictures[0].file, "../pool/a.png");
  EXPECT_EQ(back.pictures[1].label, std::nullopt);
  EXPECT_EQ(back.pictures[0].logits, file_.pictures[0].logits);
  EXPECT_TRUE(back.pictures[1].logits.empty());
  save_calibration_file(path_, back);
  EXPECT_EQ(read_file(path_), bytes);
}

TEST_F(CalibrationFileTest, IsRefusedWhereverItIsTruncated) {
  save_calibration_file(path_, file_);
  const std::string bytes = read_file(path_);
  for (size_t length = 0; length + 1 < bytes.size(); length += 211) {
    write_file(path_, bytes.substr(0, length));
    EXPECT_THROW(load_calibration_file(path_), Error) << length;
  }
}

TEST_F(CalibrationFileTest, IsRefusedWithAByteChanged) {
  save_calibration_file(path_, file_);
  const std::string bytes = read_file(path_);
  for (size_t at = 0; at + 1 < bytes.size(); at += 101) {
    std::string changed = bytes;
    changed[at] = changed[at] == '7' ? '8' : '7';
    write_file(path_, changed);
    EXPECT_THROW(load_calibration_file(path_), Error) << at;
  }
}

TEST_F(CalibrationFileTest, WithCountsThatDontAgreeIsRefused) {
  file_.tensors[0].values.zeros = 1000;
  save_calibration_file(path_, file_);
  EXPECT_THROW(load_calibration_file(path_), Error);
}

TEST_F(CalibrationFileTest, OfAnotherSchemaVersionIsRefused) {
  save_calibration_file(path_, file_);
  std::string bytes = read_file(path_);
  const std::string version = "\"schema_version\":";
  const size_t at = bytes.find(version);
  ASSERT_NE(at, std::string::npos);
  bytes[at + version.size()] = '1';
  write_file(path_, bytes);
  try {
    load_calibration_file(path_);
    ADD_FAILURE() << "was read";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("schema version 1"), std::string::npos)
        << error.what();
  }
}

TEST_F(CalibrationFileTest, OfAnotherModelOrPreprocessingIsRefused) {
  Preprocessing other;
  EXPECT_NO_THROW(check_calibration(file_, "m", other, "x"));
  EXPECT_THROW(check_calibration(file_, "n", other, "x"), Error);
  other.mean[0] += 0.01F;
  EXPECT_THROW(check_calibration(file_, "m", other, "x"), Error);
}

}  // namespace
}  // namespace fpcls
