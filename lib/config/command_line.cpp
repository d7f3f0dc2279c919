#include "config/command_line.h"

#include <CLI/CLI.hpp>
#include <cctype>
#include <map>

#include "base/text.h"
#include "config/yaml_file.h"

namespace fpcls {
namespace {

/// What was typed for one option, kept as text until the configuration file has been read.
struct Typed {
  const OptionSpec* spec = nullptr;
  CLI::Option* option = nullptr;
  std::vector<std::string> values;
  bool flag = false;
};

std::string help_text(const OptionSpec& spec) {
  std::string text = spec.help;
  if (!spec.choices.empty()) text += " (" + spec.choices + ")";
  const std::vector<std::string> values = spec.values();
  const bool shows_default =
      spec.kind != ValueKind::boolean && !values.empty() && !values[0].empty();
  if (!shows_default) return text;
  std::string joined;
  for (const std::string& value : values) joined += (joined.empty() ? "" : ",") + value;
  return text + " [" + joined + "]";
}

std::string value_name(const OptionSpec& spec) {
  switch (spec.kind) {
    case ValueKind::integer:
      return spec.many ? "N,..." : "N";
    case ValueKind::real:
      return spec.many ? "X,..." : "X";
    default:
      return spec.path ? "FILE" : "TEXT";
  }
}

void add_option(CLI::App& app, Typed& typed) {
  const OptionSpec& spec = *typed.spec;
  std::string names = flag_name(spec);
  if (spec.short_name != 0) names = std::string("-") + spec.short_name + "," + names;
  if (spec.kind == ValueKind::boolean && !spec.positional) {
    const std::string off = "!--no-" + flag_name(spec).substr(2);
    const bool on_by_default = spec.values() == std::vector<std::string>{"true"};
    typed.option =
        app.add_flag(names + (on_by_default ? "," + off : ""), typed.flag, help_text(spec));
  } else {
    typed.option =
        app.add_option(spec.positional ? spec.name : names, typed.values, help_text(spec));
    typed.option->type_name(spec.positional ? "" : value_name(spec));
    // One value for each time the flag is given: what follows may be a positional.
    typed.option->expected(spec.many && spec.positional ? -1 : 1);
    if (!spec.positional || !spec.many) typed.option->allow_extra_args(false);
    if (spec.many && !spec.positional) {
      typed.option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    if (spec.many && (spec.kind != ValueKind::text || !spec.choices.empty())) typed.option->delimiter(',');
  }
  typed.option->group(spec.group);
}

void apply(const Typed& typed) {
  if (typed.option->count() == 0) return;
  const OptionSpec& spec = *typed.spec;
  const std::string name = spec.positional ? spec.name : flag_name(spec);
  try {
    spec.clear();
    if (spec.kind == ValueKind::boolean && !spec.positional)
      return spec.parse(typed.flag ? "true" : "false");
    for (const std::string& value : typed.values) spec.parse(value);
  } catch (const Error& e) {
    fail("{} {}", name, e.what());
  }
}

[[noreturn]] void fail_unknown(const CommandInfo& info, const std::string& argument,
                               const std::vector<Typed>& all) {
  std::vector<std::string> names = {"--config", "--print-config", "--help"};
  for (const Typed& typed : all) names.push_back(flag_name(*typed.spec));
  const std::string flag = argument.substr(0, argument.find('='));
  const std::string close = flag[0] == '-' ? closest_name(flag, names) : "";
  fail("{}: unknown {} {}{}; 'fpcls {} --help' lists what it takes", info.name,
       argument[0] == '-' ? "flag" : "argument", quoted(argument),
       close.empty() ? "" : ", did you mean '" + close + "'", info.name);
}

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(34); }
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_name().empty() ? "" : " " + option->get_type_name();
  }
};

}  // namespace

ParsedCommand parse_command_line(const CommandInfo& info, const std::vector<std::string>& arguments,
                                 const std::vector<OptionSpec>& specs) {
  std::string summary = info.summary;
  if (!summary.empty()) summary[0] = static_cast<char>(std::toupper(summary[0]));
  CLI::App app(summary + (info.details.empty() ? "" : "\n\n" + info.details), "fpcls " + info.name);
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag();
  app.allow_extras();
  if (!info.examples.empty()) app.footer("Examples:\n" + info.examples);
  std::vector<Typed> all;
  for (const OptionSpec& spec : specs) {
    if (!spec.yaml_only) all.push_back({&spec, nullptr, {}, false});
  }
  for (Typed& typed : all) add_option(app, typed);
  std::string config;
  bool help = false, print_config = false;
  app.add_option("--config", config, "Options from a YAML file; what is typed goes before it")
      ->type_name("FILE")
      ->group("General");
  app.add_flag("--print-config", print_config, "Print the resolved configuration as YAML, and stop")
      ->group("General");
  app.add_flag("-h,--help", help, "Print this help, and stop")->group("General");

  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
  } catch (const CLI::ParseError& e) {
    fail("{}: {}; 'fpcls {} --help' lists what it takes", info.name, e.what(), info.name);
  }
  if (help) return {Request::help, app.help()};
  for (const std::string& extra : app.remaining()) fail_unknown(info, extra, all);
  if (!config.empty()) read_options(config, specs);
  for (const Typed& typed : all) apply(typed);
  if (print_config) return {Request::print_config, options_yaml(specs)};
  return {};
}

}  // namespace fpcls
