#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "predictions/prediction.h"

/// Temperature scaling (Guo et al. 2017): one number by which a model's logits are divided, so that
/// its confidence says how often it is right. The order of scores stays, and so does every answer
/// at a threshold of 0.5; other thresholds stand for other pictures afterwards.
namespace fpcls {

/// A score in 0..1 of a binary model, and whether its label was the truth.
struct ScoredPicture {
  float score = 0;
  bool positive = false;
};

/// The score after dividing its logit by `temperature` > 0. 0 and 1 stay what they are.
double at_temperature(float score, double temperature);

/// Mean of -log of the confidence in the truth, in nats. Scores of 0 and 1 count as 1e-7 from it:
/// float32 has none nearer to 1. At least one picture.
double log_loss(const std::vector<ScoredPicture>& pictures, double temperature);

/// Expected calibration error over 15 equal bins of the score: the mean distance, in 0..1, between
/// a bin's mean score and its share of positives, weighted by its pictures.
double calibration_error(const std::vector<ScoredPicture>& pictures, double temperature);

/// The temperature of least log loss, between 0.05 and 20, by golden section on its logarithm
/// (the loss is convex in 1 / temperature). Absent where all pictures are of one kind, or the best
/// lies at an end: such scores tell nothing of the temperature.
std::optional<double> fit_temperature(const std::vector<ScoredPicture>& pictures);

}  // namespace fpcls
