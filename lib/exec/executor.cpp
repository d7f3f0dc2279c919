#include "exec/executor.h"

#include "base/error.h"
#include "base/stopwatch.h"

namespace fpcls {

std::vector<float> Executor::run_in_phases(const PixelBatch& batch, RunPhases& phases) {
  const Stopwatch watch;
  std::vector<float> scores = run(batch);
  phases = {std::nullopt, watch.ms(), std::nullopt};
  return scores;
}

void check_pixels(const PixelBatch& batch, const Shape& input_shape) {
  if (input_shape.size() != 4 || input_shape[1] != 3) {
    fail("the model reads {}, expected RGB pictures, [1, 3, height, width]",
         shape_text(input_shape));
  }
  if (batch.height != input_shape[2] || batch.width != input_shape[3]) {
    fail("pictures are {} x {} pixels (height x width), but the model reads {} x {}", batch.height,
         batch.width, input_shape[2], input_shape[3]);
  }
  FPCLS_CHECK(batch.pixels.size() == batch.picture_bytes() * batch.rows.size());
}

void check_input(const Tensor& x, const Shape& input_shape) {
  if (x.dtype() != DType::f32 || x.empty() || x.shape().size() != input_shape.size()) {
    fail("input is {} {}, expected f32 of {} axes", enum_name(x.dtype()), shape_text(x.shape()),
         input_shape.size());
  }
  Shape expected = input_shape;
  expected[0] = x.shape()[0];
  if (x.shape() != expected) {
    fail("input has shape {}, expected {}", shape_text(x.shape()), shape_text(expected));
  }
}

}  // namespace fpcls
