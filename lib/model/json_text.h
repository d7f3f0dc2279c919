#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

/// JSON that nobody has checked yet: parsed within limits, read with complaints that say where.
/// Internal to this folder.
namespace fpcls {

/// The value that `text` holds. Throws Error, beginning with `where`, on anything but one JSON
/// value, on a name given twice in one object, on nesting deeper than 32 and on more than a million
/// values.
nlohmann::json parse_json(std::string_view text, const std::string& where);

/// `value` as compact UTF-8 with sorted names. Throws Error where a string isn't UTF-8.
std::string json_text(const nlohmann::json& value, const std::string& where);

/// The shortest decimal that reads back as `value`: 0.485, not 0.48500001430511475.
nlohmann::json json_number(float value);

/// An object all of whose members must be read: `finish` refuses those that weren't asked for.
class JsonObject {
 public:
  JsonObject(const nlohmann::json& value, std::string where);

  bool has(const std::string& key) const { return value_.contains(key); }
  const nlohmann::json& at(const std::string& key);
  const nlohmann::json& array(const std::string& key);
  JsonObject object(const std::string& key);
  std::string text(const std::string& key);
  bool boolean(const std::string& key);
  double number(const std::string& key);
  int64_t integer(const std::string& key);
  std::vector<std::string> texts(const std::string& key);
  std::vector<int64_t> integers(const std::string& key);
  /// An array of `count` integers or numbers.
  template <class T, size_t count>
  std::array<T, count> numbers(const std::string& key) {
    const nlohmann::json& list = array(key);
    if (list.size() != count) {
      fail("{}: {} has {} values, expected {}", where_, quoted(key), list.size(), count);
    }
    std::array<T, count> result;
    for (size_t i = 0; i < count; ++i) {
      if constexpr (std::is_integral_v<T>) {
        result[i] = as_integer(list[i], key);
      } else {
        result[i] = static_cast<T>(as_number(list[i], key));
      }
    }
    return result;
  }
  void finish() const;

 private:
  double as_number(const nlohmann::json& value, const std::string& key) const;
  int64_t as_integer(const nlohmann::json& value, const std::string& key) const;
  std::string as_text(const nlohmann::json& value, const std::string& key) const;

  const nlohmann::json& value_;
  const std::string where_;
  std::set<std::string> read_;
};

}  // namespace fpcls
