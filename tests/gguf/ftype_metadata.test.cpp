#include "gguf/ftype_metadata.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace plimsoll;
using namespace plimsoll::gguf;
using codecs::ggml::Type;
using io::GgufMetadata;
using io::GgufValue;
using nlohmann::json;

namespace {

json cases() {
  std::ifstream stream(std::string(PLIMSOLL_GOLDEN_DIR) + "/gguf_types/metadata.json");
  REQUIRE(stream.is_open());
  return json::parse(stream);
}

GgufValue value_of(const std::string& type, const json& value) {
  if (type == "uint32") return GgufValue::of(value.get<std::uint32_t>());
  if (type == "uint16") return GgufValue::of(value.get<std::uint16_t>());
  if (type == "int32") return GgufValue::of(value.get<std::int32_t>());
  if (type == "float32") return GgufValue::of(value.get<float>());
  if (type == "bool") return GgufValue::of(value.get<bool>());
  if (type == "string") return GgufValue::of(std::string_view(value.get_ref<const std::string&>()));
  REQUIRE(type == "array of string");
  return GgufValue::array_of(value.get<std::vector<std::string>>());
}

GgufMetadata metadata_of(const json& pairs) {
  GgufMetadata metadata;
  for (const json& pair : pairs) metadata.append(pair[0], value_of(pair[1], pair[2]));
  return metadata;
}

/// The tensors in the order in which llama-quantize looks at them.
std::vector<io::GgufStoredTensor> stored_of(const json& tensors) {
  std::vector<io::GgufStoredTensor> stored;
  for (const json& tensor : tensors) {
    stored.push_back({tensor[0], *codecs::ggml::type_of(tensor[1].get<std::string>()), {256}});
  }
  return stored;
}

std::vector<std::uint32_t> counts_of(const json& tensors) {
  std::vector<std::uint32_t> counts(tensors.back()[2].get<std::size_t>() + 1);
  for (const json& tensor : tensors) ++counts[tensor[2].get<std::size_t>()];
  return counts;
}

std::vector<io::GgufTensor> in_parts(std::initializer_list<std::uint32_t> parts) {
  std::vector<io::GgufTensor> tensors;
  for (const std::uint32_t part : parts) {
    tensors.push_back({.name = std::to_string(tensors.size()), .shape = {1}, .file = part});
  }
  return tensors;
}

void check_equal(const GgufMetadata& left, const GgufMetadata& right) {
  REQUIRE(left.pairs().size() == right.pairs().size());
  for (std::size_t i = 0; i < left.pairs().size(); ++i) {
    INFO(right.pairs()[i].key);
    CHECK(left.pairs()[i].key == right.pairs()[i].key);
    CHECK(left.pairs()[i].value == right.pairs()[i].value);
  }
}

}  // namespace

TEST_CASE("metadata of quantized models are those that llama-quantize writes") {
  const json all = cases();
  CHECK(all.size() == 9);
  for (const json& example : all) {
    const std::string target = example["target"];
    INFO(target << ", " << example["imatrix"] << ", " << example["source_tensors"].size());
    io::ImportanceMatrix matrix;
    matrix.tensors.resize(2);
    matrix.datasets = {"words.txt"};
    matrix.chunks = 5;
    const bool has_matrix = example["imatrix"].is_string();
    const auto path = has_matrix ? example["imatrix"].get<std::string>() : std::string();
    const ImportanceSource importance{path, matrix};
    const std::vector<io::GgufStoredTensor> tensors = stored_of(example["source_tensors"]);

    GgufMetadata made =
        quantized_metadata(metadata_of(example["source"]), *codecs::ggml::type_target_of(target),
                           tensors, has_matrix ? &importance : nullptr);
    const std::vector<std::uint32_t> counts = counts_of(example["made_tensors"]);
    if (counts.size() > 1) {
      made.set(std::string(io::split_no_key), GgufValue::of(std::uint16_t{0}));
      made.set(std::string(io::split_count_key),
               GgufValue::of(static_cast<std::uint16_t>(counts.size())));
      made.set(std::string(io::split_tensors_key),
               GgufValue::of(static_cast<std::int32_t>(tensors.size())));
    }
    check_equal(made, metadata_of(example["made"]));
  }
}

TEST_CASE("a model that keeps its parts has the tensors of each where they were") {
  bool compared = false;
  const json all = cases();
  for (const json& example : all) {
    const std::vector<std::uint32_t> counts = counts_of(example["made_tensors"]);
    if (counts.size() == 1) continue;
    std::vector<io::GgufTensor> tensors;
    for (const json& tensor : example["source_tensors"]) {
      tensors.push_back({.name = tensor[0], .shape = {1}, .file = tensor[2].get<std::uint32_t>()});
    }
    const io::GgufSplit split = kept_split(tensors);
    CHECK(split.keys == io::GgufSplit::Keys::of_quantize);
    CHECK(split.counts == counts);
    compared = true;
  }
  CHECK(compared);
}

TEST_CASE("parts without tensors are kept but for those at the end") {
  const std::vector<io::GgufTensor> tensors = in_parts({1, 1, 3});
  CHECK(kept_split(tensors).counts == std::vector<std::uint32_t>{0, 2, 0, 1});
  CHECK(kept_split(in_parts({0, 0})).keys == io::GgufSplit::Keys::none);
  CHECK(kept_split(in_parts({})).keys == io::GgufSplit::Keys::none);
}

TEST_CASE("a file type that copies lack is guessed from most tensors, the first of equals") {
  const auto guess = [](std::initializer_list<Type> types) {
    std::vector<io::GgufStoredTensor> tensors;
    for (const Type type : types) tensors.push_back({"t", type, {256}});
    const GgufMetadata made = quantized_metadata({}, Ftype::copy, tensors, nullptr);
    return made.unsigned_of("general.file_type", "m").value();
  };
  CHECK(guess({Type::f32, Type::q4_k, Type::q4_k}) == (1024 | 15));
  CHECK(guess({Type::f32, Type::q8_0, Type::q8_0, Type::f32}) == (1024 | 7));
  CHECK(guess({Type::mxfp4, Type::mxfp4, Type::f16}) == 1024);
  CHECK(guess({Type::i32}) == 1024);
  CHECK(guess({}) == 1024);
}

TEST_CASE("a type as target says its file type only where llama.cpp has one") {
  GgufMetadata source;
  source.append("general.file_type", GgufValue::of(std::uint32_t{1}));
  const GgufMetadata known = quantized_metadata(source, Type::nvfp4, {}, nullptr);
  CHECK(known.unsigned_of("general.file_type", "m").value() == 39);
  const GgufMetadata unknown = quantized_metadata(source, Type::q2_0, {}, nullptr);
  CHECK(unknown.find("general.file_type") == nullptr);
  CHECK(unknown.unsigned_of("general.quantization_version", "m").value() == 2);
}

TEST_CASE("an importance matrix that tells less says less") {
  const io::ImportanceMatrix matrix;
  const ImportanceSource importance{"i.dat", matrix};
  const GgufMetadata made = quantized_metadata({}, Ftype::q8_0, {}, &importance);
  CHECK(made.string_of("quantize.imatrix.file", "m").value() == "i.dat");
  CHECK(made.unsigned_of("quantize.imatrix.entries_count", "m").value() == 0);
  CHECK(made.find("quantize.imatrix.dataset") == nullptr);
  CHECK(made.find("quantize.imatrix.chunks_count") == nullptr);
}
