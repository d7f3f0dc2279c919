#include <filesystem>

#include "base/error.h"
#include "cascade/result_db.h"
#include "fuzz/target.h"
#include "predictions/csv.h"
#include "predictions/merge.h"
#include "reference/metrics/made_predictions.h"

namespace fpcls::fuzz {
namespace {

/// A database, without the log and journal of the one before it.
std::string database_with(const std::string& name, std::string_view bytes) {
  const std::string path = file_with(name, bytes);
  for (const char* beside : {"-wal", "-shm", "-journal"}) std::filesystem::remove(path + beside);
  return path;
}

void read_store(std::string_view bytes) {
  const std::string path = database_with("store", bytes);
  answer([&] {
    MergedPredictions merged({path});
    int64_t count = 0;
    merged.for_each([&](const Prediction& prediction) {
      FPCLS_CHECK(prediction.stage < static_cast<int>(merged.run().stages.size()));
      FPCLS_CHECK(++count <= static_cast<int64_t>(bytes.size()));
    });
  });
}

std::vector<std::string> stores() {
  std::vector<std::string> seeds;
  for (const bool multi : {false, true}) {
    RunInfo run = made::run(multi, !multi);
    const std::vector<Prediction> predictions = made::predictions(run, 6, 1);
    seeds.push_back(bytes_of_file([&](const std::string& path) {
      const auto store = PredictionStore::create(path, run);
      for (const Prediction& prediction : predictions) store->add(prediction);
      store->finish(run);
    }));
  }
  return seeds;
}

const std::string kPicture(64, 'a');

void read_cache(std::string_view bytes) {
  const std::string path = database_with("cache", bytes);
  answer([&] {
    ResultDb cache(path);
    const int64_t classifier = cache.classifier_id("key");
    cache.find(classifier, kPicture, 0);
    cache.write({{classifier, kPicture, {0.5F}}, {classifier, kPicture, {}}}, 1);
    cache.prune(4096, 0);
  });
}

std::vector<std::string> caches() {
  return {bytes_of_file([](const std::string& path) {
    ResultDb cache(path);
    cache.write({{cache.classifier_id("key"), kPicture, {0.25F, 0.75F}}}, 1);
  })};
}

void read_csv(std::string_view bytes) {
  const std::string path = file_with("predictions.csv", bytes);
  for (const bool with_stages : {false, true}) {
    answer([&] {
      read_predictions_csv(path, with_stages ? made::run().stages : std::vector<StageInfo>());
    });
  }
}

std::vector<std::string> csvs() {
  RunInfo run = made::run();
  const std::vector<Prediction> predictions = made::predictions(run, 6, 1);
  return {bytes_of_file([&](const std::string& path) {
            PredictionCsvWriter writer(path, run);
            for (const Prediction& prediction : predictions) writer.write(prediction);
            writer.commit();
          }),
          "path,predicted,score.cat,label,ms\na,cat,0.5,dog,1\n\"b,\"\"\",dog,,,\r\n"};
}

}  // namespace

std::vector<Target> store_targets() {
  return {{"cache", read_cache, caches},
          {"predictions_csv", read_csv, csvs},
          {"store", read_store, stores}};
}

}  // namespace fpcls::fuzz
