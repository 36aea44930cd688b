#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/format.hpp"
#include "plimsoll/model.hpp"
#include "small_checkpoint.hpp"

/// What a stored piece of a result must be.
struct ExpectedComponent {
  std::string role;
  std::string name;
  plimsoll::Dtype dtype = plimsoll::Dtype::u8;
  std::vector<std::uint64_t> shape;
  std::string bytes;
};

/// A tensor's components, made by the scalar codecs from the whole tensor at once.
[[nodiscard]] std::vector<ExpectedComponent> expected_components(
    const SourceTensor& source, const plimsoll::codecs::Format& format);

/// The dtype of the result's numbers.
[[nodiscard]] plimsoll::Dtype expected_dtype(const SourceTensor& source,
                                             const plimsoll::codecs::Format& format);

/// Which format a tensor is expected in.
using FormatOf = std::function<plimsoll::codecs::Format(const SourceTensor&)>;

[[nodiscard]] plimsoll::codecs::Format kept(const SourceTensor& source);

/// Empty, or one sentence on the first difference between a tensor and what it must be.
[[nodiscard]] std::string difference(const plimsoll::Tensor& tensor, const SourceTensor& source,
                                     const plimsoll::codecs::Format& format);

/// The same for all tensors of a result, which must be those of the source in its order.
[[nodiscard]] std::string difference(std::span<const plimsoll::Tensor> tensors,
                                     const std::vector<SourceTensor>& sources,
                                     const FormatOf& format_of);

[[nodiscard]] std::string_view text_of(std::span<const std::byte> bytes);
