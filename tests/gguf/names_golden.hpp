#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "gguf/names.hpp"
#include "io/gguf_checkpoint.hpp"

/// What tests/gguf/make_name_tables.py says of the files in tests/golden/gguf_names, by their names
/// without ".gguf": "config" and "tensors".
[[nodiscard]] const nlohmann::json& expected_names();

/// One of these files. Throws where it cannot be read.
[[nodiscard]] plimsoll::io::GgufCheckpoint golden_checkpoint(const std::string& name);

/// The family of a checkpoint by the shipped tables. Throws where there is none.
[[nodiscard]] const plimsoll::gguf::Family& family_of(
    const plimsoll::io::GgufCheckpoint& checkpoint);
