#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/catalogue.hpp"

/// The numbers of a tensor as F32, in the order of its shape: decoded, put in order and mapped one
/// by one. Knows plain floats and Q8_0 of this machine's byte order. Throws where the tensor's
/// bytes are not what its shape asks for.
[[nodiscard]] std::vector<float> hub_numbers(const plimsoll::io::Catalogue& catalogue,
                                             const plimsoll::io::TensorEntry& entry);

/// FNV-1a with 64 bits of numbers' bytes, in hexadecimal.
[[nodiscard]] std::string fnv1a(const std::vector<float>& numbers);
