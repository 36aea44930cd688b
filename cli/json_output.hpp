#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "plimsoll/load.hpp"
#include "plimsoll/plan.hpp"

namespace plimsoll::cli {

/// Keys stay in the order in which they are added.
using Json = nlohmann::ordered_json;

/// One line of text. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_line(const Json& json);

/// What `load` and `quantize` print: every key of the contract, and no other.
[[nodiscard]] Json report_json(const Report& report);

/// What `plan` prints, as one line.
[[nodiscard]] std::string plan_json_line(const Plan& plan);

}  // namespace plimsoll::cli
