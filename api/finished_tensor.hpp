#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "actors/job_threads.hpp"
#include "actors/sinks.hpp"
#include "api/model_state.hpp"
#include "plan/plan.hpp"
#include "plimsoll/model.hpp"

namespace plimsoll {

/// The consumer of the public API: calls the user's function with each finished tensor, one after
/// the other, on a thread of its own.
class ConsumerThread final : public actors::ConsumerSink {
 public:
  ConsumerThread(std::shared_ptr<const plan::Plan> plan,
                 std::function<void(FinishedTensor)> consumer);

  void deliver(std::uint32_t output, actors::LeasePtr buffer, actors::JobDone done) override;

 private:
  [[nodiscard]] std::optional<Error> consume(std::uint32_t output, actors::LeasePtr buffer);

  std::shared_ptr<const plan::Plan> plan_;
  std::function<void(FinishedTensor)> consumer_;
  bool failed_ = false;  ///< the thread's own: after an exception it hands nothing more out
  actors::JobThreads thread_{1};
};

}  // namespace plimsoll
