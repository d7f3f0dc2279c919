#include "model/model_file.h"

#include <future>

#include "base/file.h"
#include "base/hash.h"
#include "model/json_text.h"
#include "model/model_json.h"
#include "model/safetensors.h"

namespace fpcls {
namespace {

using nlohmann::json;

constexpr int64_t kSchemaVersion = 1;
constexpr const char* kKey = "fpcls";

/// Hash of everything that the file means: graph, metadata, and each tensor's name, type, shape and
/// bytes. What a flipped byte may still change without being noticed is white space in the header.
std::string payload_sha256(const json& model, const TensorMap& tensors, const std::string& where) {
  Sha256 hash;
  hash.update(json_text(model, where));
  for (const auto& [name, tensor] : tensors) {
    hash.update(
        fmt::format("\n{} {} {}\n", name, enum_name(tensor.dtype()), shape_text(tensor.shape())));
    hash.update(tensor.bytes());
  }
  return hash.hex();
}

/// Graph and metadata, once version and hash are found right.
json read_model_json(const Safetensors& content, const std::string& where) {
  const auto found = content.metadata.find(kKey);
  if (found == content.metadata.end()) {
    fail(
        "{}: holds weights but no fpcls model; say which network they belong to with "
        "--architecture",
        where);
  }
  const json value = parse_json(found->second, where);
  JsonObject object(value, where);
  const int64_t version = object.integer("schema_version");
  if (version > kSchemaVersion) {
    fail("{}: has schema version {}, this fpcls reads up to {}; use a newer fpcls", where, version,
         kSchemaVersion);
  }
  if (version != kSchemaVersion) {
    fail("{}: is damaged: schema version {}, expected {}", where, version, kSchemaVersion);
  }
  const std::string expected = object.text("sha256");
  json model = object.at("model");
  object.finish();
  const std::string got = payload_sha256(model, content.tensors, where);
  if (got != expected) {
    fail("{}: is damaged: its content has SHA-256 {}, expected {}; get the file again", where, got,
         one_line(expected.substr(0, 64)));
  }
  return model;
}

}  // namespace

ModelFile load_model_file(const std::filesystem::path& path) {
  const std::string where = quoted(path);
  const auto file = MappedFile::open(path);
  const Safetensors content = parse_safetensors(file->bytes(), file, where);
  // Two hashes of all bytes are most of the time it takes: one beside the other.
  auto identity = std::async(std::launch::async, sha256_hex, file->bytes());
  const json model = read_model_json(content, where);
  JsonObject object(model, where);
  Graph graph = graph_from_json(object.at("graph"), content.tensors, where);
  Metadata metadata = metadata_from_json(object.at("metadata"), where);
  object.finish();
  check_metadata(metadata, graph, where);
  check_finite(graph, where);
  std::string sha256 = identity.get();
  release_pages(file->bytes());
  return {std::move(graph), std::move(metadata), std::move(sha256)};
}

void save_model_file(const std::filesystem::path& path, const Graph& graph,
                     const Metadata& metadata) {
  const std::string where = quoted(path);
  check_metadata(metadata, graph, where);
  check_finite(graph, where);
  Safetensors content;
  content.tensors = named_weights(graph);
  const json model{{"graph", graph_to_json(graph)}, {"metadata", metadata_to_json(metadata)}};
  const json value{{"schema_version", kSchemaVersion},
                   {"sha256", payload_sha256(model, content.tensors, where)},
                   {"model", model}};
  content.metadata[kKey] = json_text(value, where);
  write_safetensors(path, content);
}

}  // namespace fpcls
