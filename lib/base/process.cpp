#include "base/process.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace fpcls {
namespace {

constexpr int64_t kBytesInKb = 1024;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

/// Whether a line of smaps begins a mapping ("7f12…-7f13… r--p …"), rather than telling of it.
bool begins_mapping(const std::string& line) {
  const size_t space = line.find(' ');
  return space != std::string::npos && line.find('-') < space && line.find(':') > space;
}

}  // namespace

int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t size = 0, resident = 0;
  if (!(file >> size >> resident)) return 0;
  return resident * sysconf(_SC_PAGESIZE);
}

int64_t peak_resident_bytes() {
  // Not getrusage: a process that is started by another without a fork begins with that one's peak.
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, 6, "VmHWM:") == 0) return std::stoll(line.substr(6)) * kBytesInKb;
  }
  return 0;
}

int64_t resident_in_files_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t size = 0, resident = 0, shared = 0;
  if (!(file >> size >> resident >> shared)) return 0;
  return shared * sysconf(_SC_PAGESIZE);
}

int64_t resident_file_bytes(const std::filesystem::path& file) {
  std::error_code failure;
  const std::string path = std::filesystem::canonical(file, failure).string();
  if (failure) return 0;
  std::ifstream maps("/proc/self/smaps");
  int64_t bytes = 0;
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    if (begins_mapping(line)) {
      inside = line.size() > path.size() &&
               line.compare(line.size() - path.size(), path.size(), path) == 0;
    } else if (inside && line.compare(0, 4, "Rss:") == 0) {
      bytes += std::stoll(line.substr(4)) * kBytesInKb;
    }
  }
  return bytes;
}

ProcessorTimes processor_times() {
  ProcessorTimes times;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  times.own_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  std::ifstream file("/proc/stat");
  std::string name;
  // proc(5): user nice system idle iowait irq softirq steal
  double ticks[8] = {};
  file >> name;
  for (double& tick : ticks) file >> tick;
  const auto rate = static_cast<double>(sysconf(_SC_CLK_TCK));
  double sum = 0;
  for (const double tick : ticks) sum += tick;
  times.steal_s = ticks[7] / rate;
  times.total_s = sum / rate;
  times.busy_s = (sum - ticks[3] - ticks[4] - ticks[7]) / rate;
  return times;
}

OtherLoad load_between(const ProcessorTimes& before, const ProcessorTimes& after) {
  const double total = after.total_s - before.total_s;
  if (total <= 0) return {};
  const double own = after.own_s - before.own_s;
  const double busy = after.busy_s - before.busy_s;
  return {std::clamp((busy - own) / total, 0.0, 1.0),
          std::clamp((after.steal_s - before.steal_s) / total, 0.0, 1.0)};
}

std::optional<double> load_average() {
  double average = 0;
  if (getloadavg(&average, 1) != 1) return std::nullopt;
  return average;
}

}  // namespace fpcls
