#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// The spelling of an enum's values, stated once and used by flags, YAML, JSON and messages.
///
/// Next to the enum, specialise `EnumNames` with its entries in the order of their declaration:
///
///     template <> struct EnumNames<Fit> {
///       static constexpr std::pair<Fit, std::string_view> entries[] = {
///           {Fit::stretch, "stretch"}, {Fit::crop, "crop"}};
///     };
namespace fpcls {

template <class E>
struct EnumNames;

/// The name of `value`. Every value must have an entry.
template <class E>
std::string_view enum_name(E value) {
  for (const auto& [entry, name] : EnumNames<E>::entries) {
    if (entry == value) return name;
  }
  return "?";
}

/// The value spelled `name`, exactly; nothing else (no numbers, no prefixes) is accepted.
template <class E>
std::optional<E> enum_value(std::string_view name) {
  for (const auto& [entry, spelled] : EnumNames<E>::entries) {
    if (spelled == name) return entry;
  }
  return std::nullopt;
}

/// All names, "a, b, c", for messages and help.
template <class E>
std::string enum_choices() {
  std::string all;
  for (const auto& [entry, name] : EnumNames<E>::entries) {
    if (!all.empty()) all += ", ";
    all += name;
  }
  return all;
}

}  // namespace fpcls
