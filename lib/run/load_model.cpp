#include "run/load_model.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "exec/backend.h"
#include "model/architectures.h"
#include "model/model_file.h"
#include "model/script_notes.h"
#include "model/state_dict.h"
#include "run/environment.h"

namespace fpcls {
namespace {

constexpr int kUsualSize = 224;

/// Foreign models: what the options say, over what the file notes, over what torchvision's models
/// are trained with. Their pixels are decoded exactly, as the training did.
Preprocessing foreign_preprocessing(const ForeignModelOptions& options, const ScriptNotes& notes,
                                    const std::string& where) {
  const auto triple = [&](const std::vector<float>& values, const char* name,
                          std::array<float, 3>& field) {
    if (values.empty()) return;
    if (values.size() != 3) {
      fail("{}: {} has {} values, expected 3 (one per RGB channel)", where, name, values.size());
    }
    std::copy(values.begin(), values.end(), field.begin());
  };
  Preprocessing p;
  p.height = options.size.value_or(notes.height.value_or(kUsualSize));
  p.width = options.size.value_or(notes.width.value_or(kUsualSize));
  const bool noted_size = !options.size && notes.resize;
  p.fit = options.fit.value_or(notes.fit.value_or(Fit::center_crop));
  p.resize = options.resize.value_or(noted_size ? *notes.resize : p.height * 256 / 224);
  p.decode = options.decode.value_or(notes.decode.value_or(Decode::exact));
  p.mean = notes.mean.value_or(p.mean);
  p.std = notes.std.value_or(p.std);
  triple(options.mean, "mean", p.mean);
  triple(options.std, "std", p.std);
  if (p.fit == Fit::center_crop && p.resize < p.height) {
    fail("{}: resize is {}, expected at least the model's input size {}", where, p.resize,
         p.height);
  }
  return p;
}

/// Whether an option that an fpcls model answers itself was given.
void choose_positive(Head& head, const std::string& positive, const std::string& where) {
  const auto found = std::find(head.labels.begin(), head.labels.end(), positive);
  if (found == head.labels.end()) {
    fail("{}: positive is {}, expected one of the model's labels: {}", where, quoted(positive),
         fmt::join(head.labels, ", "));
  }
  head.positive = static_cast<int>(found - head.labels.begin());
}

/// What a foreign model's outputs mean. One output needs the positive label only.
Head foreign_head(const ForeignModelOptions& options, const ScriptNotes& notes, int64_t outputs,
                  HeadNeed need, const std::string& where) {
  Head head;
  head.temperature = notes.temperature;
  head.labels = options.model_labels.empty() ? notes.labels : options.model_labels;
  const std::string& positive = options.positive.empty() ? notes.positive : options.positive;
  if (head.labels.empty() && outputs == 1 && !positive.empty()) head.labels = {positive};
  if (head.labels.empty() && need == HeadNeed::optional) {
    for (int64_t i = 0; i < outputs; ++i) head.labels.push_back(fmt::format("{}", i));
    return head;
  }
  if (head.labels.empty()) {
    fail(
        "{}: has {} output{} and doesn't say what {}; give the labels in order (--model-labels A "
        "--model-labels B, or 'labels: [A, B]' in the cascade) and, of a binary model, which is "
        "the positive one",
        where, outputs, outputs == 1 ? "" : "s", outputs == 1 ? "it means" : "they mean");
  }
  if (outputs > 1 && head.labels.size() == 1 && head.labels[0].find(',') != std::string::npos) {
    fail(
        "{}: has {} outputs, got one label {}; give each a flag of its own (--model-labels A "
        "--model-labels B)",
        where, outputs, quoted(head.labels[0]));
  }
  if (!positive.empty()) {
    choose_positive(head, positive, where);
  } else if (outputs <= 2 && need == HeadNeed::required) {
    fail("{}: is a binary model; say which label its score speaks for (--positive {})", where,
         head.labels.back());
  }
  return head;
}

LoadedModel load_own(const std::string& path, const ForeignModelOptions& options) {
  if (const char* given = foreign_option_given(options)) {
    fail("{}: is an fpcls model and says its '{}' itself; leave that out", quoted(path), given);
  }
  ModelFile file = load_model_file(path);
  LoadedModel model{std::move(file.graph)};
  model.head = file.metadata.head;
  model.preprocessing = file.metadata.preprocessing;
  model.accept = file.metadata.accept.value_or(0.5F);
  model.architecture = file.metadata.architecture;
  model.precision = file.metadata.precision;
  model.sha256 = file.sha256;
  model.provenance = file.metadata.provenance;
  if (!options.positive.empty()) choose_positive(model.head, options.positive, quoted(path));
  return model;
}

Graph load_foreign_graph(const std::string& path, ModelKind kind,
                         const ForeignModelOptions& options, const Preprocessing& preprocessing) {
  if (kind == ModelKind::torchscript) {
    return torch_backend().make_importer()->import_torchscript(
        path, {1, 3, preprocessing.height, preprocessing.width});
  }
  if (options.architecture.empty()) {
    fail("{}: holds weights without a network; say which one with --architecture ({})",
         quoted(path), fmt::join(known_architectures(), ", "));
  }
  return graph_from_weights(options.architecture, read_weights(path), preprocessing.height,
                            preprocessing.width, quoted(path));
}

/// The layer by which the network itself normalises what it is given, or nullptr.
const Node* own_normalisation(const Graph& graph) {
  std::vector<bool> moved(static_cast<size_t>(graph.size()));  // only parts of the input
  moved[0] = true;
  for (int i = 1; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (node.inputs.empty() || !moved[static_cast<size_t>(node.inputs[0])]) continue;
    const auto* affine = std::get_if<AffineAttributes>(&node.attributes);
    if (affine != nullptr && !affine->learned) return &node;
    moved[static_cast<size_t>(i)] =
        node.op == Op::slice || node.op == Op::reshape || node.op == Op::permute;
  }
  return nullptr;
}

/// Whether the picture's own mean and std come before or instead of such a layer, nobody can tell.
void want_normalisation(const Graph& graph, const ForeignModelOptions& options,
                        const ScriptNotes& notes, const std::string& where) {
  const bool known = (!options.mean.empty() && !options.std.empty()) || (notes.mean && notes.std);
  const Node* layer = known ? nullptr : own_normalisation(graph);
  if (layer == nullptr) return;
  fail(
      "{}: scales its input itself (layer {}); say what it is to be given with --mean and --std: 0 "
      "and 1 for numbers in 0..1, 0.485 0.456 0.406 and 0.229 0.224 0.225 where it expects "
      "torchvision's",
      where, quoted(layer->name));
}

}  // namespace

const char* foreign_option_given(const ForeignModelOptions& o) {
  if (!o.architecture.empty()) return "architecture";
  if (!o.model_labels.empty()) return "labels";
  if (o.size) return "size";
  if (o.fit) return "fit";
  if (o.resize) return "resize";
  if (o.decode) return "decode";
  if (!o.mean.empty()) return "mean";
  if (!o.std.empty()) return "std";
  return nullptr;
}

LoadedModel load_model(const std::string& path, const ForeignModelOptions& foreign, HeadNeed need) {
  const ModelKind kind = detect_model_kind(path);
  const std::string where = quoted(path);
  if (kind == ModelKind::fpcls) {
    LoadedModel model = load_own(path, foreign);
    model.path = path;
    return model;
  }
  const ScriptNotes notes =
      kind == ModelKind::torchscript ? read_script_notes(path) : ScriptNotes();
  const Preprocessing preprocessing = foreign_preprocessing(foreign, notes, where);
  Graph graph = load_foreign_graph(path, kind, foreign, preprocessing);
  check_finite(graph, where);
  if (need == HeadNeed::required) want_normalisation(graph, foreign, notes, where);
  Head head = foreign_head(foreign, notes, graph.output_count(), need, where);
  check_head(head, static_cast<int>(graph.output_count()), where);
  LoadedModel model{std::move(graph)};
  model.labels_known = !foreign.model_labels.empty() || !notes.labels.empty() || head.binary();
  model.head = std::move(head);
  model.preprocessing = preprocessing;
  model.accept = notes.accept.value_or(model.accept);
  model.architecture = foreign.architecture.empty() ? notes.architecture : foreign.architecture;
  model.path = path;
  model.sha256 = sha256_of_file(path);
  return model;
}

std::string isa_remark(const LoadedModel& model) {
  for (const auto& [name, value] : model.provenance) {
    if (name != "int8_isa") continue;
    const std::string here = int8_instructions();
    if (value == here) continue;
    return fmt::format(
        "{}: was quantized and checked on a processor with {}, this one has {}: 8-bit products are "
        "summed in another way, and scores differ; quantize it here, or judge it again",
        quoted(model.path), value, here);
  }
  return "";
}

ReadyModel make_ready(const LoadedModel& model, const RuntimeOptions& runtime, int threads,
                      bool quiet) {
  const ExecutorOptions options{runtime.device, threads, runtime.float_type};
  const ExecutorChoice choice = choose_executor(runtime.executor, model.graph, options);
  if (!choice.remark.empty() && !quiet) {
    fmt::print(stderr, "fpcls: {}: {}; it runs on libtorch instead\n", quoted(model.path),
               choice.remark);
  }
  const std::string remark = isa_remark(model);
  if (!remark.empty() && !quiet) fmt::print(stderr, "fpcls: {}\n", remark);
  return {make_executor(choice.kind, model.graph, model.preprocessing, options),
          fmt::format("{} {} {}", enum_name(choice.kind), runtime.device,
                      model.precision == "f32" ? enum_name(runtime.float_type)
                                               : std::string_view(model.precision))};
}

}  // namespace fpcls
