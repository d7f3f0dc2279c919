#pragma once

#include "engine/plan.h"

/// The largest number of each window, of 8-bit numbers that lie channel by channel (nhwc) and have
/// few channels. oneDNN handles one window's channels in a register of 64: with 6 channels, as the
/// first layer of a network pruned by 90 % has, most of it stays empty. Here rows are compared
/// whole, whatever the channels, and only then the columns.
namespace fpcls {

/// Whether `byte_max_kernel` takes it and is the quicker one: u8 or s8 in nhwc, at most 32
/// channels, a row of 16 bytes to 8 KiB, no dilation, and no window that lies in the padding
/// altogether.
bool takes_byte_max(const memory::desc& x, const Shape& out, const Window& window);

/// Arguments x, y; y is nhwc {N, C, OH, OW} of x's type, `out` its shape.
OwnKernel byte_max_kernel(const memory::desc& x, const Shape& out, const Window& window);

}  // namespace fpcls
