#pragma once

/// What becomes of memory that is freed. Without effect where the C library isn't glibc.
namespace fpcls {

/// Large buffers go back to the system when they are freed. By default glibc raises both limits
/// after the first large picture, up to 32 and 64 MB, and keeps that much of freed memory in each
/// thread's arena (mallopt(3)).
void return_large_buffers();

/// As long as one exists, freed memory is kept for what is asked for next: for work that takes and
/// frees the same buffers over and over, where a fault for every 4 KB costs a quarter of the time.
/// Then it goes back, and later buffers as `return_large_buffers` says.
class KeptBuffers {
 public:
  KeptBuffers();
  ~KeptBuffers();
  KeptBuffers(const KeptBuffers&) = delete;
  KeptBuffers& operator=(const KeptBuffers&) = delete;
};

}  // namespace fpcls
