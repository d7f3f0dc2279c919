#pragma once

#include <gtest/gtest.h>

#include "predictions/prediction.h"

namespace fpcls {

/// Expects every field of two predictions to be the same, times too.
inline void expect_same(const Prediction& a, const Prediction& b) {
  EXPECT_EQ(a.row, b.row);
  EXPECT_EQ(a.path, b.path);
  EXPECT_EQ(a.slice, b.slice);
  EXPECT_EQ(a.sha256, b.sha256);
  EXPECT_EQ(a.label, b.label);
  EXPECT_EQ(a.predicted, b.predicted);
  EXPECT_EQ(a.stage, b.stage);
  EXPECT_EQ(a.reason_code, b.reason_code);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.decode_ms, b.decode_ms);
  EXPECT_EQ(a.resize_ms, b.resize_ms);
  EXPECT_EQ(a.other_ms, b.other_ms);
  EXPECT_EQ(a.warnings, b.warnings);
  EXPECT_EQ(a.cache, b.cache);
  ASSERT_EQ(a.scores.size(), b.scores.size()) << a.path;
  for (size_t i = 0; i < a.scores.size(); ++i) {
    EXPECT_EQ(a.scores[i].stage, b.scores[i].stage);
    EXPECT_EQ(a.scores[i].scores, b.scores[i].scores);
    EXPECT_EQ(a.scores[i].ms, b.scores[i].ms);
  }
}

}  // namespace fpcls
