#include "codecs/torch_dtype.hpp"

#include "catch.hpp"

namespace plimsoll::codecs {
namespace {

TEST_CASE("every dtype that torch has is read back from its name") {
  for (int i = 0; i < dtype_count; ++i) {
    const auto dtype = static_cast<Dtype>(i);
    CAPTURE(name_of(dtype));
    const std::string_view name = torch_name(dtype);
    if (bits_of(dtype) < 8) {
      CHECK(name.empty());
    } else {
      CHECK(torch_dtype(name) == dtype);
    }
  }
}

TEST_CASE("torch's second names and its prefix are understood, nothing else is") {
  CHECK(torch_dtype("half") == Dtype::f16);
  CHECK(torch_dtype("torch.float") == Dtype::f32);
  CHECK(torch_dtype("torch.bfloat16") == Dtype::bf16);
  CHECK(torch_name(Dtype::f16) == "float16");
  CHECK_FALSE(torch_dtype(""));
  CHECK_FALSE(torch_dtype("torch."));
  CHECK_FALSE(torch_dtype("BF16"));
  CHECK_FALSE(torch_dtype("torch.torch.half"));
}

}  // namespace
}  // namespace plimsoll::codecs
