#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exec/executor.h"
#include "graph/preprocessing.h"

/// Pictures held ready for timing a model alone. Internal to lib/run.
namespace fpcls {

struct BenchPictures {
  std::vector<PixelBatch> batches;  ///< all of the same size
  std::string what;                 ///< "noise", "140 pictures"
  std::optional<double> decode_ms, resize_ms;  ///< of one picture: reading and decoding it, resizing

  int64_t size_bytes() const;
};

/// Batches of `batch` pictures: of `inputs`, decoded one after the other and repeated where there
/// are too few; of noise, the same every time, where `inputs` is empty. At most `most` pictures are
/// held, and at least one batch. Throws Error where none can be decoded.
BenchPictures bench_pictures(const std::vector<std::string>& inputs, const Preprocessing& p,
                             int batch, int64_t most, bool quiet);

}  // namespace fpcls
