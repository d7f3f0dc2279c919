#include <map>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "fuzz/target.h"
#include "model/json_text.h"
#include "model/model_file.h"
#include "model/model_json.h"
#include "model/pickle.h"
#include "model/architectures.h"
#include "model/safetensors.h"
#include "model/state_dict.h"
#include "tune/checkpoint.h"
#include "unit/graph/networks.h"
#include "unit/model/pickle_builder.h"
#include "unit/model/sample_models.h"

namespace fpcls::fuzz {
namespace {

using nlohmann::json;

void read_safetensors_bytes(std::string_view bytes) {
  answer([&] {
    const auto owner = std::make_shared<std::string>(bytes);
    const Safetensors content = parse_safetensors(*owner, owner, "file");
    size_t values = 0;
    for (const auto& [name, tensor] : content.tensors) {
      FPCLS_CHECK(tensor.bytes().size() <= 4 * bytes.size());
      for (const char byte : tensor.bytes()) values += byte != 0;
    }
    FPCLS_CHECK(values <= 4 * bytes.size());
  });
}

std::string saved(const Graph& graph, const Metadata& metadata) {
  return bytes_of_file([&](const std::string& path) { save_model_file(path, graph, metadata); });
}

std::vector<std::string> safetensors_files() {
  return {saved(tiny_graph(), tiny_metadata()), safetensors_bytes("{}", ""),
          safetensors_bytes(R"({"a":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]}})", "abcd"),
          safetensors_bytes(R"({"__metadata__":{"a":"b"},"x":{"dtype":"BF16","shape":[],)"
                            R"("data_offsets":[0,2]}})",
                            "ab")};
}

void read_model_file(std::string_view bytes) {
  const std::string path = file_with("model", bytes);
  answer([&] { detect_model_kind(path); });
  answer([&] { load_model_file(path); });
}

std::vector<std::string> model_files() {
  return {saved(tiny_graph(), tiny_metadata()), saved(every_op(), some_metadata())};
}

/// The models whose JSON is mutated; a text takes the weights of the one that its names ask for.
const std::vector<std::pair<Graph, Metadata>>& json_models() {
  static const std::vector<std::pair<Graph, Metadata>> models = [] {
    std::vector<std::pair<Graph, Metadata>> all{{every_op(), some_metadata()},
                                                {tiny_graph(), tiny_metadata()}};
    for (uint64_t seed = 1; seed <= 2; ++seed) all.emplace_back(random_network(seed), Metadata());
    return all;
  }();
  return models;
}

std::vector<std::string> model_jsons() {
  std::vector<std::string> seeds;
  for (const auto& [graph, metadata] : json_models()) {
    seeds.push_back(
        json{{"graph", graph_to_json(graph)}, {"metadata", metadata_to_json(metadata)}}.dump());
  }
  return seeds;
}

/// The graph and metadata of a model file behind its hash, which a hostile file has right.
void read_model_json(std::string_view bytes) {
  static const std::vector<TensorMap> weights = [] {
    std::vector<TensorMap> all{{}};
    for (const auto& [graph, metadata] : json_models()) all.push_back(named_weights(graph));
    return all;
  }();
  answer([&] {
    const json value = parse_json(bytes, "file");
    JsonObject object(value, "file");
    const Metadata metadata = metadata_from_json(object.at("metadata"), "file");
    for (const TensorMap& tensors : weights) {
      answer([&] {
        const Graph graph = graph_from_json(object.at("graph"), tensors, "file");
        check_metadata(metadata, graph, "file");
        FPCLS_CHECK(mac_count(graph) >= 0 && parameter_count(graph) >= 0);
      });
    }
  });
}

/// Instructions alone, then with storages behind them, so that tensors are made of them.
void read_pickle_bytes(std::string_view bytes) {
  answer([&] { read_pickle(bytes, "file"); });
  const std::string floats(64, 'f');
  const std::string archive = zip_bytes({{"m/data.pkl", std::string(bytes)},
                                         {"m/data/0", floats},
                                         {"m/data/1", floats.substr(0, 8)}});
  const std::string path = file_with("pickle.pt", archive);
  answer([&] { read_weights(path); });
}

std::string state_dict(const std::string& type = "FloatStorage") {
  using namespace pickle;
  return dict({{"module.w", tensor(storage(type, "0", 16), 0, {4, 4}, {4, 1})},
               {"module.v", tensor(storage(type, "0", 16), 1, {3}, {4})},
               {"module.s", tensor(storage("LongStorage", "1", 1), 0, {}, {})}});
}

std::vector<std::string> pickles() {
  using namespace pickle;
  return {file(state_dict()),
          file(state_dict("DoubleStorage")),
          file(dict({{"state_dict", state_dict()}, {"epoch", integer(3)}})),
          file(ordered_dict()),
          file(global("os", "system") + tuple({text("true")}) + "R"),
          file(global("torch", "Size") + tuple({integers({1, 2})}) + "R")};
}

void read_archive(std::string_view bytes) {
  const std::string path = file_with("weights.pt", bytes);
  answer([&] { detect_model_kind(path); });
  answer([&] { graph_from_weights("resnet18", read_weights(path), 32, 32, "file"); });
}

std::vector<std::string> archives() {
  const std::string floats(64, 'f');
  return {torch_file(state_dict(), {{"0", floats}, {"1", floats.substr(0, 8)}}),
          torch_file(state_dict(), {{"0", floats}}, {{"m/code/x.py", "x"}}),
          zip_bytes({{"m/data.pkl", pickle::file("}"), 8, 1000}})};
}

/// A checkpoint whose hash is right whatever it says.
std::string sealed(Safetensors content) {
  Sha256 hash;
  for (const auto& [key, value] : content.metadata) {
    if (key != "sha256") hash.update(key + "\n" + value + "\n");
  }
  for (const auto& [name, tensor] : content.tensors) {
    hash.update(name + shape_text(tensor.shape()));
    hash.update(tensor.bytes());
  }
  content.metadata["sha256"] = hash.hex();
  return bytes_of_file([&](const std::string& path) { write_safetensors(path, content); });
}

void read_checkpoint(std::string_view bytes) {
  static const Graph initial = tiny_graph();
  answer([&] {
    const auto owner = std::make_shared<std::string>(bytes);
    Safetensors content = parse_safetensors(*owner, owner, "file");
    content.metadata["fingerprint"] = "same";
    load_checkpoint(file_with("checkpoint", sealed(std::move(content))), initial, "same");
  });
}

std::vector<std::string> checkpoints() {
  const Checkpoint some{
      "same", "state", tiny_graph(), 2, {{1, 0.5, 1e-3, {}}, {2, 0.25, 1e-4, {}}}};
  return {bytes_of_file([&](const std::string& path) { save_checkpoint(path, some); })};
}

}  // namespace

std::vector<Target> model_targets() {
  return {{"checkpoint", read_checkpoint, checkpoints},
          {"model_file", read_model_file, model_files},
          {"model_json", read_model_json, model_jsons},
          {"pickle", read_pickle_bytes, pickles},
          {"safetensors", read_safetensors_bytes, safetensors_files},
          {"state_dict", read_archive, archives}};
}

}  // namespace fpcls::fuzz
