#pragma once

#include <string>
#include <vector>

/// Answers as a JUnit XML file, which CI systems show as test results.
namespace fpcls {

enum class JUnitOutcome {
  passed,
  failed,
  errored,  ///< no answer, and the job stops
  skipped,  ///< no answer, and the job goes on
};

struct JUnitCase {
  std::string group, name;
  JUnitOutcome outcome = JUnitOutcome::passed;
  std::string message;  ///< what is wrong, in one line; of what passed it isn't shown
};

std::string render_junit(const std::string& suite, const std::vector<JUnitCase>& cases);

}  // namespace fpcls
