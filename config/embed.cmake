# Writes OUTPUT, a C++ source with the text of the TOML files below DIRECTORY in its tables:
# cmake -DOUTPUT=... -DDIRECTORY=... -DFILES="profiles/a.toml;patterns/b.toml" -P embed.cmake
set(tables "")
foreach(kind profiles patterns rules gguf)
  set(rows "")
  foreach(file IN LISTS FILES)
    if(file MATCHES "^${kind}/(.*)\\.toml$")
      set(name ${CMAKE_MATCH_1})
      file(READ ${DIRECTORY}/${file} text)
      string(APPEND rows "    {\"${name}\", R\"toml_text(${text})toml_text\"},\n")
    endif()
  endforeach()
  string(APPEND tables "constexpr EmbeddedFile ${kind}[] = {\n${rows}};\n\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by config/embed.cmake from the TOML files in config/.
#include \"config/embedded_files.hpp\"

namespace plimsoll::config {
namespace {

${tables}}  // namespace

std::span<const EmbeddedFile> embedded_profiles() { return profiles; }
std::span<const EmbeddedFile> embedded_patterns() { return patterns; }
std::span<const EmbeddedFile> embedded_rules() { return rules; }
std::span<const EmbeddedFile> embedded_gguf_names() { return gguf; }

}  // namespace plimsoll::config
")
