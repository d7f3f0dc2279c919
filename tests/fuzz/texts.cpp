#include <sstream>

#include "base/error.h"
#include "config/yaml_file.h"
#include "fuzz/target.h"
#include "images/image_list.h"
#include "run/cascade_options.h"
#include "run/evaluate.h"
#include "run/train.h"

namespace fpcls::fuzz {
namespace {

/// A list of pictures under every rule for its labels.
void read_list(const std::string& path, const std::string& lines) {
  ListOptions known;
  known.known_labels = {"cat", "dog"};
  known.label_map = {{"kitten", "cat"}, {"bin", ""}};
  ListOptions any;
  any.any_label = true;
  any.slice_by = "slice";
  for (const ListOptions& options : {known, any}) {
    answer([&] {
      std::istringstream input(lines);
      const ImageList list = list_images({path}, options, input);
      FPCLS_CHECK(list.size() <= static_cast<int64_t>(lines.size()) + (1 << 20));
      for (int64_t row = 0; row < list.size(); ++row) list.entry(row);
      list.sha256();
    });
  }
}

void read_manifest_csv(std::string_view bytes) { read_list(file_with("list.csv", bytes), ""); }
void read_manifest_tsv(std::string_view bytes) { read_list(file_with("list.tsv", bytes), ""); }
void read_paths(std::string_view bytes) { read_list("-", std::string(bytes)); }

std::vector<std::string> manifests(char separator) {
  std::vector<std::string> seeds{
      "path,label,slice\na/b.jpg,cat,x\n\"c d.png\",dog,\n./a//e.gif,kitten,\"y\"\"z\"\n",
      "\xef\xbb\xbfpath,label\r\na,bin\r\n\r\nb,\r\n", "path\n\xff\xfe\n户型.png\n"};
  for (std::string& seed : seeds) {
    for (char& c : seed) c = c == ',' ? separator : c;
  }
  return seeds;
}

void read_labels(std::string_view bytes) {
  const std::string path = file_with("labels.yaml", bytes);
  answer([&] { read_label_map(path); });
}

/// Fills `Options` from a configuration, then writes them and reads that back.
template <class Options>
void read_configuration(std::string_view bytes) {
  const std::string path = file_with("config.yaml", bytes);
  Options options;
  const std::vector<OptionSpec> specs = describe_options(options);
  answer([&] {
    read_options(path, specs);
    const std::string again = file_with("again.yaml", options_yaml(specs));
    Options copy;
    read_options(again, describe_options(copy));
    options_json(specs);
  });
}

void read_all_configurations(std::string_view bytes) {
  read_configuration<CascadeSpec>(bytes);
  read_configuration<EvaluateOptions>(bytes);
  read_configuration<TrainOptions>(bytes);
}

std::vector<std::string> configurations() {
  return {
      "cascade:\n  - {name: a, model: a.safetensors, accept: 0.5}\n"
      "  - name: b\n    model: 'b'\n    negative: \"no\"\notherwise: other\nall_stages: true\n",
      "inputs: [a, b]\nbatch: 8\nlabel_map: |\n  text\n", "a: &x [1, 2]\nb: *x\n",
      "epochs: 3\nseed: 7\nlearning_rate: 1e-3\n"};
}

}  // namespace

std::vector<Target> text_targets() {
  return {{"config", read_all_configurations, configurations},
          {"label_map", read_labels,
           [] {
             return std::vector<std::string>{"a: b\nc: ~\n'd e': f\n", "{a: b, c: }\n"};
           }},
          {"manifest_csv", read_manifest_csv, [] { return manifests(','); }},
          {"manifest_tsv", read_manifest_tsv, [] { return manifests('\t'); }},
          {"path_list", read_paths, [] {
             return std::vector<std::string>{"a.png\nb/c.jpg\r\n", "/x/../y\n"};
           }}};
}

}  // namespace fpcls::fuzz
