#include "run/picture_finder.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/hash.h"
#include "images/open_picture.h"

namespace fpcls {

namespace fs = std::filesystem;

PictureFinder::PictureFinder(const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs) {
    std::error_code ignored;
    fs::path folder = input == "-" ? fs::path() : fs::path(input);
    if (!fs::is_directory(folder, ignored)) folder = folder.parent_path();
    if (std::find(folders_.begin(), folders_.end(), folder) == folders_.end()) {
      folders_.push_back(std::move(folder));
    }
  }
}

std::optional<std::string> PictureFinder::find(const std::string& path,
                                               const std::string& sha256) const {
  for (const fs::path& folder : folders_) {
    auto bytes = read_picture_file(folder / path);
    auto* found = std::get_if<std::string>(&bytes);
    if (found != nullptr && (sha256.empty() || sha256_hex(*found) == sha256)) {
      return std::move(*found);
    }
  }
  return std::nullopt;
}

std::vector<std::string> recorded_inputs(const RunInfo& run) {
  const auto config = nlohmann::json::parse(run.config_json, nullptr, false);
  std::vector<std::string> inputs;
  if (!config.is_object() || !config.contains("inputs") || !config["inputs"].is_array()) {
    return inputs;
  }
  for (const auto& input : config["inputs"]) {
    if (input.is_string()) inputs.push_back(input.get<std::string>());
  }
  return inputs;
}

}  // namespace fpcls
