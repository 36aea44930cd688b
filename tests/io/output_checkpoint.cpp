#include "output_checkpoint.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "scratch_directory.hpp"

namespace fs = std::filesystem;
using namespace plimsoll::io;
using plimsoll::Dtype;
using plimsoll::Expected;

namespace {

void put(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

OutputCheckpoint::OutputCheckpoint(const std::string& source, const std::string& output,
                                   bool single, unsigned seed) {
  for (std::uint32_t group = 0; group < 4; ++group) {
    const std::string name = "layers." + std::to_string(group) + ".weight";
    tensors.push_back({name, Dtype::u8, {3000, 1}, 3000, group});
    tensors.push_back({name + ".absmax", Dtype::f32, {100}, 400, group});
    tensors.push_back({name + ".state", Dtype::u8, {900}, 900, group, true});
  }
  layout = lay_out_shards(tensors, single ? 1u << 30 : 9000);
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    const std::uint64_t bytes = tensors[t].size_is_bound ? 100 + 7 * t : tensors[t].bytes;
    data.push_back(noise(bytes, 1000 * seed + t));
  }
  options.directory = output;
  options.source_directory = source;
  options.sources = {{source + "/model.safetensors", 0}, {source + "/named_oddly", 0}};
  options.config_json = "{\"seed\": " + std::to_string(seed) + "}\n";
  options.fingerprint = "source=abc\nvariant=" + std::to_string(seed);
}

Expected<std::unique_ptr<CheckpointWriter>> OutputCheckpoint::open(ExistingOutput existing) const {
  CheckpointWriterOptions chosen = options;
  chosen.existing = existing;
  return CheckpointWriter::open(layout, tensors, chosen);
}

Expected<void> OutputCheckpoint::write_shard(CheckpointWriter& writer, std::uint32_t shard) const {
  for (const std::uint32_t t : layout.shards[shard].tensors) {
    const auto bytes = std::as_bytes(std::span(data[t]));
    const std::size_t half = bytes.size() / 2;
    const std::uint64_t place = layout.places[t].offset;
    if (tensors[t].size_is_bound) writer.set_true_bytes(t, bytes.size());
    auto written = writer.write(shard, place + half, bytes.subspan(half));
    if (written) written = writer.write(shard, place, bytes.first(half));
    if (!written) return written;
  }
  return writer.finish_shard(shard);
}

Expected<void> OutputCheckpoint::run(ExistingOutput existing) const {
  const auto writer = open(existing);
  if (!writer) return plimsoll::fail(writer.error());
  for (std::uint32_t shard = 0; shard < layout.shards.size(); ++shard) {
    if ((*writer)->is_finished(shard)) continue;
    if (auto written = write_shard(**writer, shard); !written) return written;
  }
  return (*writer)->finish();
}

void make_source(const std::string& directory) {
  const fs::path source = directory;
  put(source / "tokenizer.json", noise(3'000'000, 5));
  put(source / "blobs-elsewhere", "linked");
  fs::create_directories(source / ".cache");
  fs::rename(source / "blobs-elsewhere", source / ".cache/blob");
  fs::create_symlink(".cache/blob", source / "tokenizer.model");
  put(source / "1_Pooling/config.json", "{}");
  put(source / "1_Pooling/deep/er/note.txt", "note");
  put(source / "empty.txt", "");
  for (const char* name :
       {"config.json", "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
        "pytorch_model.bin.index.json", "model.gguf", "original/consolidated.00.pth", "named_oddly",
        "tf_model.h5", "flax_model.msgpack", "model.safetensors.index.fp16.json", "model.onnx",
        ".gitattributes", ".git/HEAD"}) {
    put(source / name, "not copied");
  }
}

std::map<std::string, std::string> files_in(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().lexically_relative(directory).string()] = {
        std::istreambuf_iterator<char>(in), {}};
  }
  return files;
}

bool looks_whole(const std::string& directory) {
  return fs::exists(directory + "/model.safetensors.index.json") ||
         fs::exists(directory + "/model.safetensors");
}
