#pragma once

#include <map>
#include <string>

#include "plimsoll/model.hpp"

/// Dtype, shape and bytes of everything stored, by name: what two results can be compared by.
using StoredComponents = std::map<std::string, std::string>;

[[nodiscard]] StoredComponents components_of(const plimsoll::Tensor& tensor);
[[nodiscard]] StoredComponents components_of(const plimsoll::Model& model);

/// The same of a checkpoint, read back tensor by tensor. Throws Error if it cannot be opened.
[[nodiscard]] StoredComponents stored_components(const std::string& checkpoint);
