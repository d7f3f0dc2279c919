#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "report/curve_svg.h"
#include "run/bench.h"

namespace fpcls {
namespace {

std::string ms_text(const std::optional<double>& ms) {
  return ms ? fmt::format("{:.3f} ms", *ms) : "not known";
}

/// "1.25 (1.21 to 1.29)"; "~" where chance alone could give it.
std::string against_text(const std::optional<BenchAgainst>& against) {
  if (!against) return "";
  std::string text = fmt::format("{:.2f}", against->speed_ratio);
  if (against->low) text += fmt::format(" ({:.2f} to {:.2f})", *against->low, *against->high);
  return against->significant ? text : "~ " + text;
}

Table case_table(const BenchOptions& options, const BenchResult& result) {
  std::vector<Column> columns = {text_column("subject", "model"),
                                 count_column("batch"),
                                 count_column("workers"),
                                 count_column("threads"),
                                 number_column("images_per_second", "pictures", 1, "1/s"),
                                 ms_column("p50_ms", "p50", 3),
                                 ms_column("p90_ms", "p90", 3),
                                 ms_column("p95_ms", "p95", 3),
                                 ms_column("p99_ms", "p99", 3),
                                 count_column("n"),
                                 bytes_column("peak_resident_bytes", "peak memory")};
  const auto any = [&](auto has) {
    return std::any_of(result.records.begin(), result.records.end(), has);
  };
  const bool costs = options.price > 0;
  const bool compared = any([](const BenchRecord& r) { return r.against.has_value(); });
  if (costs) columns.push_back(number_column("cost_per_million", "a million", 4));
  if (compared) {
    columns.push_back(text_column("speed_ratio", "times as fast"));
    columns.push_back(number_column("p", "p", 4));
  }
  Table table("cases", std::move(columns));
  for (const BenchRecord& r : result.records) {
    std::vector<Cell> row = {r.subject(),
                             r.batch,
                             r.workers,
                             r.threads,
                             r.throughput.images_per_second,
                             r.latency.p50_ms,
                             r.latency.p90_ms,
                             r.latency.p95_ms,
                             r.latency.p99_ms,
                             r.latency.n,
                             r.memory.peak_resident_bytes};
    if (costs) row.emplace_back(r.throughput.cost_per_million);
    if (compared) {
      row.emplace_back(against_text(r.against));
      row.emplace_back(r.against ? r.against->p : std::nullopt);
    }
    table.add_row(std::move(row));
  }
  table.notes = {"Latencies are of a batch (of a cascade: of a picture), n of them.",
                 "Times as fast: than the first model, with its 95 % interval over repeated "
                 "processes; ~ where Mann-Whitney's U finds nothing at 5 %."};
  return table;
}

/// Bars of eighths of a character.
Table throughput_bars(const BenchResult& result) {
  constexpr double kBar = 40;
  static constexpr std::string_view kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  double most = 0;
  for (const BenchRecord& r : result.records) {
    most = std::max(most, r.throughput.images_per_second);
  }
  Table table("throughput",
              {text_column("subject", "model"), count_column("workers"), count_column("batch"),
               number_column("images_per_second", "pictures", 1, "1/s"), text_column("bar", "")});
  std::string before;
  for (const BenchRecord& r : result.records) {
    const std::string group = fmt::format("{} {}", r.subject(), r.workers);
    if (!before.empty() && group != before) table.add_rule();
    before = group;
    const auto eighths = static_cast<size_t>(
        most > 0 ? std::round(8 * kBar * r.throughput.images_per_second / most) : 0);
    std::string bar;
    for (size_t i = 0; i < eighths / 8; ++i) bar += "█";
    bar += kEighths[eighths % 8];
    table.add_row({r.subject(), r.workers, r.batch, r.throughput.images_per_second, bar});
  }
  return table;
}

KeyValues facts(const BenchRecord& r) {
  KeyValues facts;
  const auto add = [&facts](const char* key, std::string value) {
    facts.entries.emplace_back(key, std::move(value));
  };
  add("model", fmt::format("{}, {}", to_utf8(r.model), r.computed_by));
  if (!r.output.empty()) add("up to layer", r.output);
  add("input", r.input);
  add("CPU", r.machine.cpu);
  add("windows", fmt::format("{}, {}", r.throughput.windows,
                             r.throughput.stable ? "the last three within 5 %"
                                                 : "no three within 5 %: all are counted"));
  if (r.clients > 0) add("callers", fmt::format("{}", r.clients));
  return facts;
}

KeyValues phases(const BenchPhases& p) {
  KeyValues list;
  const auto add = [&list](const char* key, const std::optional<double>& ms) {
    list.entries.emplace_back(key, ms_text(ms));
  };
  add("load", p.load_ms);
  add("compile", p.compile_ms);
  add("first run", p.first_run_ms);
  if (p.decode_ms) add("decode, a picture", p.decode_ms);
  if (p.resize_ms) add("resize, a picture", p.resize_ms);
  if (p.run_ms) {
    add("copy in", p.input_ms);
    add("run", p.run_ms);
    add("copy out", p.output_ms);
  }
  return list;
}

Table ledger(const BenchMemory& m) {
  Table table("memory", {text_column("part"), bytes_column("bytes"), percent_column("share")});
  const auto add = [&](std::string part, int64_t bytes) {
    const double share = m.resident_bytes > 0
                             ? static_cast<double>(bytes) / static_cast<double>(m.resident_bytes)
                             : 0;
    table.add_row({std::move(part), bytes, share});
  };
  add("the process before loading", m.process_bytes);
  add("weights as they stand", m.weights_bytes);
  add("packed weights", m.packed_weights_bytes);
  add(m.arena_peak_layer.empty() ? "arena" : "arena, at its peak in " + m.arena_peak_layer,
      m.arena_bytes);
  add("kernels' scratch", m.scratchpad_bytes);
  add("unused pages of the model's file", m.file_buffer_bytes);
  add("pictures held ready", m.decode_queue_bytes);
  add("code of libraries, touched since", m.library_bytes);
  add("left by reading the model", m.reading_bytes);
  add("kernels' code and plans", m.compiling_bytes);
  add("unexplained", m.unexplained_bytes);
  table.add_rule();
  add("resident after running", m.resident_bytes);
  add("peak, loading included", m.peak_resident_bytes);
  return table;
}

/// All layers; as text, the slowest `most`.
Table layer_table(const BenchRecord& r, size_t most) {
  Table table("layers",
              {text_column("name", "layer"), text_column("op"), ms_column("ms", "time", 4),
               percent_column("share"), number_column("gmacs", "rate", 1, "GMAC/s"),
               count_column("images", "pictures"), text_column("kernel")});
  std::vector<const BenchLayer*> layers;
  for (const BenchLayer& layer : r.layers) layers.push_back(&layer);
  if (layers.size() > most) {
    std::stable_sort(layers.begin(), layers.end(),
                     [](const BenchLayer* a, const BenchLayer* b) { return a->ms > b->ms; });
    table.caption = fmt::format("The slowest {} of {}", most, layers.size());
    layers.resize(most);
  }
  for (const BenchLayer* layer : layers) {
    table.add_row({layer->name, layer->op, layer->ms, layer->share, layer->gmacs, layer->images,
                   layer->kernel});
  }
  return table;
}

Table noise_table(const BenchResult& result) {
  Table table("noise", {text_column("subject", "model"), text_column("what", "scores of"),
                        count_column("images", "pictures"),
                        text_column("largest_difference", "largest difference"),
                        count_column("flips", "other answers")});
  for (const BenchRecord& r : result.records) {
    for (const BenchNoise& noise : r.noise) {
      table.add_row({r.subject(), noise.what, noise.images,
                     noise.largest_difference == 0
                         ? std::string("none: bit for bit")
                         : fmt::format("{:.2e}", noise.largest_difference),
                     noise.flips});
    }
  }
  return table;
}

}  // namespace

Document bench_document(const BenchOptions& options, const BenchResult& result) {
  Document document;
  document.sections.push_back({"Speed", {case_table(options, result)}});
  if (result.records.size() > 1) {
    document.sections.push_back({"Throughput", {throughput_bars(result)}});
  } else {
    const BenchRecord& record = result.records[0];
    document.sections[0].blocks.insert(document.sections[0].blocks.begin(), facts(record));
    document.sections.push_back({"Phases", {phases(record.phases)}});
    document.sections.push_back({"Memory", {ledger(record.memory)}});
    const bool everything = options.output.format == OutputFormat::csv;
    const size_t most = everything ? record.layers.size() : static_cast<size_t>(options.layers);
    if (most > 0) document.sections.push_back({"Layers", {layer_table(record, most)}});
  }
  if (options.noise) document.sections.push_back({"Noise", {noise_table(result)}});
  return document;
}

std::string bench_curve_svg(const BenchResult& result) {
  std::map<std::string, size_t> known;
  Curve curve;
  curve.title = "Throughput, " + (result.records.empty() ? "" : result.records[0].machine.cpu);
  curve.x_name = "batch";
  curve.y_name = "pictures/s";
  for (const BenchRecord& r : result.records) {
    const std::string name = fmt::format("{}, {} x {} threads", r.subject(), r.workers, r.threads);
    const auto [found, fresh] = known.emplace(name, curve.lines.size());
    if (fresh) curve.lines.push_back({name, {}});
    curve.lines[found->second].points.push_back(
        {static_cast<double>(r.batch), r.throughput.images_per_second});
  }
  for (Curve::Line& line : curve.lines) {
    std::sort(line.points.begin(), line.points.end(),
              [](const Curve::Point& a, const Curve::Point& b) { return a.x < b.x; });
  }
  return curve_svg(curve);
}

}  // namespace fpcls
