#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

/// What the operating system knows of this process and of what else the machine is doing.
namespace fpcls {

/// Resident memory of this process now; 0 where the system doesn't say.
int64_t resident_bytes();

/// The most that it was so far; 0 where the system doesn't say.
int64_t peak_resident_bytes();

/// The part of it that lies in mapped files, such as the code of libraries.
int64_t resident_in_files_bytes();

/// Resident pages of `file` in this process' mappings of it.
int64_t resident_file_bytes(const std::filesystem::path& file);

/// Processor time since the machine started, over all its processors.
struct ProcessorTimes {
  double own_s = 0;    ///< spent by this process
  double busy_s = 0;   ///< spent by anybody
  double steal_s = 0;  ///< taken by the host of a virtual machine
  double total_s = 0;  ///< there was
};
ProcessorTimes processor_times();

/// What went elsewhere between two moments, as shares of all processor time.
struct OtherLoad {
  double others_ratio = 0;  ///< used by other processes
  double steal_ratio = 0;
};
OtherLoad load_between(const ProcessorTimes& before, const ProcessorTimes& after);

/// Processes that ran or waited for a processor, averaged over the last minute.
std::optional<double> load_average();

}  // namespace fpcls
