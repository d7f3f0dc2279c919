#include "run/dedupe_report.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "base/threads.h"
#include "images/open_picture.h"
#include "images/thumbnail.h"
#include "report/render_csv.h"
#include "run/html_report.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr size_t kPicturesShown = 600;
constexpr int kThumbnailSide = 160;

const char* kind_of(const CopyOf& copy) { return copy.match.same_file ? "same file" : "near copy"; }

bool labels_differ(const DedupePicture& a, const DedupePicture& b) {
  return a.entry.label && b.entry.label && a.entry.label != b.entry.label;
}

Column own_text(std::string key, std::string heading) {
  Column column = text_column(std::move(key), std::move(heading));
  column.own_words = OwnWords::heading_and_cells;
  return column;
}

Table copies_table(const DedupeResult& result, size_t rows) {
  Table table(
      "copies",
      {text_column("path"), data_only(text_column("slice")), text_column("label"),
       data_only(count_column("width")), data_only(count_column("height")), own_text("kind", ""),
       number_column("likeness", "", 3), text_column("kept"), data_only(text_column("kept_slice")),
       text_column("kept_label", "its label"), data_only(text_column("kept_in"))});
  for (size_t i = 0; i < result.pictures.size() && table.rows().size() < rows; ++i) {
    const auto& copy = result.copies[i];
    if (!copy) continue;
    const DedupePicture& picture = result.pictures[i];
    const DedupePicture& kept = result.kept_for(*copy);
    table.add_row({picture.entry.path, picture.entry.slice, picture.entry.label, picture.width,
                   picture.height, kind_of(*copy), copy->match.likeness, kept.entry.path,
                   kept.entry.slice, kept.entry.label, copy->held ? "against" : "input"});
  }
  table.notes = {"likeness: correlation of the details of both pictures, laid on each other",
                 "kept: the picture that stays for it"};
  return table;
}

KeyValues totals(const DedupeResult& result, const DedupeOptions& options) {
  int64_t same = 0, near = 0, leaks = 0, disagree = 0;
  for (size_t i = 0; i < result.pictures.size(); ++i) {
    const auto& copy = result.copies[i];
    if (!copy) continue;
    ++(copy->match.same_file ? same : near);
    leaks += copy->held ? 1 : 0;
    disagree += labels_differ(result.pictures[i], result.kept_for(*copy)) ? 1 : 0;
  }
  const auto count = static_cast<int64_t>(result.pictures.size());
  KeyValues list;
  list.entries = {{"pictures", with_thousands(count)},
                  {"kept", with_thousands(count - same - near)},
                  {"same files", with_thousands(same)},
                  {"near copies", with_thousands(near)}};
  if (!options.against.empty()) {
    list.entries.emplace_back(
        "of --against", fmt::format("{} are copies of its {} pictures", with_thousands(leaks),
                                    with_thousands(static_cast<int64_t>(result.against.size()))));
  }
  if (disagree > 0) {
    list.entries.emplace_back("other label",
                              fmt::format("{} copies; look at them", with_thousands(disagree)));
  }
  if (!result.bad.empty()) {
    list.entries.emplace_back("undecodable",
                              with_thousands(static_cast<int64_t>(result.bad.size())));
  }
  if (result.listed_twice > 0) {
    list.entries.emplace_back("listed again", with_thousands(result.listed_twice) +
                                                  " times the very same file; counted once");
  }
  if (!options.move_to.empty()) {
    list.entries.emplace_back(
        "moved", options.apply ? with_thousands(result.moved)
                               : fmt::format("none; --apply would move {} into {}",
                                             with_thousands(same + near), options.move_to));
  }
  return list;
}

/// Kept pictures that have copies, each with the indices of its copies.
std::map<std::pair<bool, int64_t>, std::vector<size_t>> groups_of(const DedupeResult& result) {
  std::map<std::pair<bool, int64_t>, std::vector<size_t>> groups;
  for (size_t i = 0; i < result.copies.size(); ++i) {
    if (const auto& copy = result.copies[i]) groups[{!copy->held, copy->kept}].push_back(i);
  }
  return groups;
}

Thumbnail thumbnail_of(const fs::path& file) {
  const auto bytes = read_picture_file(file);
  if (!std::holds_alternative<std::string>(bytes)) return {};
  auto made = make_thumbnail(std::get<std::string>(bytes), kThumbnailSide);
  auto* thumbnail = std::get_if<EncodedThumbnail>(&made);
  if (thumbnail == nullptr) return {};
  return {std::move(thumbnail->webp), thumbnail->width, thumbnail->height};
}

/// Each group's pictures beside each other, the kept one first.
Gallery groups_gallery(const DedupeResult& result, int64_t copies) {
  Gallery gallery{
      Table("groups", {text_column("path"), count_column("group"), own_text("kind", "kind"),
                       number_column("likeness", "", 3), text_column("label"),
                       own_text("labels", "labels"), text_column("size"), text_column("slice")}),
      {},
      {"kind", "labels"}};
  std::vector<fs::path> files;
  const auto add = [&](const DedupePicture& p, int64_t group, const char* kind, Cell likeness,
                       const char* labels) {
    gallery.table.add_row({p.entry.path, group, kind, std::move(likeness), p.entry.label, labels,
                           fmt::format("{} x {}", p.width, p.height), p.entry.slice});
    files.push_back(p.entry.file);
  };
  int64_t group = 0;
  for (const auto& [key, members] : groups_of(result)) {
    if (files.size() >= kPicturesShown) break;
    const DedupePicture& kept = result.kept_for(*result.copies[members.front()]);
    const bool differ = std::any_of(members.begin(), members.end(), [&](size_t i) {
      return labels_differ(result.pictures[i], kept);
    });
    const char* labels = differ ? "differ" : "agree";
    add(kept, ++group, key.first ? "kept" : "kept, of --against", Cell(), labels);
    for (const size_t i : members) {
      const CopyOf& copy = *result.copies[i];
      add(result.pictures[i], group, kind_of(copy), copy.match.likeness, labels);
    }
  }
  gallery.table.caption = fmt::format("{} pictures of {} groups; copies.csv lists all {} copies.",
                                      files.size(), group, with_thousands(copies));
  gallery.thumbnails.resize(files.size());
  std::atomic<size_t> next{0};
  run_workers(usable_cores(), [&](int) {
    for (size_t i = next++; i < files.size(); i = next++) {
      gallery.thumbnails[i] = thumbnail_of(files[i]);
    }
  });
  return gallery;
}

/// The pictures that stay, as a manifest: paths are relative to where it lies.
std::string kept_csv(const fs::path& folder, const DedupeResult& result) {
  const fs::path base = fs::absolute(folder).lexically_normal();
  std::string csv = csv_line({"path", "label", "slice"});
  for (size_t i = 0; i < result.pictures.size(); ++i) {
    if (result.copies[i]) continue;
    const ImageEntry& entry = result.pictures[i].entry;
    const fs::path file = fs::absolute(entry.file).lexically_normal();
    csv +=
        csv_line({file.lexically_relative(base).string(), entry.label.value_or(""), entry.slice});
  }
  return csv;
}

json picture_json(const DedupePicture& picture) {
  json object{{"path", picture.entry.path}, {"slice", picture.entry.slice},
              {"sha256", picture.sha256},   {"width", picture.width},
              {"height", picture.height},   {"size_bytes", picture.file_bytes}};
  if (picture.entry.label) object["label"] = *picture.entry.label;
  return object;
}

}  // namespace

Document dedupe_document(const DedupeResult& result, const DedupeOptions& options, size_t rows) {
  Document document{"Copies and near copies", {{"", {totals(result, options)}}}};
  if (result.copy_count() > 0) {
    Table table = copies_table(result, rows);
    if (static_cast<int64_t>(table.rows().size()) < result.copy_count()) {
      table.notes.push_back(
          fmt::format("{} more; --format csv or --out lists all",
                      result.copy_count() - static_cast<int64_t>(table.rows().size())));
    }
    document.sections.push_back({"Copies", {std::move(table)}});
  }
  if (!result.bad.empty()) {
    Table bad("bad_images",
              {text_column("path"), text_column("reason_code", "code"), text_column("reason")});
    for (size_t i = 0; i < std::min(rows, result.bad.size()); ++i) {
      const auto& [path, failure] = result.bad[i];
      bad.add_row({path, std::string(enum_name(failure.code)), failure.reason});
    }
    document.sections.push_back({"Bad pictures", {std::move(bad)}});
  }
  return document;
}

std::string dedupe_csv(const DedupeResult& result) {
  return render_csv(copies_table(result, result.pictures.size()));
}

std::string dedupe_json(const DedupeResult& result) {
  json groups = json::array();
  for (const auto& [key, members] : groups_of(result)) {
    json group{{"kept", picture_json(result.kept_for(*result.copies[members.front()]))},
               {"kept_in", key.first ? "input" : "against"},
               {"copies", json::array()}};
    for (const size_t i : members) {
      json copy = picture_json(result.pictures[i]);
      copy["same_file"] = result.copies[i]->match.same_file;
      copy["likeness"] = result.copies[i]->match.likeness;
      group["copies"].push_back(std::move(copy));
    }
    groups.push_back(std::move(group));
  }
  json bad = json::array();
  for (const auto& [path, failure] : result.bad) {
    bad.push_back(
        {{"path", path}, {"reason_code", enum_name(failure.code)}, {"reason", failure.reason}});
  }
  const auto count = static_cast<int64_t>(result.pictures.size());
  return json{{"schema_version", 1},
              {"pictures", count},
              {"kept", count - result.copy_count()},
              {"groups", std::move(groups)},
              {"bad_images", std::move(bad)}}
             .dump(1) +
         "\n";
}

void write_dedupe_files(const fs::path& folder, const DedupeResult& result,
                        const DedupeOptions& options) {
  make_writable_folder(folder);
  write_file(folder / "kept.csv", kept_csv(folder, result));
  write_file(folder / "copies.csv", dedupe_csv(result));
  write_file(folder / "dedupe.json", dedupe_json(result));
  DedupeOptions before_moving = options;
  before_moving.move_to.clear();
  Document page = dedupe_document(result, before_moving, 1000);
  if (Section* copies = page.find_section("Copies")) {
    copies->blocks.insert(copies->blocks.begin(), groups_gallery(result, result.copy_count()));
  }
  write_html(folder / "dedupe.html", page);
}

}  // namespace fpcls
