#pragma once

#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "plimsoll/expected_tensor.hpp"

namespace plimsoll::io {

using plimsoll::ExpectedTensor;

/// Reads the tensors that a model wants from a safetensors file, of which only the header is
/// looked at, or from a JSON list of {"name", "shape", "dtype"}. A dtype is spelled as safetensors
/// does ("BF16") or as torch does ("bfloat16", "torch.bfloat16"), letter by letter. In the order of
/// the file's data, or of the list.
///
/// The file's first eight bytes tell which it is: the highest byte of a header's length is zero,
/// and JSON has no zero bytes.
/// Errors, which name the file and where there is one the tensor: not_found, read_failed,
/// out_of_memory; malformed for a header as SafetensorsParser refuses it, a list longer than
/// max_header_bytes or not JSON, an entry that is no object or lacks a member or has it twice, an
/// unknown dtype, a shape that is no list of unsigned numbers or overflows, a name that occurs
/// twice. Other members of an entry are ignored. Memory in proportion to header or list.
[[nodiscard]] Expected<std::vector<ExpectedTensor>> read_expected_tensors(const std::string& path);

}  // namespace plimsoll::io
