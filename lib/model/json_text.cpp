#include "model/json_text.h"

#include <cstdlib>

namespace fpcls {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 32;
constexpr int64_t kMaxValues = 1'000'000;

/// Sees a text's values go by and keeps to the limits; nlohmann's own reader takes duplicates (the
/// last wins) and any depth. A first pass of its own because the reader that calls back takes
/// quadratic time on an object of many objects.
class Watch : public nlohmann::json_sax<json> {
 public:
  explicit Watch(const std::string& where) : where_(where) {}

  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool string(string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }
  bool start_object(size_t) override { return begin(); }
  bool start_array(size_t) override { return begin(); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool key(string_t& name) override {
    if (!names_.back().insert(name).second) {
      fail("{}: JSON has the name {} twice", where_, quoted(name));
    }
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  bool count() {
    if (++values_ > kMaxValues) fail("{}: JSON has more than {} values", where_, kMaxValues);
    return true;
  }
  bool begin() {
    names_.emplace_back();
    if (names_.size() > kMaxDepth) fail("{}: JSON is nested deeper than {}", where_, kMaxDepth);
    return count();
  }
  bool end() {
    names_.pop_back();
    return true;
  }

  const std::string& where_;
  int64_t values_ = 0;
  std::vector<std::set<std::string>> names_;  // of each object that is open
};

}  // namespace

json parse_json(std::string_view text, const std::string& where) {
  Watch watch(where);
  if (!json::sax_parse(text.begin(), text.end(), &watch)) {
    // The parser's own message would quote the input, which may be megabytes of anything.
    fail("{}: is damaged: its JSON cannot be read", where);
  }
  try {
    return json::parse(text.begin(), text.end());
  } catch (const json::exception&) {
    fail("{}: is damaged: its JSON cannot be read", where);
  }
}

std::string json_text(const json& value, const std::string& where) {
  try {
    return value.dump();
  } catch (const json::exception&) {
    fail("{}: a name, label or note is not valid UTF-8", where);
  }
}

json json_number(float value) { return std::strtod(fmt::format("{}", value).c_str(), nullptr); }

JsonObject::JsonObject(const json& value, std::string where)
    : value_(value), where_(std::move(where)) {
  if (!value_.is_object()) fail("{}: is {}, expected an object", where_, value_.type_name());
}

const json& JsonObject::at(const std::string& key) {
  const auto found = value_.find(key);
  if (found == value_.end()) fail("{}: has no {}", where_, quoted(key));
  read_.insert(key);
  return *found;
}

const json& JsonObject::array(const std::string& key) {
  const json& value = at(key);
  if (!value.is_array()) {
    fail("{}: {} is {}, expected an array", where_, quoted(key), value.type_name());
  }
  return value;
}

JsonObject JsonObject::object(const std::string& key) {
  return JsonObject(at(key), where_ + ": " + key);
}

std::string JsonObject::text(const std::string& key) { return as_text(at(key), key); }

bool JsonObject::boolean(const std::string& key) {
  const json& value = at(key);
  if (!value.is_boolean()) {
    fail("{}: {} is {}, expected true or false", where_, quoted(key), value.type_name());
  }
  return value.get<bool>();
}

double JsonObject::number(const std::string& key) { return as_number(at(key), key); }

int64_t JsonObject::integer(const std::string& key) { return as_integer(at(key), key); }

std::vector<std::string> JsonObject::texts(const std::string& key) {
  std::vector<std::string> result;
  for (const json& value : array(key)) result.push_back(as_text(value, key));
  return result;
}

std::vector<int64_t> JsonObject::integers(const std::string& key) {
  std::vector<int64_t> result;
  for (const json& value : array(key)) result.push_back(as_integer(value, key));
  return result;
}

void JsonObject::finish() const {
  for (const auto& [key, value] : value_.items()) {
    if (read_.count(key) == 0) fail("{}: has an unknown member {}", where_, quoted(key));
  }
}

double JsonObject::as_number(const json& value, const std::string& key) const {
  if (!value.is_number()) {
    fail("{}: {} is {}, expected a number", where_, quoted(key), value.type_name());
  }
  return value.get<double>();
}

int64_t JsonObject::as_integer(const json& value, const std::string& key) const {
  const bool fits = value.is_number_integer() &&
                    !(value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{INT64_MAX});
  if (!fits) fail("{}: {} is not an integer of 64 bits", where_, quoted(key));
  return value.get<int64_t>();
}

std::string JsonObject::as_text(const json& value, const std::string& key) const {
  if (!value.is_string()) {
    fail("{}: {} is {}, expected a string", where_, quoted(key), value.type_name());
  }
  return value.get<std::string>();
}

}  // namespace fpcls
