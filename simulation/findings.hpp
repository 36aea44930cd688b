#pragma once

#include <optional>
#include <string>
#include <utility>

namespace plimsoll::simulation {

/// What was found to be wrong. The first finding counts: what follows may be its consequence.
class Findings {
 public:
  void report(std::string finding) {
    if (!first_) first_ = std::move(finding);
  }

  [[nodiscard]] const std::optional<std::string>& first() const noexcept { return first_; }

 private:
  std::optional<std::string> first_;
};

}  // namespace plimsoll::simulation
