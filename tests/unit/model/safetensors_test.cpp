#include "model/safetensors.h"

#include <gmock/gmock.h>

#include "unit/model/test_files.h"

namespace fpcls {
namespace {

using testing::HasSubstr;

/// What the reader says to a file of this header and data; empty when it takes it.
std::string complaint(const std::string& header, const std::string& data = "") {
  const std::string bytes = safetensors_bytes(header, data);
  return error_of([&] { parse_safetensors(bytes, nullptr, "f"); });
}

Safetensors parse(const std::string& bytes) {
  const auto owner = std::make_shared<const std::string>(bytes);
  return parse_safetensors(*owner, owner, "f");
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const ScratchFolder folder;
  Safetensors content;
  content.tensors["b"] = Tensor::from<int8_t>({3}, {1, -2, 3});
  content.tensors["a"] = Tensor::from<float>({2, 2}, {1, 2, 3, 4.5F});
  content.tensors["c"] = Tensor::from<int64_t>({}, {-7});
  content.tensors["d"] = Tensor::from<uint8_t>({1}, {255});
  content.tensors["e"] = Tensor::from<int32_t>({2}, {1 << 30, -1});
  content.metadata["note"] = "平面图 \"quoted\"\n";
  write_safetensors(folder / "t", content);
  const Safetensors read = read_safetensors(folder / "t");
  EXPECT_EQ(read.metadata, content.metadata);
  ASSERT_EQ(read.tensors.size(), content.tensors.size());
  for (const auto& [name, tensor] : content.tensors) {
    const Tensor& got = read.tensors.at(name);
    EXPECT_EQ(got.dtype(), tensor.dtype()) << name;
    EXPECT_EQ(got.shape(), tensor.shape()) << name;
    EXPECT_EQ(got.bytes(), tensor.bytes()) << name;
    const auto address = reinterpret_cast<uintptr_t>(got.bytes().data());
    EXPECT_EQ(address % static_cast<uintptr_t>(element_bytes(got.dtype())), 0u) << name;
  }
}

TEST(Safetensors, WritesTheSameBytesTwice) {
  const ScratchFolder folder;
  Safetensors content;
  for (int i = 0; i < 20; ++i) {
    content.tensors[std::to_string(i)] = Tensor::from<float>({1}, {static_cast<float>(i)});
    content.tensors["i" + std::to_string(i)] = Tensor::from<int8_t>({1}, {1});
  }
  write_safetensors(folder / "a", content);
  write_safetensors(folder / "b", content);
  EXPECT_EQ(read_file(folder / "a"), read_file(folder / "b"));
}

TEST(Safetensors, KeepsTheFileMappedForItsTensors) {
  const ScratchFolder folder;
  Safetensors content;
  content.tensors["a"] = Tensor::from<float>({2}, {3, 4});
  write_safetensors(folder / "t", content);
  Tensor tensor = read_safetensors(folder / "t").tensors.at("a");
  std::filesystem::remove(folder / "t");
  EXPECT_EQ(tensor.data<float>()[1], 4);
}

TEST(Safetensors, SharesTheBytesOfAlignedTensors) {
  std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::string bytes = safetensors_bytes(header, bytes_of(1.5F));
  const auto owner = std::make_shared<const std::string>(bytes);
  const Safetensors read = parse_safetensors(*owner, owner, "f");
  EXPECT_EQ(read.tensors.at("a").bytes().data(), owner->data() + owner->size() - 4);
}

TEST(Safetensors, CopiesTensorsAtOddAddresses) {
  for (int spaces = 0; spaces < 8; ++spaces) {
    const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})" +
                               std::string(static_cast<size_t>(spaces), ' ');
    const Safetensors read = parse(safetensors_bytes(header, bytes_of(1.5F)));
    const float* value = read.tensors.at("a").data<float>();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(value) % 4, 0u);
    EXPECT_EQ(*value, 1.5F);
  }
}

TEST(Safetensors, ConvertsHalfAndDouble) {
  const std::string header = R"({"h":{"dtype":"F16","shape":[6],"data_offsets":[0,12]},)"
                             R"("d":{"dtype":"F64","shape":[1],"data_offsets":[12,20]}})";
  std::string data;
  for (const uint16_t bits : {0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0xfc00}) {
    data += bytes_of<uint16_t>(bits);
  }
  const Safetensors read = parse(safetensors_bytes(header, data + bytes_of(-0.25)));
  const float* half = read.tensors.at("h").data<float>();
  EXPECT_EQ(half[0], 1.0F);
  EXPECT_EQ(half[1], -2.0F);
  EXPECT_EQ(half[2], 0x1p-24F);
  EXPECT_EQ(half[3], 65504.0F);
  EXPECT_TRUE(std::signbit(half[4]) && half[4] == 0);
  EXPECT_EQ(half[5], -INFINITY);
  EXPECT_EQ(read.tensors.at("d").data<float>()[0], -0.25F);
}

TEST(Safetensors, TakesEmptyTensors) {
  const Safetensors read =
      parse(safetensors_bytes(R"({"a":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]}})", ""));
  EXPECT_EQ(read.tensors.at("a").count(), 0);
}

TEST(Safetensors, RefusesTypesItHasNotByName) {
  EXPECT_THAT(complaint(R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", "x"),
              HasSubstr("f: tensor 'a': has type 'F8_E4M3', which fpcls can't read"));
}

TEST(Safetensors, RefusesFilesThatArentSafetensors) {
  for (const std::string bytes : {"", "1234567", "12345678", "PK\3\4 and so on and on"}) {
    EXPECT_THAT(error_of([&] { parse(bytes); }), HasSubstr("f: is not a safetensors file"));
  }
}

TEST(Safetensors, RefusesAHeaderLongerThanTheFile) {
  const std::string bytes = bytes_of<uint64_t>(1000) + "{}";
  EXPECT_THAT(error_of([&] { parse(bytes); }), HasSubstr("expected a header of 1000"));
  const std::string huge = bytes_of<uint64_t>(uint64_t{1} << 39) + "{}";
  EXPECT_THAT(error_of([&] { parse(huge); }), HasSubstr("truncated or damaged"));
  const std::string overflow = bytes_of<uint64_t>(UINT64_MAX) + "{}";
  EXPECT_THAT(error_of([&] { parse(overflow); }), HasSubstr("is not a safetensors file"));
}

TEST(Safetensors, RefusesAHeaderOfMoreThan16Megabytes) {
  EXPECT_THAT(complaint("{" + std::string(17 << 20, ' ') + "}"), HasSubstr("expected at most"));
}

TEST(Safetensors, RefusesAMillionTensors) {
  std::string header = "{";
  for (int i = 0; i < 1'000'001; ++i) header += fmt::format("\"{}\":{{}},", i);
  header.back() = '}';
  EXPECT_THAT(complaint(header), HasSubstr("more than 1000000 values"));
  header = "{";
  for (int i = 0; i < 100'001; ++i) header += fmt::format("\"{}\":0,", i);
  header.back() = '}';
  EXPECT_THAT(complaint(header), HasSubstr("has 100001 tensors"));
}

TEST(Safetensors, RefusesDeepNesting) {
  EXPECT_THAT(complaint("{\"a\":" + std::string(1'000'000, '[')), HasSubstr("nested deeper"));
}

TEST(Safetensors, RefusesBrokenJson) {
  EXPECT_THAT(complaint("{\"a\":"), HasSubstr("is damaged: its JSON cannot be read"));
  EXPECT_THAT(complaint("{\"\xff\":{}}"), HasSubstr("is damaged"));
  EXPECT_THAT(complaint("{} {}"), HasSubstr("is damaged"));
}

TEST(Safetensors, RefusesATensorNamedTwice) {
  EXPECT_THAT(complaint(R"({"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},)"
                        R"("a":{"dtype":"I8","shape":[1],"data_offsets":[1,2]}})",
                        "xy"),
              HasSubstr("has the name 'a' twice"));
}

TEST(Safetensors, RefusesOverlapsHolesAndLeftovers) {
  const auto two = [](int begin, int end) {
    return fmt::format(R"({{"a":{{"dtype":"I8","shape":[4],"data_offsets":[0,4]}},)"
                       R"("b":{{"dtype":"I8","shape":[{}],"data_offsets":[{},{}]}}}})",
                       end - begin, begin, end);
  };
  EXPECT_EQ(complaint(two(4, 8), "12345678"), "no error");
  EXPECT_THAT(complaint(two(2, 6), "123456"), HasSubstr("'b' begins at byte 2, expected 4"));
  EXPECT_THAT(complaint(two(5, 8), "12345678"), HasSubstr("begins at byte 5, expected 4"));
  EXPECT_THAT(complaint(two(4, 8), "123456789"), HasSubstr("has 9 bytes of tensors, expected 8"));
  EXPECT_THAT(complaint(two(4, 8), "1234567"), HasSubstr("at bytes 4 to 8 of 7"));
}

TEST(Safetensors, RefusesSizesThatDontAgree) {
  const auto header = [](const std::string& shape, const std::string& offsets) {
    return R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  EXPECT_THAT(complaint(header("[2]", "[0,4]"), "1234"), HasSubstr("takes 4 bytes, expected 8"));
  EXPECT_THAT(complaint(header("[-1]", "[0,4]"), "1234"), HasSubstr("an extent that is not"));
  EXPECT_THAT(complaint(header("[1.0]", "[0,4]"), "1234"), HasSubstr("an extent that is not"));
  EXPECT_THAT(complaint(header("[18446744073709551615]", "[0,4]"), "1234"), HasSubstr("extent"));
  EXPECT_THAT(complaint(header("[2147483648,2147483648,4]", "[0,4]"), "1234"),
              HasSubstr("more than 2147483648 elements"));
  EXPECT_THAT(complaint(header("[1,1,1,1,1,1,1,1,1]", "[0,4]"), "1234"), HasSubstr("9 axes"));
  EXPECT_THAT(complaint(header("[1]", "[4,0]"), "1234"), HasSubstr("at bytes 4 to 0"));
  EXPECT_THAT(complaint(header("[1]", "[-4,0]"), "1234"), HasSubstr("at bytes -4"));
  EXPECT_THAT(complaint(header("[1]", "[0,18446744073709551612]"), "1234"),
              HasSubstr("not an integer"));
  EXPECT_THAT(complaint(header("[1]", "[0,4,4]"), "1234"), HasSubstr("3 values, expected 2"));
  EXPECT_THAT(complaint(header("4", "[0,4]"), "1234"), HasSubstr("expected an array"));
}

TEST(Safetensors, RefusesMembersThatAreMissingOrUnknown) {
  EXPECT_THAT(complaint(R"({"a":{"dtype":"F32","shape":[0]}})"), HasSubstr("no 'data_offsets'"));
  EXPECT_THAT(complaint(R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"strides":[1]}})"),
              HasSubstr("unknown member 'strides'"));
  EXPECT_THAT(complaint(R"({"a":7})"), HasSubstr("expected an object"));
}

TEST(Safetensors, RefusesMetadataThatIsNoText) {
  EXPECT_THAT(complaint(R"({"__metadata__":{"a":1}})"), HasSubstr("metadata 'a' is not a string"));
  EXPECT_THAT(complaint(R"({"__metadata__":[]})"), HasSubstr("is not an object"));
}

TEST(Safetensors, RefusesNamesThatArentUtf8WhenWriting) {
  const ScratchFolder folder;
  Safetensors content;
  content.tensors["\xff"] = Tensor::from<float>({1}, {1});
  EXPECT_THAT(error_of([&] { write_safetensors(folder / "t", content); }), HasSubstr("UTF-8"));
  EXPECT_FALSE(std::filesystem::exists(folder / "t"));
}

}  // namespace
}  // namespace fpcls
