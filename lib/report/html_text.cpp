#include "report/html_text.h"

#include <map>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "report/html_assets.h"

namespace fpcls {
namespace {

constexpr std::string_view kGap = "{}";

struct Pattern {
  std::string_view english, chinese;
};

struct Dictionary {
  std::map<std::string_view, std::string_view> texts;
  std::vector<Pattern> patterns;
};

/// Lines of "English<tab>Chinese"; empty ones and those that begin with # are for people.
Dictionary read_dictionary(std::string_view text) {
  Dictionary dictionary;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const size_t tab = line.find('\t');
    FPCLS_CHECK(tab != std::string_view::npos);
    const Pattern entry{line.substr(0, tab), line.substr(tab + 1)};
    if (entry.english.find(kGap) == std::string_view::npos) {
      FPCLS_CHECK(dictionary.texts.emplace(entry.english, entry.chinese).second);
    } else {
      dictionary.patterns.push_back(entry);
    }
  }
  return dictionary;
}

const Dictionary& dictionary() {
  static const Dictionary read = read_dictionary(kZhTxt);
  return read;
}

/// What stands in the gaps of `pattern` when `text` is it filled in.
std::optional<std::vector<std::string_view>> fillings(std::string_view pattern,
                                                      std::string_view text) {
  std::vector<std::string_view> found;
  size_t gap = pattern.find(kGap);
  if (text.substr(0, gap) != pattern.substr(0, gap)) return std::nullopt;
  text.remove_prefix(gap);
  while (true) {
    pattern.remove_prefix(gap + kGap.size());
    gap = pattern.find(kGap);
    const std::string_view next = pattern.substr(0, gap);
    const bool last = gap == std::string_view::npos;
    if (last && next.size() > text.size()) return std::nullopt;
    const size_t end = last ? text.size() - next.size() : text.find(next);
    if (end == std::string_view::npos || text.substr(end, next.size()) != next) return std::nullopt;
    found.push_back(text.substr(0, end));
    if (last) return found;
    text.remove_prefix(end + next.size());
  }
}

std::string filled(std::string_view pattern, const std::vector<std::string_view>& texts) {
  std::string result;
  for (const std::string_view text : texts) {
    const size_t gap = pattern.find(kGap);
    FPCLS_CHECK(gap != std::string_view::npos);
    result += pattern.substr(0, gap);
    result += text;
    pattern.remove_prefix(gap + kGap.size());
  }
  return result.append(pattern);
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : one_line(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string in_chinese(std::string_view english) {
  const auto found = dictionary().texts.find(english);
  if (found != dictionary().texts.end()) return std::string(found->second);
  for (const Pattern& pattern : dictionary().patterns) {
    if (const auto texts = fillings(pattern.english, english)) {
      return filled(pattern.chinese, *texts);
    }
  }
  return "";
}

std::string html_words(std::string_view english) {
  const std::string chinese = in_chinese(english);
  if (chinese.empty()) return html_escaped(english);
  return "<span lang=\"en\">" + html_escaped(english) + "</span><span lang=\"zh\">" +
         html_escaped(chinese) + "</span>";
}

std::string html_word_attributes(std::string_view english) {
  const std::string chinese = in_chinese(english);
  if (chinese.empty()) return "";
  return " data-en=\"" + html_escaped(english) + "\" data-zh=\"" + html_escaped(chinese) + "\"";
}

void Base64Writer::write(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  pending_ += bytes;
  std::string out;
  out.reserve(pending_.size() / 3 * 4);
  size_t at = 0;
  for (; at + 3 <= pending_.size(); at += 3) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) {
      group = group << 8 | static_cast<unsigned char>(pending_[at + i]);
    }
    for (int shift = 18; shift >= 0; shift -= 6) out += kDigits[group >> shift & 63];
  }
  pending_.erase(0, at);
  if (!out.empty()) sink_(out);
}

void Base64Writer::finish() {
  const size_t missing = (3 - pending_.size() % 3) % 3;
  if (missing == 0) return;
  std::string last;
  Base64Writer padded([&](std::string_view digits) { last += digits; });
  padded.write(pending_ + std::string(missing, '\0'));
  last.replace(last.size() - missing, missing, missing, '=');
  sink_(last);
}

std::string base64(std::string_view bytes) {
  std::string text;
  Base64Writer writer([&](std::string_view digits) { text += digits; });
  writer.write(bytes);
  writer.finish();
  return text;
}

}  // namespace fpcls
