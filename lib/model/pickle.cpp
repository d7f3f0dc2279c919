#include "model/pickle.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "base/error.h"
#include "base/text.h"
#include "model/pickle_opcodes.h"

namespace fpcls {
namespace {

using Kind = PickledValue::Kind;

// ResNet-152's state dict takes 50,000 instructions.
constexpr int64_t kMaxInstructions = 500'000;
constexpr size_t kMaxKeyBytes = 64;
constexpr size_t kMaxAxes = 16;

constexpr std::string_view kOrderedDict = "collections.OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kStorageTypes[] = {
    "FloatStorage", "HalfStorage",  "BFloat16Storage", "DoubleStorage", "LongStorage",
    "IntStorage",   "ShortStorage", "CharStorage",     "ByteStorage",   "BoolStorage"};

bool is_allowed(std::string_view name) {
  if (name == kOrderedDict || name == kRebuildTensor || name == kRebuildParameter) return true;
  constexpr std::string_view kTorch = "torch.";
  if (name.substr(0, kTorch.size()) != kTorch) return false;
  name.remove_prefix(kTorch.size());
  return std::find(std::begin(kStorageTypes), std::end(kStorageTypes), name) !=
         std::end(kStorageTypes);
}

/// The machine that a pickle programs: a stack of values, marks in it, and a memo.
class Machine {
 public:
  Machine(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  Pickle run() {
    for (int64_t i = 0; i < kMaxInstructions; ++i) {
      const auto opcode = static_cast<unsigned char>(take(1)[0]);
      if (opcode == kStop) {
        result_.root = pop();
        return std::move(result_);
      }
      step(opcode);
    }
    fail("{}: its pickle has more than {} instructions", where_, kMaxInstructions);
  }

 private:
  [[noreturn]] void damaged(const char* what) const {
    fail("{}: is damaged: its pickle {} at byte {}", where_, what, position_);
  }

  std::string_view take(uint64_t count) {
    if (count > bytes_.size() - position_) damaged("ends too early");
    const std::string_view taken = bytes_.substr(position_, static_cast<size_t>(count));
    position_ += static_cast<size_t>(count);
    return taken;
  }

  /// An unsigned little-endian number of `size` bytes.
  uint64_t number(size_t size) {
    uint64_t value = 0;
    const std::string_view raw = take(size);
    std::memcpy(&value, raw.data(), size);
    return value;
  }

  std::string line() {
    const size_t end = bytes_.find('\n', position_);
    if (end == std::string_view::npos) damaged("has a line without end");
    const std::string_view taken = take(end + 1 - position_);
    return std::string(taken.substr(0, taken.size() - 1));
  }

  PickledValue& push(Kind kind) {
    PickledValue& value = result_.values.emplace_back();
    value.kind = kind;
    stack_.push_back(&value);
    return value;
  }

  PickledValue* pop() {
    if (stack_.empty() || (!marks_.empty() && stack_.size() <= marks_.back())) {
      damaged("takes from an empty stack");
    }
    PickledValue* value = stack_.back();
    stack_.pop_back();
    return value;
  }

  PickledValue* pop(Kind kind, const char* complaint) {
    PickledValue* value = pop();
    if (value->kind != kind) damaged(complaint);
    return value;
  }

  PickledValue& top(Kind kind, const char* complaint) {
    PickledValue* value = pop();
    if (value->kind != kind) damaged(complaint);
    stack_.push_back(value);
    return *value;
  }

  std::vector<PickledValue*> pop_to_mark() {
    if (marks_.empty()) damaged("has no mark");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickledValue*> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }

  void push_tuple(size_t count) {
    std::vector<PickledValue*> items(count);
    for (size_t i = count; i > 0; --i) items[i - 1] = pop();
    push(Kind::tuple).items = std::move(items);
  }

  void step(unsigned char opcode) {
    if (!step_data(opcode) && !step_container(opcode) && !step_memo(opcode) &&
        !step_object(opcode)) {
      fail(
          "{}: its pickle has the instruction 0x{:02x}, which no state dict of PyTorch needs; "
          "save model.state_dict()",
          where_, opcode);
    }
  }

  bool step_data(unsigned char opcode) {
    switch (opcode) {
      case kProto:
        if (number(1) > 5) damaged("has an unknown protocol");
        return true;
      case kFrame:
        take(8);
        return true;
      case kNone:
        push(Kind::none);
        return true;
      case kNewTrue:
      case kNewFalse:
        push(Kind::boolean).integer = opcode == kNewTrue;
        return true;
      case kBinInt:
        push(Kind::integer).integer = static_cast<int32_t>(number(4));
        return true;
      case kBinInt1:
        push(Kind::integer).integer = static_cast<int64_t>(number(1));
        return true;
      case kBinInt2:
        push(Kind::integer).integer = static_cast<int64_t>(number(2));
        return true;
      case kLong1:
        push_long(number(1));
        return true;
      case kBinFloat:
        take(8);  // no tensor's place or shape is a float: what it is doesn't matter
        push(Kind::real);
        return true;
      case kBinUnicode:
        push_text(number(4));
        return true;
      case kShortBinUnicode:
        push_text(number(1));
        return true;
      case kBinUnicode8:
        push_text(number(8));
        return true;
      default:
        return false;
    }
  }

  void push_text(uint64_t size) {
    const std::string_view text = take(size);
    push(Kind::text).text = text;
  }

  void push_long(uint64_t size) {
    if (size > sizeof(int64_t)) damaged("has an integer of more than 64 bits");
    uint64_t value = number(static_cast<size_t>(size));
    const unsigned unused = 64 - 8 * static_cast<unsigned>(size);
    // Two's complement: the topmost bit that is there fills those that aren't.
    const int64_t extended = size == 0 ? 0 : static_cast<int64_t>(value << unused) >> unused;
    push(Kind::integer).integer = extended;
  }

  bool step_container(unsigned char opcode) {
    switch (opcode) {
      case kMark:
        marks_.push_back(stack_.size());
        return true;
      case kPop:
        pop();
        return true;
      case kPopMark:
        pop_to_mark();
        return true;
      case kDup:
        stack_.push_back(pop());
        stack_.push_back(stack_.back());
        return true;
      case kEmptyList:
        push(Kind::list);
        return true;
      case kEmptyTuple:
        push(Kind::tuple);
        return true;
      case kEmptyDict:
        push(Kind::dict);
        return true;
      case kTuple: {
        std::vector<PickledValue*> items = pop_to_mark();
        push(Kind::tuple).items = std::move(items);
        return true;
      }
      case kTuple1:
      case kTuple2:
      case kTuple3:
        push_tuple(1u + opcode - kTuple1);
        return true;
      case kAppend:
        extend(Kind::list, {pop()});
        return true;
      case kAppends:
        extend(Kind::list, pop_to_mark());
        return true;
      case kSetItem: {
        PickledValue* value = pop();
        PickledValue* key = pop();
        extend(Kind::dict, {key, value});
        return true;
      }
      case kSetItems:
        extend(Kind::dict, pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  void extend(Kind kind, const std::vector<PickledValue*>& items) {
    PickledValue& target = top(kind, "adds to what is no list or dict");
    if (kind == Kind::dict && items.size() % 2 != 0) damaged("has a key without a value");
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  bool step_memo(unsigned char opcode) {
    switch (opcode) {
      case kBinGet:
        get(number(1));
        return true;
      case kLongBinGet:
        get(number(4));
        return true;
      case kBinPut:
        put(number(1));
        return true;
      case kLongBinPut:
        put(number(4));
        return true;
      case kMemoize:
        put(memo_.size());
        return true;
      default:
        return false;
    }
  }

  void get(uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) damaged("recalls what it hasn't noted");
    stack_.push_back(found->second);
  }

  void put(uint64_t index) {
    PickledValue* value = pop();
    stack_.push_back(value);
    memo_[index] = value;
  }

  bool step_object(unsigned char opcode) {
    switch (opcode) {
      case kGlobal:
      case kInst: {
        const std::string module = line();
        push_global(module + "." + line());
        if (opcode == kInst) damaged("calls an object");
        return true;
      }
      case kStackGlobal: {
        const PickledValue* name = pop(Kind::text, "names an object without text");
        const PickledValue* module = pop(Kind::text, "names an object without text");
        push_global(module->text + "." + name->text);
        return true;
      }
      case kReduce:
        reduce();
        return true;
      case kBuild:
        // Sets attributes of a dict, such as a state dict's version numbers: nothing of use.
        pop();
        top(Kind::dict, "sets attributes of what is no dict");
        return true;
      case kBinPersId:
        push_storage(*pop(Kind::tuple, "has a storage that isn't described"));
        return true;
      default:
        return false;
    }
  }

  void push_global(const std::string& name) {
    if (!is_allowed(name)) {
      fail(
          "{}: asks for the object {}, which is not part of a state dict; nothing of it was run; "
          "save model.state_dict() to have a file of tensors only",
          where_, quoted(name.substr(0, 200)));
    }
    push(Kind::global).text = name;
  }

  void reduce() {
    const PickledValue* arguments = pop(Kind::tuple, "calls without arguments");
    const PickledValue* callee = pop(Kind::global, "calls what is no object");
    if (callee->text == kOrderedDict) {
      if (!arguments->items.empty()) damaged("has an OrderedDict with arguments");
      push(Kind::dict);
    } else if (callee->text == kRebuildTensor) {
      push_tensor(arguments->items);
    } else if (callee->text == kRebuildParameter) {
      if (arguments->items.empty() || arguments->items[0]->kind != Kind::tensor) {
        damaged("has a parameter that is no tensor");
      }
      stack_.push_back(arguments->items[0]);
    } else {
      damaged("calls a storage type");
    }
  }

  /// ('storage', type, key, device, number of elements).
  void push_storage(const PickledValue& description) {
    const auto& items = description.items;
    const bool sound = items.size() == 5 && items[0]->kind == Kind::text &&
                       items[0]->text == "storage" && items[1]->kind == Kind::global &&
                       items[2]->kind == Kind::text && items[4]->kind == Kind::integer;
    if (!sound) damaged("has a storage that isn't described");
    constexpr std::string_view kTorch = "torch.";
    if (items[1]->text.compare(0, kTorch.size(), kTorch) != 0 || items[1]->text[6] == '_') {
      damaged("has a storage of no type");
    }
    // A long key would be copied for every tensor.
    if (items[2]->text.size() > kMaxKeyBytes) damaged("has a storage with too long a name");
    push(Kind::storage).tensor = std::make_unique<PickledTensor>(PickledTensor{
        {items[2]->text, items[1]->text.substr(kTorch.size()), items[4]->integer}, 0, {}, {}});
  }

  Shape integers(const PickledValue& value) const {
    if (value.kind != Kind::tuple || value.items.size() > kMaxAxes) {
      damaged("has a tensor without a shape");
    }
    Shape result;
    for (const PickledValue* item : value.items) {
      if (item->kind != Kind::integer) damaged("has a shape that isn't integers");
      result.push_back(item->integer);
    }
    return result;
  }

  /// (storage, offset, shape, strides, requires_grad, hooks, …).
  void push_tensor(const std::vector<PickledValue*>& arguments) {
    if (arguments.size() < 4 || arguments[0]->kind != Kind::storage ||
        arguments[1]->kind != Kind::integer) {
      damaged("has a tensor that isn't described");
    }
    auto tensor = std::make_unique<PickledTensor>(
        PickledTensor{arguments[0]->tensor->storage, arguments[1]->integer, integers(*arguments[2]),
                      integers(*arguments[3])});
    if (tensor->shape.size() != tensor->strides.size()) damaged("has a tensor of odd strides");
    push(Kind::tensor).tensor = std::move(tensor);
  }

  const std::string_view bytes_;
  const std::string& where_;
  size_t position_ = 0;
  Pickle result_;
  std::vector<PickledValue*> stack_;
  std::vector<size_t> marks_;  // the stack's size when each was set
  std::unordered_map<uint64_t, PickledValue*> memo_;
};

}  // namespace

const PickledValue* PickledValue::find(std::string_view key) const {
  for (size_t i = 0; kind == Kind::dict && i + 1 < items.size(); i += 2) {
    if (items[i]->kind == Kind::text && items[i]->text == key) return items[i + 1];
  }
  return nullptr;
}

Pickle read_pickle(std::string_view bytes, const std::string& where) {
  return Machine(bytes, where).run();
}

}  // namespace fpcls
