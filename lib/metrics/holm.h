#pragma once

#include <vector>

/// Several tests at once, such that the risk of even one false alarm among them stays what was
/// asked for, however they hang together. Holm 1979.
namespace fpcls {

/// For each p-value the smallest risk over the whole family at which its test rejects.
std::vector<double> holm_adjusted(const std::vector<double>& p);

/// For each test the risk that it is run at when the family's is `risk`: the smallest p-value's
/// gets risk / m, the next risk / (m - 1), and from the first that doesn't reject on all the same.
/// A test rejects exactly where its p-value is at most its risk, so an interval at that risk agrees
/// with the decision.
std::vector<double> holm_risks(const std::vector<double>& p, double risk);

}  // namespace fpcls
