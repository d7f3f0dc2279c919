#pragma once

#include <string>

#include "report/document.h"
#include "run/gate.h"

/// A gate's answer as people, CI systems and programs read it.
namespace fpcls {

/// Tables by name: checks, limits, speed, differences, flips (the first few), migration_<stage>,
/// slices.
Document gate_document(const GateResult& result);

/// Every check in one table, for CSV.
Table all_checks_table(const GateResult& result);

/// Every picture whose answer changed.
Table flips_table(const GateResult& result);

std::string gate_json(const GateResult& result);

/// One test case a check. What is undecided is an error, or skipped where it counts as a pass.
std::string gate_junit(const GateResult& result);

/// The answer in the form that is asked for.
std::string format_gate(const GateResult& result, GateFormat format);

/// What decided, in one line: "recall.wireframe dropped by 1.20 points (95 → 93.8 %), ...".
std::string check_sentence(const GateCheck& check);

/// The check of classes, and the slice, with the largest drop; nullptr where nothing dropped.
const GateCheck* worst_class(const GateResult& result);
const SliceComparison* worst_slice(const GateResult& result);

/// The folder of --out: made, and refused, before the work starts.
class GateOutputFolder {
 public:
  explicit GateOutputFolder(const GateOptions& options);
  /// Writes gate.html, gate.md, gate.xml, checks.csv, flips.csv and last gate.json; nothing without
  /// --out.
  void write(const GateResult& result) const;

 private:
  GateOptions options_;
};

}  // namespace fpcls
