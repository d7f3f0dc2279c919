#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

/// Text as people see it: UTF-8 columns on a terminal, file names that may hold any byte, numbers
/// with units.
namespace fpcls {

/// `text` as valid UTF-8: each byte that isn't part of a valid sequence becomes `\xNN`. Paths are
/// stored and reported in this form, so that JSON, CSV and SQLite hold them all.
std::string to_utf8(std::string_view text);

/// `text` on one line: valid UTF-8, with control characters (line ends, escapes) as `\n`, `\xNN`.
std::string one_line(std::string_view text);

/// A path or name in single quotes, on one line, for messages.
std::string quoted(std::string_view text);
// Exact matches, lest argument-dependent lookup prefer std::quoted of <iomanip>.
inline std::string quoted(const std::string& text) { return quoted(std::string_view(text)); }
inline std::string quoted(std::string& text) { return quoted(std::string_view(text)); }
inline std::string quoted(const char* text) { return quoted(std::string_view(text)); }
std::string quoted(const std::filesystem::path& path);

/// Columns that `text` takes on a terminal: wide East Asian characters take two, combining ones
/// none.
int display_width(std::string_view text);

/// `text` followed (or, for `right`, preceded) by spaces up to `width` columns.
std::string pad_right(std::string_view text, int width);
std::string pad_left(std::string_view text, int width);

/// "1,234,567".
std::string with_thousands(int64_t value);
/// "940 B", "1.5 MB": decimal units, as disks and the old reports count.
std::string format_bytes(int64_t bytes);
/// "0.8 s", "42 s", "3 min 05 s", "2 h 10 min".
std::string format_duration(double seconds);

/// `text` as a CSV field, quoted where RFC 4180 asks for it.
std::string csv_field(std::string_view text);

/// The known name closest to `name`, for "did you mean", or empty when none is close.
template <class Names>
std::string closest_name(std::string_view name, const Names& known);

/// Number of single-character edits between two names (Levenshtein 1966).
int edit_distance(std::string_view a, std::string_view b);

template <class Names>
std::string closest_name(std::string_view name, const Names& known) {
  std::string best;
  int best_distance = static_cast<int>(name.size()) / 3 + 1;
  for (const auto& candidate : known) {
    const int distance = edit_distance(name, candidate);
    if (distance < best_distance || (distance == best_distance && best.empty())) {
      best = std::string(candidate);
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace fpcls
