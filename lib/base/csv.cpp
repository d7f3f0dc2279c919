#include "base/csv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace fpcls {
namespace {

constexpr int kEnd = -1;
constexpr size_t kBufferBytes = 1 << 16;

bool continues_character(int byte) { return (byte & 0xc0) == 0x80; }

}  // namespace

/// Bytes of a file or of a text, in pieces.
struct CsvReader::Source {
  int descriptor = -1;
  std::string name;
  std::string buffer;
  size_t next = 0;

  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() {
    if (descriptor >= 0) ::close(descriptor);
  }

  int peek() {
    if (next == buffer.size() && !refill()) return kEnd;
    return static_cast<unsigned char>(buffer[next]);
  }

  bool refill() {
    if (descriptor < 0) return false;
    buffer.resize(kBufferBytes);
    ssize_t count = 0;
    do {
      count = ::read(descriptor, buffer.data(), buffer.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) fail("{}: cannot read: {}", quoted(name), std::strerror(errno));
    buffer.resize(static_cast<size_t>(count));
    next = 0;
    return count > 0;
  }
};

char csv_separator(const std::filesystem::path& path) {
  return path.extension() == ".tsv" ? '\t' : ',';
}

CsvReader::CsvReader(const std::filesystem::path& path, char separator)
    : name_(path.native()), source_(std::make_unique<Source>()), separator_(separator) {
  source_->name = name_;
  source_->descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (source_->descriptor < 0) fail("{}: cannot open: {}", quoted(path), std::strerror(errno));
  struct stat status {};
  if (::fstat(source_->descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    fail("{}: is a folder, expected a CSV file", quoted(path));
  }
  read_header();
}

CsvReader::CsvReader(std::string name, std::unique_ptr<Source> source, char separator)
    : name_(std::move(name)), source_(std::move(source)), separator_(separator) {
  read_header();
}

CsvReader CsvReader::of_text(std::string name, std::string text, char separator) {
  auto source = std::make_unique<Source>();
  source->buffer = std::move(text);
  return CsvReader(std::move(name), std::move(source), separator);
}

CsvReader::CsvReader(CsvReader&&) noexcept = default;
CsvReader::~CsvReader() = default;

std::optional<size_t> CsvReader::find(std::string_view name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found == columns_.end()) return std::nullopt;
  return static_cast<size_t>(found - columns_.begin());
}

void CsvReader::read_header() {
  skip_byte_order_mark();
  if (!read_row(columns_)) {
    fail("{}: has no lines, expected a header with the columns' names", quoted(name_));
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto same =
        std::find(columns_.begin(), columns_.begin() + static_cast<long>(i), columns_[i]);
    // Tables written with an unnamed index have a column without a name: it is nobody's.
    if (!columns_[i].empty() && same != columns_.begin() + static_cast<long>(i)) {
      fail("{}: column {} is there twice; rename or remove one", where(i), quoted(columns_[i]));
    }
  }
}

bool CsvReader::next(std::vector<std::string>& fields) {
  if (!read_row(fields)) return false;
  if (fields.size() != columns_.size()) {
    fail(
        "{}: the row has {} field{}, expected {} (as in the header); quote fields that hold a "
        "separator",
        where(std::min(fields.size(), columns_.size()) - 1), fields.size(),
        fields.size() == 1 ? "" : "s", columns_.size());
  }
  return true;
}

std::string CsvReader::where(size_t field) const { return at(places_.at(field)); }

std::string CsvReader::at(Place place) const {
  return fmt::format("{}:{}:{}", one_line(name_), place.line, place.column);
}

bool CsvReader::read_row(std::vector<std::string>& fields) {
  while (peek() == '\n' || peek() == '\r') {  // blank lines
    if (take() == '\r' && peek() != '\n' && peek() != kEnd) {
      fail("{}: a carriage return without a line feed; save with Unix or Windows line ends",
           at(here_));
    }
  }
  places_.clear();
  if (peek() == kEnd) {
    fields.clear();
    return false;
  }
  line_ = here_.line;
  size_t count = 0;
  for (bool more = true; more; ++count) {
    if (count == kMaxColumns) fail("{}: the row has more than {} fields", at(here_), kMaxColumns);
    places_.push_back(here_);
    if (fields.size() <= count) fields.emplace_back();
    fields[count].clear();
    if (peek() == '"') {
      read_quoted(fields[count]);
    } else {
      read_plain(fields[count]);
    }
    const int end = take();
    more = end == static_cast<unsigned char>(separator_);
    if (end == '\r' && take() != '\n') {
      fail("{}: a carriage return without a line feed; save with Unix or Windows line ends",
           at(here_));
    }
  }
  fields.resize(count);
  return true;
}

void CsvReader::read_quoted(std::string& field) {
  take();
  for (;;) {
    const int byte = take();
    if (byte == kEnd)
      fail("{}: a quoted field is never closed; add the closing quote", at(places_.back()));
    if (byte != '"') {
      append(field, byte);
    } else if (peek() == '"') {
      append(field, take());
    } else {
      break;
    }
  }
  const int after = peek();
  if (after != kEnd && after != '\n' && after != '\r' &&
      after != static_cast<unsigned char>(separator_)) {
    fail("{}: text after a closing quote; write a quote inside a quoted field twice", at(here_));
  }
}

void CsvReader::read_plain(std::string& field) {
  for (;;) {
    const int byte = peek();
    if (byte == kEnd || byte == '\n' || byte == '\r' ||
        byte == static_cast<unsigned char>(separator_)) {
      return;
    }
    if (byte == '"') {
      fail(
          "{}: a quote inside a field that isn't quoted; quote the field and write its quotes "
          "twice",
          at(here_));
    }
    append(field, take());
  }
}

void CsvReader::append(std::string& field, int byte) {
  if (byte == 0) fail("{}: a zero byte; expected text in UTF-8", at(here_));
  if (field.size() == kMaxFieldBytes) {
    fail("{}: a field longer than {} bytes; is a quote not closed?", at(places_.back()),
         kMaxFieldBytes);
  }
  field += static_cast<char>(byte);
}

int CsvReader::peek() { return source_->peek(); }

int CsvReader::take() {
  const int byte = source_->peek();
  if (byte == kEnd) return kEnd;
  ++source_->next;
  if (byte == '\n') {
    here_ = {here_.line + 1, 1};
  } else if (!continues_character(byte)) {
    ++here_.column;
  }
  return byte;
}

void CsvReader::skip_byte_order_mark() {
  const int first = peek();
  if (first == 0xff || first == 0xfe) {
    fail("{}: looks like UTF-16, expected UTF-8; save it as UTF-8", quoted(name_));
  }
  if (first != 0xef) return;
  for (const int expected : {0xef, 0xbb, 0xbf}) {
    if (take() != expected) fail("{}: begins with bytes that aren't UTF-8 text", quoted(name_));
  }
  here_ = {1, 1};
}

}  // namespace fpcls
