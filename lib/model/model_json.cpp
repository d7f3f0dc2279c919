#include "model/model_json.h"

#include <algorithm>
#include <optional>

#include "model/json_text.h"

namespace fpcls {
namespace {

using nlohmann::json;

/// Adds the attributes of a node to its JSON.
struct WriteAttributes {
  json& object;

  void operator()(std::monostate) const {}
  void operator()(const ConvAttributes& conv) const {
    object["stride"] = conv.stride;
    object["padding"] = conv.padding;
    object["dilation"] = conv.dilation;
    object["groups"] = conv.groups;
  }
  void operator()(const PoolAttributes& pool) const {
    object["kernel"] = pool.kernel;
    object["stride"] = pool.stride;
    object["padding"] = pool.padding;
    object["dilation"] = pool.dilation;
    object["ceil_mode"] = pool.ceil_mode;
    object["count_include_pad"] = pool.count_include_pad;
  }
  void operator()(const AdaptivePoolAttributes& pool) const { object["output"] = pool.output; }
  void operator()(const NormAttributes& norm) const {
    object["epsilon"] = norm.epsilon;
    object["momentum"] = norm.momentum;
  }
  void operator()(const AxisAttributes& axis) const { object["axis"] = axis.axis; }
  void operator()(const LeakyAttributes& leaky) const { object["slope"] = leaky.slope; }
  void operator()(const PowerAttributes& power) const { object["exponent"] = power.exponent; }
  void operator()(const AffineAttributes& affine) const { object["learned"] = affine.learned; }
  void operator()(const LayerNormAttributes& norm) const {
    object["axis"] = norm.axis;
    object["epsilon"] = norm.epsilon;
  }
  void operator()(const ReshapeAttributes& reshape) const { object["shape"] = reshape.shape; }
  void operator()(const PermuteAttributes& permute) const { object["axes"] = permute.axes; }
  void operator()(const SliceAttributes& slice) const {
    object["axis"] = slice.axis;
    object["begin"] = slice.begin;
    object["end"] = slice.end;
    object["step"] = slice.step;
  }
  void operator()(const PadAttributes& pad) const {
    object["before"] = pad.before;
    object["after"] = pad.after;
    object["value"] = pad.value;
  }
  void operator()(const QuantizeAttributes& quantize) const {
    object["scale"] = quantize.params.scale;
    object["zero_point"] = quantize.params.zero_point;
    object["lowest"] = quantize.params.lowest;
    object["highest"] = quantize.params.highest;
  }
};

Attributes read_attributes(Op op, JsonObject& object) {
  switch (op) {
    case Op::conv: {
      ConvAttributes conv;
      conv.stride = object.numbers<int64_t, 2>("stride");
      conv.padding = object.numbers<int64_t, 4>("padding");
      conv.dilation = object.numbers<int64_t, 2>("dilation");
      conv.groups = object.integer("groups");
      return conv;
    }
    case Op::max_pool:
    case Op::avg_pool: {
      PoolAttributes pool;
      pool.kernel = object.numbers<int64_t, 2>("kernel");
      pool.stride = object.numbers<int64_t, 2>("stride");
      pool.padding = object.numbers<int64_t, 4>("padding");
      pool.dilation = object.numbers<int64_t, 2>("dilation");
      pool.ceil_mode = object.boolean("ceil_mode");
      pool.count_include_pad = object.boolean("count_include_pad");
      return pool;
    }
    case Op::adaptive_avg_pool:
      return AdaptivePoolAttributes{object.numbers<int64_t, 2>("output")};
    case Op::batch_norm:
      return NormAttributes{object.number("epsilon"), object.number("momentum")};
    case Op::concat:
    case Op::flatten:
    case Op::softmax:
      return AxisAttributes{object.integer("axis")};
    case Op::leaky_relu:
      return LeakyAttributes{object.number("slope")};
    case Op::pow:
      return PowerAttributes{object.number("exponent")};
    case Op::affine:
      return AffineAttributes{object.boolean("learned")};
    case Op::layer_norm:
      return LayerNormAttributes{object.integer("axis"), object.number("epsilon")};
    case Op::reshape:
      return ReshapeAttributes{object.integers("shape")};
    case Op::permute:
      return PermuteAttributes{object.integers("axes")};
    case Op::slice:
      return SliceAttributes{object.integer("axis"), object.integer("begin"), object.integer("end"),
                             object.integer("step")};
    case Op::pad:
      return PadAttributes{object.integers("before"), object.integers("after"),
                           object.number("value")};
    case Op::quantize: {
      const auto small = [&](const char* key) {
        return static_cast<int>(std::clamp<int64_t>(object.integer(key), -1000, 1000));
      };
      const auto scale = static_cast<float>(object.number("scale"));
      return QuantizeAttributes{{scale, small("zero_point"), small("lowest"), small("highest")}};
    }
    default:
      return {};
  }
}

json node_to_json(const Graph& graph, const Node& node) {
  json object{{"op", enum_name(node.op)}, {"name", node.name}, {"inputs", json::array()}};
  for (const int input : node.inputs) object["inputs"].push_back(graph.node(input).name);
  if (!node.weights.empty()) {
    for (const auto& [key, tensor] : node.weights) object["weights"].push_back(key);
  }
  std::visit(WriteAttributes{object}, node.attributes);
  return object;
}

/// Reads the nodes in order, so that an input's name leads to a node that is known already.
class NodeReader {
 public:
  NodeReader(const TensorMap& tensors, std::string where)
      : tensors_(tensors), where_(std::move(where)) {}

  Node read(const json& value) {
    JsonObject object(value, where_ + ": graph: node");
    Node node;
    node.name = object.text("name");
    const std::string here = fmt::format("{}: layer {}", where_, quoted(node.name));
    const std::string op = object.text("op");
    const std::optional<Op> known = enum_value<Op>(op);
    if (!known) fail("{}: has the op {}, which this fpcls doesn't know", here, quoted(op));
    node.op = *known;
    for (const std::string& input : object.texts("inputs")) {
      node.inputs.push_back(find(input, here));
    }
    if (object.has("weights")) read_weights(object.texts("weights"), node, here);
    node.attributes = read_attributes(node.op, object);
    object.finish();
    indices_.emplace(node.name, static_cast<int>(indices_.size()));
    return node;
  }

  int find(const std::string& name, const std::string& here) const {
    const auto found = indices_.find(name);
    if (found == indices_.end())
      fail("{}: reads {}, which is no layer before it", here, quoted(name));
    return found->second;
  }

  size_t weights_read() const { return weights_read_; }

 private:
  void read_weights(const std::vector<std::string>& keys, Node& node, const std::string& here) {
    for (const std::string& key : keys) {
      const auto found = tensors_.find(node.name + "." + key);
      if (found == tensors_.end()) fail("{}: its {} is not in the file", here, quoted(key));
      if (node.weights.emplace(key, found->second).second) ++weights_read_;
    }
  }

  const TensorMap& tensors_;
  const std::string where_;
  std::map<std::string, int> indices_;
  size_t weights_read_ = 0;
};

Head head_from_json(JsonObject object) {
  Head head;
  head.labels = object.texts("labels");
  const int64_t positive = object.integer("positive");
  // Out of int's range it is out of every list's, which check_head says.
  head.positive = static_cast<int>(std::clamp<int64_t>(positive, -2, INT32_MAX));
  if (object.has("temperature")) head.temperature = static_cast<float>(object.number("temperature"));
  object.finish();
  return head;
}

template <class E>
E read_enum(JsonObject& object, const std::string& key, const std::string& where) {
  const std::string name = object.text(key);
  const std::optional<E> value = enum_value<E>(name);
  if (!value) {
    fail("{}: {} is {}, expected one of {}", where, key, quoted(name), enum_choices<E>());
  }
  return *value;
}

json preprocessing_to_json(const Preprocessing& preprocessing) {
  json mean = json::array(), std = json::array();
  for (const float value : preprocessing.mean) mean.push_back(json_number(value));
  for (const float value : preprocessing.std) std.push_back(json_number(value));
  return {{"height", preprocessing.height},
          {"width", preprocessing.width},
          {"fit", enum_name(preprocessing.fit)},
          {"resize", preprocessing.resize},
          {"decode", enum_name(preprocessing.decode)},
          {"mean", mean},
          {"std", std}};
}

Preprocessing preprocessing_from_json(JsonObject object, const std::string& where) {
  const auto side = [&](const char* key) {
    const int64_t value = object.integer(key);
    if (value < 1 || value > 65535) fail("{}: {} is {}, expected 1 to 65535", where, key, value);
    return static_cast<int>(value);
  };
  Preprocessing result;
  result.height = side("height");
  result.width = side("width");
  result.fit = read_enum<Fit>(object, "fit", where);
  result.resize = side("resize");
  result.decode = read_enum<Decode>(object, "decode", where);
  result.mean = object.numbers<float, 3>("mean");
  result.std = object.numbers<float, 3>("std");
  object.finish();
  return result;
}

}  // namespace

json graph_to_json(const Graph& graph) {
  json nodes = json::array(), outputs = json::array();
  for (const Node& node : graph.nodes()) nodes.push_back(node_to_json(graph, node));
  for (const GraphOutput& output : graph.outputs()) {
    outputs.push_back({{"name", output.name}, {"node", graph.node(output.node).name}});
  }
  return {{"input_shape", graph.input_shape()}, {"nodes", nodes}, {"outputs", outputs}};
}

Graph graph_from_json(const json& value, const TensorMap& tensors, const std::string& where) {
  JsonObject object(value, where + ": graph");
  const auto shape = object.numbers<int64_t, 4>("input_shape");
  NodeReader reader(tensors, where);
  std::vector<Node> nodes;
  for (const json& node : object.array("nodes")) nodes.push_back(reader.read(node));
  std::vector<GraphOutput> outputs;
  for (const json& item : object.array("outputs")) {
    JsonObject output(item, where + ": graph: output");
    const std::string name = output.text("name");
    const std::string here = fmt::format("{}: output {}", where, quoted(name));
    outputs.push_back({name, reader.find(output.text("node"), here)});
    output.finish();
  }
  object.finish();
  if (reader.weights_read() != tensors.size()) {
    fail("{}: has {} tensors, but its graph uses {}", where, tensors.size(), reader.weights_read());
  }
  return Graph(Shape(shape.begin(), shape.end()), std::move(nodes), std::move(outputs), where);
}

json metadata_to_json(const Metadata& metadata) {
  json object{{"head", {{"labels", metadata.head.labels}, {"positive", metadata.head.positive}}},
              {"preprocessing", preprocessing_to_json(metadata.preprocessing)},
              {"precision", metadata.precision},
              {"architecture", metadata.architecture},
              {"provenance", json::array()}};
  // Left out at 1, so that files without one stay readable by what doesn't know of it.
  if (metadata.head.temperature != 1) {
    object["head"]["temperature"] = json_number(metadata.head.temperature);
  }
  if (metadata.accept) object["accept"] = json_number(*metadata.accept);
  for (const auto& [key, value] : metadata.provenance) {
    object["provenance"].push_back(json::array({key, value}));
  }
  return object;
}

Metadata metadata_from_json(const json& value, const std::string& where) {
  JsonObject object(value, where + ": metadata");
  Metadata metadata;
  metadata.head = head_from_json(object.object("head"));
  metadata.preprocessing = preprocessing_from_json(object.object("preprocessing"), where);
  if (object.has("accept")) metadata.accept = static_cast<float>(object.number("accept"));
  metadata.precision = object.text("precision");
  metadata.architecture = object.text("architecture");
  for (const json& item : object.array("provenance")) {
    if (!item.is_array() || item.size() != 2 || !item[0].is_string() || !item[1].is_string()) {
      fail("{}: metadata: provenance is not a list of name and value", where);
    }
    metadata.provenance.emplace_back(item[0].get<std::string>(), item[1].get<std::string>());
  }
  object.finish();
  return metadata;
}

TensorMap named_weights(const Graph& graph) {
  TensorMap tensors;
  for (const Node& node : graph.nodes()) {
    for (const auto& [key, tensor] : node.weights) tensors[node.name + "." + key] = tensor;
  }
  return tensors;
}

}  // namespace fpcls
