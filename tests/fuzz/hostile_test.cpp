#include <gmock/gmock.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "config/yaml_file.h"
#include "fuzz/target.h"
#include "images/decode.h"
#include "images/image_list.h"
#include "model/model_file.h"
#include "model/safetensors.h"
#include "model/state_dict.h"
#include "predictions/merge.h"
#include "predictions/store.h"
#include "reference/metrics/made_predictions.h"
#include "run/cascade_options.h"
#include "unit/images/encode.h"
#include "unit/model/pickle_builder.h"
#include "unit/model/sample_models.h"
#include "unit/model/test_files.h"

/// Files made to do harm, each refused with a reason, without taking time or memory for what it
/// only claims. Time and memory are printed and bounded generously: a bound that a loaded machine
/// or a sanitizer could pass is no test of anything else.
namespace fpcls {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

int64_t status_kb(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key + ":", 0) == 0) return std::atoll(line.c_str() + key.size() + 1);
  }
  return 0;
}

class HostileFile : public testing::Test {
 protected:
  /// What `read` complains of. Fails where it complains of nothing, takes more than 10 s, or more
  /// than 100 MB (300 with the sanitizers' shadow) beyond what was there before.
  template <class Read>
  std::string refusal(Read read) {
    std::ofstream("/proc/self/clear_refs") << "5";  // begins the peak anew
    const int64_t before_kb = status_kb("VmRSS");
    const auto start = std::chrono::steady_clock::now();
    const std::string said = error_of(read);
    const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
    const int64_t peak_kb = status_kb("VmHWM") - before_kb;
    std::printf("  %.1f ms, %.1f MB: %.100s\n", ms.count(),
                static_cast<double>(std::max<int64_t>(peak_kb, 0)) / 1024, said.c_str());
    EXPECT_NE(said, "no error");
    EXPECT_LT(ms.count(), 10'000);
    EXPECT_LT(peak_kb, (kSanitized ? 300 : 100) * 1024);
    return said;
  }

  std::string weights_refusal(const std::string& bytes) {
    const auto path = folder_.with("w.pt", bytes);
    return refusal([&] { read_weights(path); });
  }
  std::string safetensors_refusal(const std::string& bytes) {
    const auto path = folder_.with("w.safetensors", bytes);
    return refusal([&] { read_safetensors(path); });
  }
  std::string config_refusal(const std::string& yaml) {
    const auto path = folder_.with("c.yaml", yaml);
    CascadeSpec options;
    const auto specs = describe_options(options);
    return refusal([&] { read_options(path, specs); });
  }
  std::string picture_refusal(const std::string& bytes) {
    return refusal([&] {
      const auto result = decode_image(bytes, Preprocessing());
      if (const auto* failure = std::get_if<DecodeFailure>(&result)) fail("{}", failure->reason);
    });
  }

  ScratchFolder folder_;
};

/// Puts numbers of `count` bytes into `bytes`.
void put(std::string& bytes, size_t at, uint64_t value, size_t count, bool big_endian) {
  for (size_t i = 0; i < count; ++i) {
    const size_t shift = 8 * (big_endian ? count - 1 - i : i);
    bytes.at(at + i) = static_cast<char>(value >> shift & 0xff);
  }
}

TEST_F(HostileFile, APickleThatCallsOsSystem) {
  const auto trace = folder_ / "trace";
  const std::string call = pickle::global("os", "system") +
                           pickle::tuple({pickle::text("touch " + trace.string())}) + "R";
  EXPECT_THAT(weights_refusal(torch_file(call, {})), HasSubstr("os.system"));
  EXPECT_THAT(weights_refusal(pickle::file(call)), HasSubstr("bare pickle"));
  EXPECT_FALSE(std::filesystem::exists(trace));
}

TEST_F(HostileFile, AZipBomb) {
  const std::string claim(1000, 'x');
  EXPECT_THAT(weights_refusal(zip_bytes({{"m/data.pkl", claim, 8, 4'000'000'000}})),
              AnyOf(HasSubstr("compressed"), HasSubstr("larger than it is"), HasSubstr("damaged")));
  EXPECT_THAT(weights_refusal(zip_bytes({{"m/data.pkl", claim, 0, 4'000'000'000}})),
              HasSubstr("w.pt"));
}

TEST_F(HostileFile, AZipThatLeadsOutOfItsFolder) {
  using namespace pickle;
  const std::string outside =
      dict({{"w", tensor(storage("FloatStorage", "../../../../etc/passwd", 4), 0, {4}, {1})}});
  const std::string entry(16, 'f');
  EXPECT_THAT(weights_refusal(torch_file(outside, {}, {{"../../../etc/passwd", entry}})),
              HasSubstr("missing"));
}

TEST_F(HostileFile, SizesThatOverflow) {
  for (const char* shape :
       {"[4294967296,4294967296]", "[9223372036854775807,2]", "[-1]", "[18446744073709551615]",
        "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]"}) {
    const std::string header =
        fmt::format(R"({{"w":{{"dtype":"F32","shape":{},"data_offsets":[0,4]}}}})", shape);
    EXPECT_THAT(safetensors_refusal(safetensors_bytes(header, "abcd")), HasSubstr("w"));
  }
  EXPECT_THAT(safetensors_refusal(bytes_of<uint64_t>(UINT64_MAX) + "{}"),
              HasSubstr("w.safetensors"));
  using namespace pickle;
  const std::string huge = dict({{"w", tensor(storage("FloatStorage", "0", 4), 0,
                                              {int64_t{1} << 40, int64_t{1} << 40}, {0, 0})}});
  EXPECT_THAT(weights_refusal(torch_file(huge, {{"0", std::string(16, 'f')}})), HasSubstr("'w'"));
}

TEST_F(HostileFile, AMillionTensors) {
  std::string header = "{";
  for (int i = 0; i < 1'000'000; ++i) {
    header += fmt::format(R"({}"{}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
                          i == 0 ? "" : ",", i);
  }
  EXPECT_THAT(safetensors_refusal(safetensors_bytes(header + "}", "")), HasSubstr("header"));
  std::string pickled = "\x80\x02}(";
  for (int i = 0; i < 1'000'000; ++i) pickled += pickle::text(std::to_string(i)) + "N";
  EXPECT_THAT(weights_refusal(zip_bytes({{"m/data.pkl", pickled + "u."}})), HasSubstr("w.pt"));
}

/// A model file whose graph was changed by `edit` and whose hash is right for that.
template <class Edit>
std::string forged(const ScratchFolder& folder, Edit edit) {
  const auto path = folder / "m.safetensors";
  save_model_file(path, tiny_graph(), tiny_metadata());
  Safetensors content = read_safetensors(path);
  auto value = nlohmann::json::parse(content.metadata.at("fpcls"));
  edit(value["model"]);
  content.metadata["fpcls"] = value.dump();
  write_safetensors(path, content);
  const std::string said = error_of([&] { load_model_file(path); });
  const size_t at = said.find("SHA-256 ");
  if (at == std::string::npos) return path;
  value["sha256"] = said.substr(at + 8, 64);
  content.metadata["fpcls"] = value.dump();
  write_safetensors(path, content);
  return path;
}

TEST_F(HostileFile, AGraphThatGoesInACircle) {
  const std::string path =
      forged(folder_, [](auto& model) { model["graph"]["nodes"][1]["inputs"][0] = "fc"; });
  EXPECT_THAT(refusal([&] { load_model_file(path); }), HasSubstr("no layer before it"));
}

TEST_F(HostileFile, AGraphOfEnormousPictures) {
  const std::string path = forged(folder_, [](auto& model) {
    model["graph"]["input_shape"] = {1, 3, int64_t{1} << 31, int64_t{1} << 31};
  });
  EXPECT_THAT(refusal([&] { load_model_file(path); }), HasSubstr("m.safetensors"));
}

TEST_F(HostileFile, DeepJson) {
  const std::string deep =
      R"({"w":)" + std::string(5'000'000, '[') + std::string(5'000'000, ']') + "}";
  EXPECT_THAT(safetensors_refusal(safetensors_bytes(deep, "")), HasSubstr("nested deeper"));
}

TEST_F(HostileFile, AYamlAliasBomb) {
  std::string yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    yaml += fmt::format("a{0}: &a{0} [", i);
    for (int j = 0; j < 9; ++j) yaml += fmt::format("{}*a{}", j == 0 ? "" : ", ", i - 1);
    yaml += "]\n";
  }
  EXPECT_THAT(config_refusal(yaml + "otherwise: *a29\n"), HasSubstr("c.yaml:1:1"));
  std::string inside = "model:\n- &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    inside += fmt::format("- &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  EXPECT_THAT(config_refusal(inside), HasSubstr("c.yaml:2:3: model is a list"));
}

TEST_F(HostileFile, DeepYaml) {
  EXPECT_THAT(config_refusal("model: " + std::string(1'000'000, '[')), HasSubstr("brackets"));
  EXPECT_THAT(
      config_refusal("# " + std::string(100'000, ']') + "\nmodel: " + std::string(100'000, '[')),
      HasSubstr("brackets"));
  std::string quoted = "model: ";
  for (int i = 0; i < 100'000; ++i) quoted += "[\"]\", ";
  EXPECT_THAT(config_refusal(quoted), HasSubstr("c.yaml"));
  std::string list;
  for (int i = 0; i < 100'000; ++i) list += "- ";
  EXPECT_THAT(config_refusal(list), HasSubstr("c.yaml"));
}

TEST_F(HostileFile, PicturesWhoseHeaderSaysABillionPixels) {
  const Image image = gradient(4, 4);
  constexpr uint64_t kSide = 31'623;  // squared: just above a billion
  std::string png = encode_png(image);
  put(png, 16, kSide, 4, true);
  put(png, 20, kSide, 4, true);
  // The checksum of the header must be right, or that would be the reason.
  put(png, 29, crc32_of(png.substr(12, 17)), 4, true);
  std::string jpeg = encode_jpeg(image);
  const size_t frame = jpeg.find("\xff\xc0");
  put(jpeg, frame + 5, kSide, 2, true);
  put(jpeg, frame + 7, kSide, 2, true);
  std::string bmp = encode_bmp(image, 24);
  put(bmp, 18, kSide, 4, false);
  put(bmp, 22, kSide, 4, false);
  std::string gif = encode_gif(image);
  put(gif, 6, kSide, 2, false);
  put(gif, 8, kSide, 2, false);
  for (const std::string& bytes : {png, jpeg, bmp, gif}) {
    EXPECT_THAT(picture_refusal(bytes), HasSubstr("31623 x 31623 pixels, the limit is"));
  }
}

TEST_F(HostileFile, ATiffAndAWebpOfAsManyPixelsAsTheyCanSay) {
  std::string tiff = encode_tiff(gradient(4, 4));
  // Directory entries of width and height: tag, type, count 1, value.
  for (const uint16_t tag : {256, 257}) {
    for (const uint16_t type : {3, 4}) {
      const std::string entry = bytes_of(tag) + bytes_of(type) + bytes_of<uint32_t>(1);
      const size_t at = tiff.find(entry);
      if (at == std::string::npos) continue;
      put(tiff, at + 2, 4, 2, false);
      put(tiff, at + 8, 31'623, 4, false);
    }
  }
  EXPECT_THAT(picture_refusal(tiff), HasSubstr("31623 x 31623 pixels, the limit is"));
  // 14 bits a side are 268 million pixels at most; the canvas of an extended file has 24.
  std::string canvas = "VP8X" + bytes_of<uint32_t>(10) + std::string(4, '\0');
  canvas += bytes_of<uint32_t>(31'622).substr(0, 3) + bytes_of<uint32_t>(31'622).substr(0, 3);
  const std::string webp = encode_webp(gradient(4, 4));
  const std::string body = "WEBP" + canvas + webp.substr(12);
  EXPECT_THAT(picture_refusal("RIFF" + bytes_of(static_cast<uint32_t>(body.size())) + body),
              AnyOf(HasSubstr("31623 x 31623"), HasSubstr("WebP")));
}

TEST_F(HostileFile, AManifestOfOneEndlessField) {
  const auto path = folder_.with("list.csv", "path\n\"" + std::string(50'000'000, 'a'));
  EXPECT_THAT(refusal([&] {
                std::istringstream none;
                list_images({path.string()}, {}, none);
              }),
              HasSubstr("list.csv:2"));
}

class HostileStore : public HostileFile {
 protected:
  /// A store that `sql` was done to.
  std::filesystem::path store(const std::string& sql) {
    const auto path = folder_ / "predictions.sqlite";
    std::filesystem::remove(path);
    RunInfo run = made::run();
    const auto predictions = made::predictions(run, 5, 1);
    const auto writer = PredictionStore::create(path, run);
    for (const Prediction& prediction : predictions) writer->add(prediction);
    writer->finish(run);
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
    return path;
  }
  std::string store_refusal(const std::string& sql) {
    const auto path = store(sql);
    return refusal([&] { MergedPredictions({path}).for_each([](const Prediction&) {}); });
  }
};

TEST_F(HostileStore, AViewThatNeverEndsInATablesPlace) {
  const std::string endless =
      "(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n)";
  EXPECT_THAT(store_refusal("DROP TABLE image; CREATE VIEW image AS SELECT i AS row, '' AS path, "
                            "'' AS slice, '' AS sha256, '' AS label, '' AS predicted, NULL AS "
                            "stage, '' AS reason_code, '' AS reason, 0 AS decode_ms, 0 AS "
                            "resize_ms, 0 AS other_ms, 0 AS warnings, '' AS cache FROM " +
                            endless),
              HasSubstr("another one in its place"));
  EXPECT_THAT(store_refusal("DROP TABLE run; CREATE TABLE run (key TEXT PRIMARY KEY, value AS "
                            "(zeroblob(2000000000)))"),
              HasSubstr("another one in its place"));
  EXPECT_THAT(store_refusal("CREATE TRIGGER t AFTER INSERT ON image BEGIN DELETE FROM score; END"),
              HasSubstr("triggers"));
}

TEST_F(HostileStore, NumbersThatAreCountedUpTo) {
  for (const char* value : {"2147483647", "-1", "'a'", "0"}) {
    EXPECT_THAT(
        store_refusal(fmt::format("UPDATE run SET value = {} WHERE key = 'shard_count'", value)),
        HasSubstr("shard"));
  }
  EXPECT_THAT(store_refusal("UPDATE run SET value = 9223372036854775807 WHERE key = 'listed'"),
              HasSubstr("listed"));
  EXPECT_THAT(store_refusal("UPDATE image SET row = 9223372036854775807 WHERE row = 4"),
              HasSubstr("row"));
  EXPECT_THAT(store_refusal("UPDATE run SET value = 'nan' WHERE key = 'wall_s'"),
              HasSubstr("wall_s"));
}

/// A model of about 200 KB: two layers, so that there are edges.
Graph medium_graph() {
  Random random(1);
  std::vector<float> values(256 * 192);
  for (float& value : values) value = static_cast<float>(random.uniform(-1, 1));
  Node hidden{Op::linear, "hidden", {1}, {}, {}};
  hidden.weights = {{"weight", Tensor::from<float>({256, 192}, std::move(values))}};
  Node fc{Op::linear, "fc", {2}, {}, {}};
  fc.weights = {{"weight", ramp({1, 256}, 0.01F)}};
  return Graph({1, 3, 8, 8},
               {{Op::input, "input", {}, {}, {}},
                {Op::flatten, "flatten", {0}, AxisAttributes{1}, {}},
                std::move(hidden),
                std::move(fc)},
               {{"logits", 3}});
}

/// Flips each `step`-th byte of a model file; the header, where the structure is, at each. A flip
/// that is taken must change nothing that the file means.
void flip_bytes(const ScratchFolder& folder, size_t step) {
  const auto path = folder / "m.safetensors";
  Metadata metadata = tiny_metadata();
  metadata.preprocessing.height = metadata.preprocessing.width = 8;
  save_model_file(path, medium_graph(), metadata);
  std::string bytes = read_file(path);
  ASSERT_GT(bytes.size(), 195'000U);
  const ModelFile whole = load_model_file(path);
  save_model_file(folder / "whole", whole.graph, whole.metadata);
  const std::string expected = read_file(folder / "whole");
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
  std::ofstream("/proc/self/clear_refs") << "5";
  const int64_t before_kb = status_kb("VmRSS");
  int64_t flipped = 0, refused = 0;
  for (size_t i = 0; i < bytes.size(); i += i < 8 + header_bytes ? 1 : step) {
    bytes[i] = static_cast<char>(~bytes[i]);
    const auto damaged = folder.with("d", bytes);
    bytes[i] = static_cast<char>(~bytes[i]);
    ++flipped;
    try {
      const ModelFile read = load_model_file(damaged);
      save_model_file(folder / "again", read.graph, read.metadata);
      ASSERT_EQ(read_file(folder / "again"), expected) << "byte " << i << " was taken";
    } catch (const Error& error) {
      ASSERT_STRNE(error.what(), "");
      ++refused;
    }
  }
  std::printf("  %ld of %zu bytes flipped: %ld refused, %ld harmless, peak %+ld KB\n", flipped,
              bytes.size(), refused, flipped - refused, status_kb("VmHWM") - before_kb);
  EXPECT_LT(status_kb("VmHWM") - before_kb, 100 * 1024);
}

TEST_F(HostileFile, NoFlippedByteOfAModelFileGoesUnnoticed) { flip_bytes(folder_, 499); }

/// Minutes: run with --gtest_also_run_disabled_tests.
TEST_F(HostileFile, DISABLED_NoFlippedByteAtAllOfAModelFileGoesUnnoticed) {
  flip_bytes(folder_, 1);
}

}  // namespace
}  // namespace fpcls
