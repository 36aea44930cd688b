#include "cli/inspect_gguf.hpp"

#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/inspect_files.hpp"
#include "cli/inspect_metadata.hpp"
#include "cli/inspect_totals.hpp"
#include "cli/shape_text.hpp"
#include "cli/text_table.hpp"
#include "codecs/ggml/type.hpp"
#include "errors/printable.hpp"

namespace plimsoll::cli {
namespace {

using Align = TextTable::Align;

std::string_view byte_order(const io::GgufCheckpoint& checkpoint) {
  return checkpoint.big_endian ? "big" : "little";
}

/// The directory of the files; "." where paths name none.
std::string directory_of(const io::GgufCheckpoint& checkpoint) {
  const std::filesystem::path parent =
      std::filesystem::path(checkpoint.files.front().path).parent_path();
  return parent.empty() ? "." : parent.string();
}

std::string head_text(const io::GgufCheckpoint& checkpoint) {
  TextTable head({Align::left, Align::left});
  head.add({"format", "gguf"});
  head.add({"version", std::to_string(checkpoint.version)});
  head.add({"byte order", std::string(byte_order(checkpoint)).append("-endian")});
  head.add({"alignment", std::to_string(checkpoint.alignment)});
  return head.text();
}

std::string tensors_text(const io::GgufCheckpoint& checkpoint) {
  TextTable table({Align::left, Align::left, Align::left, Align::right});
  table.add({"tensor", "type", "shape", "bytes"});
  TypeTotals totals;
  for (const io::GgufTensor& tensor : checkpoint.tensors) {
    const std::string_view type = traits_of(tensor.type).name;
    table.add({printable(tensor.name), std::string(type), shape_text(tensor.shape),
               std::to_string(tensor.bytes)});
    totals.add(type, tensor.shape, tensor.bytes);
  }
  return table.text().append("\n").append(totals.text("type"));
}

}  // namespace

std::string gguf_text(const io::GgufCheckpoint& checkpoint) {
  const std::vector<std::string> names = relative_names(directory_of(checkpoint), checkpoint.files);
  std::string out = head_text(checkpoint) + "\n" + files_text(names, checkpoint.files);
  if (!checkpoint.metadata.pairs().empty()) {
    out.append("\n").append(metadata_text(checkpoint.metadata));
  }
  return out.append("\n").append(tensors_text(checkpoint));
}

Json gguf_json(const io::GgufCheckpoint& checkpoint) {
  const std::string directory = directory_of(checkpoint);
  const std::vector<std::string> names = relative_names(directory, checkpoint.files);
  Json tensors = Json::array();
  for (const io::GgufTensor& tensor : checkpoint.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"dtype", traits_of(tensor.type).name},
                       {"shape", tensor.shape},
                       {"ne", io::Shape(tensor.shape.rbegin(), tensor.shape.rend())},
                       {"file", names[tensor.file]},
                       {"offset", tensor.offset},
                       {"bytes", tensor.bytes}});
  }
  return {{"format", "gguf"},
          {"directory", directory},
          {"version", checkpoint.version},
          {"byte_order", byte_order(checkpoint)},
          {"alignment", checkpoint.alignment},
          {"metadata", metadata_json(checkpoint.metadata)},
          {"metadata_types", metadata_types_json(checkpoint.metadata)},
          {"files", names},
          {"tensors", std::move(tensors)}};
}

}  // namespace plimsoll::cli
