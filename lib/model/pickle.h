#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/tensor.h"

/// A reader of the pickles that PyTorch writes for tensors, and of nothing else. A pickle is a
/// program; this one knows the instructions that build None, numbers, strings, lists, tuples,
/// dictionaries and tensors, calls no function, and refuses any other object by its name. Internal
/// to this folder.
namespace fpcls {

/// The numbers behind one tensor or several: a file of the archive.
struct PickledStorage {
  std::string key;    ///< its file is "data/<key>"
  std::string type;   ///< "FloatStorage"
  int64_t count = 0;  ///< of elements
};

/// A view of a storage; nothing has been checked or read yet.
struct PickledTensor {
  PickledStorage storage;
  int64_t offset = 0;  ///< in elements
  Shape shape, strides;
};

struct PickledValue {
  enum class Kind {
    none,
    boolean,
    integer,
    real,
    text,
    list,
    tuple,
    dict,
    global,
    storage,
    tensor
  };

  Kind kind = Kind::none;
  int64_t integer = 0;
  std::string text;                       ///< of a text; "module.name" of a global
  std::vector<PickledValue*> items;       ///< of a list or tuple; key, value, key, … of a dict
  std::unique_ptr<PickledTensor> tensor;  ///< of a tensor; of a storage its `storage` only

  /// The value under a text key of a dict, or null.
  const PickledValue* find(std::string_view key) const;
};

/// Owns every value of a pickle, so that none owns another: loops and depth do no harm.
struct Pickle {
  std::deque<PickledValue> values;
  const PickledValue* root = nullptr;
};

/// Throws Error, beginning with `where`, on what is damaged, too large or not plain data.
Pickle read_pickle(std::string_view bytes, const std::string& where);

}  // namespace fpcls
