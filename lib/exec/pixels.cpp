#include "exec/pixels.h"

namespace fpcls {

PixelTable pixel_table(const Preprocessing& preprocessing) {
  PixelTable table;
  for (size_t channel = 0; channel < 3; ++channel) {
    for (size_t value = 0; value < 256; ++value) {
      table[channel][value] = (static_cast<float>(value) / 255.0F - preprocessing.mean[channel]) /
                              preprocessing.std[channel];
    }
  }
  return table;
}

IntegerTable quantized_table(const PixelTable& table, const QuantParams& params) {
  IntegerTable result;
  for (size_t channel = 0; channel < 3; ++channel) {
    for (size_t value = 0; value < 256; ++value) {
      result[channel][value] = static_cast<uint8_t>(quantize(table[channel][value], params));
    }
  }
  return result;
}

namespace {

template <class Table, class Number>
void look_up(const Table& table, const uint8_t* bytes, int64_t pixels, Number* result) {
  for (int64_t i = 0; i < pixels; ++i) {
    for (int64_t channel = 0; channel < 3; ++channel) {
      result[3 * i + channel] = table[static_cast<size_t>(channel)][bytes[3 * i + channel]];
    }
  }
}

}  // namespace

void enter_pixels(const PixelTable& table, const uint8_t* bytes, int64_t pixels, float* result) {
  look_up(table, bytes, pixels, result);
}

void enter_pixels(const IntegerTable& table, const uint8_t* bytes, int64_t pixels,
                  uint8_t* result) {
  look_up(table, bytes, pixels, result);
}

}  // namespace fpcls
