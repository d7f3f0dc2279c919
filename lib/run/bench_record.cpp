#include "run/bench_record.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "base/error.h"
#include "base/text.h"

namespace fpcls {
namespace {

using Json = nlohmann::ordered_json;

struct Writer {
  Json json = Json::object();

  template <class T>
  void operator()(const char* name, T& value) {
    json[name] = written(value);
  }
  template <class T>
  void operator()(const char* name, std::optional<T>& value) {
    if (value) json[name] = written(*value);
  }

  template <class T>
  static Json written(T& value) {
    if constexpr (std::is_arithmetic_v<T>) {
      return value;
    } else if constexpr (std::is_same_v<T, std::string>) {
      return to_utf8(value);
    } else {
      Writer inner;
      value.describe(inner);
      return inner.json;
    }
  }
  template <class T>
  static Json written(std::vector<T>& values) {
    Json list = Json::array();
    for (T& value : values) list.push_back(written(value));
    return list;
  }
};

struct Reader {
  const Json& json;

  template <class T>
  void operator()(const char* name, T& value) {
    read(json.at(name), value);
  }
  template <class T>
  void operator()(const char* name, std::optional<T>& value) {
    const auto found = json.find(name);
    if (found == json.end()) return;
    read(*found, value.emplace());
  }

  template <class T>
  static void read(const Json& from, T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      from.get_to(value);
    } else {
      Reader inner{from};
      value.describe(inner);
    }
  }
  template <class T>
  static void read(const Json& from, std::vector<T>& values) {
    values.clear();
    for (const Json& element : from) read(element, values.emplace_back());
  }
};

}  // namespace

std::string BenchRecord::subject() const {
  const std::string name = to_utf8(std::filesystem::path(model).filename().string());
  return fmt::format("{}, {}", name, computed_by);
}

std::string bench_json(const std::vector<BenchRecord>& records) {
  std::vector<BenchRecord> copy = records;
  return Writer::written(copy).dump(2) + "\n";
}

std::vector<BenchRecord> parse_bench_json(std::string_view json, const std::string& where) {
  std::vector<BenchRecord> records;
  try {
    const Json parsed = Json::parse(json);
    if (!parsed.is_array()) fail("{}: is no list of what fpcls bench measured", where);
    Reader::read(parsed, records);
  } catch (const Json::exception& e) {
    fail("{}: is not what fpcls bench writes: {}", where, e.what());
  }
  return records;
}

}  // namespace fpcls
