#include "model/state_dict.h"

#include <gmock/gmock.h>

#include "unit/model/pickle_builder.h"

namespace fpcls {
namespace {

using testing::HasSubstr;
using namespace pickle;  // NOLINT: every line here is made of them

class StateDictTest : public testing::Test {
 protected:
  TensorMap read(const std::string& bytes) { return read_weights(folder_.with("w.pt", bytes)); }
  std::string complaint(const std::string& bytes) {
    return error_of([&] { read(bytes); });
  }
  /// What is said to a pickle that is damaged or hostile.
  std::string pickle_complaint(const std::string& value) {
    return complaint(torch_file(value, {{"0", raw<float>({1, 2, 3, 4, 5, 6})}}));
  }

  ScratchFolder folder_;
};

const std::string kSix = raw<float>({1, 2, 3, 4, 5, 6});

/// A state dict of one tensor called "w" that views six floats.
std::string one_tensor(int64_t offset, const std::vector<int64_t>& shape,
                       const std::vector<int64_t>& strides, int64_t count = 6) {
  return dict({{"w", tensor(storage("FloatStorage", "0", count), offset, shape, strides)}});
}

std::vector<float> floats(const Tensor& tensor) {
  const float* data = tensor.data<float>();
  return {data, data + tensor.count()};
}

/// The slow and obvious reading of a view of the numbers 1, 2, 3, …
std::vector<float> view_of(int64_t offset, int64_t rows, int64_t columns, int64_t down,
                           int64_t right) {
  std::vector<float> result;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      result.push_back(static_cast<float>(1 + offset + i * down + j * right));
    }
  }
  return result;
}

TEST_F(StateDictTest, ReadsATensor) {
  const TensorMap weights = read(torch_file(one_tensor(0, {2, 3}, {3, 1}), {{"0", kSix}}));
  ASSERT_EQ(weights.size(), 1u);
  EXPECT_EQ(weights.at("w").shape(), (Shape{2, 3}));
  EXPECT_EQ(floats(weights.at("w")), (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST_F(StateDictTest, FollowsStridesAndOffsets) {
  for (const auto& [offset, rows, columns, down, right] :
       std::vector<std::array<int64_t, 5>>{{0, 3, 2, 1, 3},
                                           {1, 2, 2, 3, 1},
                                           {0, 2, 2, 2, 2},
                                           {3, 3, 1, 1, 7},
                                           {5, 1, 1, 100, 100},
                                           {2, 3, 2, 1, 0},
                                           {1, 5, 1, 1, 1}}) {
    const std::string bytes =
        torch_file(one_tensor(offset, {rows, columns}, {down, right}), {{"0", kSix}});
    EXPECT_EQ(floats(read(bytes).at("w")), view_of(offset, rows, columns, down, right))
        << offset << " " << rows << " " << columns << " " << down << " " << right;
  }
}

TEST_F(StateDictTest, ReadsScalarsAndEmptyTensors) {
  const std::string bytes =
      torch_file(dict({{"scalar", tensor(storage("LongStorage", "0", 1), 0, {}, {})},
                       {"empty", tensor(storage("FloatStorage", "1", 0), 0, {0, 3}, {3, 1})}}),
                 {{"0", raw<int64_t>({-5})}, {"1", ""}});
  const TensorMap weights = read(bytes);
  EXPECT_EQ(weights.at("scalar").data<int64_t>()[0], -5);
  EXPECT_EQ(weights.at("empty").count(), 0);
  EXPECT_FALSE(weights.at("empty").empty());
}

TEST_F(StateDictTest, ConvertsFloatingTypesToFloat32AndKeepsIntegers) {
  const auto one = [&](const std::string& type, const std::string& bytes) {
    return read(torch_file(dict({{"w", tensor(storage(type, "0", 2), 1, {1}, {1})}}),
                           {{"0", bytes}}))
        .at("w");
  };
  EXPECT_EQ(one("HalfStorage", raw<uint16_t>({0, 0x3e00})).data<float>()[0], 1.5F);
  EXPECT_EQ(one("BFloat16Storage", raw<uint16_t>({0, 0x3fc0})).data<float>()[0], 1.5F);
  EXPECT_EQ(one("DoubleStorage", raw<double>({0, 0.1})).data<float>()[0], 0.1F);
  EXPECT_EQ(one("IntStorage", raw<int32_t>({0, -7})).data<int32_t>()[0], -7);
  EXPECT_EQ(one("ShortStorage", raw<int16_t>({0, -7})).data<int32_t>()[0], -7);
  EXPECT_EQ(one("CharStorage", raw<int8_t>({0, -7})).data<int8_t>()[0], -7);
  EXPECT_EQ(one("ByteStorage", raw<uint8_t>({0, 200})).data<uint8_t>()[0], 200);
  EXPECT_EQ(one("BoolStorage", raw<uint8_t>({0, 1})).data<uint8_t>()[0], 1);
}

TEST_F(StateDictTest, TakesCheckpointsParametersAndAttributes) {
  const std::string weight = tensor(storage("FloatStorage", "0", 6), 0, {6}, {1});
  const std::string parameter =
      global("torch._utils", "_rebuild_parameter") + tuple({weight, "\x88", ordered_dict()}) + "R";
  const std::string state = ordered_dict() + "(" + text("w") + parameter + "u" +
                            dict({{"_metadata", ordered_dict()}}) + "b";
  for (const char* key : {"state_dict", "model_state_dict", "model"}) {
    const std::string checkpoint =
        dict({{"epoch", integer(3)},
              {"loss", "G" + std::string(8, '\0')},
              {"best", tensor(storage("FloatStorage", "0", 6), 0, {}, {})},
              {"names", "](" + text("a") + "e"},
              {key, state}});
    const TensorMap weights = read(torch_file(checkpoint, {{"0", kSix}}));
    ASSERT_EQ(weights.size(), 1u) << key;
    EXPECT_EQ(floats(weights.at("w")).size(), 6u);
  }
}

TEST_F(StateDictTest, LeavesOutPrefixesThatAllNamesHave) {
  const std::string weight = tensor(storage("FloatStorage", "0", 6), 0, {6}, {1});
  const auto names = [&](const std::string& a, const std::string& b) {
    std::string all;
    for (const auto& [name, tensor] :
         read(torch_file(dict({{a, weight}, {b, weight}}), {{"0", kSix}}))) {
      all += name + " ";
    }
    return all;
  };
  EXPECT_EQ(names("module.a", "module.b"), "a b ");
  EXPECT_EQ(names("module.a", "b"), "b module.a ");
  EXPECT_EQ(names("_orig_mod.module.a", "_orig_mod.module.b"), "a b ");
}

TEST_F(StateDictTest, RefusesAPickleThatCallsOsSystem) {
  const auto marker = folder_ / "marker";
  const std::string call = global("os", "system") + tuple({text("touch " + marker.string())}) + "R";
  EXPECT_THAT(pickle_complaint(call), HasSubstr("asks for the object 'os.system', which is not"));
  EXPECT_THAT(pickle_complaint(dict({{"w", call}})), HasSubstr("'os.system'"));
  EXPECT_FALSE(std::filesystem::exists(marker));
}

TEST_F(StateDictTest, RefusesEveryOtherObjectByItsName) {
  EXPECT_THAT(pickle_complaint(text("posix") + text("system") + "\x93"),
              HasSubstr("'posix.system'"));
  EXPECT_THAT(pickle_complaint("(ios\nsystem\n"), HasSubstr("'os.system'"));
  EXPECT_THAT(pickle_complaint(global("torchvision.models.resnet", "ResNet")),
              HasSubstr("'torchvision.models.resnet.ResNet', which is not part of a state dict; "
                        "nothing of it was run; save model.state_dict()"));
  EXPECT_THAT(pickle_complaint(global("builtins", "eval")), HasSubstr("'builtins.eval'"));
  EXPECT_THAT(pickle_complaint(global("torch", "load")), HasSubstr("'torch.load'"));
  EXPECT_THAT(pickle_complaint(global("torch._utils", "_rebuild_tensor_v2.__globals__")),
              HasSubstr("__globals__"));
}

TEST_F(StateDictTest, RefusesInstructionsThatMakeObjects) {
  for (const char opcode : {'\x81', '\x92', 'o', 'P', '\x82', 'I', '\x8f'}) {
    EXPECT_THAT(pickle_complaint(std::string(1, opcode)), HasSubstr("has the instruction 0x"));
  }
}

TEST_F(StateDictTest, RefusesCallsThatDontFit) {
  EXPECT_THAT(pickle_complaint(global("torch", "FloatStorage") + ")R"),
              HasSubstr("calls a storage type"));
  EXPECT_THAT(pickle_complaint(text("os.system") + ")R"), HasSubstr("calls what is no object"));
  EXPECT_THAT(pickle_complaint(global("torch._utils", "_rebuild_tensor_v2") + ")R"),
              HasSubstr("isn't described"));
  EXPECT_THAT(pickle_complaint(global("torch._utils", "_rebuild_parameter") + ")R"),
              HasSubstr("no tensor"));
  EXPECT_THAT(pickle_complaint(global("collections", "OrderedDict") + tuple({integer(1)}) + "R"),
              HasSubstr("with arguments"));
  EXPECT_THAT(pickle_complaint(text("x") + "Q"), HasSubstr("storage that isn't described"));
  EXPECT_THAT(pickle_complaint(tuple({text("storage"), global("torch._utils", "_rebuild_parameter"),
                                      text("0"), text("cpu"), integer(6)}) +
                               "Q"),
              HasSubstr("a storage of no type"));
}

TEST_F(StateDictTest, RefusesBrokenStacksAndMemos) {
  EXPECT_THAT(complaint(zip_bytes({{"m/data.pkl", ""}})), HasSubstr("ends too early"));
  EXPECT_THAT(complaint(zip_bytes({{"m/data.pkl", "."}})), HasSubstr("takes from an empty stack"));
  EXPECT_THAT(pickle_complaint("(."), HasSubstr("takes from an empty stack"));
  EXPECT_THAT(pickle_complaint("t"), HasSubstr("has no mark"));
  EXPECT_THAT(pickle_complaint("a"), HasSubstr("takes from an empty stack"));
  EXPECT_THAT(pickle_complaint("h\x05"), HasSubstr("recalls what it hasn't noted"));
  EXPECT_THAT(pickle_complaint("}(Nu"), HasSubstr("a key without a value"));
  EXPECT_THAT(pickle_complaint("N" + text("a") + "a"), HasSubstr("adds to what is no list"));
  EXPECT_THAT(pickle_complaint("X\xff\xff\xff\xff"), HasSubstr("ends too early"));
  EXPECT_THAT(pickle_complaint("\x8d" + raw<uint64_t>({UINT64_MAX})), HasSubstr("ends too early"));
  EXPECT_THAT(pickle_complaint("\x8a\x09" + std::string(9, '\1')), HasSubstr("more than 64 bits"));
  EXPECT_THAT(pickle_complaint("cos"), HasSubstr("a line without end"));
}

TEST_F(StateDictTest, IsNotHarmedByDeepNesting) {
  std::string deep = ")";
  for (int i = 0; i < 400'000; ++i) deep += "\x85";
  EXPECT_THAT(pickle_complaint(deep), HasSubstr("holds no state dict"));
}

TEST_F(StateDictTest, IsNotHarmedByAListThatHoldsItself) {
  EXPECT_THAT(pickle_complaint("]q\x01h\x01"
                               "a"),
              HasSubstr("holds no state dict"));
  const std::string loop = "}q\x01" + text("state_dict") + "h\x01s";
  EXPECT_THAT(pickle_complaint(loop), HasSubstr("holds no state dict"));
}

TEST_F(StateDictTest, RefusesMillionsOfInstructions) {
  EXPECT_THAT(pickle_complaint(std::string(500'001, 'N')),
              HasSubstr("more than 500000 instructions"));
}

TEST_F(StateDictTest, IsNotHarmedByListsThatDoubleInTheMemo) {
  // Each list holds the one before twice: 2^5000 items if anything walked through them.
  std::string bomb = "]q" + bytes_of<uint8_t>(0);
  for (int i = 0; i < 5000; ++i) {
    const std::string before = "j" + bytes_of<uint32_t>(static_cast<uint32_t>(i));
    bomb += "](" + before + before + "e" + "r" + bytes_of<uint32_t>(static_cast<uint32_t>(i + 1));
  }
  EXPECT_THAT(pickle_complaint(bomb + "r\xff\xff\xff\xff"), HasSubstr("holds no state dict"));
}

TEST_F(StateDictTest, RefusesViewsThatLeadOutOfTheirStorage) {
  const auto view = [&](int64_t offset, const std::vector<int64_t>& shape,
                        const std::vector<int64_t>& strides) {
    return complaint(torch_file(one_tensor(offset, shape, strides), {{"0", kSix}}));
  };
  EXPECT_EQ(view(0, {6}, {1}), "no error");
  const auto refused = HasSubstr("lead out of its 6 numbers");
  EXPECT_THAT(view(1, {6}, {1}), refused);
  EXPECT_THAT(view(0, {7}, {1}), refused);
  EXPECT_THAT(view(0, {2, 3}, {4, 1}), refused);
  EXPECT_THAT(view(-1, {1}, {1}), refused);
  EXPECT_THAT(view(7, {0}, {1}), refused);
  EXPECT_THAT(view(INT64_MAX, {1}, {1}), refused);
  EXPECT_THAT(view(INT64_MIN, {1}, {1}), refused);
  EXPECT_THAT(view(5, {2}, {-1}), refused);
  EXPECT_THAT(view(0, {-1}, {1}), refused);
  EXPECT_THAT(view(0, {2}, {INT64_MAX}), refused);
  EXPECT_THAT(view(0, {INT64_MAX}, {0}), refused);
  EXPECT_THAT(view(0, {1 << 20, 1 << 20, 1 << 20, 1 << 20}, {0, 0, 0, 0}), refused);
  EXPECT_THAT(view(0, {INT64_MAX, INT64_MAX, 0}, {0, 0, 0}), refused);
  EXPECT_THAT(view(0, {3, 3}, {INT64_MAX / 2, INT64_MAX / 2}), refused);
  EXPECT_THAT(view(0, std::vector<int64_t>(9, 1), std::vector<int64_t>(9, 1)), HasSubstr("9 axes"));
}

TEST_F(StateDictTest, RefusesOneNumberRepeatedWithoutEnd) {
  EXPECT_THAT(complaint(torch_file(one_tensor(0, {1 << 15, 1 << 15}, {0, 0}), {{"0", kSix}})),
              HasSubstr("repeat the same numbers"));
}

TEST_F(StateDictTest, RefusesStoragesThatLie) {
  EXPECT_THAT(complaint(torch_file(one_tensor(0, {6}, {1}, 7), {{"0", kSix}})),
              HasSubstr("storage '0' has 24 bytes, expected 7 elements of 4"));
  EXPECT_THAT(complaint(torch_file(one_tensor(0, {6}, {1}, -1), {{"0", kSix}})),
              HasSubstr("expected -1 elements"));
  EXPECT_THAT(complaint(torch_file(one_tensor(0, {6}, {1}, INT64_MAX), {{"0", kSix}})),
              HasSubstr("elements of 4"));
  EXPECT_THAT(complaint(torch_file(one_tensor(0, {6}, {1}), {{"1", kSix}})),
              HasSubstr("the file 'data/0' inside is missing"));
  const std::string twice = dict({{"a", tensor(storage("FloatStorage", "0", 6), 0, {6}, {1})},
                                  {"b", tensor(storage("LongStorage", "0", 3), 0, {3}, {1})}});
  EXPECT_THAT(complaint(torch_file(twice, {{"0", kSix}})), HasSubstr("described twice"));
  EXPECT_THAT(
      complaint(torch_file(
          dict({{"a", tensor(storage("FloatStorage", std::string(99, '0'), 6), 0, {6}, {1})}}),
          {})),
      HasSubstr("too long a name"));
}

TEST_F(StateDictTest, KeepsToTheArchiveWhateverAStorageIsCalled) {
  const std::string outside =
      dict({{"w", tensor(storage("FloatStorage", "../../../../etc/passwd", 6), 0, {6}, {1})}});
  EXPECT_THAT(complaint(torch_file(outside, {{"0", kSix}})), HasSubstr("inside is missing"));
  EXPECT_EQ(complaint(torch_file(one_tensor(0, {6}, {1}), {{"0", kSix}}, {{"../../evil", "x"}})),
            "no error");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "../../evil"));
}

TEST_F(StateDictTest, RefusesCompressedFilesAndZipBombs) {
  const std::string state = pickle::file(one_tensor(0, {6}, {1}));
  for (const uint16_t method : {8, 0}) {
    EXPECT_THAT(
        complaint(zip_bytes({{"m/data.pkl", state}, {"m/data/0", "abc", method, 4'000'000'000}})),
        HasSubstr("w.pt'"));
    EXPECT_THAT(complaint(zip_bytes({{"m/data.pkl", state, method, 4'000'000'000}})),
                HasSubstr("w.pt'"));
  }
  EXPECT_THAT(complaint(zip_bytes({{"m/data.pkl", state}, {"m/data/0", kSix, 8, 24}})),
              HasSubstr("'data/0' inside is compressed or encrypted"));
}

TEST_F(StateDictTest, RefusesFilesInsideThatOverlap) {
  // Directory entries that all lead to the same bytes.
  const std::string good = torch_file(one_tensor(0, {6}, {1}), {{"0", std::string(4000, 'x')}});
  const size_t directory = good.find("PK\x01\x02");
  const size_t end = good.find("PK\x05\x06");
  const size_t last = good.rfind("PK\x01\x02", end);
  std::string entries = good.substr(directory, end - directory);
  for (char c = '1'; c <= '9'; ++c) {
    std::string entry = good.substr(last, end - last);
    entry.back() = c;
    entries += entry;
  }
  const std::string bytes = good.substr(0, directory) + entries + "PK\x05\x06" +
                            std::string(4, '\0') + bytes_of<uint16_t>(12) + bytes_of<uint16_t>(12) +
                            bytes_of(static_cast<uint32_t>(entries.size())) +
                            bytes_of(static_cast<uint32_t>(directory)) + bytes_of<uint16_t>(0);
  EXPECT_THAT(complaint(bytes), HasSubstr("files inside are larger than it is"));
}

TEST_F(StateDictTest, RefusesEveryTruncation) {
  const std::string bytes = torch_file(one_tensor(0, {6}, {1}), {{"0", kSix}});
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_NE(complaint(bytes.substr(0, length)), "no error") << length;
  }
}

TEST_F(StateDictTest, SurvivesEveryFlippedByte) {
  const std::string bytes = torch_file(one_tensor(0, {6}, {1}), {{"0", kSix}});
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(~damaged[i]);
    // The checksums cover what the files hold; elsewhere a flip may be harmless.
    error_of([&] {
      for (const auto& [name, tensor] : read(damaged)) EXPECT_EQ(tensor.bytes(), kSix) << i;
    });
  }
}

TEST_F(StateDictTest, NoticesAFlippedByteInAStorage) {
  std::string bytes = torch_file(one_tensor(0, {6}, {1}), {{"0", kSix}});
  bytes[bytes.find(kSix)] ^= 1;
  EXPECT_THAT(complaint(bytes), HasSubstr("doesn't have the size and checksum"));
}

TEST_F(StateDictTest, RefusesWhatIsNoStateDict) {
  EXPECT_THAT(pickle_complaint("N"), HasSubstr("holds no state dict; save model.state_dict()"));
  EXPECT_THAT(pickle_complaint(dict({})), HasSubstr("holds no state dict"));
  const std::string weight = tensor(storage("FloatStorage", "0", 6), 0, {6}, {1});
  EXPECT_THAT(pickle_complaint(dict({{"w", weight}, {"note", text("x")}})),
              HasSubstr("'note' in its state dict is not a tensor"));
  EXPECT_THAT(pickle_complaint(dict({{"w", weight}, {"w", weight}})),
              HasSubstr("has the tensor 'w' twice"));
  EXPECT_THAT(pickle_complaint("}(" + integer(1) + weight + "u"), HasSubstr("name is not text"));
}

TEST_F(StateDictTest, RefusesBigEndianFiles) {
  const std::string state = pickle::file(one_tensor(0, {6}, {1}));
  EXPECT_THAT(
      complaint(zip_bytes({{"m/data.pkl", state}, {"m/byteorder", "big"}, {"m/data/0", kSix}})),
      HasSubstr("big-endian"));
}

TEST_F(StateDictTest, ReadsSafetensorsAsFloat32) {
  const std::string header =
      R"({"module.w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"module.n":)"
      R"({"dtype":"I64","shape":[],"data_offsets":[4,12]}})";
  const std::string data = raw<uint16_t>({0x3fc0, 0xbf80}) + raw<int64_t>({9});
  const TensorMap weights = read(safetensors_bytes(header, data));
  EXPECT_EQ(floats(weights.at("w")), (std::vector<float>{1.5F, -1}));
  EXPECT_EQ(weights.at("n").data<int64_t>()[0], 9);
  EXPECT_THAT(complaint(safetensors_bytes("{}", "")), HasSubstr("has no tensors"));
}

class DetectModelKindTest : public testing::Test {
 protected:
  ModelKind kind(const std::string& bytes) {
    return detect_model_kind(folder_.with("x.anything", bytes));
  }
  std::string complaint(const std::string& bytes) {
    return error_of([&] { kind(bytes); });
  }
  ScratchFolder folder_;
};

TEST_F(DetectModelKindTest, LooksAtTheContentOnly) {
  EXPECT_EQ(kind(safetensors_bytes("{}", "")), ModelKind::weights_safetensors);
  EXPECT_EQ(kind(safetensors_bytes(R"({"__metadata__":{"fpcls":""}})", "")), ModelKind::fpcls);
  EXPECT_EQ(kind(safetensors_bytes(R"({"__metadata__":{"format":"pt"}})", "")),
            ModelKind::weights_safetensors);
  EXPECT_EQ(kind(torch_file("N", {})), ModelKind::weights_pickle);
  EXPECT_EQ(kind(torch_file("N", {}, {{"m/constants.pkl", ""}})), ModelKind::torchscript);
  EXPECT_EQ(kind(torch_file("N", {}, {{"m/code/__torch__.py", "abc", 8, 7}})),
            ModelKind::torchscript);
}

TEST_F(DetectModelKindTest, SaysWhatElseItSeemsToBe) {
  EXPECT_THAT(complaint(""), HasSubstr("is empty, expected a model"));
  EXPECT_THAT(complaint("\xff\xd8\xff\xe0 a picture"), HasSubstr("is not a model"));
  EXPECT_THAT(
      complaint(std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15)),
      HasSubstr("in the format of PyTorch before 1.6; save it again"));
  EXPECT_THAT(complaint(pickle::file("N")), HasSubstr("is a bare pickle"));
  EXPECT_THAT(complaint("\x89HDF\r\n\x1a\n"), HasSubstr("HDF5"));
  EXPECT_THAT(complaint(zip_bytes({{"word/document.xml", "x"}})),
              HasSubstr("not one of PyTorch's"));
  EXPECT_THAT(complaint("PK\x03\x04 and then nothing"), HasSubstr("truncated or damaged"));
  EXPECT_THROW(detect_model_kind(folder_.path()), Error);
  EXPECT_THROW(detect_model_kind(folder_ / "nothing"), Error);
}

TEST_F(DetectModelKindTest, TorchScriptIsNotReadAsWeights) {
  const auto path = folder_.with("s.pt", torch_file("N", {}, {{"m/constants.pkl", ""}}));
  EXPECT_THAT(error_of([&] { read_weights(path); }),
              HasSubstr("is TorchScript, expected a state dict"));
}

}  // namespace
}  // namespace fpcls
