#include "tune/training.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <future>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/text.h"
#include "tune/checkpoint.h"
#include "tune/schedule.h"

namespace fpcls {
namespace {

/// Which of the seed's independent parts is used for what.
constexpr uint64_t kShuffleSeed = 1;
constexpr uint64_t kAugmentSeed = 2;

/// Probability of the correct class.
double correct_probability(const Head& head, const float* logits, int target) {
  const size_t outputs = head.labels.size();
  if (outputs == 1) {
    const double positive = 1 / (1 + std::exp(-double{logits[0]} / double{head.temperature}));
    return target == 1 ? positive : 1 - positive;
  }
  const double largest = *std::max_element(logits, logits + outputs);
  double sum = 0;
  for (size_t i = 0; i < outputs; ++i) {
    sum += std::exp((logits[i] - largest) / double{head.temperature});
  }
  return std::exp((logits[target] - largest) / double{head.temperature}) / sum;
}

bool predicts(const Head& head, const float* logits, int target) {
  const size_t outputs = head.labels.size();
  if (outputs == 1) return (logits[0] >= 0) == (target == 1);
  return std::max_element(logits, logits + outputs) - logits == target;
}

/// Weight of each target's pictures in the loss; the mean over the pictures is 1.
std::map<int, float> target_weights(const TrainingSet& set, bool balance) {
  std::map<int, int64_t> counts;
  for (const int target : set.targets) ++counts[target];
  std::map<int, float> weights;
  for (const auto& [target, count] : counts) {
    weights[target] =
        balance
            ? static_cast<float>(static_cast<double>(set.size()) /
                                 (static_cast<double>(counts.size()) * static_cast<double>(count)))
            : 1.0F;
  }
  return weights;
}

/// One training: its data, its place in the schedule, the best so far.
class Training {
 public:
  Training(Trainer& trainer, const Graph& initial, const Head& head, const TrainingSet& training,
           const TrainingSet& validation, const TrainingPlan& plan, const std::string& fingerprint)
      : trainer_(trainer),
        initial_(initial),
        head_(head),
        training_(training),
        validation_(validation),
        plan_(plan),
        weights_(target_weights(training, plan.balance_classes)),
        batch_size_(std::min<int64_t>(plan.batch_size, training.size())),
        steps_(training.size() / batch_size_),
        fingerprint_(full_fingerprint(fingerprint)),
        result_{initial, 0, {}, false, ""} {}

  TrainingResult run() {
    if (plan_.resume && !plan_.checkpoint.empty()) resume();
    std::optional<Progress> own;
    if (plan_.progress == nullptr) {
      own.emplace("training", "steps", plan_.epochs * steps_, plan_.quiet);
    }
    Progress& progress = own ? *own : *plan_.progress;
    progress.advance(static_cast<int64_t>(result_.history.size()) * steps_);
    for (int epoch = static_cast<int>(result_.history.size()); epoch < plan_.epochs; ++epoch) {
      if (out_of_patience()) {
        result_.stopped_early = true;
        break;
      }
      EpochRow row{epoch + 1, train_epoch(epoch, progress), 0, {}};
      if (!result_.divergence.empty()) break;
      row.learning_rate = learning_rate(epoch, steps_ - 1);
      row.validation = validate(trainer_, head_, validation_, plan_.batch_size);
      if (!std::isfinite(row.validation.loss)) {
        result_.divergence =
            fmt::format("the network's outputs are not finite after epoch {}", row.epoch);
        break;
      }
      keep_if_best(row);
      result_.history.push_back(row);
      progress.set_note(fmt::format("loss {:.3f}, validation accuracy {:.1f} %", row.loss,
                                    100 * row.validation.accuracy));
      if (!plan_.checkpoint.empty()) checkpoint();
    }
    return std::move(result_);
  }

 private:
  std::string full_fingerprint(const std::string& rest) const {
    return sha256_hex(fmt::format("{} {} {} {} {} {} {} {} {} {}", rest, plan_.epochs, batch_size_,
                                  plan_.learning_rate, plan_.warmup_ratio, plan_.balance_classes,
                                  plan_.patience, plan_.seed, plan_.best_by_bucket,
                                  plan_.teacher != nullptr));
  }

  double learning_rate(int epoch, int64_t step) const {
    return learning_rate_at(epoch * steps_ + step, plan_.epochs * steps_, plan_.learning_rate,
                            plan_.warmup_ratio);
  }

  /// The batch of one step, its pictures augmented by seeds of their own.
  TrainingBatch make_batch(const std::vector<int64_t>& order, int epoch, int64_t step) const {
    const uint64_t epoch_seed =
        derive_seed(derive_seed(plan_.seed, kAugmentSeed), static_cast<uint64_t>(epoch));
    const auto first = order.begin() + step * batch_size_;
    TrainingBatch batch =
        make_training_batch(training_, {first, first + batch_size_}, initial_.input_shape(),
                            plan_.augment, epoch_seed);
    for (const int target : batch.targets) batch.weights.push_back(weights_.at(target));
    if (plan_.teacher) plan_.teacher(batch);
    return batch;
  }

  /// Mean loss. The next batch is made while the network works on this one.
  double train_epoch(int epoch, Progress& progress) {
    std::vector<int64_t> order(static_cast<size_t>(training_.size()));
    std::iota(order.begin(), order.end(), 0);
    Random random(derive_seed(derive_seed(plan_.seed, kShuffleSeed), static_cast<uint64_t>(epoch)));
    random.shuffle(order);
    double sum = 0;
    auto next = std::async(std::launch::async, [&] { return make_batch(order, epoch, 0); });
    for (int64_t step = 0; step < steps_; ++step) {
      const TrainingBatch batch = next.get();
      if (step + 1 < steps_) {
        next = std::async(std::launch::async,
                          [&, step] { return make_batch(order, epoch, step + 1); });
      }
      const double loss = trainer_.step(batch, learning_rate(epoch, step));
      if (!std::isfinite(loss)) {
        if (next.valid()) next.wait();
        result_.divergence =
            fmt::format("the loss is {} at step {} of epoch {}", loss, step + 1, epoch + 1);
        return loss;
      }
      sum += loss;
      progress.advance();
    }
    return sum / static_cast<double>(steps_);
  }

  void keep_if_best(const EpochRow& row) {
    const auto rank = [this](const ValidationFigures& v) {
      const int bucket = plan_.best_by_bucket;
      return std::pair(
          bucket < 0 ? v.balanced_accuracy : v.at_least_ratio[static_cast<size_t>(bucket)],
          -v.loss);
    };
    const bool first = result_.best_epoch == 0;
    if (!first &&
        rank(row.validation) <=
            rank(result_.history[static_cast<size_t>(result_.best_epoch - 1)].validation)) {
      return;
    }
    result_.best = trainer_.graph();
    result_.best_epoch = row.epoch;
  }

  bool out_of_patience() const {
    return plan_.patience > 0 &&
           static_cast<int>(result_.history.size()) - result_.best_epoch >= plan_.patience;
  }

  void checkpoint() {
    save_checkpoint(plan_.checkpoint, {fingerprint_, trainer_.save_state(), result_.best,
                                       result_.best_epoch, result_.history});
  }

  void resume() {
    std::optional<Checkpoint> saved = load_checkpoint(plan_.checkpoint, initial_, fingerprint_);
    if (!saved) return;
    trainer_.load_state(saved->trainer_state);
    result_.best = std::move(saved->best);
    result_.best_epoch = saved->best_epoch;
    result_.history = std::move(saved->history);
  }

  Trainer& trainer_;
  const Graph& initial_;
  const Head& head_;
  const TrainingSet& training_;
  const TrainingSet& validation_;
  const TrainingPlan& plan_;
  const std::map<int, float> weights_;
  const int64_t batch_size_;
  const int64_t steps_;  // of an epoch; what is left of the pictures then waits for the next
  const std::string fingerprint_;
  TrainingResult result_;
};

}  // namespace

ValidationFigures validation_figures(const Head& head, const std::vector<float>& logits,
                                     const std::vector<int>& targets) {
  constexpr double kSmallest = 1e-12;  // of a probability, lest one picture make the loss infinite
  ValidationFigures figures;
  std::map<int, std::pair<int64_t, int64_t>> right_of_total;
  double loss = 0;
  int64_t right = 0;
  std::array<int64_t, kBucketBounds.size()> at_least{};
  for (size_t i = 0; i < targets.size(); ++i) {
    const float* row = logits.data() + i * head.labels.size();
    const double probability = correct_probability(head, row, targets[i]);
    const bool correct = predicts(head, row, targets[i]);
    loss -= std::log(std::max(probability, kSmallest));
    right += correct ? 1 : 0;
    for (size_t b = 0; b < at_least.size(); ++b) at_least[b] += probability >= kBucketBounds[b];
    auto& [class_right, class_total] = right_of_total[targets[i]];
    class_right += correct ? 1 : 0;
    ++class_total;
  }
  const auto count = static_cast<double>(std::max<size_t>(targets.size(), 1));
  for (const auto& [target, counts] : right_of_total) {
    figures.balanced_accuracy += static_cast<double>(counts.first) /
                                 static_cast<double>(counts.second) /
                                 static_cast<double>(right_of_total.size());
  }
  figures.loss = loss / count;
  figures.accuracy = static_cast<double>(right) / count;
  for (size_t b = 0; b < at_least.size(); ++b) {
    figures.at_least_ratio[b] = static_cast<double>(at_least[b]) / count;
  }
  return figures;
}

ValidationFigures validate(Trainer& trainer, const Head& head, const TrainingSet& set,
                           int batch_size) {
  std::vector<float> logits;
  for (int64_t first = 0; first < set.size(); first += batch_size) {
    const int64_t count = std::min<int64_t>(batch_size, set.size() - first);
    PixelBatch batch;
    batch.height = set.height;
    batch.width = set.width;
    batch.pixels.assign(set.picture(first), set.picture(first + count));
    for (int64_t i = first; i < first + count; ++i) batch.rows.push_back(i);
    const std::vector<float> some = trainer.evaluate(batch);
    logits.insert(logits.end(), some.begin(), some.end());
  }
  return validation_figures(head, logits, set.targets);
}

TrainingResult train(Trainer& trainer, const Graph& initial, const Head& head,
                     const TrainingSet& training, const TrainingSet& validation,
                     const TrainingPlan& plan, const std::string& fingerprint) {
  if (training.size() < 2) {
    fail("there are {} pictures to train on, expected 2 or more; add some", training.size());
  }
  if (validation.size() == 0)
    fail("there are no pictures to validate on; give more, or --validation");
  const Shape& input = initial.input_shape();
  FPCLS_CHECK(validation.height == input[2] && validation.width == input[3]);
  return Training(trainer, initial, head, training, validation, plan, fingerprint).run();
}

}  // namespace fpcls
