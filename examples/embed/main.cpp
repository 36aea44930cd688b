// Loads a checkpoint into memory as NF4 and says what is in it: embed CHECKPOINT [FORMAT]
#include <plimsoll/engine.hpp>

#include <cstdio>

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CHECKPOINT [FORMAT]\n", argv[0]);
    return 2;
  }
  plimsoll::Config config;
  config.set("slots", "2").set("to", argc > 2 ? argv[2] : "nf4");
  plimsoll::Engine engine(config);

  plimsoll::LoadOptions options;
  options.on_progress = [](const plimsoll::Progress& progress) {
    std::fprintf(stderr, "%u of %u units\n", progress.units_done, progress.units);
  };
  const plimsoll::Load load = engine.load(argv[1], options);
  std::printf("load line %llu bytes\n",
              static_cast<unsigned long long>(load.plan().load_line_bytes));

  const plimsoll::Model model = load.get();
  for (const plimsoll::Tensor& tensor : model.tensors().first(std::min<std::size_t>(5, model.tensors().size()))) {
    std::printf("%.*s: %.*s, %zu components\n", static_cast<int>(tensor.name.size()),
                tensor.name.data(), static_cast<int>(tensor.format.size()), tensor.format.data(),
                tensor.components.size());
  }
  const plimsoll::Report& report = load.report();
  std::printf("peak %llu bytes, of them %llu final\n",
              static_cast<unsigned long long>(report.peak_bytes),
              static_cast<unsigned long long>(report.final_bytes));
  return 0;
} catch (const plimsoll::Error& error) {
  std::fprintf(stderr, "embed: %s\n", error.what());
  return 1;
}
