#include "run/environment.h"

#include <array>
#include <ctime>
#include <fstream>
#include <set>
#include <sstream>

#include "exec/backend.h"

namespace fpcls {
namespace {

/// The value of the first line of /proc/cpuinfo that begins with `key`.
std::string cpu_field(const std::string& key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (line.compare(0, key.size(), key) == 0 && colon != std::string::npos) {
      return colon + 2 <= line.size() ? line.substr(colon + 2) : "";
    }
  }
  return "";
}

}  // namespace

std::string cpu_name() {
  const std::string name = cpu_field("model name");
  return name.empty() ? "unknown CPU" : name.substr(0, name.find(" @"));
}

std::string isa_names() {
  constexpr std::array kWanted = {"sse4_2",      "avx2",        "avx_vnni", "avx512f",
                                  "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"};
  std::istringstream flags(cpu_field("flags"));
  std::set<std::string> present;
  for (std::string flag; flags >> flag;) present.insert(flag);
  std::string names;
  for (const char* flag : kWanted) {
    if (present.count(flag) > 0) names += (names.empty() ? "" : " ") + std::string(flag);
  }
  return names;
}

std::string int8_instructions(const std::string& isa) {
  const auto has = [&](const char* name) { return isa.find(name) != std::string::npos; };
  if (has("vnni") || has("amx_int8")) return "VNNI";
  if (has("avx512f")) return "AVX-512 without VNNI";
  return has("avx2") ? "AVX2 without VNNI" : "SSE";
}

std::string int8_instructions() {
  const std::string isa = engine_backend().isa();
  if (isa == "avx512") return "AVX-512 without VNNI";
  if (isa == "avx2") return "AVX2 without VNNI";
  return isa == "avx" || isa == "sse4.1" ? "SSE" : "VNNI";
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace fpcls
