#include "tune/checkpoint.h"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "model/safetensors.h"

namespace fpcls {
namespace {

constexpr const char* kStateName = "trainer_state";
constexpr const char* kBestPrefix = "best:";

/// Numbers in hexadecimal, so that they come back bit for bit.
std::string history_text(const std::vector<EpochRow>& history) {
  std::string text;
  for (const EpochRow& row : history) {
    const auto& ratios = row.validation.at_least_ratio;
    text += fmt::format("{} {:a} {:a} {:a} {:a} {:a} {:a} {:a} {:a} {:a}\n", row.epoch, row.loss,
                        row.learning_rate, row.validation.loss, row.validation.accuracy,
                        row.validation.balanced_accuracy, ratios[0], ratios[1], ratios[2],
                        ratios[3]);
  }
  return text;
}

std::vector<EpochRow> parse_history(const std::string& text, const std::string& where) {
  std::vector<EpochRow> history;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EpochRow row;
    ValidationFigures& v = row.validation;
    auto& ratios = v.at_least_ratio;
    if (std::sscanf(line.c_str(), "%d %la %la %la %la %la %la %la %la %la", &row.epoch, &row.loss,
                    &row.learning_rate, &v.loss, &v.accuracy, &v.balanced_accuracy, &ratios[0],
                    &ratios[1], &ratios[2], &ratios[3]) != 10) {
      fail("{}: is damaged: its history can't be read; delete it to start again", where);
    }
    history.push_back(row);
  }
  return history;
}

int parse_epoch(const std::string& text, const std::string& where) {
  int epoch = 0;
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, epoch);
  if (problem != std::errc() || stop != end || epoch < 0) {
    fail("{}: is damaged: its best epoch can't be read; delete it to start again", where);
  }
  return epoch;
}

Graph best_graph(const Graph& initial, const TensorMap& tensors, const std::string& where) {
  std::vector<Node> nodes = initial.nodes();
  for (Node& node : nodes) {
    for (auto& [key, weight] : node.weights) {
      const auto found = tensors.find(kBestPrefix + node.name + "." + key);
      if (found == tensors.end())
        fail("{}: is damaged: it lacks weights; delete it to start again", where);
      weight = found->second;
    }
  }
  return initial.with_nodes(std::move(nodes));
}

/// Over all that the file says, to notice any damage.
std::string content_sha256(const Safetensors& content) {
  Sha256 hash;
  for (const auto& [key, value] : content.metadata) {
    if (key != "sha256") hash.update(key + "\n" + value + "\n");
  }
  for (const auto& [name, tensor] : content.tensors) {
    hash.update(name + shape_text(tensor.shape()));
    hash.update(tensor.bytes());
  }
  return hash.hex();
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  Safetensors content;
  const std::string& state = checkpoint.trainer_state;
  content.tensors[kStateName] = Tensor::from<uint8_t>(
      {static_cast<int64_t>(state.size())}, std::vector<uint8_t>(state.begin(), state.end()));
  for (const Node& node : checkpoint.best.nodes()) {
    for (const auto& [key, weight] : node.weights) {
      content.tensors[kBestPrefix + node.name + "." + key] = weight;
    }
  }
  content.metadata = {{"fingerprint", checkpoint.fingerprint},
                      {"best_epoch", std::to_string(checkpoint.best_epoch)},
                      {"history", history_text(checkpoint.history)}};
  content.metadata["sha256"] = content_sha256(content);
  write_safetensors(path, content);
}

std::optional<Checkpoint> load_checkpoint(const std::filesystem::path& path, const Graph& initial,
                                          const std::string& fingerprint) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const std::string where = quoted(path);
  Safetensors content = read_safetensors(path);
  const auto state = content.tensors.find(kStateName);
  if (state == content.tensors.end() || content.metadata["sha256"] != content_sha256(content)) {
    fail("{}: is no checkpoint, or damaged; delete it to start again", where);
  }
  if (content.metadata["fingerprint"] != fingerprint) {
    fail(
        "{}: is of a training with other pictures or options; delete it to start again, or name "
        "another file",
        where);
  }
  std::vector<EpochRow> history = parse_history(content.metadata["history"], where);
  const int best_epoch = parse_epoch(content.metadata["best_epoch"], where);
  return Checkpoint{fingerprint, std::string(state->second.bytes()),
                    best_graph(initial, content.tensors, where), best_epoch, std::move(history)};
}

}  // namespace fpcls
