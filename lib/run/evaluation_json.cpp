#include <nlohmann/json.hpp>

#include "run/evaluation_report.h"
#include "run/evaluation_tables.h"

namespace fpcls {
namespace {

using Json = nlohmann::ordered_json;
using Sink = std::function<void(std::string_view)>;

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void put(Json& json, const char* key, const std::optional<double>& value) {
  if (value) json[key] = *value;
}

void put(Json& json, const char* key, const std::optional<Interval>& value) {
  if (value) json[key] = {value->low, value->high};
}

Json run_json(const RunInfo& run) {
  Json models = Json::array();
  for (const StageInfo& stage : run.stages) {
    models.push_back({{"name", stage.name},
                      {"path", stage.model_path},
                      {"sha256", stage.model_sha256},
                      {"precision", stage.precision}});
  }
  const Json config = Json::parse(run.config_json, nullptr, false);
  return {{"version", run.version},
          {"command", run.command},
          {"config", config.is_object() ? config : Json::object()},
          {"models", models},
          {"cpu", run.cpu},
          {"isa", run.isa},
          {"device", run.device},
          {"threads", run.threads},
          {"workers", run.workers},
          {"started", run.started},
          {"seed", run.seed}};
}

Json images_json(const ImageCounts& images) {
  return {{"listed", images.listed},
          {"judged", images.judged},
          {"unlabelled", images.unlabelled},
          {"undecodable", images.undecodable}};
}

Json class_json(const ClassMetrics& c) {
  Json json = {{"label", c.label}, {"total", c.total}, {"predicted", c.predicted},
               {"tp", c.tp},       {"fp", c.fp},       {"fn", c.fn},
               {"tn", c.tn}};
  put(json, "accuracy", c.accuracy);
  put(json, "precision", c.precision);
  put(json, "recall", c.recall);
  put(json, "f1", c.f1);
  put(json, "precision_interval", c.precision_interval);
  put(json, "recall_interval", c.recall_interval);
  return json;
}

Json overall_json(const Overall& overall) {
  Json json = {{"correct", overall.correct}};
  put(json, "accuracy", overall.accuracy);
  return json;
}

Json bucket_json(const Buckets& b) {
  Json json = {
      {"stage", b.stage}, {"images", b.images}, {"at_least", bucket_bounds()}, {"count", b.count}};
  // Of no pictures there is no share at any bound.
  if (b.images > 0) {
    Json& ratios = json["ratio"] = Json::array();
    for (const auto& ratio : b.ratio) ratios.push_back(ratio.value_or(0));
  }
  return json;
}

Json latency_json(const PhaseLatency& l) {
  return {{"phase", l.phase},   {"images", l.images}, {"mean_ms", l.mean_ms}, {"p50_ms", l.p50_ms},
          {"p90_ms", l.p90_ms}, {"p95_ms", l.p95_ms}, {"p99_ms", l.p99_ms},   {"max_ms", l.max_ms}};
}

Json slice_json(const SliceMetrics& slice) {
  Json classes = Json::array();
  for (const ClassMetrics& c : slice.classes) classes.push_back(class_json(c));
  return {{"name", slice.name},
          {"images", images_json(slice.images)},
          {"classes", classes},
          {"overall", overall_json(slice.overall)}};
}

/// An object whose values stand on lines of their own; so do the elements of its lists.
class ObjectWriter {
 public:
  explicit ObjectWriter(const Sink& write) : write_(write) { write_("{"); }

  void value(const char* key, const Json& json) {
    begin(key);
    write_(dumped(json));
  }

  template <class Items, class ToJson>
  void list(const char* key, const Items& items, const ToJson& to_json) {
    begin(key);
    write_("[");
    bool first = true;
    for (const auto& item : items) {
      write_(first ? "\n  " : ",\n  ");
      write_(dumped(to_json(item)));
      first = false;
    }
    write_("]");
  }

  void end() { write_("}\n"); }

 private:
  void begin(const char* key) {
    write_(first_ ? "\"" : ",\n \"");
    write_(key);
    write_("\": ");
    first_ = false;
  }

  const Sink& write_;
  bool first_ = true;
};

}  // namespace

void write_evaluation_json(const RunInfo& run, const Evaluation& e, const Sink& write) {
  ObjectWriter object(write);
  object.value("schema_version", 1);
  object.value("run", run_json(run));
  object.value("images", images_json(e.images));
  object.list("classes", e.classes, class_json);
  object.value("overall", overall_json(e.overall));
  object.value("confusion", {{"labels", e.confusion.labels}, {"counts", e.confusion.counts}});
  object.list("buckets", e.buckets, bucket_json);
  object.list("scores", e.scores, [](const ScoreHistogram& s) {
    return Json{{"stage", s.stage},
                {"bins", kHistogramBins},
                {"positive", s.positive},
                {"negative", s.negative}};
  });
  object.list("funnel", e.funnel, [](const FunnelStage& f) {
    return Json{{"stage", f.stage},
                {"entered", f.entered},
                {"accepted", f.accepted},
                {"wrongly_accepted", f.wrongly_accepted},
                {"wrongly_passed_on", f.wrongly_passed_on}};
  });
  object.list("latency", e.latency, latency_json);
  if (const auto rate = images_per_second(run, e)) {
    object.value("throughput", {{"images_per_second", *rate}, {"wall_s", run.wall_s}});
  }
  if (run.peak_rss_bytes > 0) {
    object.value("memory",
                 {{"peak_rss_bytes", run.peak_rss_bytes}, {"device_bytes", run.device_bytes}});
  }
  object.value(
      "cache",
      {{"hits", e.cache.hits}, {"misses", e.cache.misses}, {"bypassed", e.cache.bypassed}});
  object.list("slices", e.slices, slice_json);
  object.list("bad_images", e.bad_images, [](const BadImage& bad) {
    return Json{{"path", bad.path}, {"reason_code", bad.reason_code}, {"reason", bad.reason}};
  });
  object.end();
}

std::string evaluation_json(const RunInfo& run, const Evaluation& evaluation) {
  std::string json;
  write_evaluation_json(run, evaluation, [&](std::string_view piece) { json += piece; });
  return json;
}

}  // namespace fpcls
