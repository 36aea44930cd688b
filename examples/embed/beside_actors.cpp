// A program with actors of its own gives every finished tensor to one of them. The engine's actors
// and the program's never meet; the tensor's buffer goes back to the engine, which waits for it,
// when the program's actor lets go of the message.
#include <plimsoll/engine.hpp>

#include <caf/all.hpp>
#include <iostream>
#include <memory>

struct Arrived {
  std::shared_ptr<plimsoll::FinishedTensor> tensor;
};
struct Finished {};
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(Arrived)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(Finished)

caf::behavior tally(caf::event_based_actor* self) {
  auto bytes = std::make_shared<std::size_t>(0);
  return {[=](Arrived& arrived) {
            const plimsoll::Tensor& tensor = arrived.tensor->tensor();
            for (const auto& component : tensor.components) *bytes += component.bytes.size();
            arrived.tensor = nullptr;
          },
          [=](Finished) {
            std::cout << "tallied " << *bytes << " bytes\n";
            self->quit();
          }};
}

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: beside_actors CHECKPOINT\n";
    return 2;
  }
  caf::actor_system_config own_config;
  caf::actor_system own_system(own_config);
  const caf::actor own_actor = own_system.spawn(tally);

  plimsoll::Config config;
  config.set("to", "nf4");
  plimsoll::Engine engine(config);
  plimsoll::LoadOptions options;
  options.consumer = [&](plimsoll::FinishedTensor tensor) {
    caf::anon_send(own_actor,
                   Arrived{std::make_shared<plimsoll::FinishedTensor>(std::move(tensor))});
  };
  const plimsoll::Load load = engine.load(argv[1], std::move(options));
  std::cout << "planned " << load.plan().tensors.size() << " tensors\n";
  load.wait();
  caf::anon_send(own_actor, Finished{});
  return load.report().units > 0 ? 0 : 1;
} catch (const plimsoll::Error& error) {
  std::cerr << "beside_actors: " << error.what() << '\n';
  return 1;
}
