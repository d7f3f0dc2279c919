#include "predictions/schema.h"

#include <charconv>
#include <climits>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"
#include "predictions/store.h"

namespace fpcls {
namespace {

using nlohmann::json;
using sqlite::Database;
using sqlite::Statement;

constexpr int64_t kApplicationId = 0x6670636c;  // "fpcl"

// What no run reaches, so that sums over stores don't overflow and loops over shards end.
constexpr int64_t kMostRows = int64_t{1} << 40;
constexpr int64_t kMostBytes = int64_t{1} << 50;
constexpr double kMostSeconds = 1e10;
constexpr int kMostShards = 1'000'000;

// Scores are keyed, so that those of an image lie together and in the order of images whatever
// the order of writing. WITHOUT ROWID saves a second copy of the key.
constexpr const char* kTables = R"sql(
CREATE TABLE run (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE stage (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, labels TEXT NOT NULL,
  negative TEXT, accept REAL NOT NULL, binary INTEGER NOT NULL, model_path TEXT, model_sha256 TEXT,
  precision TEXT);
CREATE TABLE slice (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE image (row INTEGER PRIMARY KEY, path TEXT NOT NULL, slice TEXT NOT NULL, sha256 TEXT,
  label TEXT, predicted TEXT, stage TEXT, reason_code TEXT, reason TEXT, decode_ms REAL,
  resize_ms REAL, other_ms REAL, warnings INTEGER NOT NULL DEFAULT 0, cache TEXT);
CREATE TABLE score (image INTEGER NOT NULL, stage TEXT NOT NULL, label TEXT NOT NULL,
  value REAL NOT NULL, ms REAL NOT NULL, PRIMARY KEY (image, stage, label)) WITHOUT ROWID;
)sql";

/// Refuses a file where something else stands in a table's place: a view, a virtual table or a
/// computed column would run its maker's SQL, for ever or into gigabytes.
void check_tables(Database& database) {
  std::string_view rest = kTables;
  rest.remove_prefix(1);
  Statement query(database, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND sql = ?");
  for (size_t end = rest.find(";\n"); end != std::string_view::npos; end = rest.find(";\n")) {
    query.reset();
    query.bind(0, rest.substr(0, end));
    if (!query.step() || query.integer(0) != 1) {
      fail("{}: lacks a table of a store of predictions, or has another one in its place",
           quoted(database.path()));
    }
    rest.remove_prefix(end + 2);
  }
  if (database.integer("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'") != 0) {
    fail("{}: has triggers, which a store of predictions never has", quoted(database.path()));
  }
}

std::vector<std::string> strings_of(const Database& database, std::string_view text) {
  const json parsed = json::parse(text, nullptr, false);
  std::vector<std::string> strings;
  if (!parsed.is_array()) fail("{}: holds a list that can't be read", quoted(database.path()));
  for (const json& element : parsed) {
    if (!element.is_string()) fail("{}: holds a list that can't be read", quoted(database.path()));
    strings.push_back(element.get<std::string>());
  }
  return strings;
}

class Values {
 public:
  explicit Values(Database& database) : path_(database.path()) {
    Statement query(database, "SELECT key, value FROM run");
    while (query.step()) values_[std::string(query.text(0))] = query.text(1);
  }

  const std::string& text(const std::string& key) { return values_[key]; }

  /// A number between `least` and `most`: later ones are counted up to, or added.
  template <class Number>
  Number number(const std::string& key, Number least, Number most) {
    const std::string& value = values_[key];
    const char* end = value.data() + value.size();
    Number number{};
    const auto [stop, problem] = std::from_chars(value.data(), end, number);
    if (problem != std::errc() || stop != end || !(number >= least && number <= most)) {
      fail("{}: {} of its run is {}, expected a number from {} to {}; the file is damaged",
           quoted(path_), key, quoted(value.substr(0, 40)), least, most);
    }
    return number;
  }

 private:
  std::filesystem::path path_;
  std::map<std::string, std::string> values_;
};

void put(Statement& insert, std::string_view key, std::string_view value) {
  insert.bind(0, key).bind(1, value).run();
}

void put(Statement& insert, std::string_view key, int64_t value) {
  insert.bind(0, key).bind(1, value).run();
}

/// Text that other programs read as JSON must be UTF-8.
void check_utf8(const Database& database, const std::string& name) {
  if (to_utf8(name) == name) return;
  fail("{}: cannot keep the name {}, which isn't UTF-8; rename it", quoted(database.path()),
       quoted(name));
}

std::vector<std::string> preprocessing_of(const RunInfo& run) {
  std::vector<std::string> all;
  for (const StageInfo& stage : run.stages) all.push_back(stage.preprocessing);
  return all;
}

void write_stages(Database& database, const RunInfo& run) {
  Statement insert(database, "INSERT INTO stage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  int64_t position = 0;
  for (const StageInfo& stage : run.stages) {
    check_utf8(database, stage.name);
    for (const std::string& label : stage.scored_labels) check_utf8(database, label);
    const std::string labels = json(stage.scored_labels).dump();
    insert.bind(0, position++).bind(1, stage.name).bind(2, labels);
    stage.negative.empty() ? insert.bind_null(3) : insert.bind(3, stage.negative);
    insert.bind(4, static_cast<double>(stage.accept)).bind(5, int64_t{stage.binary});
    insert.bind(6, stage.model_path).bind(7, stage.model_sha256).bind(8, stage.precision).run();
  }
}

std::vector<StageInfo> read_stages(Database& database,
                                   const std::vector<std::string>& preprocessing) {
  std::vector<StageInfo> stages;
  Statement query(database,
                  "SELECT name, labels, negative, accept, binary, model_path, model_sha256, "
                  "precision FROM stage ORDER BY position");
  while (query.step()) {
    StageInfo stage;
    stage.name = query.text(0);
    stage.scored_labels = strings_of(database, query.text(1));
    stage.negative = query.text(2);
    stage.accept = static_cast<float>(query.real(3));
    stage.binary = query.integer(4) != 0;
    stage.model_path = query.text(5);
    stage.model_sha256 = query.text(6);
    stage.precision = query.text(7);
    if (stages.size() < preprocessing.size()) stage.preprocessing = preprocessing[stages.size()];
    if (stage.scored_labels.empty() || (stage.binary && stage.scored_labels.size() != 1)) {
      fail("{}: stage {} has {} labels, expected {}", quoted(database.path()), quoted(stage.name),
           stage.scored_labels.size(), stage.binary ? "1" : "at least 1");
    }
    stages.push_back(std::move(stage));
  }
  return stages;
}

std::string listing(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + quoted(name);
  return all;
}

std::string one_stage_difference(const StageInfo& then, const StageInfo& now) {
  const std::string name = "stage " + quoted(now.name);
  if (then.name != now.name) {
    return fmt::format("its stage {} is now {}", quoted(then.name), quoted(now.name));
  }
  if (then.binary != now.binary || then.scored_labels != now.scored_labels ||
      then.negative != now.negative) {
    return fmt::format("{} had other labels ({} {}, now {} {})", name, listing(then.scored_labels),
                       quoted(then.negative), listing(now.scored_labels), quoted(now.negative));
  }
  if (then.accept != now.accept) {
    return fmt::format("{} had accept {}, now {}", name, then.accept, now.accept);
  }
  if (then.model_sha256 != now.model_sha256) {
    return fmt::format("{} had another model (SHA-256 {:.12}, now {:.12})", name, then.model_sha256,
                       now.model_sha256);
  }
  if (then.precision != now.precision) {
    return fmt::format("{} had precision {}, now {}", name, then.precision, now.precision);
  }
  if (!then.preprocessing.empty() && !now.preprocessing.empty() &&
      then.preprocessing != now.preprocessing) {
    return fmt::format("{} had preprocessing {}, now {}", name, quoted(then.preprocessing),
                       quoted(now.preprocessing));
  }
  return "";
}

}  // namespace

void create_schema(Database& database, const RunInfo& run) {
  database.execute("BEGIN IMMEDIATE");
  database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                               kApplicationId, kStoreSchemaVersion)
                       .c_str());
  database.execute(kTables);
  write_run(database, run);
  database.execute("COMMIT");
}

void check_schema(Database& database) {
  const std::string name = quoted(database.path());
  if (database.integer("PRAGMA application_id") != kApplicationId) {
    fail("{}: is a database of another kind, expected a store of predictions", name);
  }
  const int64_t version = database.integer("PRAGMA user_version");
  if (version > kStoreSchemaVersion || version < 1) {
    fail("{}: has schema version {}, expected at most {}; it needs a newer fpcls", name, version,
         kStoreSchemaVersion);
  }
  check_tables(database);
}

void write_run(Database& database, const RunInfo& run) {
  database.execute("DELETE FROM run; DELETE FROM stage; DELETE FROM slice");
  Statement insert(database, "INSERT INTO run VALUES (?, ?)");
  put(insert, "version", run.version);
  put(insert, "command", json(run.command).dump(-1, ' ', false, json::error_handler_t::replace));
  put(insert, "config", run.config_json);
  put(insert, "otherwise", run.otherwise);
  put(insert, "all_stages", int64_t{run.all_stages});
  put(insert, "listed", run.listed);
  put(insert, "list_sha256", run.list_sha256);
  put(insert, "shard", int64_t{run.shard});
  put(insert, "shard_count", int64_t{run.shard_count});
  put(insert, "cpu", run.cpu);
  put(insert, "isa", run.isa);
  put(insert, "device", run.device);
  put(insert, "threads", int64_t{run.threads});
  put(insert, "workers", int64_t{run.workers});
  put(insert, "started", run.started);
  put(insert, "seed", fmt::format("{}", run.seed));
  put(insert, "wall_s", fmt::format("{}", run.wall_s));
  put(insert, "peak_rss_bytes", run.peak_rss_bytes);
  put(insert, "device_bytes", run.device_bytes);
  put(insert, "preprocessing", json(preprocessing_of(run)).dump());
  write_stages(database, run);
  Statement slice(database, "INSERT INTO slice VALUES (?, ?)");
  int64_t position = 0;
  for (const std::string& name : run.slices) slice.bind(0, position++).bind(1, name).run();
}

RunInfo read_run(Database& database) {
  Values values(database);
  RunInfo run;
  run.version = values.text("version");
  run.command = strings_of(database, values.text("command"));
  run.config_json = values.text("config");
  run.otherwise = values.text("otherwise");
  run.all_stages = values.number("all_stages", 0, 1) != 0;
  run.listed = values.number("listed", int64_t{0}, kMostRows);
  run.list_sha256 = values.text("list_sha256");
  run.shard = values.number("shard", 1, kMostShards);
  run.shard_count = values.number("shard_count", 1, kMostShards);
  run.cpu = values.text("cpu");
  run.isa = values.text("isa");
  run.device = values.text("device");
  if (run.shard > run.shard_count) {
    fail("{}: says that it is shard {} of {}; the file is damaged", quoted(database.path()),
         run.shard, run.shard_count);
  }
  run.threads = values.number("threads", 0, INT_MAX);
  run.workers = values.number("workers", 0, INT_MAX);
  run.started = values.text("started");
  run.seed = values.number("seed", uint64_t{0}, UINT64_MAX);
  run.wall_s = values.number("wall_s", 0.0, kMostSeconds);
  run.peak_rss_bytes = values.number("peak_rss_bytes", int64_t{0}, kMostBytes);
  run.device_bytes = values.number("device_bytes", int64_t{0}, kMostBytes);
  // Stores of version 0.1.0 may lack it.
  const std::string& preprocessing = values.text("preprocessing");
  run.stages = read_stages(database, preprocessing.empty() ? std::vector<std::string>()
                                                           : strings_of(database, preprocessing));
  Statement slice(database, "SELECT name FROM slice ORDER BY position");
  while (slice.step()) run.slices.emplace_back(slice.text(0));
  return run;
}

std::string stage_difference(const RunInfo& then, const RunInfo& now) {
  if (then.stages.size() != now.stages.size()) {
    return fmt::format("it has {} stages, now {}", then.stages.size(), now.stages.size());
  }
  for (size_t i = 0; i < now.stages.size(); ++i) {
    std::string found = one_stage_difference(then.stages[i], now.stages[i]);
    if (!found.empty()) return found;
  }
  if (then.otherwise != now.otherwise) {
    return fmt::format("otherwise was {}, now {}", quoted(then.otherwise), quoted(now.otherwise));
  }
  if (then.all_stages != now.all_stages) {
    return then.all_stages ? "it was made with --all-stages" : "it was made without --all-stages";
  }
  return "";
}

std::string difference(const RunInfo& then, const RunInfo& now) {
  if (then.listed != now.listed) {
    return fmt::format("it is of a list of {} pictures, now {}", then.listed, now.listed);
  }
  if (then.list_sha256 != now.list_sha256) {
    return "it is of another list of pictures (paths or labels changed)";
  }
  if (then.shard != now.shard || then.shard_count != now.shard_count) {
    return fmt::format("it is shard {}/{}, now {}/{}", then.shard, then.shard_count, now.shard,
                       now.shard_count);
  }
  return stage_difference(then, now);
}

}  // namespace fpcls
