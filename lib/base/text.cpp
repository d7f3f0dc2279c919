#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>
#include <vector>

namespace fpcls {
namespace {

struct CodePoint {
  uint32_t value = 0;
  int bytes = 0;  // 0: the next byte begins no valid sequence
};

/// The code point at the beginning of `text`, which isn't empty (Unicode 15, table 3-7).
CodePoint next_code_point(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1};
  const int length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < static_cast<size_t>(length)) return {};
  uint32_t value = first & (0x7fu >> length);
  for (int i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (overlong || surrogate || value > 0x10ffff) return {};
  return {value, length};
}

struct Span {
  uint32_t first, last;
};

// Unicode 15 East_Asian_Width W and F, joined where what lies between is unassigned.
constexpr std::array<Span, 14> kWide = {{{0x1100, 0x115f},
                                         {0x2e80, 0x303e},
                                         {0x3041, 0x33ff},
                                         {0x3400, 0x4dbf},
                                         {0x4e00, 0x9fff},
                                         {0xa000, 0xa4cf},
                                         {0xa960, 0xa97c},
                                         {0xac00, 0xd7a3},
                                         {0xf900, 0xfaff},
                                         {0xfe30, 0xfe6f},
                                         {0xff00, 0xff60},
                                         {0xffe0, 0xffe6},
                                         {0x1f300, 0x1faff},
                                         {0x20000, 0x3fffd}}};
constexpr std::array<Span, 6> kCombining = {{{0x0300, 0x036f},
                                             {0x200b, 0x200f},
                                             {0x20d0, 0x20ff},
                                             {0xfe00, 0xfe0f},
                                             {0xfe20, 0xfe2f},
                                             {0xfeff, 0xfeff}}};

template <size_t N>
bool any_holds(const std::array<Span, N>& spans, uint32_t value) {
  return std::any_of(spans.begin(), spans.end(),
                     [&](Span s) { return value >= s.first && value <= s.last; });
}

int column_count(uint32_t value) {
  if (value < 0x20 || any_holds(kCombining, value)) return 0;
  return any_holds(kWide, value) ? 2 : 1;
}

/// `text` as UTF-8, where `escapes` says which valid code points become an escape too.
template <class Escapes>
std::string escape(std::string_view text, Escapes escapes) {
  std::string result;
  while (!text.empty()) {
    const CodePoint point = next_code_point(text);
    const size_t bytes = static_cast<size_t>(std::max(point.bytes, 1));
    if (point.bytes > 0 && !escapes(point.value)) {
      result += text.substr(0, bytes);
    } else if (text[0] == '\n') {
      result += "\\n";
    } else {
      for (const char c : text.substr(0, bytes)) {
        result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      }
    }
    text.remove_prefix(bytes);
  }
  return result;
}

}  // namespace

std::string to_utf8(std::string_view text) {
  return escape(text, [](uint32_t) { return false; });
}

std::string one_line(std::string_view text) {
  return escape(text, [](uint32_t value) {
    return value < 0x20 || (value >= 0x7f && value < 0xa0) || value == 0x2028 || value == 0x2029;
  });
}

std::string quoted(std::string_view text) { return "'" + one_line(text) + "'"; }

std::string quoted(const std::filesystem::path& path) {
  return quoted(std::string_view(path.native()));
}

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const CodePoint point = next_code_point(text);
    width += point.bytes > 0 ? column_count(point.value) : 1;
    text.remove_prefix(static_cast<size_t>(std::max(point.bytes, 1)));
  }
  return width;
}

std::string pad_right(std::string_view text, int width) {
  return std::string(text) + std::string(std::max(0, width - display_width(text)), ' ');
}

std::string pad_left(std::string_view text, int width) {
  return std::string(std::max(0, width - display_width(text)), ' ') + std::string(text);
}

std::string with_thousands(int64_t value) {
  std::string digits = fmt::format("{}", value < 0 ? -value : value);
  for (int i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3) digits.insert(i, ",");
  return value < 0 ? "-" + digits : digits;
}

std::string format_bytes(int64_t bytes) {
  constexpr std::array<const char*, 4> kUnits = {"kB", "MB", "GB", "TB"};
  if (std::llabs(bytes) < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  while (std::abs(value) >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value,
                     std::abs(value) < 99.95 ? (std::abs(value) < 9.995 ? 2 : 1) : 0, kUnits[unit]);
}

std::string format_duration(double seconds) {
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string field = "\"";
  for (const char c : text) {
    if (c == '"') field += '"';
    field += c;
  }
  return field + '"';
}

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace fpcls
