#pragma once

#include "engine/kernel.h"

/// Attributes of sliding windows in oneDNN's terms.
namespace fpcls {

Window conv_window(const ConvAttributes& attributes);

/// `in` and `out` are the pooled result's shapes, {…, H, W}. Padding after the data is as much as
/// the last window reaches over, which `ceil_mode` may make more than asked for.
Window pool_window(const PoolAttributes& attributes, const Shape& in, const Shape& out);

}  // namespace fpcls
