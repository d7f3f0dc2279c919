#pragma once

#include <string>
#include <vector>

/// What a classifier's outputs mean, and how they become scores.
namespace fpcls {

/// The labels behind a network's outputs. Three forms:
///
/// * one output, a logit: `labels` = {positive}; its score is sigmoid(logit);
/// * two outputs, `positive` >= 0: a binary classifier whose score is softmax(logits)[positive];
/// * any number of outputs with `positive` = -1: a multi-class model, a score for each label.
struct Head {
  std::vector<std::string> labels;  ///< one for each output, unique
  int positive = -1;                ///< index into `labels`; -1 for a multi-class model
  /// Divides the logits before they become scores, so that confidence says how often the model is
  /// right (Guo et al. 2017). Above 0.
  float temperature = 1;

  bool binary() const { return positive >= 0; }
  /// Labels that get a score each: the positive one, or all of a multi-class model.
  std::vector<std::string> scored_labels() const {
    return binary() ? std::vector<std::string>{labels[static_cast<size_t>(positive)]} : labels;
  }
};

/// Scores, in 0..1, in the order of `scored_labels()`, of one picture's `logits`, of which there
/// are as many as the head has labels. Computed in double and rounded to float32 once, which is
/// what is stored and compared with thresholds.
std::vector<float> scores_of(const Head& head, const float* logits);

/// Throws Error (beginning with `where`) unless the head suits a network with `outputs` outputs.
void check_head(const Head& head, int outputs, const std::string& where);

}  // namespace fpcls
