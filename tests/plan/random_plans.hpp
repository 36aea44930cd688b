#pragma once

#include <cstdint>
#include <random>

#include "catalogue_builder.hpp"
#include "catch.hpp"
#include "plan/make_plan.hpp"

namespace plimsoll::plan {

/// A catalogue of a few files, what the result is made of, and what is asked for.
struct Asked {
  io::Catalogue catalogue;
  Blueprints blueprints;
  PlanRequest request;
};

[[nodiscard]] inline Expected<Plan> plan_for(const Asked& asked) {
  return make_plan(asked.catalogue, asked.blueprints, asked.request);
}

/// Treatments for formats without a working dtype of their own.
[[nodiscard]] inline std::vector<Treatment> treatments_of(std::vector<codecs::Format> formats) {
  std::vector<Treatment> treatments;
  for (const codecs::Format& format : formats) treatments.push_back({format, std::nullopt});
  return treatments;
}

[[nodiscard]] inline Expected<Plan> plan_as_stored(const io::Catalogue& catalogue,
                                                   const PlanRequest& request) {
  return make_plan(catalogue, as_stored(catalogue), request);
}

/// Seeded catalogues and requests that vary everything a plan depends on: tensors as they are
/// stored and tensors that are merged, split, sliced and transposed, with scales or without, every
/// format, every way to merge.
class RandomAsked {
 public:
  explicit RandomAsked(std::uint32_t seed) : random_(seed) {}

  [[nodiscard]] Asked operator()(Sink sink);

  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

 private:
  struct Stored;
  struct Group;

  [[nodiscard]] Group stored_as_it_is();
  [[nodiscard]] Group converted();
  void choose_request(Asked& asked, Sink sink);
  [[nodiscard]] Treatment treatment_for(const Stock& stock);

  std::mt19937_64 random_;
  std::uint64_t count_ = 0;
};

inline constexpr Sink all_sinks[] = {Sink::memory, Sink::caller, Sink::consumer, Sink::checkpoint};

/// Runs `check(asked, plan)` on random plans for every sink.
template <class Check>
void on_random_plans(std::uint32_t seed, int rounds, Check check) {
  RandomAsked random(seed);
  for (int round = 0; round < rounds; ++round) {
    for (const Sink sink : all_sinks) {
      const Asked asked = random(sink);
      const auto plan = plan_for(asked);
      INFO("round " << round << ", sink " << static_cast<int>(sink));
      if (!plan) FAIL(plan.error().what());
      check(asked, *plan);
    }
  }
}

}  // namespace plimsoll::plan
