#include "run/compress.h"

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "config/options.h"
#include "graph/fold.h"
#include "model/model_file.h"
#include "report/render_markdown.h"
#include "run/calibrate.h"
#include "run/chain_judge.h"
#include "run/export.h"
#include "run/quantize.h"
#include "run/version.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;

void check(const CompressOptions& options) {
  const PruneOptions& prune = options.prune;
  if (prune.model.empty()) fail("compress: no model given; name its file");
  if (options.out.empty()) fail("compress: no folder to write to; pass --out FOLDER");
  if (prune.remove.empty()) fail("compress: nothing said to remove; pass --remove UNIT=RATIO");
  if (prune.remove.size() > 1 || prune.remove[0].find(',') != std::string::npos) {
    fail("--remove: a chain goes one way, {} asks for several; leave one ratio",
         quoted(fmt::format("{}", fmt::join(prune.remove, " "))));
  }
  if (prune.fine_tune.train.empty()) {
    fail("compress: no pictures to train the pruned model on; pass --train");
  }
  if (options.test.empty()) fail("compress: no pictures to judge the steps on; pass --test");
}

/// What the folder's content depends on.
std::string recipe_of(CompressOptions options) {
  const std::string model = sha256_hex(read_file(options.prune.model));
  options.out.clear();
  options.resume = false;
  options.output = {};
  return fmt::format("{{\"version\": \"{}\", \"model_sha256\": \"{}\", \"options\": {}}}\n",
                     version(), model, options_json(describe_options(options)));
}

/// Made where all that can be checked without long work is right.
void open_folder(const CompressOptions& options) {
  const fs::path recipe = fs::path(options.out) / "recipe.json";
  const std::string wanted = recipe_of(options);
  if (fs::exists(recipe)) {
    if (!options.resume) {
      fail("{}: holds a chain already; go on with it (--resume), or take another folder",
           quoted(options.out));
    }
    if (read_file(recipe) != wanted) {
      fail("{}: holds another recipe, or one of another model; take another folder",
           quoted(options.out));
    }
    return;
  }
  check_test_pictures(options);
  make_writable_folder(options.out);
  write_file(recipe, wanted);
}

/// Makes the steps' models, each from a file that an earlier one wrote.
class Chain {
 public:
  explicit Chain(const CompressOptions& options) : options_(options) {}

  std::vector<ChainStep> make() {
    make("dense", [this](const fs::path& out) { write_dense(out); });
    make("pruned", [this](const fs::path& out) { prune(out, false); });
    make("tuned", [this](const fs::path& out) { prune(out, true); });
    make("folded", [this](const fs::path& out) { fold(out); });
    if (options_.int8) make("int8", [this](const fs::path& out) { quantize(out); });
    return std::move(steps_);
  }

 private:
  fs::path in_folder(const std::string& name) const { return fs::path(options_.out) / name; }
  fs::path model_of(const std::string& step) const { return in_folder(step + ".safetensors"); }

  template <class Write>
  void make(const std::string& name, const Write& write) {
    const fs::path out = model_of(name);
    if (!fs::exists(out)) write(out);
    ChainStep& step = steps_.emplace_back();
    step.name = name;
    step.model = out.string();
  }

  void write_dense(const fs::path& out) const {
    ExportOptions dense;
    dense.model = options_.prune.model;
    dense.foreign = options_.prune.foreign;
    dense.out = out.string();
    run_export(dense);
  }

  void prune(const fs::path& out, bool trained) const {
    PruneOptions prune = options_.prune;
    prune.model = model_of("dense").string();
    prune.foreign = {};
    prune.measure = false;
    prune.out = out.string();
    prune.output = options_.output;
    if (trained) {
      prune.fine_tune.journal = in_folder("schedule").string();
      prune.fine_tune.resume = true;
    } else {
      prune.fine_tune = {};
      if (prune.importance == Importance::taylor) prune.importance = Importance::l2;
    }
    run_prune(prune);
  }

  void fold(const fs::path& out) const {
    const ModelFile tuned = load_model_file(model_of("tuned"));
    Metadata metadata = tuned.metadata;
    metadata.provenance.emplace_back("folded_from", tuned.sha256);
    save_model_file(out, scrub_denormals(fold_batch_norms(tuned.graph)), metadata);
  }

  void quantize(const fs::path& out) const {
    const std::string calibration = in_folder("calibration.json").string();
    CalibrateOptions calibrate;
    calibrate.model = model_of("folded").string();
    calibrate.input.inputs =
        options_.calibrate_on.empty() ? options_.prune.fine_tune.train : options_.calibrate_on;
    calibrate.input.labels = LabelSource::none;
    calibrate.avoid = options_.test;
    calibrate.count = options_.calibration_count;
    calibrate.seed = options_.prune.seed;
    calibrate.out = calibration;
    calibrate.output = options_.output;
    calibrate.resume = true;  // a step that was killed goes on
    run_calibrate(calibrate);
    QuantizeOptions quantize;
    quantize.model = calibrate.model;
    quantize.calibration = calibration;
    quantize.out = out.string();
    quantize.output = options_.output;
    run_quantize(quantize);
  }

  const CompressOptions& options_;
  std::vector<ChainStep> steps_;
};

}  // namespace

CompressResult run_compress(const CompressOptions& options, const std::string& program) {
  check(options);
  open_folder(options);
  CompressResult result;
  result.steps = Chain(options).make();
  judge_chain(options, program, result);
  const fs::path folder = options.out;
  write_file(folder / "waterfall.json", compress_json(result));
  write_file(folder / "waterfall.md", render_markdown(compress_document(result)));
  write_file(folder / "waterfall.svg", compress_svg(result));
  return result;
}

}  // namespace fpcls
