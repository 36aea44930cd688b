#include <sys/xattr.h>

#include <filesystem>

#include "catch.hpp"
#include "io/checkpoint_writer.hpp"
#include "output_fixture.hpp"

namespace fs = std::filesystem;
using namespace plimsoll::io;
using plimsoll::ErrorCode;
using enum plimsoll::io::ExistingOutput;

namespace {

void remove_seals(const std::string& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    ::removexattr(entry.path().c_str(), "user.plimsoll.run");
  }
}

}  // namespace

TEST_CASE("a writer that is dropped early leaves nothing, or what a resumed run goes on from") {
  for (const bool single : {false, true}) {
    const OutputFixture fixture;
    const auto expected = fixture.expected(single);
    const OutputCheckpoint checkpoint = fixture.checkpoint(single);
    const std::size_t shards = checkpoint.layout.shards.size();
    {
      auto writer = checkpoint.open(refuse);
      REQUIRE(writer);
      const std::string byte = "x";
      REQUIRE(
          (*writer)->write(0, checkpoint.layout.places[0].offset, std::as_bytes(std::span(byte))));
    }
    CHECK_FALSE(fs::exists(fixture.output));

    for (std::uint32_t finished = 1; finished <= shards; ++finished) {
      {
        auto writer = checkpoint.open(resume);
        REQUIRE(writer);
        for (std::uint32_t s = 0; s < shards; ++s) {
          CHECK((*writer)->is_finished(s) == (s + 1 < finished));
        }
        REQUIRE(checkpoint.write_shard(**writer, finished - 1));
      }
      CHECK_FALSE(looks_whole(fixture.output));
      for (const auto& [name, text] : files_in(fixture.output)) {
        INFO(name);
        CHECK_FALSE(name.ends_with(".part"));
      }
    }
    REQUIRE(checkpoint.run(resume));
    CHECK(files_in(fixture.output) == expected);
  }
}

TEST_CASE("a whole result is resumed without writing a shard again") {
  for (const bool single : {false, true}) {
    const OutputFixture fixture;
    const OutputCheckpoint checkpoint = fixture.checkpoint(single);
    REQUIRE(checkpoint.run(refuse));
    const auto before = files_in(fixture.output);
    {
      auto writer = checkpoint.open(resume);
      REQUIRE(writer);
      for (std::uint32_t s = 0; s < checkpoint.layout.shards.size(); ++s) {
        CHECK((*writer)->is_finished(s));
      }
      CHECK(looks_whole(fixture.output));
      REQUIRE((*writer)->finish());
      CHECK((*writer)->finish());
      CHECK((*writer)->bytes_written() == 0);
    }
    CHECK(files_in(fixture.output) == before);
  }
}

TEST_CASE("a whole result on a file system without attributes is written anew") {
  for (const bool single : {false, true}) {
    const OutputFixture fixture;
    const OutputCheckpoint checkpoint = fixture.checkpoint(single);
    REQUIRE(checkpoint.run(refuse));
    const auto before = files_in(fixture.output);
    remove_seals(fixture.output);
    {
      auto writer = checkpoint.open(resume);
      REQUIRE(writer);
      CHECK_FALSE((*writer)->is_finished(0));
      CHECK_FALSE(looks_whole(fixture.output));
    }
    REQUIRE(checkpoint.run(resume));
    CHECK(files_in(fixture.output) == before);
  }
}

TEST_CASE("without attributes the manifest vouches for the shards beside it") {
  const OutputFixture fixture;
  const OutputCheckpoint checkpoint = fixture.checkpoint(false);
  {
    auto writer = checkpoint.open(refuse);
    REQUIRE(checkpoint.write_shard(**writer, 1));
  }
  remove_seals(fixture.output);
  auto writer = checkpoint.open(resume);
  REQUIRE(writer);
  CHECK(((*writer)->is_finished(1) && !(*writer)->is_finished(0)));
}

TEST_CASE("a resumed run does not mix with one of other settings") {
  for (const bool single : {false, true}) {
    const OutputFixture fixture;
    const OutputCheckpoint checkpoint = fixture.checkpoint(single);
    OutputCheckpoint other = checkpoint;
    other.options.fingerprint = "source=abc\nvariant=2";
    {
      auto writer = checkpoint.open(refuse);
      REQUIRE(checkpoint.write_shard(**writer, 0));
    }
    const auto interrupted = other.open(resume);
    REQUIRE(code_of(interrupted) == ErrorCode::resume_mismatch);
    CHECK(interrupted.error().reason() == "the interrupted run differs in: variant");
    other.options.fingerprint = "source=abd\nvariant=2";
    CHECK(other.open(resume).error().reason() == "the interrupted run differs in: source, variant");
    OutputCheckpoint layout(fixture.source, fixture.output, !single);
    CHECK(layout.open(resume).error().reason() == "the interrupted run differs in: shards");

    REQUIRE(checkpoint.run(resume));
    const auto before = files_in(fixture.output);
    CHECK(code_of(other.open(resume)) == ErrorCode::resume_mismatch);
    CHECK(code_of(layout.open(resume)) == ErrorCode::resume_mismatch);
    CHECK(files_in(fixture.output) == before);
  }
}

TEST_CASE("a directory that holds something else cannot be resumed") {
  const OutputFixture fixture;
  fs::create_directory(fixture.output);
  SECTION("a checkpoint of another making") {
    fixture.scratch.write("out/model.safetensors", safetensors_file("{}", ""));
    fixture.scratch.write("out/config.json", "{}");
  }
  SECTION("other files") {
    fixture.scratch.write("out/thesis.txt", "chapter 1");
  }
  SECTION("a shard's name with other bytes") {
    fixture.scratch.write("out/model-00001-of-00002.safetensors", "");
  }
  const auto before = files_in(fixture.output);
  CHECK(code_of(fixture.checkpoint(false).open(resume)) == ErrorCode::output_exists);
  CHECK(files_in(fixture.output) == before);
}

TEST_CASE("a finished shard that was damaged is written again") {
  const OutputFixture fixture;
  const auto expected = fixture.expected(false);
  const OutputCheckpoint checkpoint = fixture.checkpoint(false);
  const std::string shard = fixture.output + "/model-00001-of-00002.safetensors";
  const bool ended_well = GENERATE(false, true);
  if (ended_well) {
    REQUIRE(checkpoint.run(refuse));
    fs::remove(shard);
  } else {
    auto writer = checkpoint.open(refuse);
    REQUIRE(checkpoint.write_shard(**writer, 0));
    fs::resize_file(shard, fs::file_size(shard) - 1);
  }
  {
    auto writer = checkpoint.open(resume);
    REQUIRE(writer);
    CHECK_FALSE((*writer)->is_finished(0));
    CHECK((*writer)->is_finished(1) == ended_well);
    CHECK_FALSE(looks_whole(fixture.output));
  }
  REQUIRE(checkpoint.run(resume));
  CHECK(files_in(fixture.output) == expected);
}
