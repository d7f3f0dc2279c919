#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What was said of one picture, and what is known of the run that said it. Whatever needs
/// inference ends here; whatever judges begins here.
namespace fpcls {

/// A stage of a cascade as far as judging needs to know it.
struct StageInfo {
  std::string name;
  /// The labels that a score stands for: a binary model's positive one, or all of a multi-class
  /// model's.
  std::vector<std::string> scored_labels;
  /// The label that a binary stage gives when 1 - score >= accept; empty when it has none.
  std::string negative;
  float accept = 0.5F;
  bool binary = true;
  std::string model_path;
  std::string model_sha256;
  std::string precision;  ///< "f32"
  /// How pictures become the model's input, in words; empty where it isn't known.
  std::string preprocessing = {};
};

/// What one stage said of one picture.
struct StageScores {
  int stage = 0;              ///< index into RunInfo::stages
  std::vector<float> scores;  ///< as many as the stage's scored_labels, each in 0..1
  double ms = 0;              ///< this picture's share of the batch's time; 0 from the cache
};

enum class CacheUse { bypassed, hit, miss };

struct Prediction {
  int64_t row = 0;                   ///< place in the run's list of pictures, from 0, unique
  std::string path;                  ///< relative to its INPUT, as valid UTF-8
  std::string slice;                 ///< the INPUT's name, or a manifest column's value
  std::string sha256;                ///< of the file; empty when it couldn't be read
  std::optional<std::string> label;  ///< the truth, where known
  std::string predicted;             ///< empty when the picture couldn't be decoded
  int stage = -1;                    ///< the stage that accepted it; -1: none did
  std::vector<StageScores> scores;   ///< of the stages that saw it, in order
  std::string reason_code;           ///< why it couldn't be decoded, in a word; else empty
  std::string reason;                ///< the same as a sentence
  double decode_ms = 0;              ///< reading and decoding the file
  double resize_ms = 0;
  double other_ms = 0;  ///< time that isn't known by phase, from others' CSV
  int warnings = 0;     ///< what the image library complained of and read all the same
  CacheUse cache = CacheUse::bypassed;

  bool decoded() const { return reason_code.empty(); }
  /// All phases together.
  double total_ms() const {
    double sum = decode_ms + resize_ms + other_ms;
    for (const StageScores& s : scores) sum += s.ms;
    return sum;
  }
};

/// One run over a list of pictures (or one shard of it).
struct RunInfo {
  std::string version;
  std::vector<std::string> command;
  std::string config_json;  ///< the resolved configuration, a JSON object
  std::vector<StageInfo> stages;
  std::string otherwise = "other";  ///< label of a picture that no stage accepts
  std::vector<std::string> slices;  ///< in the order in which reports show them
  bool all_stages = false;
  int64_t listed = 0;       ///< pictures in the whole list, all shards together
  std::string list_sha256;  ///< of the list's paths and labels: shards of one run agree on it
  int shard = 1;            ///< 1-based
  int shard_count = 1;
  std::string cpu, isa, device;
  int threads = 0;
  int workers = 0;
  std::string started;  ///< ISO 8601, UTC; empty for predictions made elsewhere
  uint64_t seed = 0;
  /// Filled in at the end; 0 while the run goes on or after it was killed.
  double wall_s = 0;
  int64_t peak_rss_bytes = 0;
  int64_t device_bytes = 0;
};

/// False while a run goes on or after it was killed; predictions made elsewhere are whole.
inline bool has_ended(const RunInfo& run) { return run.wall_s > 0 || run.started.empty(); }

}  // namespace fpcls
