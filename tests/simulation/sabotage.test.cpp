// Proves that the simulation can fail: each test breaks one promise of the engine's surroundings,
// or of the engine itself as far as it can be reached from outside, and expects it to be noticed.

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "simulation/many_seeds.hpp"

using namespace plimsoll;
using namespace plimsoll::simulation;

namespace {

/// A fault has several consequences; some seed soon notices the one that is meant here.
void expect_finding(Props& props, const std::string& part) {
  std::string other = "nothing";
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const SimulationReport report = simulate(seed, {.props = &props});
    if (!report.finding) continue;
    other = failure_line(report);
    if (report.finding->find(part) != std::string::npos) {
      SUCCEED(other);
      return;
    }
  }
  FAIL("no seed says \"" << part << "\", the last finding is: " << other);
}

/// A source that does as the honest one, but for what a test overrides.
class Source : public io::ByteSource {
 public:
  explicit Source(std::unique_ptr<io::ByteSource> honest) : honest_(std::move(honest)) {}

  bool try_read(std::span<const io::ReadRange> ranges) noexcept override {
    return honest_->try_read(ranges);
  }
  void start(std::span<const io::ReadRange> ranges, io::ReadDone done) override {
    honest_->start(ranges, std::move(done));
  }
  [[nodiscard]] std::uint64_t buffer_bytes() const noexcept override {
    return honest_->buffer_bytes();
  }

 private:
  std::unique_ptr<io::ByteSource> honest_;
};

class Checkpoint : public actors::CheckpointSink {
 public:
  explicit Checkpoint(std::unique_ptr<actors::CheckpointSink> honest)
      : honest_(std::move(honest)) {}

  [[nodiscard]] bool is_finished(std::uint32_t shard) const noexcept override {
    return honest_->is_finished(shard);
  }
  void write(std::array<actors::FileWrite, 2> pieces, std::size_t count,
             actors::JobDone done) override {
    honest_->write(pieces, count, std::move(done));
  }
  void finish_shard(std::uint32_t shard, actors::JobDone done) override {
    honest_->finish_shard(shard, std::move(done));
  }
  void finish(actors::JobDone done) override { honest_->finish(std::move(done)); }

 private:
  std::unique_ptr<actors::CheckpointSink> honest_;
};

class Consumer : public actors::ConsumerSink {
 public:
  explicit Consumer(std::unique_ptr<actors::ConsumerSink> honest) : honest_(std::move(honest)) {}

  void deliver(std::uint32_t output, actors::LeasePtr buffer, actors::JobDone done) override {
    honest_->deliver(output, std::move(buffer), std::move(done));
  }

 private:
  std::unique_ptr<actors::ConsumerSink> honest_;
};

template <class Faulty>
class WithSource : public Props {
 public:
  std::unique_ptr<io::ByteSource> source(std::unique_ptr<io::ByteSource> honest) override {
    return std::make_unique<Faulty>(std::move(honest));
  }
};

template <class Faulty>
class WithCheckpoint : public Props {
 public:
  std::unique_ptr<actors::CheckpointSink> checkpoint(
      std::unique_ptr<actors::CheckpointSink> honest) override {
    return std::make_unique<Faulty>(std::move(honest));
  }
};

template <class Faulty>
class WithConsumer : public Props {
 public:
  std::unique_ptr<actors::ConsumerSink> consumer(
      std::unique_ptr<actors::ConsumerSink> honest) override {
    return std::make_unique<Faulty>(std::move(honest));
  }
};

}  // namespace

TEST_CASE("a byte that was read wrong is noticed") {
  struct Faulty : Source {
    using Source::Source;
    bool try_read(std::span<const io::ReadRange> ranges) noexcept override {
      if (!Source::try_read(ranges)) return false;
      ranges[0].destination[ranges[0].bytes - 1] ^= std::byte{0x80};
      return true;
    }
  };
  WithSource<Faulty> props;
  expect_finding(props, "wrong bytes");
}

TEST_CASE("an error that nobody injected is noticed") {
  struct Faulty : Source {
    using Source::Source;
    void start(std::span<const io::ReadRange> ranges, io::ReadDone done) override {
      Source::start(ranges, [done = std::move(done)](Expected<void>) {
        done(fail(ErrorCode::read_failed, "made up"));
      });
    }
  };
  WithSource<Faulty> props;
  expect_finding(props, "an error that nobody made: made up");
}

TEST_CASE("a read that never ends is noticed") {
  struct Faulty : Source {
    using Source::Source;
    void start(std::span<const io::ReadRange>, io::ReadDone done) override {
      kept.push_back(std::move(done));
    }
    std::vector<io::ReadDone> kept;
  };
  WithSource<Faulty> props;
  expect_finding(props, "nothing is left to happen, but a load has not ended");
}

TEST_CASE("a unit that is lost on its way is noticed") {
  struct Faulty : Source {
    using Source::Source;
    void start(std::span<const io::ReadRange>, io::ReadDone) override {}
  };
  WithSource<Faulty> props;
  expect_finding(props, "units were lost on their way");
}

TEST_CASE("a failure that is swallowed is noticed") {
  struct Faulty : Checkpoint {
    using Checkpoint::Checkpoint;
    void write(std::array<actors::FileWrite, 2> pieces, std::size_t count,
               actors::JobDone done) override {
      Checkpoint::write(pieces, count,
                        [done = std::move(done)](std::optional<Error>) { done(std::nullopt); });
    }
  };
  WithCheckpoint<Faulty> props;
  expect_finding(props, "ends well in spite of: injected: a write fails");
}

TEST_CASE("a write that is lost is noticed") {
  struct Faulty : Checkpoint {
    using Checkpoint::Checkpoint;
    void write(std::array<actors::FileWrite, 2> pieces, std::size_t,
               actors::JobDone done) override {
      Checkpoint::write(pieces, 1, std::move(done));  // never the second piece
    }
  };
  WithCheckpoint<Faulty> props;
  expect_finding(props, "was written");
}

TEST_CASE("a job of the checkpoint that never ends is noticed") {
  struct Faulty : Checkpoint {
    using Checkpoint::Checkpoint;
    void finish_shard(std::uint32_t, actors::JobDone done) override {
      kept.push_back(std::move(done));
    }
    std::vector<actors::JobDone> kept;
  };
  WithCheckpoint<Faulty> props;
  expect_finding(props, "nothing is left to happen, but a load has not ended");
}

TEST_CASE("a shard that is named before all of it is written is noticed") {
  struct Faulty : Checkpoint {
    using Checkpoint::Checkpoint;
    void write(std::array<actors::FileWrite, 2> pieces, std::size_t count,
               actors::JobDone done) override {
      Checkpoint::write(pieces, count, std::move(done));
      if (!std::exchange(finished, true)) {
        Checkpoint::finish_shard(pieces[0].shard, [](const std::optional<Error>&) {});
      }
    }
    bool finished = false;
  };
  WithCheckpoint<Faulty> props;
  expect_finding(props, "finishes a shard that is still being written");
}

TEST_CASE("a consumer that keeps a buffer for ever is noticed") {
  struct Faulty : Consumer {
    using Consumer::Consumer;
    void deliver(std::uint32_t output, actors::LeasePtr buffer, actors::JobDone done) override {
      kept.push_back(buffer);
      Consumer::deliver(output, std::move(buffer), std::move(done));
    }
    std::vector<actors::LeasePtr> kept;
  };
  WithConsumer<Faulty> props;
  expect_finding(props, "nothing is left to happen, but a load has not ended");
}

TEST_CASE("a buffer that is written to while the consumer has it is noticed") {
  struct Faulty : Consumer {
    using Consumer::Consumer;
    void deliver(std::uint32_t output, actors::LeasePtr buffer, actors::JobDone done) override {
      std::byte* const memory = buffer->memory();
      Consumer::deliver(output, std::move(buffer), std::move(done));
      *memory ^= std::byte{0xFF};
    }
  };
  WithConsumer<Faulty> props;
  expect_finding(props, "is delivered with wrong bytes");
}

TEST_CASE("a governor that gives more credits than the device has is noticed") {
  struct Generous : Props {
    std::vector<std::uint32_t> credits(std::vector<std::uint32_t> honest) override {
      for (std::uint32_t& credits : honest) ++credits;
      return honest;
    }
  };
  Generous props;
  expect_finding(props, "slots are leased on device");
}

TEST_CASE("two units in one slot are noticed") {
  struct Narrow : Props {
    void change(actors::LoadParts& parts) override {
      plan::Plan plan = *parts.plan;
      for (plan::DeviceLine& line : plan.devices) line.slot_bytes = 0;
      parts.plan = std::make_shared<plan::Plan>(std::move(plan));
    }
  };
  Narrow props;
  expect_finding(props, "is read to the slot that unit");
}

TEST_CASE("two units in one output buffer are noticed") {
  struct Narrow : Props {
    void change(actors::LoadParts& parts) override {
      if (parts.plan->sink != plan::Sink::checkpoint) return;
      plan::Plan plan = *parts.plan;
      for (plan::DeviceLine& line : plan.devices) line.output_bytes = 0;
      parts.plan = std::make_shared<plan::Plan>(std::move(plan));
    }
  };
  Narrow props;
  expect_finding(props, "uses the output buffer that");
}

TEST_CASE("memory that is taken beside the plan's is noticed") {
  struct Greedy : Props {
    void change(actors::LoadParts& parts) override {
      auto memory = parts.devices[0]->allocate(1);
      if (memory) parts.outputs.push_back(std::move(*memory));
    }
  };
  Greedy props;
  expect_finding(props, "bytes instead of");
}

TEST_CASE("work of a device that never ends is noticed") {
  struct WithStuckDevice : Props {
    using Kept = std::vector<std::function<void()>>;
    struct Device : gpu::Device {
      Device(const gpu::Device& honest, Kept& keeper)
          : gpu::Device(honest.name(), honest.limit()), kept(keeper) {}
      void when_complete(std::uint16_t, const std::function<void()>& done) override {
        kept.push_back(done);
      }
      std::byte* obtain(std::uint64_t bytes) noexcept override {
        return static_cast<std::byte*>(std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096));
      }
      void give_back(std::byte* address, std::uint64_t) noexcept override { std::free(address); }
      Kept& kept;
    };
    std::unique_ptr<gpu::Device> device(std::unique_ptr<gpu::Device> honest) override {
      return std::make_unique<Device>(*honest, kept);
    }
    void let_go() override { kept.clear(); }
    Kept kept;
  };
  WithStuckDevice props;
  expect_finding(props, "nothing is left to happen, but a load has not ended");
}

TEST_CASE("an expert in another one's place is noticed") {
  struct Faulty : Source {
    using Source::Source;
    bool try_read(std::span<const io::ReadRange> ranges) noexcept override {
      if (!Source::try_read(ranges)) return false;
      if (ranges.size() == 2 && ranges[0].bytes == ranges[1].bytes) {
        std::swap_ranges(ranges[0].destination, ranges[0].destination + ranges[0].bytes,
                         ranges[1].destination);
      }
      return true;
    }
  };
  WithSource<Faulty> props;
  expect_finding(props, "wrong bytes");
}

TEST_CASE("parts that are read to each other's places are noticed") {
  struct Swapped : Props {
    void change(actors::LoadParts& parts) override {
      plan::Plan plan = *parts.plan;
      for (const plan::Unit& unit : plan.units) {
        if (unit.read_count < 2 || unit.slots == 0) continue;
        std::swap(plan.reads[unit.first_read], plan.reads[unit.first_read + 1]);
      }
      parts.plan = std::make_shared<plan::Plan>(std::move(plan));
    }
  };
  Swapped props;
  expect_finding(props, "is read to a place outside of its slots");
}

TEST_CASE("a part that is read a second time in place of another is noticed") {
  struct Doubled : Props {
    void change(actors::LoadParts& parts) override {
      plan::Plan plan = *parts.plan;
      for (const plan::Unit& unit : plan.units) {
        if (unit.read_count > 1) plan.reads[unit.first_read + 1].offset += 1;
      }
      parts.plan = std::make_shared<plan::Plan>(std::move(plan));
    }
  };
  Doubled props;
  expect_finding(props, "reads what no granted unit asks for");
}

TEST_CASE("scales that were lost are noticed") {
  struct Faulty : Source {
    using Source::Source;
    bool try_read(std::span<const io::ReadRange> ranges) noexcept override {
      if (!Source::try_read(ranges)) return false;
      // A padded range followed by another one: numbers and their scales.
      if (ranges.size() == 2 && ranges[0].padded) {
        std::fill_n(ranges[1].destination, ranges[1].bytes, std::byte{0x3C});
      }
      return true;
    }
  };
  WithSource<Faulty> props;
  expect_finding(props, "wrong bytes");
}

TEST_CASE("a measure that was lost, so that a scale is wrong, is noticed") {
  struct Forgetful : Props {
    struct Faulty : Source {
      using Source::Source;
      bool try_read(std::span<const io::ReadRange> ranges) noexcept override {
        if (states != nullptr) std::fill_n(states, state_bytes, std::byte{0});
        return Source::try_read(ranges);
      }
      std::byte* states = nullptr;
      std::uint64_t state_bytes = 0;
    };
    std::unique_ptr<io::ByteSource> source(std::unique_ptr<io::ByteSource> honest) override {
      auto faulty = std::make_unique<Faulty>(std::move(honest));
      last = faulty.get();
      return faulty;
    }
    void change(actors::LoadParts& parts) override {
      last->states = parts.states[0].address();
      last->state_bytes = parts.states[0].bytes();
    }
    Faulty* last = nullptr;
  };
  Forgetful props;
  expect_finding(props, "wrong bytes");
}

TEST_CASE("a unit that is granted before what it waits for is home is noticed") {
  struct Hasty : Props {
    void change(actors::LoadParts& parts) override {
      plan::Plan plan = *parts.plan;
      for (plan::Unit& unit : plan.units) unit.waits = false;
      parts.plan = std::make_shared<plan::Plan>(std::move(plan));
    }
  };
  Hasty props;
  expect_finding(props, "was granted before the units that it waits for were home");
}

TEST_CASE("a gather that is granted too few slots is noticed") {
  struct Thrifty : Props {
    void change(actors::LoadParts& parts) override {
      plan::Plan plan = *parts.plan;
      for (plan::Unit& unit : plan.units) unit.slots = std::min(unit.slots, 1u);
      parts.plan = std::make_shared<plan::Plan>(std::move(plan));
    }
  };
  Thrifty props;
  expect_finding(props, "was granted 1 slots instead of");
}

TEST_CASE("a gather whose slots overlap those of another unit is noticed") {
  struct Narrow : Props {
    void change(actors::LoadParts& parts) override {
      plan::Plan plan = *parts.plan;
      const bool gathers = std::any_of(plan.units.begin(), plan.units.end(),
                                       [](const plan::Unit& unit) { return unit.slots > 1; });
      if (!gathers) return;
      for (plan::DeviceLine& line : plan.devices) line.slot_bytes = 0;
      parts.plan = std::make_shared<plan::Plan>(std::move(plan));
    }
  };
  Narrow props;
  expect_finding(props, "is read to the slot that unit");
}

TEST_CASE("rows that are written without the distance between them are noticed") {
  struct Faulty : Checkpoint {
    using Checkpoint::Checkpoint;
    void write(std::array<actors::FileWrite, 2> pieces, std::size_t count,
               actors::JobDone done) override {
      for (actors::FileWrite& piece : pieces) piece.stride = piece.bytes.size() / piece.rows;
      Checkpoint::write(pieces, count, std::move(done));
    }
  };
  WithCheckpoint<Faulty> props;
  expect_finding(props, "has wrong bytes");
}
