#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "error_of.h"
#include "exec/backend.h"
#include "unit/graph/graphs.h"
#include "unit/torch/script_maker.h"

/// Imports small TorchScript files and compares what they compute with what libtorch says.
namespace fpcls {

/// What all of them read.
inline const Shape kInput{1, 3, 8, 8};

/// A new name in a folder that goes when the tests end.
std::filesystem::path fresh_path();

Tensor random_tensor(const Shape& shape, uint64_t seed, double low = -1, double high = 1);

Graph import(const std::filesystem::path& path, const Shape& input = kInput);

/// Imports what `maker` makes, and compares with what libtorch says of one picture, and two
/// pictures at once with each alone.
Graph expect_imported(const ScriptMaker& maker, bool frozen = false);

/// What the import of what `maker` makes is refused with; the file's name comes first.
std::string refusal_of(const ScriptMaker& maker);

/// forward(x) of a single module, with its `body`.
ScriptMaker top(const std::string& body);

}  // namespace fpcls
