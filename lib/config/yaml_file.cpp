#include "config/yaml_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "base/file.h"
#include "base/text.h"

namespace fpcls {
namespace {

constexpr int64_t kFileLimit_bytes = 4 << 20;
constexpr int kDepthLimit = 32;

/// Where in which file something stands.
struct Place {
  std::filesystem::path file;
  YAML::Mark mark;
};

std::string text(const Place& place) {
  return fmt::format("{}:{}:{}", one_line(place.file.native()), place.mark.line + 1,
                     place.mark.column + 1);
}

Place place_of(const std::filesystem::path& file, const YAML::Node& node) {
  return {file, node.Mark()};
}

/// yaml-cpp follows nested brackets by recursion; not all of its versions have a limit of their own.
/// A surplus of closing ones, in a comment say, makes no room for more.
void check_depth(const std::filesystem::path& file, const std::string& yaml) {
  int depth = 0;
  for (const char c : yaml) {
    depth = std::max(0, depth + (c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0));
    if (depth > kDepthLimit) {
      fail("{}: has more than {} brackets inside each other", quoted(file), kDepthLimit);
    }
  }
  size_t indent = 0;
  for (size_t line = 0; line < yaml.size(); line = yaml.find('\n', line) + 1) {
    const size_t first = yaml.find_first_not_of(" -?", line);
    indent = std::max(indent, first == std::string::npos ? 0 : first - line);
    if (yaml.find('\n', line) == std::string::npos) break;
  }
  if (indent > 1000) fail("{}: has lines indented by {} columns", quoted(file), indent);
}

YAML::Node load(const std::filesystem::path& file) {
  const std::string yaml = read_file(file, kFileLimit_bytes);
  check_depth(file, yaml);
  try {
    return YAML::Load(yaml);
  } catch (const YAML::Exception& e) {
    fail("{}: {}", text({file, e.mark}), e.msg);
  }
}

std::string known_keys(const std::vector<OptionSpec>& specs) {
  std::vector<std::string> names;
  for (const OptionSpec& spec : specs) names.push_back(spec.name);
  std::sort(names.begin(), names.end());
  return fmt::format("{}", fmt::join(names, ", "));
}

const OptionSpec& find_spec(const std::vector<OptionSpec>& specs, const std::string& key,
                            const Place& place) {
  std::vector<std::string> names;
  for (const OptionSpec& spec : specs) {
    if (spec.name == key) return spec;
    names.push_back(spec.name);
  }
  const std::string close = closest_name(key, names);
  fail("{}: unknown key {}{}; known keys here: {}", text(place), quoted(key),
       close.empty() ? "" : ", did you mean '" + close + "'", known_keys(specs));
}

void read_mapping(const std::filesystem::path& file, const YAML::Node& node,
                  const std::vector<OptionSpec>& specs);

void read_scalar(const std::filesystem::path& file, const YAML::Node& node,
                 const OptionSpec& spec) {
  const Place place = place_of(file, node);
  if (!node.IsScalar()) {
    fail("{}: {} is {}, expected one value", text(place), spec.name,
         node.IsSequence() ? "a list"
         : node.IsMap()    ? "a mapping"
                           : "empty");
  }
  std::string value = node.Scalar();
  if (spec.path && !value.empty()) {
    const std::filesystem::path relative = value;
    if (relative.is_relative()) value = (file.parent_path() / relative).lexically_normal().string();
  }
  try {
    spec.parse(value);
  } catch (const Error& e) {
    fail("{}: {} {}", text(place), spec.name, e.what());
  }
}

void read_option(const std::filesystem::path& file, const YAML::Node& node,
                 const OptionSpec& spec) {
  if (spec.kind == ValueKind::structs) {
    if (!node.IsSequence()) fail("{}: {} is not a list", text(place_of(file, node)), spec.name);
    spec.clear();
    for (const YAML::Node& element : node) read_mapping(file, element, spec.add_element());
  } else if (spec.many && node.IsSequence()) {
    spec.clear();
    for (const YAML::Node& element : node) read_scalar(file, element, spec);
  } else {
    spec.clear();
    read_scalar(file, node, spec);
  }
}

void read_mapping(const std::filesystem::path& file, const YAML::Node& node,
                  const std::vector<OptionSpec>& specs) {
  if (!node.IsMap()) {
    fail("{}: expected keys with values; known keys here: {}", text(place_of(file, node)),
         known_keys(specs));
  }
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const Place place = place_of(file, entry.first);
    if (!entry.first.IsScalar()) fail("{}: a key is not a name", text(place));
    const std::string key = entry.first.Scalar();
    if (!seen.insert(key).second) fail("{}: key {} stands here twice", text(place), quoted(key));
    read_option(file, entry.second, find_spec(specs, key, place));
  }
}

void emit_value(YAML::Emitter& out, const OptionSpec& spec, const std::string& value) {
  if (spec.kind == ValueKind::text) {
    out << value;  // quoted by the emitter where the text needs it
  } else {
    out << YAML::Node(value);
  }
}

void emit_mapping(YAML::Emitter& out, const std::vector<OptionSpec>& specs) {
  out << YAML::BeginMap;
  for (const OptionSpec& spec : specs) {
    if (spec.kind == ValueKind::structs) {
      const auto elements = spec.elements();
      if (elements.empty()) continue;
      out << YAML::Key << spec.name << YAML::Value << YAML::BeginSeq;
      for (const std::vector<OptionSpec>& element : elements) emit_mapping(out, element);
      out << YAML::EndSeq;
      continue;
    }
    const std::vector<std::string> values = spec.values();
    if (values.empty() || (!spec.many && spec.kind == ValueKind::text && values[0].empty()))
      continue;
    out << YAML::Key << spec.name << YAML::Value;
    if (!spec.many) {
      emit_value(out, spec, values[0]);
      continue;
    }
    out << YAML::Flow << YAML::BeginSeq;
    for (const std::string& value : values) emit_value(out, spec, value);
    out << YAML::EndSeq;
  }
  out << YAML::EndMap;
}

}  // namespace

void read_options(const std::filesystem::path& file, const std::vector<OptionSpec>& specs) {
  const YAML::Node root = load(file);
  if (root.IsNull()) return;
  try {
    read_mapping(file, root, specs);
  } catch (const YAML::Exception& e) {
    fail("{}: {}", text({file, e.mark}), e.msg);
  }
}

std::string options_yaml(const std::vector<OptionSpec>& specs) {
  YAML::Emitter out;
  emit_mapping(out, specs);
  return std::string(out.c_str()) + "\n";
}

std::map<std::string, std::string> read_label_map(const std::filesystem::path& file) {
  const YAML::Node root = load(file);
  if (!root.IsMap()) fail("{}: expected a mapping, such as 'wireframes: wireframe'", quoted(file));
  std::map<std::string, std::string> labels;
  for (const auto& entry : root) {
    const Place place = place_of(file, entry.first);
    if (!entry.first.IsScalar() || !(entry.second.IsScalar() || entry.second.IsNull())) {
      fail("{}: expected 'folder name: label', or '~' as the label to drop it", text(place));
    }
    const std::string value = entry.second.IsNull() ? "" : entry.second.Scalar();
    if (!labels.emplace(entry.first.Scalar(), value).second) {
      fail("{}: key {} stands here twice", text(place), quoted(entry.first.Scalar()));
    }
  }
  return labels;
}

}  // namespace fpcls
