#include "gguf_tiny.hpp"

#include <stdlib.h>

#include <fstream>
#include <iterator>

#include "catch.hpp"
#include "io/gguf_checkpoint.hpp"
#include "io/gguf_layout.hpp"

namespace fs = std::filesystem;
using namespace plimsoll;
using codecs::ggml::Type;
using io::GgufValue;

namespace {

io::GgufMetadata metadata() {
  io::GgufMetadata made;
  made.set("general.architecture", GgufValue::of("llama"));
  made.set("general.name", GgufValue::of("tiny \x1b model"));
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::uint32_t>>{{"block_count", 2},
                                                          {"context_length", 128},
                                                          {"embedding_length", 256},
                                                          {"feed_forward_length", 256},
                                                          {"attention.head_count", 4},
                                                          {"attention.head_count_kv", 2}}) {
    made.set("llama." + key, GgufValue::of(value));
  }
  made.set("llama.attention.layer_norm_rms_epsilon", GgufValue::of(1e-5f));
  std::vector<std::string> tokens;
  for (int i = 0; i < 32; ++i) tokens.push_back("<token " + std::to_string(i) + ">");
  made.set("tokenizer.ggml.tokens", GgufValue::array_of(tokens));
  made.set("tokenizer.ggml.add_bos_token", GgufValue::of(true));
  return made;
}

std::vector<io::GgufStoredTensor> tensors() {
  std::vector<io::GgufStoredTensor> made = {{"token_embd.weight", Type::f16, {32, 256}},
                                            {"output_norm.weight", Type::f32, {256}},
                                            {"output.weight", Type::f16, {32, 256}}};
  for (const std::string block : {"blk.0.", "blk.1."}) {
    made.push_back({block + "attn_norm.weight", Type::f32, {256}});
    made.push_back({block + "ffn_norm.weight", Type::f32, {256}});
    for (const std::string name : {"attn_k", "attn_v"}) {
      made.push_back({block + name + ".weight", Type::f16, {128, 256}});
    }
    for (const std::string name : {"attn_q", "attn_output", "ffn_gate", "ffn_up", "ffn_down"}) {
      made.push_back({block + name + ".weight", Type::f16, {256, 256}});
    }
  }
  return made;
}

/// Finite numbers of many sizes.
std::string numbers(Type type, std::uint64_t bytes, std::uint32_t seed) {
  std::string made;
  std::uint32_t random = seed * 2654435761u + 1;
  while (made.size() < bytes) {
    random = random * 1664525u + 1013904223u;
    if (type == Type::f32) {
      io::append_gguf_number(made, 0.5f + static_cast<float>(random >> 16) / 65536.0f);
    } else {
      const std::uint32_t exponent = 8 + (random >> 8) % 6;
      const std::uint32_t sign_and_fraction = (random >> 16) & 0x83ffu;
      io::append_gguf_number(made, static_cast<std::uint16_t>(sign_and_fraction | exponent << 10));
    }
  }
  return made;
}

/// The bytes of each file.
std::vector<std::string> files(const io::GgufSplit& split) {
  const auto stored = tensors();
  const auto layout = io::lay_out_gguf(metadata(), stored, split, "tiny");
  REQUIRE(layout);
  std::vector<std::string> made;
  for (const io::GgufPart& part : layout->parts) {
    made.push_back(part.header);
    made.back().resize(part.bytes, '\0');
  }
  for (std::uint32_t i = 0; i < stored.size(); ++i) {
    const io::GgufPlace& place = layout->places[i];
    made[place.part].replace(place.offset, place.bytes, numbers(stored[i].type, place.bytes, i));
  }
  return made;
}

}  // namespace

TinyGguf::TinyGguf() {
  std::string pattern = (fs::temp_directory_path() / "plimsoll-gguf-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  (void)write("tiny.gguf", files({})[0]);
}

TinyGguf::~TinyGguf() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string TinyGguf::write_split(const std::string& prefix,
                                  const std::vector<std::uint32_t>& counts) const {
  const auto parts = files({io::GgufSplit::Keys::of_split, counts});
  const auto count = static_cast<std::uint32_t>(parts.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    (void)write(io::gguf_part_path(prefix, i, count), parts[i]);
  }
  return path(io::gguf_part_path(prefix, 0, count));
}

std::string TinyGguf::write(const std::string& name, const std::string& bytes) const {
  fs::create_directories((folder_ / name).parent_path());
  std::ofstream(folder_ / name, std::ios::binary) << bytes;
  return path(name);
}

std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
