#include "small_checkpoint.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <stdexcept>

#include "codecs/cast.hpp"
#include "tests/io/scratch_directory.hpp"

namespace fs = std::filesystem;
using plimsoll::Dtype;

namespace {

void put(const std::string& path, const std::string& content) {
  std::ofstream out(path, std::ios::binary);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (const std::uint64_t size : shape) {
    if (text.size() > 1) text += ',';
    text += std::to_string(size);
  }
  return text + ']';
}

std::string plain_floats(Dtype dtype, std::uint64_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    value = (static_cast<float>(random() % 20001) - 10000.0f) * 3.7e-5f;
  }
  if (dtype == Dtype::f64) {
    // Numbers that f32 cannot hold, so that a rounding shows.
    const std::vector<double> wide(values.begin(), values.end());
    std::string bytes(count * sizeof(double), '\0');
    for (std::size_t i = 0; i < count; ++i) {
      const double value = wide[i] * 1.000000012345;
      std::memcpy(bytes.data() + i * sizeof(double), &value, sizeof(double));
    }
    return bytes;
  }
  std::string bytes(count * plimsoll::bits_of(dtype) / 8, '\0');
  plimsoll::codecs::cast_scalar(Dtype::f32, reinterpret_cast<const std::byte*>(values.data()),
                                dtype, reinterpret_cast<std::byte*>(bytes.data()), count);
  return bytes;
}

}  // namespace

std::uint64_t SourceTensor::elements() const {
  std::uint64_t product = 1;
  for (const std::uint64_t size : shape) product *= size;
  return product;
}

SourceTensor random_tensor(const std::string& name, Dtype dtype, std::vector<std::uint64_t> shape) {
  SourceTensor tensor{name, dtype, std::move(shape), {}};
  const std::uint64_t count = tensor.elements();
  const std::uint64_t seed = std::hash<std::string>{}(name) ^ count;
  switch (dtype) {
    case Dtype::f32:
    case Dtype::f16:
    case Dtype::bf16:
    case Dtype::f64:
      tensor.bytes = plain_floats(dtype, count, seed);
      break;
    case Dtype::f8_e4m3:
    case Dtype::f8_e5m2:
      tensor.bytes = noise(count, seed);
      for (char& byte : tensor.bytes) byte = static_cast<char>(byte & 0xbf);  // finite
      break;
    default:
      tensor.bytes = noise(count * plimsoll::bits_of(dtype) / 8, seed);
  }
  return tensor;
}

std::string write_weights(const std::string& path, const std::vector<SourceTensor>& tensors) {
  std::string json = R"({"__metadata__":{"format":"pt"})";
  std::string data;
  for (const SourceTensor& tensor : tensors) {
    json += ",\"" + tensor.name + R"(":{"dtype":")" + std::string(name_of(tensor.dtype)) +
            R"(","shape":)" + shape_text(tensor.shape) + R"(,"data_offsets":[)" +
            std::to_string(data.size()) + ',' + std::to_string(data.size() + tensor.bytes.size()) +
            "]}";
    data += tensor.bytes;
  }
  put(path, safetensors_file(json + '}', data));
  return path;
}

void write_checkpoint(const std::string& directory,
                      const std::vector<std::vector<SourceTensor>>& shards) {
  fs::create_directories(directory);
  put(directory + "/config.json",
      R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","torch_dtype":"bfloat16"})");
  put(directory + "/tokenizer.json", R"({"version":"1.0"})");
  if (shards.size() == 1) {
    write_weights(directory + "/model.safetensors", shards[0]);
    return;
  }
  std::string map;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string name = "model-" + std::to_string(i + 1) + ".safetensors";
    write_weights(directory + '/' + name, shards[i]);
    for (const SourceTensor& tensor : shards[i]) {
      if (!map.empty()) map += ',';
      map += '"' + tensor.name + "\":\"" + name + '"';
    }
  }
  put(directory + "/model.safetensors.index.json", R"({"metadata":{},"weight_map":{)" + map + "}}");
}

std::vector<SourceTensor> tensors_of_all_kinds() {
  std::vector<SourceTensor> tensors;
  int layer = 0;
  for (const Dtype dtype :
       {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::f64, Dtype::f8_e4m3, Dtype::f8_e5m2}) {
    const std::string name = "layers." + std::to_string(layer++) + '.';
    tensors.push_back(random_tensor(name + "even.weight", dtype, {64, 192}));
    tensors.push_back(random_tensor(name + "odd.weight", dtype, {37, 91}));
    tensors.push_back(random_tensor(name + "one", dtype, {}));
    tensors.push_back(random_tensor(name + "row", dtype, {5001}));
    tensors.push_back(random_tensor(name + "experts.weight", dtype, {3, 17, 40}));
    tensors.push_back(random_tensor(name + "none.weight", dtype, {0, 64}));
  }
  tensors.push_back(random_tensor("ids", Dtype::i64, {1001}));
  tensors.push_back(random_tensor("mask", Dtype::u8, {3, 5, 7}));
  tensors.push_back(random_tensor("no_ids", Dtype::i32, {2, 0}));
  return tensors;
}

std::vector<std::vector<SourceTensor>> small_language_model() {
  const auto bf16 = Dtype::bf16;
  std::vector<SourceTensor> first = {
      random_tensor("model.embed_tokens.weight", bf16, {160, 96}),
  };
  std::vector<SourceTensor> second;
  for (int layer = 0; layer < 2; ++layer) {
    std::vector<SourceTensor>& shard = layer == 0 ? first : second;
    const std::string name = "model.layers." + std::to_string(layer) + '.';
    shard.push_back(random_tensor(name + "input_layernorm.weight", bf16, {96}));
    shard.push_back(random_tensor(name + "mlp.down_proj.weight", bf16, {96, 256}));
    shard.push_back(random_tensor(name + "mlp.up_proj.weight", bf16, {256, 96}));
    shard.push_back(random_tensor(name + "self_attn.q_proj.weight", bf16, {96, 96}));
    shard.push_back(random_tensor(name + "self_attn.v_proj.weight", bf16, {31, 96}));
  }
  second.push_back(random_tensor("model.norm.weight", bf16, {96}));
  second.push_back(random_tensor("lm_head.weight", bf16, {160, 96}));
  return {first, second};
}

std::map<std::string, std::string> files_below(const std::string& directory) {
  std::map<std::string, std::string> files;
  if (!fs::exists(directory)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().lexically_relative(directory).string()] = {
        std::istreambuf_iterator<char>(in), {}};
  }
  return files;
}
