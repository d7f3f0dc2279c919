#pragma once

#include <string>
#include <vector>

#include "run/common_options.h"

/// Which models are run, in which order, and from which score on each decides.
namespace fpcls {

/// One entry of a YAML file's `cascade:` list.
struct StageOptions {
  std::string name;
  std::string model;
  std::optional<float> accept;
  std::string negative;
  ForeignModelOptions foreign;

  template <class Visitor>
  void describe(Visitor& v) {
    v.option("name", name, "Name of the stage in reports");
    v.path("model", model, "Model file");
    v.option("accept", accept, "Score from which on the stage accepts its label",
             Range{0.0F, 1.0F});
    v.option("negative", negative, "Label given when 1 - score reaches 'accept'");
    foreign.describe_as("labels", v);
  }
};

struct CascadeSpec {
  std::vector<StageOptions> cascade;
  std::vector<std::string> model;
  std::optional<float> accept;
  std::string otherwise = "other";
  bool all_stages = false;
  ForeignModelOptions foreign;

  template <class Visitor>
  void describe(Visitor& v) {
    v.list("cascade", cascade, "Stages in order");
    v.path("model", model, "Model file; several make a cascade in the order given");
    v.option("accept", accept, "Score from which on a --model accepts its label",
             Range{0.0F, 1.0F});
    v.option("otherwise", otherwise, "Label of a picture that no stage accepts");
    v.option("all_stages", all_stages, "Run every stage on every picture: no early exit");
    v.group("Models from elsewhere", foreign);
  }
};

}  // namespace fpcls
