#include "gguf_file.hpp"

#include <fstream>
#include <functional>
#include <random>

#include "catch.hpp"
#include "codecs/cast.hpp"
#include "codecs/ggml/encode.hpp"
#include "codecs/ggml/plain.hpp"

using namespace plimsoll;
using codecs::ggml::Type;

namespace {

std::vector<float> random_numbers(const std::string& name, std::uint64_t count) {
  std::mt19937 random(static_cast<std::uint32_t>(std::hash<std::string>{}(name)));
  std::normal_distribution<float> normal(0.0f, 0.02f);
  std::vector<float> numbers(count);
  for (float& number : numbers) number = normal(random);
  return numbers;
}

}  // namespace

GgufFileTensor random_gguf_tensor(const std::string& name, Type type, io::Shape shape) {
  const std::uint64_t count = io::element_count(shape);
  const std::uint64_t columns = shape.back();
  const std::vector<float> numbers = random_numbers(name, count);
  const auto* source = reinterpret_cast<const std::byte*>(numbers.data());
  const codecs::ggml::Traits& traits = codecs::ggml::traits_of(type);
  GgufFileTensor tensor{{name, type, std::move(shape)}, {}};
  tensor.bytes.resize(count / traits.block_elements * traits.block_bytes);
  auto* const bytes = reinterpret_cast<std::byte*>(tensor.bytes.data());
  if (const auto plain = codecs::ggml::dtype_of(type)) {
    codecs::cast_scalar(Dtype::f32, source, *plain, bytes, count);
  } else {
    codecs::ggml::encode_scalar(type, {Dtype::f32, source, count / columns, columns, nullptr},
                                bytes);
  }
  return tensor;
}

io::GgufMetadata llama_metadata(std::uint32_t layers, std::uint32_t width, std::uint32_t heads) {
  io::GgufMetadata metadata;
  metadata.append("general.architecture", io::GgufValue::of("llama"));
  metadata.append("llama.block_count", io::GgufValue::of(layers));
  metadata.append("llama.embedding_length", io::GgufValue::of(width));
  metadata.append("llama.feed_forward_length", io::GgufValue::of(2 * width));
  metadata.append("llama.context_length", io::GgufValue::of(std::uint32_t{128}));
  metadata.append("llama.vocab_size", io::GgufValue::of(std::uint32_t{64}));
  metadata.append("llama.attention.head_count", io::GgufValue::of(heads));
  metadata.append("llama.attention.head_count_kv", io::GgufValue::of(heads));
  metadata.append("llama.attention.layer_norm_rms_epsilon", io::GgufValue::of(1e-5f));
  return metadata;
}

std::vector<GgufFileTensor> small_llama(Type type) {
  constexpr std::uint64_t width = 256;
  std::vector<GgufFileTensor> tensors = {
      random_gguf_tensor("token_embd.weight", type, {64, width}),
      random_gguf_tensor("output_norm.weight", Type::f32, {width}),
      random_gguf_tensor("output.weight", type, {64, width})};
  for (int layer = 0; layer < 2; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    for (const char* norm : {"attn_norm", "ffn_norm"}) {
      tensors.push_back(random_gguf_tensor(block + norm + ".weight", Type::f32, {width}));
    }
    for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
      tensors.push_back(random_gguf_tensor(block + name + ".weight", type, {width, width}));
    }
    for (const char* name : {"ffn_gate", "ffn_up"}) {
      tensors.push_back(random_gguf_tensor(block + name + ".weight", type, {2 * width, width}));
    }
    tensors.push_back(random_gguf_tensor(block + "ffn_down.weight", type, {width, 2 * width}));
  }
  return tensors;
}

std::string write_gguf(const std::string& path, const io::GgufMetadata& metadata,
                       const std::vector<GgufFileTensor>& tensors) {
  std::vector<io::GgufStoredTensor> stored;
  for (const GgufFileTensor& tensor : tensors) stored.push_back(tensor.stored);
  io::GgufSplit split;
  split.counts = {static_cast<std::uint32_t>(stored.size())};
  const auto layout = io::lay_out_gguf(metadata, stored, split, path);
  REQUIRE(layout.has_value());
  std::string content = layout->parts[0].header;
  content.resize(layout->parts[0].bytes, '\0');
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    content.replace(layout->places[i].offset, tensors[i].bytes.size(), tensors[i].bytes);
  }
  std::ofstream(path, std::ios::binary) << content;
  return path;
}
