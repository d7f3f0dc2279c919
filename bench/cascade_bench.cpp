// A folder through one model, beside its two halves alone: decoding the same pictures, and running
// the same model on pictures that are decoded already. All three use the same workers in turn, in
// one process, and the ratio of the whole to the halves' sum is what matters.
//
//   cascade_bench MODEL.safetensors FOLDER [WORKERS] [ROUNDS]

#include <fmt/format.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/stopwatch.h"
#include "base/threads.h"
#include "cascade/cascade.h"
#include "images/image_list.h"
#include "images/open_picture.h"
#include "images/preprocess.h"
#include "run/cascade_builder.h"

namespace {

using namespace fpcls;

constexpr int kBatch = 8;

struct Cost {
  double wall_s = 0;
  double cpu_s = 0;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

template <class Work>
Cost measure(Work work) {
  const double cpu_before = cpu_seconds();
  const Stopwatch watch;
  work();
  return {watch.seconds(), cpu_seconds() - cpu_before};
}

/// Decodes and resizes every picture; the pixels of those that can be decoded, one after the other.
std::vector<PixelBatch> decode_all(const ImageList& list, const Preprocessing& p, int workers) {
  std::vector<PixelBatch> batches(static_cast<size_t>((list.size() + kBatch - 1) / kBatch));
  std::atomic<size_t> next{0};
  run_workers(workers, [&](int) {
    for (size_t i = next++; i < batches.size(); i = next++) {
      PixelBatch& batch = batches[i];
      batch.height = p.height;
      batch.width = p.width;
      for (int64_t row = static_cast<int64_t>(i) * kBatch;
           row < std::min<int64_t>(list.size(), (static_cast<int64_t>(i) + 1) * kBatch); ++row) {
        const auto bytes = read_picture_file(list.entry(row).file);
        if (!std::holds_alternative<std::string>(bytes)) continue;
        const auto image = decode_image(std::get<std::string>(bytes), p);
        if (!std::holds_alternative<Image>(image)) continue;
        batch.rows.push_back(row);
        batch.pixels.resize(batch.rows.size() * batch.picture_bytes());
        preprocess(std::get<Image>(image), p,
                   batch.pixels.data() + (batch.rows.size() - 1) * batch.picture_bytes());
      }
    }
  });
  return batches;
}

void run_all(Executor& executor, const std::vector<PixelBatch>& batches, int workers) {
  std::atomic<size_t> next{0};
  run_workers(workers, [&](int) {
    for (size_t i = next++; i < batches.size(); i = next++) {
      if (batches[i].count() > 0) executor.run(batches[i]);
    }
  });
}

int bench(const std::string& model, const std::string& folder, int workers, int rounds) {
  CascadeSpec spec;
  spec.model = {model};
  const Cascade cascade = make_ready(load_cascade(spec), RuntimeOptions{}, 1, false);
  ListOptions options;
  options.ignore_labels = true;
  const ImageList list = list_images({folder}, options);
  const Stage& stage = cascade.stages[0];
  std::vector<int64_t> rows(static_cast<size_t>(list.size()));
  std::iota(rows.begin(), rows.end(), 0);
  const auto pictures = picture_files(list);
  run_all(*stage.executor, decode_all(list, stage.preprocessing, workers), workers);  // warm
  for (int round = 0; round < rounds; ++round) {
    std::vector<PixelBatch> batches;
    const Cost decode = measure([&] { batches = decode_all(list, stage.preprocessing, workers); });
    const Cost run = measure([&] { run_all(*stage.executor, batches, workers); });
    CascadeOptions cascade_options;
    cascade_options.workers = workers;
    cascade_options.batch_size = kBatch;
    const Cost whole = measure(
        [&] { run_cascade(cascade, *pictures, rows, cascade_options, [](Prediction&&) {}); });
    fmt::print(
        "{} pictures, {} workers: decode {:.2f} s, model {:.2f} s, whole {:.2f} s: {:.3f} of the "
        "halves' sum; "
        "workers busy {:.1f} %\n",
        list.size(), workers, decode.wall_s, run.wall_s, whole.wall_s,
        whole.wall_s / (decode.wall_s + run.wall_s), 100 * whole.cpu_s / (whole.wall_s * workers));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 3) fpcls::fail("usage: cascade_bench MODEL FOLDER [WORKERS] [ROUNDS]");
    return bench(argv[1], argv[2], argc > 3 ? std::atoi(argv[3]) : fpcls::usable_cores(),
                 argc > 4 ? std::atoi(argv[4]) : 5);
  } catch (const fpcls::Error& e) {
    fmt::print(stderr, "cascade_bench: {}\n", e.what());
    return 2;
  }
}
