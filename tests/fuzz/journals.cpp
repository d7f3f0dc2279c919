#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "fuzz/target.h"
#include "model/calibration_file.h"
#include "run/calibration_journal.h"
#include "tune/control_journal.h"

namespace fpcls::fuzz {
namespace {

using nlohmann::json;

/// With the checksum that its content has, so that what the content says is read.
std::string with_right_checksum(std::string_view bytes) {
  json file = json::parse(bytes, nullptr, false);
  if (!file.is_object() || !file.contains("calibration")) return std::string(bytes);
  try {
    file["sha256"] = sha256_hex(file["calibration"].dump());
    return file.dump();
  } catch (const json::exception&) {
    return std::string(bytes);  // text that isn't UTF-8
  }
}

void read_calibration(std::string_view bytes) {
  for (const std::string& text : {std::string(bytes), with_right_checksum(bytes)}) {
    const std::string path = file_with("calibration.json", text);
    answer([&] {
      const CalibrationFile file = load_calibration_file(path);
      for (const CalibrationTensor& tensor : file.tensors) FPCLS_CHECK(is_sound(tensor.values));
      save_calibration_file(path + ".again", file);
    });
  }
}

std::vector<std::string> calibrations() {
  CalibrationFile file;
  file.command = "fpcls calibrate";
  file.pictures = {{"a.png", "../a.png", "pool", "photo", "00", {0.5F, -1}},
                   {"b.png", "../b.png", "pool", std::nullopt, "11", {}}};
  const float values[] = {-1, 0, 2.5F, 3e-9F, 100};
  CalibrationTensor tensor{"conv1", {}};
  tensor.values.add(values, 5);
  file.tensors = {tensor};
  file.certificate = {{"listed", 2}};
  return {bytes_of_file([&](const std::string& path) { save_calibration_file(path, file); })};
}

constexpr size_t kFeatures = 2, kExtremes = 1;

void read_looks(std::string_view bytes) {
  const std::string path = file_with("looks.journal", bytes);
  answer([&] {
    CalibrationJournal journal(path, "model", kFeatures, kExtremes, true);
    for (const auto& [sha256, look] : journal.take_known()) {
      FPCLS_CHECK(sha256.size() == 64 && look.features.size() == kFeatures &&
                  look.extremes.size() == kExtremes);
    }
    journal.add(std::string(64, 'b'), {"score 1", {1, 2}, {3}, "kept"});
  });
  // Whatever was taken can be gone on with.
  answer([&] { CalibrationJournal(path, "model", kFeatures, kExtremes, true).take_known(); });
}

std::vector<std::string> looks() {
  return {bytes_of_file([](const std::string& path) {
    std::filesystem::remove(path);
    CalibrationJournal journal(path, "model", kFeatures, kExtremes, false);
    journal.add(std::string(64, 'a'), {"photo", {1, 2}, {3}, ""});
    journal.add(std::string(64, 'c'), {"score 0", {0, 0}, {0}, "kept"});
  })};
}

void read_histogram(std::string_view bytes) {
  const auto histogram = unpacked(bytes);
  if (!histogram) return;
  FPCLS_CHECK(is_sound(*histogram));
  const std::string again = packed(*histogram);
  std::string_view rest = again;
  const auto back = unpacked(rest);
  FPCLS_CHECK(back && rest.empty() && *back == *histogram);
  Histogram sum = *histogram;
  sum.merge(*histogram);
  FPCLS_CHECK(sum.total == 2 * histogram->total);
}

std::vector<std::string> histograms() {
  Histogram h;
  const float values[] = {-1, 0, 2.5F, 3e-9F, 100};
  h.add(values, 5);
  return {packed(h), packed(Histogram())};
}

ControlPlan plan_of(const std::string& path) {
  ControlPlan plan;
  plan.journal = path;
  plan.resume = true;
  plan.fingerprint = "f";
  return plan;
}

/// After the right first line, and as they are.
void read_trials(std::string_view bytes) {
  const std::string first = "{\"journal\":\"fpcls quantize\",\"of\":\"f\"}\n";
  for (const std::string& text : {std::string(bytes), first + std::string(bytes)}) {
    const std::string path = file_with("trials.journal", text);
    answer([&] {
      ControlJournal journal(plan_of(path));
      journal.add({});
    });
  }
}

std::vector<std::string> trials() {
  return {bytes_of_file([](const std::string& path) {
            std::filesystem::remove(path);
            ControlJournal journal(plan_of(path));
            ControlTrial trial;
            trial.kept = {"conv1"};
            trial.kept_bf16 = {"conv2"};
            trial.figures.precision = 0.5;
            journal.add(trial);
          }),
          "{\"ranges\":\"minmax\"}\n"};
}

}  // namespace

std::vector<Target> journal_targets() {
  return {{"calibration", read_calibration, calibrations},
          {"calibration_journal", read_looks, looks},
          {"packed_histogram", read_histogram, histograms},
          {"quantize_journal", read_trials, trials}};
}

}  // namespace fpcls::fuzz
