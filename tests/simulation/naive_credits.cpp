#include "naive_credits.hpp"

#include <algorithm>
#include <array>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>
#include <deque>
#include <map>
#include <utility>

#include "actors/grant_order.hpp"
#include "rules/natural_order.hpp"
#include "simulation/choices.hpp"
#include "simulation/virtual_clock.hpp"

namespace plimsoll::simulation::test {

/// To a reader, from itself: it has taken the tensor on, and comes to ask for a credit.
struct TensorTaken {
  std::uint32_t tensor = 0;
};
/// To the credits' keeper: a reader wants to read the tensor.
struct CreditWanted {
  std::uint32_t tensor = 0;
  std::uint32_t reader = 0;
};
/// To the credits' keeper: those of these tensors are free again.
struct CreditsReturned {
  std::vector<std::uint32_t> tensors;
};
/// To a reader: it may read the tensor.
struct CreditGranted {
  std::uint32_t tensor = 0;
};
/// To a reader: the tensor is there.
struct TensorRead {
  std::uint32_t tensor = 0;
};
/// To the merger: a part of a merge, in full precision.
struct PartRead {
  std::uint32_t tensor = 0;
};
/// To readers and the credits' keeper: begin.
struct Begin {};
/// To every actor: quit.
struct End {};

}  // namespace plimsoll::simulation::test

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::simulation::test::TensorTaken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::simulation::test::CreditWanted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::simulation::test::CreditsReturned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::simulation::test::CreditGranted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::simulation::test::TensorRead)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::simulation::test::PartRead)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::simulation::test::Begin)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::simulation::test::End)

namespace plimsoll::simulation::test {
namespace {

constexpr std::uint64_t longest_read_ns = 100;
constexpr unsigned deepest_interruption = 3;

struct Merge {
  std::vector<std::uint32_t> parts;  ///< source tensors
  std::uint32_t there = 0;
  bool made = false;
};

/// What is loaded, how far it is, and what an onlooker counts.
struct World {
  World(const MergeScenario& scenario, CreditRule credit_rule, std::uint32_t credit_count,
        std::uint64_t seed);

  void granted(std::uint32_t tensor) {
    outcome.most_held = std::max(outcome.most_held, ++outcome.credits_held);
    outcome.grants.push_back(tensor);
  }
  void returned(std::uint32_t count) { outcome.credits_held -= count; }

  const CreditRule rule;
  const std::uint32_t credits;
  std::vector<std::string> names;       ///< of source tensors, in the checkpoint's order
  std::vector<std::uint32_t> merge_of;  ///< a source tensor
  std::vector<Merge> merges;
  std::uint32_t next = 0;  ///< tensor that no reader has taken on yet
  Choices choices;
  VirtualClock clock;
  MergeOutcome outcome;

  caf::actor keeper;
  caf::actor merger;
  std::vector<caf::actor> readers;
};

World::World(const MergeScenario& scenario, CreditRule credit_rule, std::uint32_t credit_count,
             std::uint64_t seed)
    : rule(credit_rule), credits(credit_count), choices(seed) {
  std::vector<std::string> unordered;
  std::map<std::string, std::string> targets;  // by source name
  const auto add = [&](const std::string& name, const std::string& target) {
    unordered.push_back(name);
    targets.emplace(name, target);
  };
  for (std::uint32_t layer = 0; layer < scenario.layers; ++layer) {
    const std::string block = "model.layers." + std::to_string(layer) + ".";
    const std::string mlp = block + "mlp.experts.";
    for (std::uint32_t expert = 0; expert < scenario.experts; ++expert) {
      const std::string own = mlp + std::to_string(expert);
      add(own + ".gate_proj.weight", mlp + "gate_up_proj");
      add(own + ".up_proj.weight", mlp + "gate_up_proj");
      add(own + ".down_proj.weight", mlp + "down_proj");
    }
    for (const char* alone : {"k_proj", "o_proj", "q_proj", "v_proj"}) {
      const std::string name = block + "self_attn." + alone + ".weight";
      add(name, name);
    }
  }
  std::map<std::string, std::uint32_t> numbers;  // of merges, by target
  for (const std::uint32_t at : rules::natural_order(unordered)) {
    const auto tensor = static_cast<std::uint32_t>(names.size());
    names.push_back(unordered[at]);
    const auto [merge, is_new] = numbers.emplace(targets.at(unordered[at]), merges.size());
    if (is_new) merges.emplace_back();
    merges[merge->second].parts.push_back(tensor);
    merge_of.push_back(merge->second);
  }
}

/// The semaphore: first come, first served, one credit each.
class Semaphore final : public caf::event_based_actor {
 public:
  Semaphore(caf::actor_config& config, World& world)
      : caf::event_based_actor(config), world_(world), free_(world.credits) {}

  caf::behavior make_behavior() override {
    return {
        [this](const CreditWanted& wanted) {
          waiting_.push_back(wanted);
          serve();
        },
        [this](const CreditsReturned& returned) {
          free_ += static_cast<std::uint32_t>(returned.tensors.size());
          serve();
        },
        [](Begin) {},
        [this](End) { quit(); },
    };
  }

 private:
  void serve() {
    while (free_ > 0 && !waiting_.empty()) {
      const CreditWanted first = waiting_.front();
      waiting_.pop_front();
      --free_;
      world_.granted(first.tensor);
      send(world_.readers[first.reader], CreditGranted{first.tensor});
    }
  }

  World& world_;
  std::uint32_t free_;
  std::deque<CreditWanted> waiting_;
};

/// Plimsoll's order of grants: nobody asks; tickets were written down beforehand.
class TicketKeeper final : public caf::event_based_actor {
 public:
  TicketKeeper(caf::actor_config& config, World& world)
      : caf::event_based_actor(config), world_(world), order_(std::array{world.credits}) {}

  caf::behavior make_behavior() override {
    return {
        [this](Begin) {
          const actors::Claim own{world_.credits, 0, 0};
          if (order_.add(load, std::array{own}, tickets())) grant_all();
        },
        [this](const CreditsReturned& returned) {
          take_back(returned.tensors);
          grant_all();
        },
        [this](End) { quit(); },
    };
  }

 private:
  static constexpr actors::GrantOrder::LoadId load = 1;

  [[nodiscard]] bool per_merge() const { return world_.rule == CreditRule::gather; }

  [[nodiscard]] std::vector<actors::Ticket> tickets() const {
    std::vector<actors::Ticket> tickets;
    const std::size_t count = per_merge() ? world_.merges.size() : world_.names.size();
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto slots =
          per_merge() ? static_cast<std::uint32_t>(world_.merges[i].parts.size()) : 1;
      tickets.push_back({i, 1, {slots, 0, 0}});
    }
    return tickets;
  }

  void grant_all() {
    while (const auto grant = order_.next()) {
      const std::uint32_t unit = grant->ticket.unit;
      const std::uint32_t place = grant->places.front();
      if (!per_merge()) {
        places_[unit] = place;
        grant_tensor(unit);
      } else {
        places_[world_.merges[unit].parts.front()] = place;
        for (const std::uint32_t part : world_.merges[unit].parts) grant_tensor(part);
      }
    }
  }

  void take_back(const std::vector<std::uint32_t>& tensors) {
    if (per_merge()) {
      const auto count = static_cast<std::uint32_t>(tensors.size());
      order_.give_back(load, 0, {count, 0, 0}, places_.at(tensors.front()));
      return;
    }
    for (const std::uint32_t tensor : tensors) {
      order_.give_back(load, 0, {1, 0, 0}, places_.at(tensor));
    }
  }

  void grant_tensor(std::uint32_t tensor) {
    world_.granted(tensor);
    const auto reader = world_.choices.below(world_.readers.size());
    send(world_.readers[reader], CreditGranted{tensor});
  }

  World& world_;
  actors::GrantOrder order_;
  std::map<std::uint32_t, std::uint32_t> places_;  // the slot of a tensor, or the first of a merge
};

/// With the semaphore one of its threads: takes the next tensor on, waits for a credit, reads,
/// hands over, goes on. Others may ask between its taking a tensor on and its asking. With tickets
/// it reads what it is told to.
class Reader final : public caf::event_based_actor {
 public:
  Reader(caf::actor_config& config, World& world, std::uint32_t number)
      : caf::event_based_actor(config), world_(world), number_(number) {}

  caf::behavior make_behavior() override {
    return {
        [this](Begin) { take_on_next(); },
        [this](const TensorTaken& taken) {
          send(world_.keeper, CreditWanted{taken.tensor, number_});
        },
        [this](const CreditGranted& granted) {
          const caf::actor me(this);
          world_.clock.after(world_.choices.between(1, longest_read_ns),
                             [me, granted] { caf::anon_send(me, TensorRead{granted.tensor}); });
        },
        [this](const TensorRead& read) {
          send(world_.merger, PartRead{read.tensor});
          take_on_next();
        },
        [this](End) { quit(); },
    };
  }

 private:
  void take_on_next() {
    if (world_.rule != CreditRule::naive || world_.next == world_.names.size()) return;
    send(this, TensorTaken{world_.next++});
  }

  World& world_;
  std::uint32_t number_;
};

/// Makes each merge when all its parts are there. Folding, a part needs none of the others.
class Merger final : public caf::event_based_actor {
 public:
  Merger(caf::actor_config& config, World& world) : caf::event_based_actor(config), world_(world) {}

  caf::behavior make_behavior() override {
    return {
        [this](const PartRead& part) {
          Merge& merge = world_.merges[world_.merge_of[part.tensor]];
          merge.made = ++merge.there == merge.parts.size();
          if (world_.rule == CreditRule::fold) {
            give_back({part.tensor});
          } else if (merge.made) {
            give_back(merge.parts);
          }
        },
        [this](End) { quit(); },
    };
  }

 private:
  void give_back(std::vector<std::uint32_t> tensors) {
    world_.returned(static_cast<std::uint32_t>(tensors.size()));
    send(world_.keeper, CreditsReturned{std::move(tensors)});
  }

  World& world_;
};

/// Lets one thing happen after the other, as Simulation does: the seed chooses whose message is
/// handled next, when a read ends, and which sends let other actors run before the sender goes on.
class Schedule {
 public:
  Schedule(caf::actor_system& system, World& world)
      : scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())),
        world_(world),
        event_share_(static_cast<unsigned>(world.choices.between(5, 95))),
        interrupt_percent_(
            world.choices.chance(33) ? 0 : static_cast<unsigned>(world.choices.between(1, 60))) {}

  /// Returns when no message and no event is left.
  void run() {
    while (scheduler_.has_job() || world_.clock.has_events()) {
      world_.clock.advance(world_.choices.between(1, 40));
      const bool event = world_.clock.has_events() &&
                         (!scheduler_.has_job() || world_.choices.chance(event_share_));
      if (event) {
        world_.clock.deliver();
      } else {
        run_job();
      }
    }
  }

 private:
  void run_job() {
    std::swap(scheduler_.jobs.front(),
              scheduler_.jobs[world_.choices.below(scheduler_.jobs.size())]);
    arm_interruption();
    scheduler_.run_once();
    scheduler_.after_next_enqueue(nullptr);
  }

  void arm_interruption() {
    if (depth_ == deepest_interruption || !world_.choices.chance(interrupt_percent_)) return;
    scheduler_.after_next_enqueue([this] {
      ++depth_;
      for (std::uint64_t jobs = world_.choices.between(1, 8); jobs > 0 && scheduler_.has_job();
           --jobs) {
        run_job();
      }
      --depth_;
      arm_interruption();
    });
  }

  caf::scheduler::test_coordinator& scheduler_;
  World& world_;
  unsigned event_share_;
  unsigned interrupt_percent_;
  unsigned depth_ = 0;
};

/// Nothing is left to happen. Has everything been made, or does it stand still?
void judge(World& world) {
  const auto is_made = [](const Merge& merge) { return merge.made; };
  const auto made = std::count_if(world.merges.begin(), world.merges.end(), is_made);
  const bool all_made = made == static_cast<std::ptrdiff_t>(world.merges.size());
  world.outcome.ended = all_made && world.outcome.credits_held == 0;
  if (all_made) return;
  std::string waiting;
  std::uint32_t held = 0;
  for (const Merge& merge : world.merges) {
    if (merge.made || merge.there == 0) continue;
    held += merge.there;
    waiting += waiting.empty() ? "" : ", ";
    waiting += std::to_string(merge.there) + " of " + std::to_string(merge.parts.size()) +
               " parts of the merge that begins with " + world.names[merge.parts.front()];
  }
  world.outcome.standstill = std::to_string(held) + " of " + std::to_string(world.credits) +
                             " credits are held by merges that wait for parts: " + waiting;
}

}  // namespace

MergeOutcome run_merges(const MergeScenario& scenario, CreditRule rule, std::uint32_t credits,
                        std::uint64_t seed) {
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("testing"));
  config.set("logger.verbosity", caf::atom("quiet"));
  caf::actor_system system(config);
  system.await_actors_before_shutdown(false);

  World world(scenario, rule, credits, seed);
  world.keeper = rule == CreditRule::naive ? system.spawn<Semaphore>(std::ref(world))
                                           : system.spawn<TicketKeeper>(std::ref(world));
  world.merger = system.spawn<Merger>(std::ref(world));
  for (std::uint32_t i = 0; i < scenario.readers; ++i) {
    world.readers.push_back(system.spawn<Reader>(std::ref(world), i));
  }
  std::vector<caf::actor> everybody = world.readers;
  everybody.insert(everybody.begin(), {world.keeper, world.merger});

  Schedule schedule(system, world);
  caf::anon_send(world.keeper, Begin{});
  for (const caf::actor& reader : world.readers) caf::anon_send(reader, Begin{});
  schedule.run();
  judge(world);

  for (const caf::actor& actor : everybody) caf::anon_send(actor, End{});
  schedule.run();
  return std::move(world.outcome);
}

std::uint32_t source_tensors(const MergeScenario& scenario) {
  return scenario.layers * (3 * scenario.experts + 4);
}

std::uint32_t largest_merge(const MergeScenario& scenario) {
  return 2 * scenario.experts;
}

}  // namespace plimsoll::simulation::test
