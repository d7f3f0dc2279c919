#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "images/decode.h"
#include "images/image_list.h"

/// What a picture is recognised by when it comes again: as the same file, or saved anew, resized,
/// a little brighter, a little cropped. Takes about 2.5 kB a picture, whatever its size, so that a
/// hundred thousand fit into 250 MB.
namespace fpcls {

struct Fingerprint {
  /// Side of `grey`. Floor plans are thin lines on white: at 32 many of them look alike.
  static constexpr int kSide = 48;
  /// Of the whole picture, and of it with 2 % and 4 % cut off at each side: a cropped copy's whole
  /// is near one of its original's parts.
  static constexpr int kHashes = 3;

  std::string sha256;  ///< of the file, 64 hexadecimal digits
  int width = 0;       ///< of the picture as it is looked at, in pixels
  int height = 0;
  int64_t file_bytes = 0;
  /// Perceptual hashes: bit i tells whether the i-th lowest frequency of the picture's cosine
  /// transform is above their median. Near copies differ in few bits.
  std::array<uint64_t, kHashes> hashes{};
  /// The picture in grey, stretched to a square, without margins of one colour: plans are cut out
  /// of their page in many ways. Rows without gaps.
  std::array<uint8_t, kSide * kSide> grey{};
};

/// The fingerprint of the picture in `bytes`, or why there is none. Never throws for what is in the
/// bytes; thread-safe.
std::variant<Fingerprint, DecodeFailure> fingerprint(std::string_view bytes,
                                                     const DecodeLimits& limits = {});

/// Without SHA-256 and size of the file: of a picture that is none, or not yet.
Fingerprint fingerprint(const Image& image);

/// The fingerprints of a list.
struct FingerprintedList {
  std::vector<Fingerprint> fingerprints;  ///< in the order of the list
  std::vector<int64_t> rows;              ///< for each, its row in the list
  std::vector<std::pair<int64_t, DecodeFailure>> bad;  ///< rows that have none
};

/// Reads all pictures of `list`, `workers` at once (0: one a core), holding no more than one
/// decoded picture each.
FingerprintedList fingerprint_list(const ImageList& list, int workers = 0, bool quiet = false);

}  // namespace fpcls
