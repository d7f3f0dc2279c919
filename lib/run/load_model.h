#pragma once

#include <memory>
#include <string>
#include <utility>

#include "graph/graph.h"
#include "graph/head.h"
#include "graph/preprocessing.h"
#include "model/metadata.h"
#include "run/common_options.h"

/// Any MODEL that a user may give, as one thing: an fpcls model, a TorchScript file, PyTorch
/// weights.
namespace fpcls {

struct LoadedModel {
  explicit LoadedModel(Graph loaded) : graph(std::move(loaded)) {}

  Graph graph;
  Head head;
  bool labels_known = true;  ///< if not, they are the outputs' numbers
  Preprocessing preprocessing;
  float accept = 0.5F;
  std::string architecture;  ///< empty when not known
  std::string precision = "f32";
  std::string path;
  std::string sha256;     ///< of the file
  Provenance provenance;  ///< what an fpcls model says of its own origin
};

enum class HeadNeed {
  required,  ///< an Error where neither file nor options say what the outputs mean
  optional,  ///< outputs are named by their number then
};

/// Loads `path`. What an fpcls model says of itself can't be changed but for the positive label;
/// what a foreign model can't say comes from `foreign`, or an Error names what is missing.
LoadedModel load_model(const std::string& path, const ForeignModelOptions& foreign,
                       HeadNeed need = HeadNeed::required);

/// The key of the first option given that only says what a foreign model can't, or none (null).
/// `positive`, which any model takes, is not among them.
const char* foreign_option_given(const ForeignModelOptions& options);

/// What to know of an int8 model whose scores were last seen on a processor that sums 8-bit
/// products in another way than this one; empty where there is nothing.
std::string isa_remark(const LoadedModel& model);

/// The model ready to run, by the executor that the options name or the best there is, and which
/// one that is ("engine cpu f32"). Where `auto` has to leave the engine out, a line on stderr says
/// why unless `quiet`; another says what `isa_remark` does.
struct ReadyModel {
  std::unique_ptr<Executor> executor;
  std::string computed_by;
};
ReadyModel make_ready(const LoadedModel& model, const RuntimeOptions& runtime, int threads,
                      bool quiet);

}  // namespace fpcls
