#include "config/options.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/text.h"

namespace fpcls {
namespace {

template <class T>
T parse_integer(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value);
  if (failure == std::errc::result_out_of_range) {
    fail("is {}, expected {} to {}", text, std::numeric_limits<T>::min(),
         std::numeric_limits<T>::max());
  }
  if (failure != std::errc() || rest != end) fail("is '{}', expected a whole number", text);
  return value;
}

std::string json_string(const std::string& text) {
  std::string json = "\"";
  for (const char c : to_utf8(text)) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      json += c;
    }
  }
  return json + '"';
}

std::string json_value(const OptionSpec& spec) {
  std::string json;
  const auto join = [&json](const std::string& item) { json += (json.empty() ? "" : ", ") + item; };
  if (spec.kind == ValueKind::structs) {
    for (const std::vector<OptionSpec>& element : spec.elements()) join(options_json(element));
    return "[" + json + "]";
  }
  const std::vector<std::string> values = spec.values();
  for (const std::string& value : values) {
    join(spec.kind == ValueKind::text ? json_string(value) : value);
  }
  return spec.many ? "[" + json + "]" : json;
}

}  // namespace

std::string flag_name(const OptionSpec& spec) {
  std::string flag = "--" + spec.name;
  std::replace(flag.begin() + 2, flag.end(), '_', '-');
  return flag;
}

void parse_value(const std::string& text, std::string& value) { value = text; }

void parse_value(const std::string& text, bool& value) {
  if (text != "true" && text != "false") fail("is '{}', expected true or false", text);
  value = text == "true";
}

void parse_value(const std::string& text, int& value) { value = parse_integer<int>(text); }
void parse_value(const std::string& text, int64_t& value) { value = parse_integer<int64_t>(text); }
void parse_value(const std::string& text, uint64_t& value) {
  value = parse_integer<uint64_t>(text);
}

void parse_value(const std::string& text, double& value) {
  char* end = nullptr;
  value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value)) {
    fail("is '{}', expected a number", text);
  }
}

void parse_value(const std::string& text, float& value) {
  double wide = 0;
  parse_value(text, wide);
  value = static_cast<float>(wide);
}

std::string value_text(const std::string& value) { return value; }
std::string value_text(bool value) { return value ? "true" : "false"; }
std::string value_text(int value) { return fmt::format("{}", value); }
std::string value_text(int64_t value) { return fmt::format("{}", value); }
std::string value_text(uint64_t value) { return fmt::format("{}", value); }
std::string value_text(double value) { return fmt::format("{}", value); }
std::string value_text(float value) { return fmt::format("{}", value); }

OptionSpec OptionCollector::begin(const std::string& name, const std::string& help) const {
  OptionSpec spec;
  const bool has_short = name.size() > 2 && name[1] == ',';
  spec.short_name = has_short ? name[0] : '\0';
  spec.name = has_short ? name.substr(2) : name;
  spec.help = help;
  spec.group = group_;
  return spec;
}

std::string options_json(const std::vector<OptionSpec>& specs) {
  std::string json;
  for (const OptionSpec& spec : specs) {
    const std::string value = json_value(spec);
    if (value.empty()) continue;
    if (!json.empty()) json += ", ";
    json += json_string(spec.name) + ": " + value;
  }
  return "{" + json + "}";
}

}  // namespace fpcls
