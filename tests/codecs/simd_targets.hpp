#pragma once

#include <hwy/targets.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace plimsoll::codecs::test {

/// Runs `check` once for every instruction set this machine has, with the library choosing that
/// one; restores the machine's own choice.
inline void for_each_simd_target(const std::function<void(const char* name)>& check) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    check(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace plimsoll::codecs::test
