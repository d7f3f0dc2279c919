#pragma once

#include <string>

#include "report/document.h"
#include "run/dedupe.h"

/// What `dedupe` found, for people and programs.
namespace fpcls {

/// Tables by name: copies (one row each copy, with the picture that stays for it), bad_images.
/// Shows `rows` copies at most.
Document dedupe_document(const DedupeResult& result, const DedupeOptions& options,
                         size_t rows = 1000000);

/// copies.csv: only the heading where there are none.
std::string dedupe_csv(const DedupeResult& result);

std::string dedupe_json(const DedupeResult& result);

/// Writes into `folder`: kept.csv, a manifest of the pictures that stay; copies.csv; dedupe.json;
/// dedupe.html with each group's pictures beside each other.
void write_dedupe_files(const std::filesystem::path& folder, const DedupeResult& result,
                        const DedupeOptions& options);

}  // namespace fpcls
