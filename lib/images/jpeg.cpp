#include <cstdio>

#include <jpeglib.h>

#include <jerror.h>

#include <algorithm>
#include <array>
#include <memory>

#include "images/decoders.h"
#include "images/guarded.h"

namespace fpcls {
namespace {

/// A picture has about ten; a file of a few kilobytes can hold thousands of empty ones, each of
/// which walks through all of its coefficients.
constexpr int kMaxScans = 100;
/// A progressive picture's coefficients are held whole: 3 to 6 bytes a pixel.
constexpr long kMaxCoefficientBytes = 1'000'000'000;
constexpr int kExifMarker = JPEG_APP0 + 1;
constexpr std::string_view kExifStart("Exif\0\0", 6);

/// Everything that the library's callbacks see.
struct Jpeg {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr source{};
  jpeg_progress_mgr progress{};
  ErrorExit exit;
  DecodeFailure failure{ReasonCode::corrupt, ""};
  int warnings = 0;

  ~Jpeg() { jpeg_destroy_decompress(&info); }

  static Jpeg& of(j_common_ptr info) { return *static_cast<Jpeg*>(info->client_data); }

  [[noreturn]] void leave(ReasonCode code, const char* reason) {
    failure.code = code;
    failure.reason = reason;
    exit.leave();
  }
};

ReasonCode code_of(int message) {
  switch (message) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
    case JERR_IMAGE_TOO_BIG:
      return ReasonCode::too_large;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_ARITH_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
      return ReasonCode::unsupported;
    default:
      return ReasonCode::corrupt;
  }
}

[[noreturn]] void on_error(j_common_ptr info) {
  Jpeg& jpeg = Jpeg::of(info);
  std::array<char, JMSG_LENGTH_MAX> text{};
  info->err->format_message(info, text.data());
  const ReasonCode code = code_of(info->err->msg_code);
  jpeg.leave(code, code == ReasonCode::too_large ? "JPEG needs too much memory" : text.data());
}

/// Levels below 0 are warnings: the library has found bad data and goes on. One of them says that a
/// scan's data end before its picture does, where the library would paint the rest grey.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  Jpeg& jpeg = Jpeg::of(info);
  if (info->err->msg_code == JWRN_HIT_MARKER) {
    const bool truncated = jpeg.warnings == 0;
    jpeg.leave(truncated ? ReasonCode::truncated : ReasonCode::corrupt,
               truncated ? "JPEG data end before the picture does"
                         : "JPEG data are corrupt, and end before the picture does");
  }
  ++jpeg.warnings;
}

void output_nothing(j_common_ptr) {}
void start_source(j_decompress_ptr) {}
void end_source(j_decompress_ptr) {}

/// Called where the library wants more bytes than the file has.
boolean on_file_end(j_decompress_ptr info) {
  Jpeg& jpeg = Jpeg::of(reinterpret_cast<j_common_ptr>(info));
  jpeg.leave(ReasonCode::truncated, "JPEG ends early");
}

void skip_source(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  if (static_cast<size_t>(count) > info->src->bytes_in_buffer) on_file_end(info);
  info->src->next_input_byte += count;
  info->src->bytes_in_buffer -= static_cast<size_t>(count);
}

void on_progress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMaxScans) {
    Jpeg::of(info).leave(ReasonCode::unsupported, "JPEG has more than 100 scans");
  }
}

void create(Jpeg& jpeg, std::string_view bytes) {
  jpeg.info.err = jpeg_std_error(&jpeg.errors);
  jpeg.errors.error_exit = on_error;
  jpeg.errors.emit_message = on_message;
  jpeg.errors.output_message = output_nothing;
  jpeg.info.client_data = &jpeg;
  jpeg_create_decompress(&jpeg.info);
  jpeg.info.mem->max_memory_to_use = kMaxCoefficientBytes;
  jpeg.source.init_source = start_source;
  jpeg.source.fill_input_buffer = on_file_end;
  jpeg.source.skip_input_data = skip_source;
  jpeg.source.resync_to_restart = jpeg_resync_to_restart;
  jpeg.source.term_source = end_source;
  jpeg.source.next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
  jpeg.source.bytes_in_buffer = bytes.size();
  jpeg.info.src = &jpeg.source;
  jpeg.progress.progress_monitor = on_progress;
  jpeg.info.progress = &jpeg.progress;
}

int read_orientation(const jpeg_decompress_struct& info) {
  for (const auto* marker = info.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (marker->marker == kExifMarker && data.substr(0, kExifStart.size()) == kExifStart) {
      return exif_orientation(data.substr(kExifStart.size()));
    }
  }
  return 1;
}

/// The fewest eighths whose picture is no smaller than what preprocessing scales it to.
int scale_eighths(int width, int height, const Preprocessing& preprocessing) {
  if (preprocessing.decode == Decode::exact) return 8;
  const bool stretch = preprocessing.fit == Fit::stretch;
  const int need_width = stretch ? preprocessing.width : preprocessing.resize;
  const int need_height = stretch ? preprocessing.height : preprocessing.resize;
  for (int eighths = 1; eighths < 8; ++eighths) {
    const auto scaled = [&](int side) { return (int64_t{side} * eighths + 7) / 8; };
    if (scaled(width) >= need_width && scaled(height) >= need_height) return eighths;
  }
  return 8;
}

/// Every 4-component picture is taken as inverted, as Adobe's are: so do Pillow and the browsers.
void cmyk_to_rgb(const uint8_t* cmyk, int pixels, uint8_t* rgb) {
  for (int i = 0; i < pixels; ++i, cmyk += 4, rgb += 3) {
    const int black = cmyk[3];
    for (int channel = 0; channel < 3; ++channel) {
      const int ink = 255 - cmyk[channel];
      const int product = black * ink + 128;
      rgb[channel] = static_cast<uint8_t>(std::max(0, black - ((product >> 8) + product) / 256));
    }
  }
}

/// `image.pixels` grows with the rows, so that a header alone takes no memory.
void read_rows(Jpeg& jpeg, Image& image, std::vector<uint8_t>& cmyk_row) {
  jpeg_decompress_struct& info = jpeg.info;
  const size_t row_bytes = size_t{3} * static_cast<size_t>(image.width);
  const bool is_cmyk = info.out_color_space == JCS_CMYK;
  while (info.output_scanline < info.output_height) {
    const size_t done = image.pixels.size();
    image.pixels.resize(done + row_bytes);
    uint8_t* row = &image.pixels[done];
    JSAMPROW target = is_cmyk ? cmyk_row.data() : row;
    jpeg_read_scanlines(&info, &target, 1);
    if (is_cmyk) cmyk_to_rgb(cmyk_row.data(), image.width, row);
  }
  jpeg_finish_decompress(&info);
}

}  // namespace

DecodeResult decode_jpeg(std::string_view bytes, const Preprocessing& preprocessing,
                         const DecodeLimits& limits) {
  const auto jpeg = std::make_unique<Jpeg>();
  jpeg_decompress_struct& info = jpeg->info;
  auto read_header = [&] {
    create(*jpeg, bytes);
    jpeg_save_markers(&info, kExifMarker, 0xffff);
    jpeg_read_header(&info, TRUE);
  };
  if (!run_guarded(jpeg->exit, read_header)) return std::move(jpeg->failure);
  const int64_t width = info.image_width, height = info.image_height;
  if (SizeCheck size = check_size("JPEG", width, height, limits); !size.ok) return size.failure;

  Decoded decoded;
  decoded.orientation = read_orientation(info);
  const bool swaps = decoded.orientation >= 5;
  auto start = [&] {
    info.scale_num = static_cast<unsigned>(scale_eighths(static_cast<int>(swaps ? height : width),
                                                         static_cast<int>(swaps ? width : height),
                                                         preprocessing));
    info.scale_denom = 8;
    info.out_color_space = info.num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&info);
  };
  if (!run_guarded(jpeg->exit, start)) return std::move(jpeg->failure);

  Image& image = decoded.image;
  image.width = static_cast<int>(info.output_width);
  image.height = static_cast<int>(info.output_height);
  image.pixels.reserve(size_t{3} * info.output_width * info.output_height);
  std::vector<uint8_t> cmyk_row(info.num_components == 4 ? size_t{4} * info.output_width : 0);
  auto read = [&] { read_rows(*jpeg, image, cmyk_row); };
  if (!run_guarded(jpeg->exit, read)) {
    if (jpeg->failure.code == ReasonCode::truncated) {
      return decode_failure(ReasonCode::truncated, "{} (after about {} of {} rows)",
                            jpeg->failure.reason,
                            height * info.output_scanline / info.output_height, height);
    }
    return std::move(jpeg->failure);
  }
  image.warnings = jpeg->warnings;
  image.file_width = static_cast<int>(width);
  image.file_height = static_cast<int>(height);
  return decoded;
}

}  // namespace fpcls
