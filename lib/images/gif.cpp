#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "images/decoders.h"

namespace fpcls {
namespace {

struct Source {
  std::string_view rest;
  bool ended = false;
};

int read_bytes(GifFileType* gif, GifByteType* target, int count) {
  Source& source = *static_cast<Source*>(gif->UserData);
  const size_t wanted = static_cast<size_t>(std::max(count, 0));
  const size_t taken = std::min(wanted, source.rest.size());
  source.ended = source.ended || taken < wanted;
  std::memcpy(target, source.rest.data(), taken);
  source.rest.remove_prefix(taken);
  return static_cast<int>(taken);
}

struct CloseGif {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

DecodeFailure failure_of(const Source& source, int error) {
  if (source.ended) return {ReasonCode::truncated, "GIF ends early"};
  const char* text = GifErrorString(error);
  return decode_failure(ReasonCode::corrupt, "GIF: {}", text == nullptr ? "bad data" : text);
}

/// Reads up to the first picture's data; its transparent colour, or -1, to `transparent`. False
/// where there is none.
bool find_first_frame(GifFileType* gif, int& transparent) {
  transparent = -1;
  for (GifRecordType type = UNDEFINED_RECORD_TYPE; type != TERMINATE_RECORD_TYPE;) {
    if (DGifGetRecordType(gif, &type) == GIF_ERROR) return false;
    if (type == IMAGE_DESC_RECORD_TYPE) return DGifGetImageDesc(gif) == GIF_OK;
    if (type != EXTENSION_RECORD_TYPE) continue;
    int code = 0;
    GifByteType* block = nullptr;
    if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) return false;
    while (block != nullptr) {
      const bool control = code == GRAPHICS_EXT_FUNC_CODE && block[0] >= 4;
      if (control) transparent = (block[1] & 1) != 0 ? block[4] : -1;
      if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) return false;
    }
  }
  return false;
}

/// Where the frame's `line`-th line in the file goes.
int interlaced_row(int line, int height) {
  for (const auto& [start, step] : {std::pair{0, 8}, {4, 8}, {2, 4}, {1, 2}}) {
    const int lines = height > start ? (height - start + step - 1) / step : 0;
    if (line < lines) return start + line * step;
    line -= lines;
  }
  return height - 1;
}

/// Paints one line; false where it uses a colour that isn't in the map.
bool paint(const std::vector<GifPixelType>& line, const ColorMapObject& colours, int transparent,
           uint8_t* target) {
  for (const GifPixelType index : line) {
    if (index != transparent) {
      if (index >= colours.ColorCount) return false;
      const GifColorType& colour = colours.Colors[index];
      target[0] = colour.Red;
      target[1] = colour.Green;
      target[2] = colour.Blue;
    }
    target += 3;
  }
  return true;
}

}  // namespace

DecodeResult decode_gif(std::string_view bytes, const DecodeLimits& limits) {
  Source source{bytes};
  int error = 0;
  const std::unique_ptr<GifFileType, CloseGif> gif(DGifOpen(&source, read_bytes, &error));
  if (gif == nullptr) return failure_of(source, error);
  int transparent = -1;
  if (!find_first_frame(gif.get(), transparent)) {
    if (gif->Error == 0) return decode_failure(ReasonCode::corrupt, "GIF holds no picture");
    return failure_of(source, gif->Error);
  }
  const GifImageDesc& frame = gif->Image;
  const int64_t width = std::max<int64_t>(gif->SWidth, int64_t{frame.Left} + frame.Width);
  const int64_t height = std::max<int64_t>(gif->SHeight, int64_t{frame.Top} + frame.Height);
  if (SizeCheck size = check_size("GIF", width, height, limits); !size.ok) return size.failure;
  if (frame.Width < 1 || frame.Height < 1) {
    return decode_failure(ReasonCode::corrupt, "GIF says that its first frame is empty");
  }
  const ColorMapObject* colours = frame.ColorMap != nullptr ? frame.ColorMap : gif->SColorMap;
  if (colours == nullptr) return decode_failure(ReasonCode::corrupt, "GIF has no colours");

  Decoded decoded;
  Image& image = decoded.image;
  image.width = static_cast<int>(width);
  image.height = static_cast<int>(height);
  image.pixels.assign(static_cast<size_t>(3 * width * height), 255);
  std::vector<GifPixelType> line(static_cast<size_t>(frame.Width));
  for (int i = 0; i < frame.Height; ++i) {
    if (DGifGetLine(gif.get(), line.data(), frame.Width) == GIF_ERROR) {
      return failure_of(source, gif->Error);
    }
    const int row = frame.Top + (frame.Interlace ? interlaced_row(i, frame.Height) : i);
    if (!paint(line, *colours, transparent, &image.pixels[3 * (row * width + frame.Left)])) {
      return decode_failure(ReasonCode::corrupt, "GIF uses a colour that isn't in its table");
    }
  }
  return decoded;
}

}  // namespace fpcls
