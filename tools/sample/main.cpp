#include <CLI/CLI.hpp>
#include <atomic>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <opencv2/core.hpp>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/threads.h"
#include "picture.h"

/// fpcls-sample: draws a set of invented pictures of each class, for the sample data, for training
/// the sample models and for trying things out.
namespace fpcls::sample {
namespace {

constexpr int kFirstYear = 2024, kFirstMonth = 6;

struct Options {
  std::string out;
  int64_t count = 140;
  SetOptions set;
  std::vector<std::string> classes;
  std::vector<int> size_range = {300, 900};
  std::string mix = "balanced";
  int workers = 0;
  bool months_given = false;
  bool force = false;
  bool quiet = false;
};

void describe(CLI::App& app, Options& options) {
  app.add_option("OUT", options.out,
                 "Folder to write to: OUT/CLASS/NUMBER.jpg or .png, with --months "
                 "OUT/2024-06/CLASS/...")
      ->required();
  app.add_option("--count", options.count, "Pictures in all")
      ->check(CLI::Range(int64_t{1}, int64_t{10'000'000}))
      ->capture_default_str();
  app.add_option("--seed", options.set.seed,
                 "Equal seeds give equal files, whatever --count and --workers")
      ->capture_default_str();
  app.add_option("--classes", options.classes,
                 "Only these, separated by commas: " + enum_choices<Category>() + " (default: all)")
      ->delimiter(',');
  app.add_option("--mix", options.mix,
                 "balanced: as many of each; production: mostly simple and complex, as users send")
      ->check(CLI::IsMember({"balanced", "production"}))
      ->capture_default_str();
  app.add_option("--size-range", options.size_range, "Shortest and longest longer side, in pixels")
      ->expected(2)
      ->check(CLI::Range(64, 8192))
      ->capture_default_str();
  app.add_option("--months", options.set.months,
                 "Spread over so many months, 2024-06 on; mix and style drift from first to last")
      ->check(CLI::Range(1, 120));
  app.add_option("--workers", options.workers, "Threads that draw (default: the usable cores)")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--force", options.force,
               "Write into a folder that isn't empty; files of the same "
               "name are replaced, others stay");
  app.add_flag("--quiet", options.quiet, "No progress");
}

void resolve(Options& options) {
  for (const std::string& name : options.classes) {
    const auto category = enum_value<Category>(name);
    if (!category) {
      fail("--classes: no class is called {} (expected some of {})",
           fpcls::quoted(std::string_view(name)), enum_choices<Category>());
    }
    options.set.categories.push_back(*category);
  }
  if (options.classes.empty()) {
    for (const auto& [category, name] : EnumNames<Category>::entries)
      options.set.categories.push_back(category);
  }
  const std::set<Category> different(options.set.categories.begin(), options.set.categories.end());
  if (different.size() != options.set.categories.size()) {
    fail("--classes: a class is listed twice; name each once");
  }
  options.set.mix = *enum_value<Mix>(options.mix);
  options.set.size_px = {options.size_range[0], options.size_range[1]};
  if (options.set.size_px.min > options.set.size_px.max) {
    fail("--size-range: {} is above {}; give the smaller size first", options.size_range[0],
         options.size_range[1]);
  }
  if (options.workers == 0) options.workers = usable_cores();
}

void check_out(const Options& options) {
  const std::filesystem::path out(options.out);
  make_writable_folder(out);
  std::error_code error;
  const bool empty = std::filesystem::is_empty(out, error);
  if (error) fail("{}: can't be listed ({})", fpcls::quoted(out), error.message());
  if (!empty && !options.force) {
    fail("{}: the folder isn't empty; name another, or give --force to write among what is there",
         fpcls::quoted(out));
  }
}

std::string month_name(int month) {
  const int months = kFirstMonth - 1 + month;
  return fmt::format("{}-{:02}", kFirstYear + months / 12, months % 12 + 1);
}

std::filesystem::path folder_of(const Options& options, Category category, int month) {
  std::filesystem::path folder(options.out);
  if (options.months_given) folder /= month_name(month);
  return folder / enum_name(category);
}

void write_set(const Options& options) {
  for (int month = 0; month < options.set.months; ++month) {
    for (const Category category : options.set.categories) {
      make_writable_folder(folder_of(options, category, month));
    }
  }
  Progress progress("drawing", "pictures", options.count, options.quiet);
  std::atomic<int64_t> next{0};
  std::atomic<bool> failed{false};
  run_workers(options.workers, [&](int) {
    try {
      for (int64_t i; !failed && (i = next++) < options.count; progress.advance()) {
        const Picture picture = make_picture(options.set, i);
        const std::string name = fmt::format("{:05}.{}", i, picture.extension);
        write_file(folder_of(options, picture.category, picture.month) / name, picture.bytes);
      }
    } catch (...) {
      failed = true;
      throw;
    }
  });
}

// The same pixels on every processor: OpenCV may otherwise choose other code, with other rounding.
void make_opencv_reproducible() {
  cv::setNumThreads(1);
  cv::setUseOptimized(false);
}

int run(int argc, char** argv) {
  CLI::App app("Draws a set of invented floor plans and what is mistaken for them.",
               "fpcls-sample");
  app.get_formatter()->column_width(28);
  Options options;
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::string message = error.what();
    message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
    fail("{}; see 'fpcls-sample --help'", message);
  }
  options.months_given = app.count("--months") > 0;
  resolve(options);
  check_out(options);
  make_opencv_reproducible();
  write_set(options);
  return 0;
}

}  // namespace
}  // namespace fpcls::sample

int main(int argc, char** argv) {
  try {
    return fpcls::sample::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fpcls-sample: error: %s\n", error.what());
    return 2;
  }
}
