#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/enum_names.h"
#include "base/error.h"
#include "base/range.h"

/// One declaration for each option, read by flags, YAML, help and the printed configuration.
///
/// A command's options are a plain struct with a `describe` member:
///
///     struct BenchOptions {
///       std::vector<std::string> models;
///       int batch = 8;
///       RuntimeOptions runtime;
///       template <class Visitor> void describe(Visitor& v) {
///         v.positional("models", models, "Models to time");
///         v.option("batch", batch, "Pictures in a batch", Range{1, 4096});
///         v.group("Running", runtime);
///       }
///     };
///
/// `describe_options(options)` turns that into a list of OptionSpec, which refer to the struct's
/// fields. The flag of `batch_size` is `--batch-size`, its YAML key `batch_size`; "o,out" adds a
/// short flag. Groups only make headings in the help: keys are flat.
namespace fpcls {

/// What kind of value an option takes; says how it is written in YAML and JSON.
enum class ValueKind { text, integer, real, boolean, structs };

struct OptionSpec {
  std::string name;     ///< as in YAML
  char short_name = 0;  ///< 0: none
  std::string help;
  std::string group;    ///< heading in the help
  std::string choices;  ///< "1 to 4096", "auto, engine, torch"; empty: any value
  ValueKind kind = ValueKind::text;
  bool many = false;  ///< takes several values
  bool positional = false;
  bool path = false;  ///< in a YAML file, relative to that file
  bool yaml_only = false;

  /// Forgets a `many` option's values (defaults, or those of the file) before new ones come.
  std::function<void()> clear;
  /// Sets the value, or adds one to a `many` option. Throws Error with what is wrong and expected,
  /// to be put behind the option's name: "is 0, expected 1 to 4096".
  std::function<void(const std::string&)> parse;
  /// The values as they are now, as text; none when not set.
  std::function<std::vector<std::string>()> values;
  /// `structs` only: adds an element and gives its options; gives those of all elements.
  std::function<std::vector<OptionSpec>()> add_element;
  std::function<std::vector<std::vector<OptionSpec>>()> elements;
};

/// "--batch-size".
std::string flag_name(const OptionSpec& spec);

void parse_value(const std::string& text, std::string& value);
void parse_value(const std::string& text, bool& value);
void parse_value(const std::string& text, int& value);
void parse_value(const std::string& text, int64_t& value);
void parse_value(const std::string& text, uint64_t& value);
void parse_value(const std::string& text, double& value);
void parse_value(const std::string& text, float& value);
std::string value_text(const std::string& value);
std::string value_text(bool value);
std::string value_text(int value);
std::string value_text(int64_t value);
std::string value_text(uint64_t value);
std::string value_text(double value);
std::string value_text(float value);

/// Collects the specs of a struct's options; the Visitor of `describe`.
class OptionCollector {
 public:
  template <class T>
  void option(const std::string& name, T& field, const std::string& help) {
    add(name, field, help, [](const auto&) {});
  }

  template <class T, class Bound>
  void option(const std::string& name, T& field, const std::string& help, Range<Bound> range) {
    const std::string text = range.max == std::numeric_limits<Bound>::max()
                                 ? fmt::format("{} or more", range.min)
                                 : fmt::format("{} to {}", range.min, range.max);
    add(name, field, help, [range, text](const auto& value) {
      if (!(value >= range.min && value <= range.max)) {
        fail("is {}, expected {}", value_text(value), text);
      }
    });
    specs_.back().choices = text;
  }

  template <class T>
  void positional(const std::string& name, T& field, const std::string& help) {
    option(name, field, help);
    specs_.back().positional = true;
  }

  /// A file name; in a YAML file it is relative to that file.
  template <class T>
  void path(const std::string& name, T& field, const std::string& help) {
    option(name, field, help);
    specs_.back().path = true;
  }

  template <class Group>
  void group(const std::string& heading, Group& fields) {
    std::string outer = std::exchange(group_, heading);
    fields.describe(*this);
    group_ = std::move(outer);
  }

  /// A list of structs, which only a YAML file can give.
  template <class Element>
  void list(const std::string& name, std::vector<Element>& field, const std::string& help) {
    OptionSpec spec = begin(name, help);
    spec.kind = ValueKind::structs;
    spec.many = spec.yaml_only = true;
    const auto describe = [](Element& element) {
      OptionCollector inner;
      element.describe(inner);
      return inner.take();
    };
    spec.clear = [&field] { field.clear(); };
    // Earlier elements' specs are not used any more when the next element is added.
    spec.add_element = [&field, describe] { return describe(field.emplace_back()); };
    spec.elements = [&field, describe] {
      std::vector<std::vector<OptionSpec>> all;
      for (Element& element : field) all.push_back(describe(element));
      return all;
    };
    specs_.push_back(std::move(spec));
  }

  std::vector<OptionSpec> take() { return std::move(specs_); }

 private:
  OptionSpec begin(const std::string& name, const std::string& help) const;

  template <class T>
  struct Inner {
    using type = T;
    static constexpr bool many = false;
  };
  template <class T>
  struct Inner<std::vector<T>> {
    using type = T;
    static constexpr bool many = true;
  };
  template <class T>
  struct Inner<std::optional<T>> {
    using type = T;
    static constexpr bool many = false;
  };

  template <class T>
  static T parse_as(const std::string& text) {
    if constexpr (std::is_enum_v<T>) {
      const std::optional<T> value = enum_value<T>(text);
      if (!value) fail("is '{}', expected one of: {}", text, enum_choices<T>());
      return *value;
    } else {
      T value{};
      parse_value(text, value);
      return value;
    }
  }

  template <class T>
  static std::string text_of(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return std::string(enum_name(value));
    } else {
      return value_text(value);
    }
  }

  template <class T>
  static constexpr ValueKind kind_of() {
    if constexpr (std::is_same_v<T, bool>) return ValueKind::boolean;
    if constexpr (std::is_integral_v<T>) return ValueKind::integer;
    if constexpr (std::is_floating_point_v<T>) return ValueKind::real;
    return ValueKind::text;
  }

  template <class T, class Check>
  void add(const std::string& name, T& field, const std::string& help, Check check) {
    using Value = typename Inner<T>::type;
    OptionSpec spec = begin(name, help);
    spec.kind = kind_of<Value>();
    spec.many = Inner<T>::many;
    if constexpr (std::is_enum_v<Value>) spec.choices = enum_choices<Value>();
    if constexpr (Inner<T>::many) {
      spec.clear = [&field] { field.clear(); };
      spec.parse = [&field, check](const std::string& text) {
        const Value value = parse_as<Value>(text);
        check(value);
        field.push_back(value);
      };
      spec.values = [&field] {
        std::vector<std::string> texts;
        for (const Value& value : field) texts.push_back(text_of(value));
        return texts;
      };
    } else {
      spec.clear = [] {};
      spec.parse = [&field, check](const std::string& text) {
        const Value value = parse_as<Value>(text);
        check(value);
        field = value;
      };
      spec.values = [&field]() -> std::vector<std::string> {
        if constexpr (std::is_same_v<T, Value>) {
          return {text_of(field)};
        } else {
          return field ? std::vector<std::string>{text_of(*field)} : std::vector<std::string>{};
        }
      };
    }
    specs_.push_back(std::move(spec));
  }

  std::string group_ = "Options";
  std::vector<OptionSpec> specs_;
};

/// The specs of `options`, which must outlive them.
template <class Options>
std::vector<OptionSpec> describe_options(Options& options) {
  OptionCollector collector;
  options.describe(collector);
  return collector.take();
}

/// The options as a JSON object, keys in the order of their declaration.
std::string options_json(const std::vector<OptionSpec>& specs);

}  // namespace fpcls
