#include "unit/images/encode.h"

#include <cstdio>

#include <gif_lib.h>
#include <jpeglib.h>
#include <png.h>
#include <tiffio.h>
#include <unistd.h>
#include <webp/encode.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"

namespace fpcls {
namespace {

void append(std::string& bytes, uint32_t value, int count, bool little_endian = true) {
  for (int i = 0; i < count; ++i) {
    const int shift = 8 * (little_endian ? i : count - 1 - i);
    bytes += static_cast<char>(value >> shift & 0xff);
  }
}

int grey_of(const Image& image, int x, int y) { return image.pixels[3 * (y * image.width + x)]; }

const uint8_t* pixel_of(const Image& image, int x, int y) {
  return &image.pixels[3 * static_cast<size_t>(y * image.width + x)];
}

}  // namespace

Image gradient(int width, int height) {
  Image image;
  image.width = width;
  image.height = height;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int across = width > 1 ? 255 * x / (width - 1) : 0;
      const int down = height > 1 ? 255 * y / (height - 1) : 0;
      image.pixels.push_back(static_cast<uint8_t>(across));
      image.pixels.push_back(static_cast<uint8_t>(down));
      image.pixels.push_back(static_cast<uint8_t>((across + 255 - down) / 2));
    }
  }
  return image;
}

std::string exif_block(int orientation, bool little_endian) {
  std::string bytes = little_endian ? "II" : "MM";
  append(bytes, 42, 2, little_endian);
  append(bytes, 8, 4, little_endian);
  append(bytes, 1, 2, little_endian);
  append(bytes, 0x0112, 2, little_endian);
  append(bytes, 3, 2, little_endian);
  append(bytes, 1, 4, little_endian);
  append(bytes, static_cast<uint32_t>(orientation), 2, little_endian);
  append(bytes, 0, 2, little_endian);
  append(bytes, 0, 4, little_endian);
  return bytes;
}

std::string encode_jpeg(const Image& image, const JpegOptions& options) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* target = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &target, &size);
  info.image_width = static_cast<unsigned>(image.width);
  info.image_height = static_cast<unsigned>(image.height);
  info.input_components = options.grey ? 1 : options.cmyk ? 4 : 3;
  info.in_color_space = options.grey ? JCS_GRAYSCALE : options.cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(&info);
  if (options.cmyk) jpeg_set_colorspace(&info, JCS_YCCK);
  jpeg_set_quality(&info, options.quality, TRUE);
  if (!options.subsampled) info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
  if (options.progressive) jpeg_simple_progression(&info);
  std::vector<jpeg_scan_info> scans(static_cast<size_t>(options.scans));
  if (options.scans > 0) {
    // The DC coefficients of each component, then one refinement after another of one AC band.
    for (size_t i = 0; i < scans.size(); ++i) {
      jpeg_scan_info& scan = scans[i];
      scan.comps_in_scan = 1;
      scan.component_index[0] = 0;
      const int n = static_cast<int>(i);
      if (n > 0) scan.Ss = scan.Se = (n - 1) % 63 + 1;
      const int round = n > 0 ? (n - 1) / 63 : 0;
      scan.Ah = round == 0 ? 0 : 10 - round + 1;
      scan.Al = n > 0 ? 10 - round : 0;
    }
    info.scan_info = scans.data();
    info.num_scans = options.scans;
  }
  jpeg_start_compress(&info, TRUE);
  if (options.orientation > 0) {
    const std::string exif = std::string("Exif\0\0", 6) + exif_block(options.orientation);
    jpeg_write_marker(&info, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(exif.data()),
                      static_cast<unsigned>(exif.size()));
  }
  for (int y = 0; y < image.height; ++y) {
    std::vector<uint8_t> row;
    for (int x = 0; x < image.width; ++x) {
      const uint8_t* pixel = pixel_of(image, x, y);
      row.push_back(pixel[0]);
      if (!options.grey) row.insert(row.end(), pixel + 1, pixel + 3);
      if (options.cmyk) row.push_back(255);
    }
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&info, &pointer, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string bytes(reinterpret_cast<char*>(target), size);
  std::free(target);
  return bytes;
}

namespace {

struct PngLayout {
  int colours;
  int bits;
};

PngLayout layout_of(PngKind kind) {
  switch (kind) {
    case PngKind::rgb:
      return {PNG_COLOR_TYPE_RGB, 8};
    case PngKind::rgba:
      return {PNG_COLOR_TYPE_RGB_ALPHA, 8};
    case PngKind::grey:
    case PngKind::grey_key:
      return {PNG_COLOR_TYPE_GRAY, 8};
    case PngKind::grey_alpha:
      return {PNG_COLOR_TYPE_GRAY_ALPHA, 8};
    case PngKind::palette:
    case PngKind::palette_alpha:
      return {PNG_COLOR_TYPE_PALETTE, 8};
    case PngKind::rgb16:
      return {PNG_COLOR_TYPE_RGB, 16};
    case PngKind::grey16:
      return {PNG_COLOR_TYPE_GRAY, 16};
    case PngKind::grey1:
      return {PNG_COLOR_TYPE_GRAY, 1};
  }
  return {};
}

std::vector<uint8_t> png_row(const Image& image, PngKind kind, int y, int alpha) {
  std::vector<uint8_t> row(kind == PngKind::grey1 ? static_cast<size_t>(image.width + 7) / 8 : 0);
  for (int x = 0; x < image.width; ++x) {
    const uint8_t* pixel = pixel_of(image, x, y);
    const auto opacity = static_cast<uint8_t>(2 * x < image.width ? 255 : alpha);
    switch (kind) {
      case PngKind::grey1:
        if (pixel[0] >= 128) row[static_cast<size_t>(x / 8)] |= static_cast<uint8_t>(0x80 >> x % 8);
        break;
      case PngKind::rgb16:
        for (int c = 0; c < 3; ++c) row.insert(row.end(), 2, pixel[c]);
        break;
      case PngKind::grey16:
        row.insert(row.end(), 2, pixel[0]);
        break;
      case PngKind::rgb:
      case PngKind::rgba:
        row.insert(row.end(), pixel, pixel + 3);
        if (kind == PngKind::rgba) row.push_back(opacity);
        break;
      case PngKind::grey_alpha:
        row.push_back(pixel[0]);
        row.push_back(opacity);
        break;
      default:
        row.push_back(pixel[0]);
    }
  }
  return row;
}

}  // namespace

std::string encode_png(const Image& image, PngKind kind, bool interlaced, int alpha,
                       int orientation) {
  std::string bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &bytes,
      [](png_structp p, png_bytep data, size_t size) {
        static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<char*>(data), size);
      },
      nullptr);
  const auto [colours, bits] = layout_of(kind);
  png_set_IHDR(png, info, static_cast<unsigned>(image.width), static_cast<unsigned>(image.height),
               bits, colours, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  // A palette where colour i is (i, 255 - i, 128), and opaque below 128.
  std::vector<png_color> palette(256);
  std::vector<png_byte> opacities(256, 255);
  for (size_t i = 0; i < 256; ++i) {
    const auto value = static_cast<png_byte>(i);
    palette[i] = {value, static_cast<png_byte>(255 - value), 128};
    if (i >= 128) opacities[i] = static_cast<png_byte>(alpha);
  }
  if (colours == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette.data(), 256);
  if (kind == PngKind::palette_alpha) png_set_tRNS(png, info, opacities.data(), 256, nullptr);
  png_color_16 key{};
  key.gray = 0;
  if (kind == PngKind::grey_key) png_set_tRNS(png, info, nullptr, 0, &key);
  std::string exif = exif_block(orientation, false);
  if (orientation > 0) {
    png_set_eXIf_1(png, info, static_cast<png_uint_32>(exif.size()),
                   reinterpret_cast<png_bytep>(exif.data()));
  }
  png_write_info(png, info);
  const int passes = png_set_interlace_handling(png);
  for (int pass = 0; pass < passes; ++pass) {
    for (int y = 0; y < image.height; ++y) {
      png_write_row(png, png_row(image, kind, y, alpha).data());
    }
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

std::string encode_webp(const Image& image, int alpha) {
  std::vector<uint8_t> rgba;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const uint8_t* pixel = pixel_of(image, x, y);
      rgba.insert(rgba.end(), pixel, pixel + 3);
      rgba.push_back(static_cast<uint8_t>(2 * x < image.width ? 255 : alpha));
    }
  }
  uint8_t* target = nullptr;
  const size_t size =
      WebPEncodeLosslessRGBA(rgba.data(), image.width, image.height, 4 * image.width, &target);
  std::string bytes(reinterpret_cast<char*>(target), size);
  WebPFree(target);
  return bytes;
}

std::string encode_gif(const Image& image, bool interlaced, int transparent) {
  std::string bytes;
  int error = 0;
  GifFileType* gif = EGifOpen(
      &bytes,
      [](GifFileType* file, const GifByteType* data, int size) {
        static_cast<std::string*>(file->UserData)
            ->append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
        return size;
      },
      &error);
  FPCLS_CHECK(gif != nullptr);
  EGifSetGifVersion(gif, true);
  ColorMapObject* map = GifMakeMapObject(256, nullptr);
  for (int i = 0; i < 256; ++i) {
    const auto value = static_cast<GifByteType>(i);
    map->Colors[i] = {value, static_cast<GifByteType>(255 - value), 128};
  }
  EGifPutScreenDesc(gif, image.width, image.height, 8, 0, map);
  if (transparent >= 0) {
    const unsigned char block[4] = {1, 0, 0, static_cast<unsigned char>(transparent)};
    EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, 4, block);
  }
  EGifPutImageDesc(gif, 0, 0, image.width, image.height, interlaced, nullptr);
  const auto put_row = [&](int y) {
    std::vector<GifPixelType> row;
    for (int x = 0; x < image.width; ++x) {
      row.push_back(static_cast<GifPixelType>(grey_of(image, x, y)));
    }
    EGifPutLine(gif, row.data(), image.width);
  };
  if (interlaced) {
    const int starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
    for (int pass = 0; pass < 4; ++pass) {
      for (int y = starts[pass]; y < image.height; y += steps[pass]) put_row(y);
    }
  } else {
    for (int y = 0; y < image.height; ++y) put_row(y);
  }
  GifFreeMapObject(map);
  EGifCloseFile(gif, &error);
  return bytes;
}

std::string encode_bmp(const Image& image, int bits, bool top_down) {
  const size_t colours = bits <= 8 ? size_t{1} << bits : 0;
  const size_t row_bytes = (static_cast<size_t>(image.width * bits) + 31) / 32 * 4;
  const auto offset = static_cast<uint32_t>(54 + 4 * colours);
  std::string bytes = "BM";
  append(bytes, offset + static_cast<uint32_t>(row_bytes) * static_cast<uint32_t>(image.height), 4);
  append(bytes, 0, 4);
  append(bytes, offset, 4);
  append(bytes, 40, 4);
  append(bytes, static_cast<uint32_t>(image.width), 4);
  append(bytes, static_cast<uint32_t>(top_down ? -image.height : image.height), 4);
  append(bytes, 1, 2);
  append(bytes, static_cast<uint32_t>(bits), 2);
  for (int i = 0; i < 6; ++i) append(bytes, 0, 4);
  // Colour i of n is the grey 255 i / (n - 1).
  for (size_t i = 0; i < colours; ++i) {
    const auto value = static_cast<uint32_t>(255 * i / (colours - 1));
    append(bytes, value * 0x010101, 4);
  }
  for (int line = 0; line < image.height; ++line) {
    const int y = top_down ? line : image.height - 1 - line;
    std::string row(row_bytes, '\0');
    for (int x = 0; x < image.width; ++x) {
      const uint8_t* p = pixel_of(image, x, y);
      if (bits <= 8) {
        const int index = p[0] * (static_cast<int>(colours) - 1) / 255;
        const int bit = x * bits;
        row[static_cast<size_t>(bit / 8)] |= static_cast<char>(index << (8 - bits - bit % 8));
        continue;
      }
      std::string pixel;
      if (bits == 16)
        append(pixel, static_cast<uint32_t>((p[0] >> 3) << 10 | (p[1] >> 3) << 5 | p[2] >> 3), 2);
      if (bits >= 24) append(pixel, static_cast<uint32_t>(p[0] << 16 | p[1] << 8 | p[2]), bits / 8);
      row.replace(static_cast<size_t>(x) * pixel.size(), pixel.size(), pixel);
    }
    bytes += row;
  }
  return bytes;
}

std::string encode_tiff(const Image& image, int compression, int orientation, int bits,
                        bool tiled) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("fpcls-encode-" + std::to_string(::getpid()) + ".tiff");
  TIFF* tiff = TIFFOpen(file.c_str(), "w");
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, image.width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, image.height);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, bits);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, compression);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, orientation);
  const int sample_bytes = bits / 8;
  const auto samples = [&](int x, int y, uint8_t* target) {
    for (int c = 0; c < 3; ++c) {
      std::memset(target + c * sample_bytes, pixel_of(image, x, y)[c],
                  static_cast<size_t>(sample_bytes));
    }
  };
  const int step = 3 * sample_bytes;
  if (tiled) {
    const int side = 16;
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, side);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, side);
    for (int top = 0; top < image.height; top += side) {
      for (int left = 0; left < image.width; left += side) {
        std::vector<uint8_t> tile(static_cast<size_t>(side * side * step));
        for (int y = top; y < std::min(top + side, image.height); ++y) {
          for (int x = left; x < std::min(left + side, image.width); ++x) {
            samples(x, y, &tile[static_cast<size_t>(((y - top) * side + x - left) * step)]);
          }
        }
        TIFFWriteTile(tiff, tile.data(), static_cast<uint32_t>(left), static_cast<uint32_t>(top), 0,
                      0);
      }
    }
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 5);
    for (int y = 0; y < image.height; ++y) {
      std::vector<uint8_t> row(static_cast<size_t>(image.width * step));
      for (int x = 0; x < image.width; ++x) samples(x, y, &row[static_cast<size_t>(x * step)]);
      TIFFWriteScanline(tiff, row.data(), static_cast<uint32_t>(y), 0);
    }
  }
  TIFFClose(tiff);
  std::string bytes = read_file(file);
  std::filesystem::remove(file);
  return bytes;
}

}  // namespace fpcls
