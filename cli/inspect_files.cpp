#include "cli/inspect_files.hpp"

#include "cli/readable_size.hpp"
#include "cli/text_table.hpp"
#include "errors/printable.hpp"

namespace plimsoll::cli {

std::vector<std::string> relative_names(const std::string& directory,
                                        std::span<const io::SourceFile> files) {
  const std::string front = directory + "/";
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const io::SourceFile& file : files) {
    names.push_back(file.path.starts_with(front) ? file.path.substr(front.size()) : file.path);
  }
  return names;
}

std::string files_text(std::span<const std::string> names, std::span<const io::SourceFile> files) {
  TextTable sizes({TextTable::Align::left, TextTable::Align::right});
  sizes.add({"file", "size"});
  for (std::size_t i = 0; i < files.size(); ++i) {
    sizes.add({printable(names[i]), readable_size(files[i].bytes)});
  }
  return sizes.text();
}

}  // namespace plimsoll::cli
