#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/ggml/type.hpp"
#include "simulation/choices.hpp"
#include "simulation/virtual_files.hpp"
#include "simulation/wanted_tensor.hpp"

namespace plimsoll::simulation {

/// A tensor of a GGUF file: in blocks of most types, or plain; some of the other byte order, some
/// whose numbers are mapped, some in another order than their shape says.
[[nodiscard]] WantedTensor draw_gguf_tensor(Choices& choices, std::size_t index);

/// Adds the experts of a layer to the tensors that are wanted, whose indices they name. Rows are
/// whole blocks of every type that the layer has; types may differ from tensor to tensor.
[[nodiscard]] Experts draw_gguf_experts(Choices& choices, std::uint32_t layer,
                                        std::vector<WantedTensor>& wanted);

/// Makes `count` blocks of numbers of ordinary size, in this machine's byte order.
void fill_with_blocks(Choices& choices, codecs::ggml::Type type, std::byte* blocks,
                      std::size_t count);

}  // namespace plimsoll::simulation
