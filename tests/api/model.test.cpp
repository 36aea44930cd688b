#include "plimsoll/model.hpp"

#include <cstdint>
#include <limits>
#include <optional>

#include "api/dlpack_abi.hpp"
#include "catch.hpp"
#include "component_expectation.hpp"
#include "plimsoll/engine.hpp"
#include "refusals.hpp"
#include "small_checkpoint.hpp"
#include "tests/io/scratch_directory.hpp"

using plimsoll::Component;
using plimsoll::Config;
using plimsoll::Dtype;
using plimsoll::Engine;
using plimsoll::Model;
using plimsoll::Tensor;

namespace {

Model loaded(const std::string& path, const std::string& match = {}) {
  Config config;
  config.set("threads", "1");
  if (!match.empty()) config.set("match", match);
  Engine engine(config);
  return engine.load(path).get();
}

struct Viewed {
  explicit Viewed(DLManagedTensorVersioned* given) : view(given) {}
  ~Viewed() { view->deleter(view); }
  Viewed(const Viewed&) = delete;
  Viewed& operator=(const Viewed&) = delete;
  DLManagedTensorVersioned* view;
};

}  // namespace

TEST_CASE("a default-constructed model is empty") {
  const Model model;
  CHECK(model.tensors().empty());
  CHECK(model.find("w") == nullptr);
  CHECK(model.bytes() == 0);
}

TEST_CASE("a model finds each of its tensors by name and no others") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const Model model = loaded(write_weights(scratch.path("model.safetensors"), sources));
  for (const SourceTensor& source : sources) {
    const Tensor* const found = model.find(source.name);
    REQUIRE(found != nullptr);
    CHECK(found->name == source.name);
    CHECK(found->device == "host");
    CHECK(found->component("data") == found->components.data());
    CHECK(found->component("absmax") == nullptr);
  }
  CHECK(model.find("") == nullptr);
  CHECK(model.find("layers") == nullptr);
  CHECK(model.find("zzz") == nullptr);
}

TEST_CASE("components lie apart, each on a boundary of 64 bytes, inside the model's memory") {
  const ScratchDirectory scratch;
  const std::string path = write_weights(scratch.path("model.safetensors"), tensors_of_all_kinds());
  const Model model = loaded(path, "weight$ -> nf4");
  std::uint64_t total = 0;
  const std::byte* end = nullptr;
  for (const Tensor& tensor : model.tensors()) {
    for (const Component& component : tensor.components) {
      CHECK(reinterpret_cast<std::uintptr_t>(component.bytes.data()) % 64 == 0);
      CHECK(component.bytes.data() >= end);
      end = component.bytes.data() + component.bytes.size();
      total += component.bytes.size();
    }
  }
  CHECK(model.bytes() >= total);
}

TEST_CASE("a DLPack view describes its component and shares its memory") {
  const ScratchDirectory scratch;
  const Model model = loaded(write_weights(
      scratch.path("model.safetensors"),
      {random_tensor("w", Dtype::bf16, {3, 5, 7}), random_tensor("scalar", Dtype::f32, {})}));
  const Component& component = *model.find("w")->component("data");
  const Viewed viewed(model.to_dlpack(component));
  CHECK(viewed.view->version.major == 1);
  CHECK(viewed.view->version.minor == 1);
  const DLTensor& tensor = viewed.view->dl_tensor;
  CHECK(tensor.data == component.bytes.data());
  CHECK(tensor.byte_offset == 0);
  CHECK(tensor.device.device_type == kDLCPU);
  CHECK(tensor.device.device_id == 0);
  REQUIRE(tensor.ndim == 3);
  CHECK(std::vector<std::int64_t>(tensor.shape, tensor.shape + 3) ==
        std::vector<std::int64_t>{3, 5, 7});
  CHECK(std::vector<std::int64_t>(tensor.strides, tensor.strides + 3) ==
        std::vector<std::int64_t>{35, 7, 1});
  CHECK(tensor.dtype.code == 4);
  CHECK(tensor.dtype.bits == 16);
  CHECK(tensor.dtype.lanes == 1);

  const Viewed scalar(model.to_dlpack(*model.find("scalar")->component("data")));
  CHECK(scalar.view->dl_tensor.ndim == 0);
}

TEST_CASE("a DLPack view names each dtype by DLPack's code") {
  struct Case {
    Dtype dtype;
    int code;
    int bits;
  };
  const std::vector<Case> cases = {
      {Dtype::boolean, 6, 8},      {Dtype::u8, 1, 8},       {Dtype::i8, 0, 8},
      {Dtype::f8_e5m2, 12, 8},     {Dtype::f8_e4m3, 10, 8}, {Dtype::f8_e8m0, 14, 8},
      {Dtype::f8_e4m3fnuz, 11, 8}, {Dtype::i16, 0, 16},     {Dtype::f8_e5m2fnuz, 13, 8},
      {Dtype::u16, 1, 16},         {Dtype::f16, 2, 16},     {Dtype::bf16, 4, 16},
      {Dtype::i32, 0, 32},         {Dtype::u32, 1, 32},     {Dtype::f32, 2, 32},
      {Dtype::c64, 5, 64},         {Dtype::f64, 2, 64},     {Dtype::i64, 0, 64},
      {Dtype::u64, 1, 64},         {Dtype::f4_e2m1, 17, 4}, {Dtype::f6_e2m3, 15, 6},
      {Dtype::f6_e3m2, 16, 6},
  };
  REQUIRE(cases.size() == plimsoll::dtype_count);
  std::vector<SourceTensor> sources;
  for (const Case& each : cases) {
    sources.push_back(random_tensor(std::string(name_of(each.dtype)), each.dtype, {4}));
  }
  const ScratchDirectory scratch;
  const Model model = loaded(write_weights(scratch.path("model.safetensors"), sources));
  for (const Case& each : cases) {
    INFO(name_of(each.dtype));
    const Viewed viewed(model.to_dlpack(*model.find(name_of(each.dtype))->component("data")));
    CHECK(viewed.view->dl_tensor.dtype.code == each.code);
    CHECK(viewed.view->dl_tensor.dtype.bits == each.bits);
    CHECK(viewed.view->dl_tensor.dtype.lanes == 1);
  }
}

TEST_CASE("packed codes are exported as bytes") {
  const ScratchDirectory scratch;
  const Model model = loaded(write_weights(scratch.path("model.safetensors"),
                                           {random_tensor("w.weight", Dtype::f32, {4, 33})}),
                             "w -> nf4");
  const Viewed viewed(model.to_dlpack(*model.find("w.weight")->component("data")));
  CHECK(viewed.view->dl_tensor.dtype.code == 1);
  CHECK(viewed.view->dl_tensor.dtype.bits == 8);
  REQUIRE(viewed.view->dl_tensor.ndim == 2);
  CHECK(viewed.view->dl_tensor.shape[0] == 66);
  CHECK(viewed.view->dl_tensor.shape[1] == 1);
}

TEST_CASE(
    "an empty tensor of huge sizes is exported, or refused where DLPack has no number for it") {
  const ScratchDirectory scratch;
  const std::uint64_t huge = std::uint64_t{1} << 40;
  const std::uint64_t beyond = std::uint64_t{1} << 63;
  const Model model = loaded(
      write_weights(scratch.path("model.safetensors"),
                    {{"a", Dtype::u8, {0, huge, huge}, ""}, {"b", Dtype::u8, {0, beyond}, ""}}));
  const Viewed viewed(model.to_dlpack(*model.find("a")->component("data")));
  CHECK(viewed.view->dl_tensor.shape[2] == static_cast<std::int64_t>(huge));
  CHECK_REFUSED(static_cast<void>(model.to_dlpack(*model.find("b")->component("data"))),
                plimsoll::ErrorCode::unsupported, "b");
}

TEST_CASE("memory outlives engine, load and model as long as a copy or a view is left") {
  const ScratchDirectory scratch;
  const auto source = random_tensor("w", Dtype::f32, {1000});
  const std::string path = write_weights(scratch.path("model.safetensors"), {source});
  std::optional<Engine> engine(std::in_place);
  std::optional<plimsoll::Load> load(engine->load(path));
  std::optional<Model> model(load->get());
  std::optional<Model> copy(*model);
  engine.reset();
  CHECK(difference(load->get().tensors(), {source}, kept) == "");
  load.reset();
  model.reset();
  CHECK(difference(copy->tensors(), {source}, kept) == "");
  const Viewed viewed(copy->to_dlpack(*copy->find("w")->component("data")));
  copy.reset();
  CHECK(std::string_view(static_cast<const char*>(viewed.view->dl_tensor.data), 4000) ==
        source.bytes);
}
