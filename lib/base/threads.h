#pragma once

#include <functional>

/// How many processors there are for us, and running one function on several threads.
namespace fpcls {

/// Processors this process may use: the affinity mask, cut by the container's CPU quota; at
/// least 1.
int usable_cores();

/// Calls `work(0)` … `work(count - 1)`, each on a thread of its own that flushes denormal numbers
/// to zero, and returns when all have ended. The first exception, if any, is thrown again here.
void run_workers(int count, const std::function<void(int)>& work);

/// Makes this thread treat denormal numbers as zero: they cost up to a hundred times as much.
void flush_denormals();

}  // namespace fpcls
