#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "codecs/ggml/decode.hpp"
#include "codecs/ggml/encode.hpp"
#include "codecs/ggml/plain.hpp"
#include "component_expectation.hpp"
#include "gguf_file.hpp"
#include "io/gguf_checkpoint.hpp"
#include "plimsoll/engine.hpp"
#include "stored_components.hpp"
#include "tests/io/scratch_directory.hpp"

using namespace plimsoll;
using codecs::ggml::Type;

namespace {

Config settings(const std::string& to, const std::string& layout, const std::string& unit_bytes) {
  Config config;
  config.set("to", to).set("layout", layout).set("threads", "2").set("unit-bytes", unit_bytes);
  return config;
}

/// Bytes of a tensor of the result.
std::string bytes_of(const Model& model, const std::string& name) {
  const Tensor* const tensor = model.find(name);
  INFO(name);
  REQUIRE(tensor != nullptr);
  return std::string(text_of(tensor->components[0].bytes));
}

/// Whole tensors, decoded by the scalar code.
std::string decoded(const GgufFileTensor& tensor, Dtype to) {
  const codecs::ggml::Traits& traits = codecs::ggml::traits_of(tensor.stored.type);
  const std::uint64_t count = io::element_count(tensor.stored.shape);
  std::string numbers(count * bits_of(to) / 8, '\0');
  codecs::ggml::decode_scalar(
      tensor.stored.type, reinterpret_cast<const std::byte*>(tensor.bytes.data()),
      count / traits.block_elements, to, reinterpret_cast<std::byte*>(numbers.data()));
  return numbers;
}

std::string file_content(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("blocks become numbers, whatever the units, without a copy in f32") {
  const ScratchDirectory scratch;
  for (const Type type : {Type::q4_k, Type::q8_0, Type::iq4_nl, Type::mxfp4}) {
    const auto tensors = small_llama(type);
    const std::string path = write_gguf(scratch.path("m.gguf"), llama_metadata(2, 256, 4), tensors);
    for (const char* unit_bytes : {"64", "3000", "1MiB"}) {
      for (const auto& [to, dtype] : std::map<std::string, Dtype>{
               {"bf16", Dtype::bf16}, {"f16", Dtype::f16}, {"f32", Dtype::f32}}) {
        INFO(codecs::ggml::traits_of(type).name << " to " << to << " in units of " << unit_bytes);
        Engine engine(settings(to, "gguf", unit_bytes));
        Load load = engine.load(path);
        const Model model = load.get();
        for (const GgufFileTensor& tensor : tensors) {
          if (tensor.stored.type != type) continue;
          CHECK(bytes_of(model, tensor.stored.name) == decoded(tensor, dtype));
        }
        const Report report = load.report();
        CHECK(report.devices[0].peak_bytes <= load.plan().devices[0].load_line_bytes);
      }
    }
  }
}

TEST_CASE("a layout that keeps blocks has them as rows of bytes") {
  const ScratchDirectory scratch;
  const auto tensors = small_llama(Type::q6_k);
  const std::string path = write_gguf(scratch.path("m.gguf"), llama_metadata(2, 256, 4), tensors);
  Engine engine(settings("keep", "gguf", "5000"));
  const Model model = engine.load(path).get();
  for (const GgufFileTensor& tensor : tensors) {
    CHECK(bytes_of(model, tensor.stored.name) == tensor.bytes);
  }
  const auto shape = model.find("output.weight")->components[0].shape;
  CHECK(std::vector(shape.begin(), shape.end()) == std::vector<std::uint64_t>{64, 210});
}

TEST_CASE("blocks cannot stay in a checkpoint of another kind") {
  const ScratchDirectory scratch;
  const std::string path =
      write_gguf(scratch.path("m.gguf"), llama_metadata(2, 256, 4), small_llama(Type::q4_0));
  Engine engine(settings("keep", "hub", "1MiB"));
  try {
    static_cast<void>(engine.load(path).get());
    FAIL("it was loaded");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::unsupported);
    CHECK(error.reason().find("blocks of q4_0") != std::string::npos);
    CHECK_FALSE(error.tensor().empty());
  }
}

TEST_CASE("a llama has the names and the order of rows of a published checkpoint") {
  const ScratchDirectory scratch;
  const auto tensors = small_llama(Type::q8_0);
  const std::string path = write_gguf(scratch.path("m.gguf"), llama_metadata(2, 256, 4), tensors);
  Engine engine(settings("f32", "hub", "2000"));
  const Model model = engine.load(path).get();
  CHECK(model.find("model.layers.1.mlp.gate_proj.weight") != nullptr);
  CHECK(model.find("lm_head.weight") != nullptr);
  const auto query = std::find_if(tensors.begin(), tensors.end(), [](const GgufFileTensor& tensor) {
    return tensor.stored.name == "blk.1.attn_q.weight";
  });
  const std::string stored = decoded(*query, Dtype::f32);
  const std::string made = bytes_of(model, "model.layers.1.self_attn.q_proj.weight");
  // In a head of 64 rows GGUF has the two halves of each rotation side by side.
  const std::size_t row = 256 * sizeof(float);
  for (std::size_t i = 0; i < 256; ++i) {
    const std::size_t head = i / 64, half = i % 64 / 32, pair = i % 32;
    CHECK(made.substr(i * row, row) == stored.substr((head * 64 + pair * 2 + half) * row, row));
  }
}

TEST_CASE("a GGUF model is quantized row by row into the file that llama-quantize would make") {
  const ScratchDirectory scratch;
  const auto tensors = small_llama(Type::f16);
  const std::string path = write_gguf(scratch.path("m.gguf"), llama_metadata(2, 256, 4), tensors);
  std::vector<std::string> files;
  for (const char* unit_bytes : {"64", "4096", "1MiB"}) {
    const std::string out = scratch.path(std::string("q") + unit_bytes + ".gguf");
    Config chosen = settings("Q5_K_M", "hub", unit_bytes);
    Engine engine(chosen.set("pure", "true"));
    static_cast<void>(engine.quantize(path, out).get());
    files.push_back(file_content(out));
  }
  CHECK(files[0] == files[1]);
  CHECK(files[0] == files[2]);
  const auto made = io::open_gguf_checkpoint(scratch.path("q64.gguf"));
  REQUIRE(made.has_value());
  REQUIRE(made->tensors.size() == tensors.size());
  for (const io::GgufTensor& tensor : made->tensors) {
    INFO(tensor.name);
    const auto source =
        std::find_if(tensors.begin(), tensors.end(),
                     [&](const GgufFileTensor& one) { return one.stored.name == tensor.name; });
    if (source->stored.type == Type::f32) {
      CHECK(files[0].substr(tensor.offset, tensor.bytes) == source->bytes);
      continue;
    }
    REQUIRE(tensor.type == Type::q5_k);
    std::string expected(tensor.bytes, '\0');
    codecs::ggml::encode_scalar(
        Type::q5_k,
        {Dtype::f16, reinterpret_cast<const std::byte*>(source->bytes.data()), tensor.shape[0],
         tensor.shape[1], nullptr},
        reinterpret_cast<std::byte*>(expected.data()));
    CHECK(files[0].substr(tensor.offset, tensor.bytes) == expected);
  }
}

TEST_CASE("blocks are quantized again, to blocks of another type and to other formats") {
  const ScratchDirectory scratch;
  const auto tensors = small_llama(Type::q8_0);
  const std::string path = write_gguf(scratch.path("m.gguf"), llama_metadata(2, 256, 4), tensors);
  const std::string out = scratch.path("q.gguf");
  Engine again(settings("Q4_0", "hub", "3000"));
  static_cast<void>(again.quantize(path, out).get());
  const auto made = io::open_gguf_checkpoint(out);
  REQUIRE(made.has_value());
  CHECK(made->metadata.find("general.file_type") != nullptr);

  // Through bf16, as any model in bf16 would be.
  Engine plain(settings("bf16", "hub", "1MiB"));
  const std::string middle = scratch.path("bf16");
  static_cast<void>(plain.quantize(path, middle).get());
  for (const char* format : {"nf4", "fp8-block", "fp8-tensor"}) {
    INFO(format);
    Engine direct(settings(format, "hub", "7000"));
    Engine second(settings(format, "hub", "1MiB"));
    static_cast<void>(direct.quantize(path, scratch.path("direct")).get());
    static_cast<void>(second.quantize(middle, scratch.path("second")).get());
    CHECK(stored_components(scratch.path("direct")) == stored_components(scratch.path("second")));
    std::filesystem::remove_all(scratch.path("direct"));
    std::filesystem::remove_all(scratch.path("second"));
  }
}

TEST_CASE("a checkpoint in FP8 becomes the model that its numbers would become") {
  const ScratchDirectory scratch;
  const std::string path =
      write_gguf(scratch.path("m.gguf"), llama_metadata(2, 256, 4), small_llama(Type::f16));
  // The name of a model is that of its directory.
  for (const char* parent : {"fp8", "bf16", "f32"}) {
    std::filesystem::create_directory(scratch.path(parent));
  }
  const std::string coded = scratch.path("fp8/model");
  Engine to_fp8(settings("fp8-block", "hub", "1MiB"));
  static_cast<void>(to_fp8.quantize(path, coded).get());
  for (const char* dtype : {"bf16", "f32"}) {
    Engine engine(settings(dtype, "hub", "1MiB"));
    static_cast<void>(engine.quantize(coded, scratch.path(std::string(dtype) + "/model")).get());
  }
  // Other floats are rounded once; blocks are made of numbers of the model's dtype.
  for (const auto& [format, dtype] :
       {std::pair("keep", "bf16"), std::pair("bf16", "bf16"), std::pair("Q8_0", "bf16"),
        std::pair("Q4_K_M", "bf16"), std::pair("f16", "f32"), std::pair("f32", "f32")}) {
    INFO(format);
    Engine direct(settings(format, "hub", "5000"));
    Engine second(settings(format, "hub", "1MiB"));
    const std::string plain = scratch.path(std::string(dtype) + "/model");
    static_cast<void>(direct.quantize(coded, scratch.path("direct.gguf")).get());
    static_cast<void>(second.quantize(plain, scratch.path("second.gguf")).get());
    const bool same =
        file_content(scratch.path("direct.gguf")) == file_content(scratch.path("second.gguf"));
    CHECK(same);
    std::filesystem::remove(scratch.path("direct.gguf"));
    std::filesystem::remove(scratch.path("second.gguf"));
  }
}

TEST_CASE("no GGUF model is made of a checkpoint that is quantized in another way") {
  const ScratchDirectory scratch;
  const std::string path =
      write_gguf(scratch.path("m.gguf"), llama_metadata(2, 256, 4), small_llama(Type::f16));
  Engine to_nf4(settings("nf4", "hub", "1MiB"));
  static_cast<void>(to_nf4.quantize(path, scratch.path("nf4")).get());
  for (const char* format : {"keep", "Q8_0"}) {
    Engine engine(settings(format, "hub", "1MiB"));
    try {
      static_cast<void>(engine.quantize(scratch.path("nf4"), scratch.path("out.gguf")).get());
      FAIL("it was made");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::unsupported);
      CHECK(error.reason().find("bitsandbytes") != std::string::npos);
    }
    CHECK_FALSE(std::filesystem::exists(scratch.path("out.gguf")));
  }
}

TEST_CASE("under GGUF's names the same tensors are quantized as under the published ones") {
  const ScratchDirectory scratch;
  auto tensors = small_llama(Type::f16);
  tensors.push_back(random_gguf_tensor("blk.0.ffn_gate_inp.weight", Type::f32, {4, 256}));
  for (const char* name : {"ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"}) {
    tensors.push_back(
        random_gguf_tensor(std::string("blk.0.") + name + ".weight", Type::f16, {4, 256, 256}));
  }
  const std::string path = write_gguf(scratch.path("m.gguf"), llama_metadata(2, 256, 4), tensors);
  for (const char* format : {"nf4", "fp8-block", "fp8-tensor"}) {
    INFO(format);
    const Plan plan = Engine(settings(format, "gguf", "1MiB")).plan(path);
    for (const PlannedTensor& tensor : plan.tensors) {
      INFO(tensor.name);
      const bool is_kept = tensor.name.find("norm") != std::string::npos ||
                           tensor.name == "token_embd.weight" || tensor.name == "output.weight" ||
                           tensor.name.find("ffn_gate_inp") != std::string::npos;
      CHECK((tensor.format.starts_with(format) == !is_kept));
    }
  }
}

TEST_CASE("formats of GGUF models are refused where none is made") {
  const ScratchDirectory scratch;
  const std::string path =
      write_gguf(scratch.path("m.gguf"), llama_metadata(2, 256, 4), small_llama(Type::f16));
  const auto refused = [&](Config chosen, const std::string& out) {
    Engine engine(std::move(chosen));
    try {
      static_cast<void>(out.empty() ? engine.load(path).get() : engine.quantize(path, out).get());
    } catch (const Error& error) {
      return error.code() == ErrorCode::unsupported || error.code() == ErrorCode::invalid_argument;
    }
    return false;
  };
  CHECK(refused(settings("Q4_K_M", "hub", "1MiB"), ""));
  CHECK(refused(settings("Q4_K_M", "hub", "1MiB"), scratch.path("out")));
  CHECK(refused(settings("nf4", "hub", "1MiB").set("match", "q -> q6_K"), scratch.path("out")));
  CHECK(refused(settings("nf4", "hub", "1MiB"), scratch.path("out.gguf")));
  CHECK(refused(settings("Q4_0", "transformers", "1MiB"), scratch.path("out.gguf")));
  CHECK(refused(settings("Q4_0", "hub", "1MiB").set("parallel", "0/2"), scratch.path("out.gguf")));
  CHECK(refused(settings("Q4_0", "hub", "1MiB"), scratch.path(".gguf")));
}
