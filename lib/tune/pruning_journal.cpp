#include "tune/pruning_journal.h"

#include <cstdio>
#include <sstream>

#include "base/error.h"
#include "base/text.h"
#include "model/model_file.h"

namespace fpcls {
namespace {

constexpr const char* kFingerprint = "schedule";
constexpr const char* kKeep = "schedule_keeps";
constexpr const char* kSteps = "schedule_steps";

/// Numbers in hexadecimal, so that they come back bit for bit.
std::string figures_text(const ValidationFigures& v) {
  return fmt::format("{:a} {:a} {:a} {:a} {:a} {:a} {:a}", v.loss, v.accuracy, v.balanced_accuracy,
                     v.at_least_ratio[0], v.at_least_ratio[1], v.at_least_ratio[2],
                     v.at_least_ratio[3]);
}

bool read_figures(std::istringstream& line, ValidationFigures& v) {
  double* const fields[] = {&v.loss,
                            &v.accuracy,
                            &v.balanced_accuracy,
                            &v.at_least_ratio[0],
                            &v.at_least_ratio[1],
                            &v.at_least_ratio[2],
                            &v.at_least_ratio[3]};
  for (double* field : fields) {
    std::string text;
    if (!(line >> text) || std::sscanf(text.c_str(), "%la", field) != 1) return false;
  }
  return true;
}

std::string steps_text(const std::vector<PruningStep>& steps) {
  std::string text;
  for (const PruningStep& s : steps) {
    text += fmt::format("{} {:a} {} {} {} {} {} {}\n", s.step, s.ratio, s.costs.parameters,
                        s.costs.macs, s.costs.channels, s.costs.size_bytes, figures_text(s.cut),
                        figures_text(s.trained));
  }
  return text;
}

std::vector<PruningStep> parse_steps(const std::string& text, const std::string& where) {
  std::vector<PruningStep> steps;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    PruningStep s;
    std::istringstream fields(line);
    std::string ratio;
    fields >> s.step >> ratio >> s.costs.parameters >> s.costs.macs >> s.costs.channels >>
        s.costs.size_bytes;
    const bool read = fields && std::sscanf(ratio.c_str(), "%la", &s.ratio) == 1 &&
                      read_figures(fields, s.cut) && read_figures(fields, s.trained);
    if (!read) fail("{}: its steps can't be read; delete it to start again", where);
    steps.push_back(s);
  }
  return steps;
}

std::string wanted_value(const Metadata& metadata, const char* key, const std::string& where) {
  for (const auto& [name, value] : metadata.provenance) {
    if (name == key) return value;
  }
  fail("{}: is a model, but no journal of a schedule; name another file", where);
}

}  // namespace

void save_pruning_journal(const std::filesystem::path& path, const PruningJournal& journal,
                          const Metadata& metadata) {
  Metadata full = metadata;
  std::string keep;
  for (const bool kept : journal.keep) keep += kept ? '1' : '0';
  full.provenance.emplace_back(kFingerprint, journal.fingerprint);
  full.provenance.emplace_back(kKeep, keep);
  full.provenance.emplace_back(kSteps, steps_text(journal.steps));
  save_model_file(path, journal.graph, full);
}

std::optional<PruningJournal> load_pruning_journal(const std::filesystem::path& path,
                                                   const std::string& fingerprint, size_t units) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const std::string where = quoted(path);
  ModelFile file = load_model_file(path);
  if (wanted_value(file.metadata, kFingerprint, where) != fingerprint) {
    fail(
        "{}: is of a schedule with another model, other pictures or options; delete it to start "
        "again, or name another file",
        where);
  }
  const std::string kept = wanted_value(file.metadata, kKeep, where);
  if (kept.size() != units) fail("{}: is of another network; delete it to start again", where);
  PruningJournal journal{fingerprint, std::move(file.graph), {}, {}};
  for (const char c : kept) journal.keep.push_back(c == '1');
  journal.steps = parse_steps(wanted_value(file.metadata, kSteps, where), where);
  return journal;
}

}  // namespace fpcls
