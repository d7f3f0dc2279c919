# Writes C++ that holds text files as constants: cmake -DOUT=x.cpp -DFILES=a.css,b.js -P EmbedText.cmake
# Each becomes `extern const std::string_view` k<Name><Ext> of namespace fpcls: report.css is
# kReportCss. One literal a line.
string(REPLACE "," ";" files "${FILES}")
set(text "#include <string_view>\n\nnamespace fpcls {\n\n")
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  string(REPLACE "." ";" words ${name})
  set(constant k)
  foreach(word ${words})
    string(SUBSTRING ${word} 0 1 first)
    string(SUBSTRING ${word} 1 -1 rest)
    string(TOUPPER ${first} first)
    string(APPEND constant ${first}${rest})
  endforeach()
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "\\\\x\\1" escaped "${bytes}")
  string(REPLACE "\\x0a" "\\x0a\"\n    \"" lines "${escaped}")
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(APPEND text "extern const std::string_view ${constant};\n"
                     "const std::string_view ${constant}(\n    \"${lines}\",\n    ${size});\n\n")
endforeach()
file(WRITE ${OUT} "${text}}  // namespace fpcls\n")
