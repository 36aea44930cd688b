// Loads a checkpoint as NF4 into memory and shows the beginning of what is there.
#include <plimsoll/engine.hpp>

#include <iostream>

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: embed CHECKPOINT\n";
    return 2;
  }
  plimsoll::Config config;
  config.set("to", "nf4").set("slots", "2");
  plimsoll::Engine engine(config);

  plimsoll::LoadOptions options;
  options.on_progress = [](const plimsoll::Progress& now) {
    std::cerr << now.units_done << " of " << now.units << " units\n";
  };
  const plimsoll::Load load = engine.load(argv[1], options);  // returns at once
  std::cout << "load line: " << load.plan().load_line_bytes << " bytes\n";

  const plimsoll::Model model = load.get();  // waits for the end, or throws
  std::size_t shown = 0;
  for (const plimsoll::Tensor& tensor : model.tensors()) {
    if (++shown > 5) break;
    std::cout << tensor.name << ": " << tensor.format << ", " << tensor.components.size()
              << " components, " << tensor.component("data")->bytes.size() << " bytes of data\n";
  }
  std::cout << "peak: " << load.report().peak_bytes << " bytes\n";
  return 0;
} catch (const plimsoll::Error& error) {
  std::cerr << "embed: " << error.what() << '\n';
  return 1;
}
