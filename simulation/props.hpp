#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "actors/load_run.hpp"
#include "actors/sinks.hpp"
#include "gpu/device.hpp"
#include "io/byte_source.hpp"

namespace plimsoll::simulation {

/// The last look at what a simulation is about to use. Here everything passes as it is; a test
/// replaces one thing by a faulty one, to prove that the simulation notices.
class Props {
 public:
  virtual ~Props() = default;

  [[nodiscard]] virtual std::unique_ptr<gpu::Device> device(std::unique_ptr<gpu::Device> honest) {
    return honest;
  }
  [[nodiscard]] virtual std::unique_ptr<io::ByteSource> source(
      std::unique_ptr<io::ByteSource> honest) {
    return honest;
  }
  [[nodiscard]] virtual std::unique_ptr<actors::CheckpointSink> checkpoint(
      std::unique_ptr<actors::CheckpointSink> honest) {
    return honest;
  }
  [[nodiscard]] virtual std::unique_ptr<actors::ConsumerSink> consumer(
      std::unique_ptr<actors::ConsumerSink> honest) {
    return honest;
  }
  /// The credits that the engine's governor is told.
  [[nodiscard]] virtual std::vector<std::uint32_t> credits(std::vector<std::uint32_t> honest) {
    return honest;
  }
  /// What a load is about to begin with.
  virtual void change(actors::LoadParts& parts) { static_cast<void>(parts); }

  /// Something was found: the simulation ends its actors, who need back whatever is kept from them.
  virtual void let_go() {}
};

}  // namespace plimsoll::simulation
