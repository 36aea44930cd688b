#include "names_golden.hpp"

#include <fstream>

using namespace plimsoll;

const nlohmann::json& expected_names() {
  static const nlohmann::json expected = [] {
    std::ifstream file(PLIMSOLL_GOLDEN_DIR "/gguf_names/expected.json");
    return nlohmann::json::parse(file);
  }();
  return expected;
}

io::GgufCheckpoint golden_checkpoint(const std::string& name) {
  auto checkpoint = io::open_gguf_checkpoint(PLIMSOLL_GOLDEN_DIR "/gguf_names/" + name + ".gguf");
  if (!checkpoint) throw checkpoint.error();
  return *std::move(checkpoint);
}

const gguf::Family& family_of(const io::GgufCheckpoint& checkpoint) {
  static const gguf::NameTables tables = [] {
    auto shipped = gguf::shipped_name_tables();
    if (!shipped) throw shipped.error();
    return *std::move(shipped);
  }();
  const auto family = gguf::family_of(tables, checkpoint.metadata, "FILE");
  if (!family) throw family.error();
  return **family;
}
