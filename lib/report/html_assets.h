#pragma once

#include <string_view>

/// The files of lib/report/html, embedded when the library is built. Internal to lib/report.
namespace fpcls {

extern const std::string_view kReportCss;
extern const std::string_view kReportJs;
/// Lines of "English<tab>Chinese".
extern const std::string_view kZhTxt;

}  // namespace fpcls
