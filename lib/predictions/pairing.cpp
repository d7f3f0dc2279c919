#include "predictions/pairing.h"

namespace fpcls {
namespace {

/// One side: its prediction that is next to be paired.
class Side {
 public:
  Side(const SortedSource& source, PairBy by) : source_(source), by_(by) {
    advance();
    // Content that isn't known sorts first.
    while (by_ == PairBy::content && there_ && head_.sha256.empty()) {
      ++unread_;
      advance();
    }
  }

  bool there() const { return there_; }
  const Prediction& head() const { return head_; }
  const std::string& key() const { return by_ == PairBy::content ? head_.sha256 : head_.path; }
  int64_t unread() const { return unread_; }
  void advance() { there_ = source_(head_); }

  void leave(int64_t& count, std::string& first) {
    if (++count == 1) first = head_.path;
    advance();
  }

 private:
  const SortedSource& source_;
  PairBy by_;
  Prediction head_;
  bool there_ = false;
  int64_t unread_ = 0;
};

}  // namespace

PairingCounts for_each_pair(
    const SortedSource& base, const SortedSource& candidate, PairBy by,
    const std::function<void(const Prediction& base, const Prediction& candidate)>& use) {
  PairingCounts counts;
  Side before(base, by), now(candidate, by);
  while (before.there() || now.there()) {
    const int order = !before.there() ? 1 : !now.there() ? -1 : before.key().compare(now.key());
    if (order < 0) {
      before.leave(counts.base_only, counts.first_base_only);
    } else if (order > 0) {
      now.leave(counts.candidate_only, counts.first_candidate_only);
    } else {
      ++counts.paired;
      use(before.head(), now.head());
      before.advance();
      now.advance();
    }
  }
  counts.base_unread = before.unread();
  counts.candidate_unread = now.unread();
  return counts;
}

}  // namespace fpcls
