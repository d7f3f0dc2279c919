#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Text as HTML: escaped so that it can only ever be text, in two languages, and bytes as base64.
/// Internal to lib/report.
namespace fpcls {

using HtmlSink = std::function<void(std::string_view)>;

/// `text` on one line, safe between tags and inside a quoted attribute.
std::string html_escaped(std::string_view text);

/// The Chinese for an English text of the program, or "" where there is none. Texts with figures in
/// them are known by their pattern: "The first {}; bad_images.csv has them all."
std::string in_chinese(std::string_view english);

/// `english`, and where it is known its Chinese, as elements of which the page shows one. What was
/// filled into a pattern stays as it is.
std::string html_words(std::string_view english);

/// The same for where no elements can stand, such as an option: attributes that the page's script
/// reads, with the English text as what is shown first.
std::string html_word_attributes(std::string_view english);

/// Writes bytes as base64 (RFC 4648) piece by piece.
class Base64Writer {
 public:
  explicit Base64Writer(HtmlSink sink) : sink_(std::move(sink)) {}
  void write(std::string_view bytes);
  /// Writes what is left over. Call once, at the end.
  void finish();

 private:
  HtmlSink sink_;
  std::string pending_;  // fewer than three bytes
};

std::string base64(std::string_view bytes);

}  // namespace fpcls
