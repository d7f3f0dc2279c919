#pragma once

#include "run/bench.h"

/// Measuring one case in this process. Internal to lib/run.
namespace fpcls {

struct BenchCase {
  std::string model;
  ExecutorKind executor = ExecutorKind::automatic;
  FloatType float_type = FloatType::f32;
  int batch = 1;
  int workers = 1;
};

/// Whether `model` names a cascade's YAML file.
bool is_cascade_file(const std::string& model);

/// Measures one model. All but the case comes from `options`.
BenchRecord measure_model(const BenchOptions& options, const BenchCase& what);
/// Measures a cascade on --images, from the files to the labels.
BenchRecord measure_cascade(const BenchOptions& options, const BenchCase& what);

/// How the case's scores depend on batch size and threads.
std::vector<BenchNoise> measure_noise(const BenchOptions& options, const BenchCase& what);

// What both kinds of case share.

RuntimeOptions runtime_of(const BenchOptions& options, const BenchCase& what);
int threads_of(const BenchOptions& options, const BenchCase& what);
/// Opens the libraries that the case needs, so that they count as the program's and not as the
/// model's memory and time.
void open_libraries(const BenchOptions& options, const BenchCase& what);
BenchLatency latency_of(const std::vector<float>& sorted_ms);
/// Notes what the process takes before anything is loaded.
void open_ledger(BenchMemory& memory);
/// Notes what reading the model's file left, and then what making its executor left.
void model_read(BenchMemory& memory);
void model_compiled(BenchMemory& memory);
/// Fills in what the process takes now, and what none of the parts explains.
void close_ledger(BenchMemory& memory);
/// The part of the file's resident pages that isn't weights in use.
int64_t unused_file_bytes(const std::string& model, int64_t weights_bytes);

/// Watches what else the machine does until `finish`.
class MachineWatch {
 public:
  MachineWatch();
  BenchMachine finish() const;

 private:
  BenchMachine machine_;
  double own_s_ = 0, busy_s_ = 0, steal_s_ = 0, total_s_ = 0;
};

}  // namespace fpcls
