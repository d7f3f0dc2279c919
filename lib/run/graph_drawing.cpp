#include "run/graph_drawing.h"

#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"

namespace fpcls {
namespace {

/// Text inside a quoted string of Graphviz's.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char letter : one_line(text)) {
    if (letter == '"' || letter == '\\') result += '\\';
    result += letter;
  }
  return result;
}

const char* colour_of(Op op) {
  switch (op) {
    case Op::input:
      return "#d9d9d9";
    case Op::conv:
    case Op::linear:
    case Op::matmul:
      return "#a6cee3";
    case Op::batch_norm:
    case Op::layer_norm:
    case Op::affine:
      return "#cab2d6";
    case Op::max_pool:
    case Op::avg_pool:
    case Op::adaptive_avg_pool:
      return "#b2df8a";
    case Op::add:
    case Op::mul:
    case Op::concat:
      return "#fdbf6f";
    case Op::flatten:
    case Op::reshape:
    case Op::permute:
    case Op::slice:
    case Op::pad:
      return "#f0f0f0";
    default:
      return "#ffffb3";
  }
}

/// What tells this layer from others of its op: "3x3 / 2, 32 groups".
std::string detail_of(const Node& node) {
  const auto window = [](int64_t height, int64_t width, const Pair& stride) {
    std::string text = fmt::format(" {}x{}", height, width);
    if (stride != Pair{1, 1}) text += fmt::format(" / {}", fmt::join(stride, "x"));
    return text;
  };
  if (node.op == Op::conv) {
    const Shape& weight = node.weights.at("weight").shape();
    const int64_t groups = node.conv().groups;
    return window(weight[2], weight[3], node.conv().stride) +
           (groups > 1 ? fmt::format(", {} groups", groups) : "");
  }
  if (node.op == Op::max_pool || node.op == Op::avg_pool) {
    return window(node.pool().kernel[0], node.pool().kernel[1], node.pool().stride);
  }
  return "";
}

std::string extents(const Shape& shape) {
  return fmt::format("{}", fmt::join(shape.begin() + 1, shape.end(), " x "));
}

/// A file that goes when the object does.
struct Temporary {
  std::filesystem::path path;
  ~Temporary() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

/// Draws `in` into `out`, which becomes `name` afterwards.
void run_dot(const std::string& form, const std::string& in, const std::string& out,
             const std::string& name) {
  const std::string type = "-T" + form;
  const char* const arguments[] = {"dot", type.c_str(), "-o", out.c_str(), in.c_str(), nullptr};
  pid_t child = 0;
  const int problem =
      posix_spawnp(&child, "dot", nullptr, nullptr, const_cast<char* const*>(arguments), environ);
  if (problem == ENOENT) {
    fail(
        "{}: is drawn by Graphviz's program dot, which isn't installed; install graphviz, or end "
        "the name with .dot",
        quoted(name));
  }
  int status = 0;
  if (problem != 0 || waitpid(child, &status, 0) != child || status != 0) {
    fail("{}: Graphviz's program dot could not draw it", quoted(name));
  }
}

}  // namespace

std::string graph_dot(const Graph& graph) {
  std::string text =
      "digraph model {\n  rankdir=TB;\n  node [shape=box, style=\"rounded,filled\", "
      "fontname=\"sans-serif\", fontsize=10];\n  edge [fontname=\"sans-serif\", fontsize=8];\n";
  for (int i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    text += fmt::format("  n{} [label=\"{}\\n{}{}\\n{}\", fillcolor=\"{}\"];\n", i,
                        escaped(node.name), enum_name(node.op), detail_of(node),
                        extents(graph.shape(i)), colour_of(node.op));
    for (const int input : node.inputs) text += fmt::format("  n{} -> n{};\n", input, i);
  }
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    text +=
        fmt::format("  out{0} [label=\"{1}\", shape=plaintext, style=\"\"];\n  n{2} -> out{0};\n",
                    i, escaped(graph.outputs()[i].name), graph.outputs()[i].node);
  }
  return text + "}\n";
}

void draw_graph(const Graph& graph, const std::string& path) {
  const std::string ending = std::filesystem::path(path).extension().string();
  if (ending == ".dot" || ending == ".gv") return write_file(path, graph_dot(graph));
  if (ending != ".svg" && ending != ".png" && ending != ".pdf") {
    fail("--out {}: expected a name that ends with .dot, .svg, .png or .pdf", quoted(path));
  }
  const Temporary source{path + ".dot"}, drawn{path + ".part"};
  write_file(source.path, graph_dot(graph));
  run_dot(ending.substr(1), source.path.string(), drawn.path.string(), path);
  std::filesystem::rename(drawn.path, path);
}

}  // namespace fpcls
