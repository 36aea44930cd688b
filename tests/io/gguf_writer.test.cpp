#include "io/gguf_writer.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "catch.hpp"
#include "io/gguf_checkpoint.hpp"
#include "io/gguf_layout.hpp"
#include "io/output_directory.hpp"
#include "mentions.hpp"
#include "scratch_directory.hpp"

namespace fs = std::filesystem;
using namespace plimsoll::io;
using plimsoll::ErrorCode;
using plimsoll::Expected;
using plimsoll::codecs::ggml::Type;
using enum plimsoll::io::ExistingOutput;

namespace {

using Counts = std::vector<std::uint32_t>;

const Counts one_file = {};
const Counts three_parts = {2, 1, 2};
const Counts empty_first = {0, 3, 2};

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::uint64_t inode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_ino;
}

/// A small GGUF model to be written; its numbers depend on `seed`.
struct Output {
  ScratchDirectory scratch;
  ShardLayout layout;
  std::vector<std::string> data;
  std::string fingerprint = "source=abc\nto=copy\n";
  std::vector<SourceFile> sources;

  explicit Output(const Counts& counts, std::uint64_t seed = 1) {
    const std::vector<GgufStoredTensor> tensors = {{"a", Type::f32, {3}},
                                                   {"b", Type::q8_0, {2, 32}},
                                                   {"c", Type::f16, {5, 1}},
                                                   {"d", Type::i8, {1}},
                                                   {"e", Type::f32, {16}}};
    GgufMetadata metadata;
    metadata.set("general.architecture", GgufValue::of("llama"));
    GgufSplit split;
    if (!counts.empty()) split = {GgufSplit::Keys::of_quantize, counts};
    const auto files = lay_out_gguf(metadata, tensors, split, "out");
    REQUIRE(files);
    const auto parts = static_cast<std::uint32_t>(files->parts.size());
    for (std::uint32_t i = 0; i < parts; ++i) {
      layout.shards.push_back({counts.empty() ? "out.gguf" : gguf_part_path("out", i, parts),
                               files->parts[i].bytes,
                               files->parts[i].header,
                               {}});
    }
    for (std::uint32_t i = 0; i < tensors.size(); ++i) {
      const GgufPlace& place = files->places[i];
      layout.places.push_back({place.part, place.offset});
      layout.sizes.push_back(place.bytes);
      layout.shards[place.part].tensors.push_back(i);
      data.push_back(noise(place.bytes, seed + i));
    }
  }

  [[nodiscard]] Expected<std::unique_ptr<CheckpointWriter>> open(ExistingOutput existing) const {
    return open_gguf_writer(layout, {scratch.path(), sources, fingerprint, existing});
  }

  [[nodiscard]] Expected<void> write_tensor(CheckpointWriter& writer, std::uint32_t tensor) const {
    const StoredPlace place = layout.places[tensor];
    return writer.write(place.shard, place.offset, std::as_bytes(std::span(data[tensor])));
  }

  /// Writes and finishes one part.
  void write_part(CheckpointWriter& writer, std::uint32_t part) const {
    for (const std::uint32_t tensor : layout.shards[part].tensors) {
      REQUIRE(write_tensor(writer, tensor));
    }
    REQUIRE(writer.finish_shard(part));
  }

  /// The whole way, for the parts that are not there.
  [[nodiscard]] Expected<void> run(ExistingOutput existing) const {
    auto writer = open(existing);
    if (!writer) return plimsoll::fail(writer.error());
    for (std::uint32_t part = 0; part < layout.shards.size(); ++part) {
      if (!(*writer)->is_finished(part)) write_part(**writer, part);
    }
    return (*writer)->finish();
  }

  [[nodiscard]] std::string path(std::uint32_t part) const {
    return scratch.path(layout.shards[part].name);
  }

  /// What the file of a part has to be.
  [[nodiscard]] std::string expected(std::uint32_t part) const {
    std::string bytes = layout.shards[part].header;
    bytes.resize(layout.shards[part].bytes, '\0');
    for (const std::uint32_t tensor : layout.shards[part].tensors) {
      bytes.replace(layout.places[tensor].offset, data[tensor].size(), data[tensor]);
    }
    return bytes;
  }

  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(scratch.path())) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  /// All names that a reader would look at.
  [[nodiscard]] std::set<std::string> visible() const {
    std::set<std::string> visible = names();
    std::erase_if(visible, [](const std::string& name) { return !name.ends_with(".gguf"); });
    return visible;
  }

  void check_whole() const {
    std::set<std::string> wanted;
    for (std::uint32_t part = 0; part < layout.shards.size(); ++part) {
      CHECK(slurp(path(part)) == expected(part));
      wanted.insert(layout.shards[part].name);
    }
    CHECK(names() == wanted);
  }
};

template <class Result>
ErrorCode code_of(const Result& result) {
  REQUIRE_FALSE(result);
  return result.error().code();
}

}  // namespace

TEST_CASE("a GGUF model's files are as laid out, with zeros between tensors") {
  for (const Counts& counts : {one_file, three_parts, empty_first}) {
    const Output output(counts);
    // Left by a run that was killed.
    for (const ShardFile& file : output.layout.shards) {
      output.scratch.write(growing_name(file.name), std::string(file.bytes + 100, '\xff'));
    }
    REQUIRE(output.run(refuse));
    output.check_whole();
    const auto read = open_gguf_checkpoint(output.path(0));
    REQUIRE(read);
    CHECK(read->files.size() == output.layout.shards.size());
    CHECK(read->tensors.size() == output.data.size());
  }
}

TEST_CASE("a part of a GGUF model is not visible under its name before it is whole") {
  for (const Counts& counts : {one_file, three_parts, empty_first}) {
    const Output output(counts);
    auto writer = output.open(refuse);
    REQUIRE(writer);
    std::set<std::string> wanted;
    for (std::uint32_t part = 0; part < output.layout.shards.size(); ++part) {
      for (const std::uint32_t tensor : output.layout.shards[part].tensors) {
        CHECK(output.visible() == wanted);
        REQUIRE(output.write_tensor(**writer, tensor));
      }
      CHECK(output.visible() == wanted);
      REQUIRE((*writer)->finish_shard(part));
      CHECK((*writer)->is_finished(part));
      // The first one waits for all others.
      if (part > 0) wanted.insert(output.layout.shards[part].name);
      CHECK(output.visible() == wanted);
    }
    REQUIRE((*writer)->finish());
    CHECK((*writer)->finish());
    output.check_whole();
  }
}

TEST_CASE("GGUF files that are there already are refused and stay") {
  for (const Counts& counts : {one_file, three_parts}) {
    const Output output(counts);
    output.scratch.write(output.layout.shards.back().name, "old");
    const auto writer = output.open(refuse);
    CHECK(code_of(writer) == ErrorCode::output_exists);
    CHECK(writer.error().file() == output.path(static_cast<std::uint32_t>(counts.size() ? 2 : 0)));
    CHECK_MENTIONS(writer.error().reason(), "--force");
    CHECK(output.names() == std::set<std::string>{output.layout.shards.back().name});
    CHECK(slurp(writer.error().file()) == "old");
  }
}

TEST_CASE("a GGUF file that is replaced stays until the new one is whole") {
  const Output output(one_file);
  output.scratch.write("out.gguf", "old");
  {
    auto writer = output.open(replace);
    REQUIRE(writer);
    REQUIRE(output.write_tensor(**writer, 0));
    CHECK(slurp(output.path(0)) == "old");
  }
  CHECK(output.names() == std::set<std::string>{"out.gguf"});
  CHECK(slurp(output.path(0)) == "old");
  REQUIRE(output.run(replace));
  output.check_whole();
}

TEST_CASE("parts of a GGUF model that are replaced are gone before new ones come") {
  const Output output(three_parts);
  for (const ShardFile& file : output.layout.shards) output.scratch.write(file.name, "old");
  output.scratch.write("other.gguf", "another's");
  {
    auto writer = output.open(replace);
    REQUIRE(writer);
    CHECK(output.visible() == std::set<std::string>{"other.gguf"});
  }
  CHECK(output.names() == std::set<std::string>{"other.gguf"});
  REQUIRE(output.run(replace));
  fs::remove(output.scratch.path("other.gguf"));
  output.check_whole();
}

TEST_CASE("a GGUF writer that is dropped leaves whole parts, and a resumed run keeps them") {
  const Output output(three_parts);
  {
    auto writer = output.open(refuse);
    REQUIRE(writer);
    output.write_part(**writer, 0);
    output.write_part(**writer, 1);
    REQUIRE(output.write_tensor(**writer, 3));
  }
  CHECK(output.names() == std::set<std::string>{output.layout.shards[1].name});
  const std::uint64_t kept = inode_of(output.path(1));
  {
    auto writer = output.open(resume);
    REQUIRE(writer);
    CHECK_FALSE((*writer)->is_finished(0));
    CHECK((*writer)->is_finished(1));
    CHECK_FALSE((*writer)->is_finished(2));
    output.write_part(**writer, 2);
    output.write_part(**writer, 0);
    REQUIRE((*writer)->finish());
  }
  CHECK(inode_of(output.path(1)) == kept);
  output.check_whole();
}

TEST_CASE("a whole GGUF model is resumed without writing anything") {
  for (const Counts& counts : {one_file, three_parts, empty_first}) {
    const Output output(counts);
    REQUIRE(output.run(resume));
    const std::uint64_t kept = inode_of(output.path(0));
    {
      auto writer = output.open(resume);
      REQUIRE(writer);
      REQUIRE((*writer)->finish());
      CHECK((*writer)->bytes_written() == 0);
    }
    CHECK(inode_of(output.path(0)) == kept);
    output.check_whole();
  }
}

TEST_CASE("a GGUF file of another run is not resumed") {
  using Spoil = void (*)(Output&, const std::string& last);
  const std::vector<Spoil> ways = {
      [](Output& output, const std::string&) { output.fingerprint = "source=abc\nto=Q4_0\n"; },
      [](Output&, const std::string& last) { fs::resize_file(last, fs::file_size(last) - 1); },
      [](Output&, const std::string& last) {
        REQUIRE(::removexattr(last.c_str(), "user.plimsoll.run") == 0);
      }};
  for (const Counts& counts : {one_file, three_parts}) {
    for (const Spoil spoil : ways) {
      Output output(counts);
      REQUIRE(output.run(refuse));
      spoil(output, output.path(static_cast<std::uint32_t>(output.layout.shards.size()) - 1));
      const auto before = output.names();
      CHECK(code_of(output.open(resume)) == ErrorCode::resume_mismatch);
      CHECK(output.names() == before);
      REQUIRE(output.run(replace));
      output.check_whole();
    }
  }
}

TEST_CASE("the source of a GGUF model is never its output, whatever path leads there") {
  Output output(one_file);
  const std::string source = output.scratch.write("in.gguf", "weights");
  output.sources = {{source, 7}};
  SECTION("a symbolic link") {
    fs::create_symlink("in.gguf", output.path(0));
  }
  SECTION("a hard link") {
    fs::create_hard_link(source, output.path(0));
  }
  SECTION("the same name") {
    output.layout.shards[0].name = "in.gguf";
  }
  const auto before = output.names();
  for (const ExistingOutput existing : {refuse, replace, resume}) {
    const auto writer = output.open(existing);
    CHECK(code_of(writer) == ErrorCode::invalid_argument);
    CHECK(output.names() == before);
    CHECK(slurp(source) == "weights");
  }
}

TEST_CASE("a second writer of the same GGUF files is refused and disturbs nothing") {
  for (const Counts& counts : {one_file, three_parts}) {
    const Output output(counts);
    const auto parts = static_cast<std::uint32_t>(output.layout.shards.size());
    auto writer = output.open(refuse);
    REQUIRE(writer);
    // At every stage: the first part is whole early, others have their names already.
    for (std::uint32_t part = 0; part < parts; ++part) {
      for (const ExistingOutput existing : {refuse, replace, resume}) {
        CHECK(code_of(output.open(existing)) == ErrorCode::output_exists);
      }
      output.write_part(**writer, part);
    }
    CHECK(code_of(output.open(replace)) == ErrorCode::output_exists);
    REQUIRE((*writer)->finish());
    output.check_whole();
    CHECK(output.open(resume));
  }
}

TEST_CASE("a GGUF file needs a directory that is there, and no directory of its name") {
  const Output output(one_file);
  const auto absent =
      open_gguf_writer(output.layout, {output.scratch.path("absent"), {}, "x=y\n", refuse});
  CHECK(code_of(absent) == ErrorCode::not_found);
  CHECK(absent.error().file() == output.scratch.path("absent/out.gguf"));
  CHECK(output.names().empty());

  fs::create_directory(output.path(0));
  for (const ExistingOutput existing : {refuse, replace, resume}) {
    CHECK(code_of(output.open(existing)) == ErrorCode::output_exists);
  }
  CHECK(output.names() == std::set<std::string>{"out.gguf"});
}

TEST_CASE("a GGUF part that is finished before all of its bytes came is a broken promise") {
  for (const Counts& counts : {one_file, three_parts}) {
    const Output output(counts);
    {
      auto writer = output.open(refuse);
      REQUIRE(writer);
      REQUIRE(output.write_tensor(**writer, 0));
      CHECK(code_of((*writer)->finish_shard(0)) == ErrorCode::internal);
      CHECK(code_of((*writer)->finish()) == ErrorCode::internal);
    }
    CHECK(output.names().empty());
    {
      auto writer = output.open(refuse);
      REQUIRE(writer);
      CHECK(code_of((*writer)->finish()) == ErrorCode::internal);
    }
    CHECK(output.names().empty());
  }
}

TEST_CASE("bytes outside of a GGUF model's tensors are a broken promise") {
  const Output output(three_parts);
  const std::string byte = "x";
  const auto bytes = std::as_bytes(std::span(byte));
  const ShardFile& first = output.layout.shards[0];
  struct Case {
    std::uint32_t part;
    std::uint64_t offset;
  };
  for (const Case& wrong : {Case{0, 0}, Case{0, first.header.size() - 1}, Case{0, first.bytes},
                            Case{0, ~std::uint64_t{0}}, Case{3, first.header.size()}}) {
    INFO(wrong.part << ' ' << wrong.offset);
    auto writer = output.open(refuse);
    REQUIRE(writer);
    CHECK(code_of((*writer)->write(wrong.part, wrong.offset, bytes)) == ErrorCode::internal);
    CHECK(code_of((*writer)->finish_shard(0)) == ErrorCode::internal);
  }
  auto writer = output.open(refuse);
  REQUIRE(writer);
  output.write_part(**writer, 1);
  CHECK(code_of((*writer)->write(1, output.layout.places[2].offset, bytes)) == ErrorCode::internal);
}
