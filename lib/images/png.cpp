#include <png.h>

#include <algorithm>
#include <memory>

#include "images/decoders.h"
#include "images/guarded.h"

namespace fpcls {
namespace {

/// Text and colour profiles, which are of no use here, may not take more than this.
constexpr png_alloc_size_t kMaxChunkBytes = 8'000'000;
/// Chunks that don't change what is decoded: names that end in a zero byte each.
constexpr png_byte kIgnoredChunks[] =
    "bKGD\0cHRM\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0sBIT\0sCAL\0sPLT\0sTER\0tEXt\0tIME\0zTXt";
constexpr int kIgnoredChunkCount = sizeof(kIgnoredChunks) / 5;

struct Png {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::string_view rest;  ///< not read yet
  ErrorExit exit;
  DecodeFailure failure{ReasonCode::corrupt, ""};
  int warnings = 0;

  ~Png() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  Png& state = *static_cast<Png*>(png_get_error_ptr(png));
  if (state.failure.code != ReasonCode::truncated) {
    const bool memory = std::string_view(message).find("memory") != std::string_view::npos;
    state.failure =
        decode_failure(memory ? ReasonCode::too_large : ReasonCode::corrupt, "PNG: {}", message);
  }
  state.exit.leave();
}

void on_warning(png_structp png, png_const_charp) {
  ++static_cast<Png*>(png_get_error_ptr(png))->warnings;
}

void read_bytes(png_structp png, png_bytep target, size_t count) {
  Png& state = *static_cast<Png*>(png_get_io_ptr(png));
  if (count > state.rest.size()) {
    state.failure = {ReasonCode::truncated, "PNG ends early"};
    state.exit.leave();
  }
  std::copy_n(state.rest.begin(), count, target);
  state.rest.remove_prefix(count);
}

void create(Png& state) {
  state.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
  if (state.png == nullptr) {
    state.failure = {ReasonCode::too_large, "not enough memory to decode the picture"};
    state.exit.leave();
  }
  state.info = png_create_info_struct(state.png);
  png_set_read_fn(state.png, &state, read_bytes);
  png_set_chunk_malloc_max(state.png, kMaxChunkBytes);
  // The limits are ours, and say what they are.
  png_set_user_limits(state.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_keep_unknown_chunks(state.png, PNG_HANDLE_CHUNK_NEVER, kIgnoredChunks,
                              kIgnoredChunkCount);
  png_read_info(state.png, state.info);
}

/// Has libpng deliver 8-bit R G B, or R G B A where the picture has any transparency.
void set_transformations(png_structp png, png_infop info) {
  const int colours = png_get_color_type(png, info);
  const bool transparent = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  if (colours == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (colours == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png, info) < 8) {
    png_set_expand_gray_1_2_4_to_8(png);
  }
  if (transparent) png_set_tRNS_to_alpha(png);
  if (png_get_bit_depth(png, info) == 16) png_set_scale_16(png);
  if ((colours & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
}

int read_orientation(png_structp png, png_infop info) {
  png_uint_32 size = 0;
  png_bytep exif = nullptr;
  if (png_get_eXIf_1(png, info, &size, &exif) == 0) return 1;
  return exif_orientation({reinterpret_cast<const char*>(exif), size});
}

/// Row after row: memory grows with what is really there.
void read_rows(Png& state, Image& image, std::vector<uint8_t>& rgba_row) {
  const size_t row_bytes = size_t{3} * static_cast<size_t>(image.width);
  for (int y = 0; y < image.height; ++y) {
    const size_t done = image.pixels.size();
    image.pixels.resize(done + row_bytes);
    uint8_t* row = &image.pixels[done];
    png_read_row(state.png, rgba_row.empty() ? row : rgba_row.data(), nullptr);
    if (!rgba_row.empty()) flatten_rgba(rgba_row.data(), image.width, row);
  }
}

/// Interlaced pictures come in seven passes over all rows.
void read_passes(Png& state, int width, int height, int channels, std::vector<uint8_t>& pixels) {
  const size_t row_bytes = static_cast<size_t>(channels) * static_cast<size_t>(width);
  for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; ++pass) {
    for (int y = 0; y < height; ++y) {
      png_read_row(state.png, &pixels[static_cast<size_t>(y) * row_bytes], nullptr);
    }
  }
}

bool read_pixels(Png& state, Image& image) {
  const int channels = png_get_channels(state.png, state.info);
  const int64_t count = int64_t{image.width} * image.height;
  const bool interlaced = png_get_interlace_type(state.png, state.info) != PNG_INTERLACE_NONE;
  std::vector<uint8_t> rgba;
  if (!interlaced) {
    image.pixels.reserve(static_cast<size_t>(3 * count));
    if (channels == 4) rgba.resize(size_t{4} * static_cast<size_t>(image.width));
    auto body = [&] {
      read_rows(state, image, rgba);
      png_read_end(state.png, nullptr);
    };
    return run_guarded(state.exit, body);
  }
  std::vector<uint8_t>& target = channels == 4 ? rgba : image.pixels;
  target.resize(static_cast<size_t>(channels * count));
  auto body = [&] {
    read_passes(state, image.width, image.height, channels, target);
    png_read_end(state.png, nullptr);
  };
  if (!run_guarded(state.exit, body)) return false;
  if (channels == 4) {
    image.pixels.resize(static_cast<size_t>(3 * count));
    flatten_rgba(rgba.data(), count, image.pixels.data());
  }
  return true;
}

/// Whether every chunk up to the end lies within the file: libpng allocates what an EXIF chunk's
/// length claims, up to 2 GB, before it reads the chunk.
bool chunks_fit(std::string_view bytes) {
  constexpr size_t kSignatureBytes = 8, kFrameBytes = 12;  // length, name and checksum of a chunk
  size_t at = kSignatureBytes;
  while (at + kFrameBytes <= bytes.size()) {
    const size_t length = png_get_uint_32(reinterpret_cast<png_const_bytep>(&bytes[at]));
    if (length > bytes.size() - at - kFrameBytes) return false;
    if (bytes.substr(at + 4, 4) == "IEND") return true;
    at += kFrameBytes + length;
  }
  return false;
}

}  // namespace

DecodeResult decode_png(std::string_view bytes, const DecodeLimits& limits) {
  // The size stands at a fixed place: what is too large is refused without starting the library.
  if (bytes.size() >= 24 && bytes.substr(12, 4) == "IHDR") {
    const auto* start = reinterpret_cast<png_const_bytep>(bytes.data());
    const SizeCheck size =
        check_size("PNG", png_get_uint_32(start + 16), png_get_uint_32(start + 20), limits);
    if (!size.ok) return size.failure;
  }
  if (!chunks_fit(bytes)) return decode_failure(ReasonCode::truncated, "PNG ends early");
  const auto state = std::make_unique<Png>();
  state->rest = bytes;
  auto open = [&] { create(*state); };
  if (!run_guarded(state->exit, open)) return std::move(state->failure);
  const int64_t width = png_get_image_width(state->png, state->info);
  const int64_t height = png_get_image_height(state->png, state->info);

  Decoded decoded;
  decoded.orientation = read_orientation(state->png, state->info);
  decoded.image.width = static_cast<int>(width);
  decoded.image.height = static_cast<int>(height);
  auto transform = [&] { set_transformations(state->png, state->info); };
  const bool read = run_guarded(state->exit, transform) && read_pixels(*state, decoded.image);
  if (!read) return std::move(state->failure);
  decoded.image.warnings = state->warnings;
  return decoded;
}

}  // namespace fpcls
