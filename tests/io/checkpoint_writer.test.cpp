#include "io/checkpoint_writer.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "catch.hpp"
#include "output_fixture.hpp"

namespace fs = std::filesystem;
using namespace plimsoll::io;
using plimsoll::ErrorCode;
using enum plimsoll::io::ExistingOutput;

TEST_CASE("a run leaves the checkpoint and the source's other files, and nothing else") {
  const OutputFixture fixture;
  const OutputCheckpoint checkpoint = fixture.checkpoint(false);
  REQUIRE(checkpoint.layout.shards.size() == 2);
  REQUIRE(checkpoint.run(refuse));

  auto files = files_in(fixture.output);
  auto source = files_in(fixture.source);
  for (const char* name : {"tokenizer.json", "tokenizer.model", "1_Pooling/config.json",
                           "1_Pooling/deep/er/note.txt", "empty.txt"}) {
    INFO(name);
    REQUIRE(files.contains(name));
    CHECK(files[name] == source[name]);
    files.erase(name);
  }
  CHECK_FALSE(fs::exists(fixture.output + "/original"));
  CHECK(files["config.json"] == checkpoint.options.config_json);
  const auto index = nlohmann::json::parse(files["model.safetensors.index.json"]);
  std::uint64_t total = 0;
  for (std::size_t t = 0; t < checkpoint.tensors.size(); ++t) {
    const std::string& name = checkpoint.tensors[t].name;
    const std::string& shard = files[index["weight_map"][name].get<std::string>()];
    const auto length =
        static_cast<unsigned char>(shard[0]) + 256u * static_cast<unsigned char>(shard[1]);
    const auto offsets = nlohmann::json::parse(shard.substr(8, length))[name]["data_offsets"];
    const auto begin = offsets[0].get<std::uint64_t>(), end = offsets[1].get<std::uint64_t>();
    CHECK(shard.substr(8 + length + begin, end - begin) == checkpoint.data[t]);
    total += checkpoint.data[t].size();
  }
  CHECK(index["metadata"]["total_size"] == total);
  CHECK(files.size() == 4);
}

TEST_CASE("bytes may come from several threads in any order") {
  const OutputFixture fixture;
  const OutputCheckpoint checkpoint = fixture.checkpoint(false);
  auto writer = checkpoint.open(refuse);
  REQUIRE(writer);
  bool first = false, second = false;
  std::thread other([&] { first = checkpoint.write_shard(**writer, 1).has_value(); });
  second = checkpoint.write_shard(**writer, 0).has_value();
  other.join();
  CHECK((first && second));
  REQUIRE((*writer)->finish());
  CHECK(files_in(fixture.output) == fixture.expected(false));
  std::uint64_t bytes = 0;
  for (const auto& [name, text] : files_in(fixture.output)) bytes += text.size();
  CHECK((*writer)->bytes_written() == bytes);
}

TEST_CASE("an output directory that was there before stays when nothing came of the run") {
  const OutputFixture fixture;
  fs::create_directory(fixture.output);
  REQUIRE(fixture.checkpoint(false).open(refuse));
  CHECK(fs::exists(fixture.output));
  CHECK(fs::is_empty(fixture.output));
}

TEST_CASE("existing output is refused and left as it is") {
  const OutputFixture fixture;
  const OutputCheckpoint checkpoint = fixture.checkpoint(false);
  SECTION("a checkpoint") {
    REQUIRE(checkpoint.run(refuse));
    const auto before = files_in(fixture.output);
    CHECK(code_of(checkpoint.open(refuse)) == ErrorCode::output_exists);
    CHECK(files_in(fixture.output) == before);
  }
  SECTION("a file") {
    fixture.scratch.write("out", "a file");
    for (const ExistingOutput existing : {refuse, replace, resume}) {
      CHECK(code_of(checkpoint.open(existing)) == ErrorCode::output_exists);
    }
  }
  SECTION("an interrupted run") {
    {
      auto writer = checkpoint.open(refuse);
      REQUIRE(checkpoint.write_shard(**writer, 0));
    }
    const auto again = checkpoint.open(refuse);
    REQUIRE(code_of(again) == ErrorCode::output_exists);
    CHECK(again.error().reason().find("resume") != std::string::npos);
  }
  SECTION("no parent") {
    OutputCheckpoint astray = checkpoint;
    astray.options.directory = fixture.scratch.path("no/such/parent");
    CHECK(code_of(astray.open(refuse)) == ErrorCode::not_found);
  }
  SECTION("another run that is still writing") {
    auto writer = checkpoint.open(refuse);
    REQUIRE(writer);
    for (const ExistingOutput existing : {refuse, replace, resume}) {
      CHECK(code_of(checkpoint.open(existing)) == ErrorCode::output_exists);
    }
    for (std::uint32_t s = 0; s < checkpoint.layout.shards.size(); ++s) {
      REQUIRE(checkpoint.write_shard(**writer, s));
    }
    CHECK((*writer)->finish());
  }
}

TEST_CASE("replacing removes the old checkpoint's files and no others") {
  const OutputFixture fixture;
  REQUIRE(fixture.checkpoint(false, 2).run(refuse));
  const auto put = [&](const std::string& name) { fixture.scratch.write("out/" + name, name); };
  fs::create_directory(fixture.output + "/sub");
  for (const char* name : {"notes.md", "sub/other.safetensors", "old.gguf", ".hidden"}) put(name);
  put("model-00003-of-00003.safetensors");
  put(".plimsoll-left.part");

  auto expected = fixture.expected(true);
  for (const char* name : {"notes.md", "sub/other.safetensors", "old.gguf", ".hidden"}) {
    expected[name] = name;
  }
  REQUIRE(fixture.checkpoint(true).run(replace));
  CHECK(files_in(fixture.output) == expected);
}

TEST_CASE("an output that holds the source is refused whatever was asked for") {
  const OutputFixture fixture;
  const auto before = files_in(fixture.source);
  for (const ExistingOutput existing : {refuse, replace, resume}) {
    OutputCheckpoint checkpoint = fixture.checkpoint(false);
    checkpoint.options.directory = fixture.source + "/../in/";
    CHECK(code_of(checkpoint.open(existing)) == ErrorCode::invalid_argument);
    checkpoint.options.source_directory.clear();
    CHECK(code_of(checkpoint.open(existing)) == ErrorCode::invalid_argument);
    fs::create_directory_symlink(fixture.source, fixture.scratch.path("link"));
    checkpoint.options.directory = fixture.scratch.path("link");
    CHECK(code_of(checkpoint.open(existing)) == ErrorCode::invalid_argument);
    fs::remove(fixture.scratch.path("link"));
  }
  // The output holds what the source only links to.
  OutputCheckpoint checkpoint = fixture.checkpoint(false);
  fs::create_directory(fixture.scratch.path("linking"));
  fs::create_symlink("../in/model.safetensors", fixture.scratch.path("linking/model.safetensors"));
  checkpoint.options.source_directory = fixture.scratch.path("linking");
  checkpoint.options.sources = {{fixture.scratch.path("linking/model.safetensors"), 0}};
  checkpoint.options.directory = fixture.source;
  CHECK(code_of(checkpoint.open(replace)) == ErrorCode::invalid_argument);
  CHECK(files_in(fixture.source) == before);
}

TEST_CASE("an output inside of the source is not copied into itself") {
  const OutputFixture fixture;
  const auto expected = fixture.expected(false);
  OutputCheckpoint checkpoint = fixture.checkpoint(false);
  checkpoint.options.directory = fixture.source + "/nf4";
  REQUIRE(checkpoint.run(refuse));
  CHECK(files_in(checkpoint.options.directory) == expected);
  REQUIRE(checkpoint.run(replace));
  CHECK(files_in(checkpoint.options.directory) == expected);
}

TEST_CASE("a file that cannot be copied is an error before anything is written") {
  const OutputFixture fixture;
  fs::create_symlink("nowhere", fixture.source + "/tokenizer.txt");
  CHECK(code_of(fixture.checkpoint(false).open(refuse)) == ErrorCode::read_failed);
  CHECK_FALSE(fs::exists(fixture.output));
}

TEST_CASE("pipes in the source are passed over") {
  const OutputFixture fixture;
  REQUIRE(::mkfifo((fixture.source + "/pipe").c_str(), 0600) == 0);
  REQUIRE(fixture.checkpoint(false).run(refuse));
  CHECK_FALSE(fs::exists(fixture.output + "/pipe"));
}

TEST_CASE("a broken promise of the caller is an error and nothing looks whole") {
  const OutputFixture fixture;
  const OutputCheckpoint checkpoint = fixture.checkpoint(true);
  auto writer = checkpoint.open(refuse);
  REQUIRE(writer);
  const auto bytes = std::as_bytes(std::span(checkpoint.data[0]));
  SECTION("finishing before the shards") {
    CHECK_FALSE((*writer)->finish());
  }
  SECTION("a shard without all of its bytes") {
    CHECK_FALSE((*writer)->finish_shard(0));
  }
  SECTION("a shard that is none") {
    CHECK_FALSE((*writer)->write(9, 4096, bytes));
    CHECK_FALSE((*writer)->finish_shard(9));
  }
  SECTION("a write over the header") {
    CHECK_FALSE((*writer)->write(0, 0, bytes));
  }
  SECTION("a write beyond the end") {
    CHECK_FALSE((*writer)->write(0, checkpoint.layout.shards[0].bytes - 1, bytes));
    CHECK_FALSE((*writer)->write(0, ~0ull, bytes));
  }
  SECTION("a length beyond its bound") {
    (*writer)->set_true_bytes(2, 901);
  }
  SECTION("a length for a tensor without a bound") {
    (*writer)->set_true_bytes(0, 1);
  }
  const auto ended = checkpoint.write_shard(**writer, 0);
  REQUIRE((!ended || (*writer)->finish().error().code() == ErrorCode::internal));
  CHECK_FALSE((*writer)->finish());
  writer->reset();
  CHECK_FALSE(looks_whole(fixture.output));
}
