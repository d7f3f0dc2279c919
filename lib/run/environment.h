#pragma once

#include <cstdint>
#include <string>

/// The machine that a run was on, as far as a report needs it to be compared with another.
namespace fpcls {

/// "AMD EPYC", without clock rates; "unknown CPU" where the system doesn't say.
std::string cpu_name();
/// The widest instructions for neural networks, widest last: "avx2 avx512f avx512_vnni
/// avx512_bf16".
std::string isa_names();
/// The instructions among `isa` that 8-bit products are summed by: "VNNI", "AVX2 without VNNI" …
/// Those before VNNI saturate at 16 bits on the way, so that scores differ between machines.
std::string int8_instructions(const std::string& isa);
/// Those that the engine uses here, which the variable ONEDNN_MAX_CPU_ISA may limit.
std::string int8_instructions();
/// Now, as ISO 8601 in UTC: "2024-06-01T08:30:00Z".
std::string utc_now();

}  // namespace fpcls
