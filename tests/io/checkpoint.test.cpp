#include "io/checkpoint.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "catch.hpp"
#include "mentions.hpp"
#include "scratch_directory.hpp"

using plimsoll::ErrorCode;
using namespace plimsoll::io;

namespace {

constexpr const char* index_name = "model.safetensors.index.json";

/// A file whose tensors have one byte each.
std::string shard(const std::vector<std::string>& names, const std::string& more = {}) {
  std::string json = "{" + more;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (json.size() > 1) json += ',';
    json += '"' + names[i] + R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" + std::to_string(i) +
            ',' + std::to_string(i + 1) + "]}";
  }
  return safetensors_file(json + "}", std::string(names.size(), 'x'));
}

std::string index_of(const std::string& members) {
  return R"({"weight_map":{)" + members + "}}";
}

void check_refused(const std::string& path, ErrorCode code, const std::string& reason,
                   const std::string& file, const std::string& tensor = {}) {
  const auto catalogue = open_checkpoint(path);
  REQUIRE_FALSE(catalogue);
  CHECK(catalogue.error().code() == code);
  CHECK_MENTIONS(catalogue.error().reason(), reason);
  CHECK(catalogue.error().file() == file);
  CHECK(catalogue.error().tensor() == tensor);
}

}  // namespace

TEST_CASE("a single file and its directory open to the same catalogue") {
  const ScratchDirectory scratch;
  const std::string content = shard({"b", "a"}, R"("__metadata__":{"format":"pt"})");
  const std::string file = scratch.write("model.safetensors", content);
  for (const std::string& path : {file, scratch.path()}) {
    const auto catalogue = open_checkpoint(path);
    REQUIRE(catalogue);
    CHECK(catalogue->directory == scratch.path());
    REQUIRE(catalogue->files.size() == 1);
    CHECK(catalogue->files[0].path == file);
    CHECK(catalogue->files[0].bytes == content.size());
    REQUIRE(catalogue->tensors.size() == 2);
    CHECK(catalogue->tensors[0].name == "b");
    CHECK(catalogue->tensors[0].offset == content.size() - 2);
    CHECK(catalogue->metadata.at("format") == "pt");
  }
}

TEST_CASE("shards are catalogued in the order of their names") {
  const ScratchDirectory scratch;
  scratch.write("m-2.safetensors", shard({"c"}, R"("__metadata__":{"from":"2"})"));
  scratch.write("m-1.safetensors", shard({"b", "a"}, R"("__metadata__":{"from":"1"})"));
  scratch.write(index_name, index_of(R"("c":"m-2.safetensors","a":"m-1.safetensors",)"
                                     R"("b":"m-1.safetensors")"));
  const auto catalogue = open_checkpoint(scratch.path());
  REQUIRE(catalogue);
  REQUIRE(catalogue->files.size() == 2);
  CHECK(catalogue->files[0].path == scratch.path("m-1.safetensors"));
  REQUIRE(catalogue->tensors.size() == 3);
  CHECK(catalogue->tensors[0].name == "b");
  CHECK(catalogue->tensors[1].name == "a");
  CHECK(catalogue->tensors[2].name == "c");
  CHECK(catalogue->tensors[2].file == 1);
  CHECK(catalogue->metadata.at("from") == "1");
}

TEST_CASE("a header longer than the first read is read on") {
  const ScratchDirectory scratch;
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i) names.push_back("tensor." + std::to_string(i));
  const auto catalogue = open_checkpoint(scratch.write("x.safetensors", shard(names)));
  REQUIRE(catalogue);
  CHECK(catalogue->tensors.size() == 5000);
  CHECK(catalogue->tensors.back().name == "tensor.4999");
}

TEST_CASE("where a single file and an index stand together the single file is taken") {
  const ScratchDirectory scratch;
  scratch.write("model.safetensors", shard({"a"}));
  scratch.write(index_name, index_of(R"("b":"nowhere")"));
  const auto catalogue = open_checkpoint(scratch.path());
  REQUIRE(catalogue);
  CHECK(catalogue->tensors.at(0).name == "a");
}

TEST_CASE("index and shards must agree tensor by tensor") {
  const ScratchDirectory scratch;
  const std::string one = scratch.write("1", shard({"a", "b"}));
  const std::string two = scratch.write("2", shard({"c"}));
  const std::string index = scratch.path(index_name);
  const auto with = [&](const std::string& members) {
    scratch.write(index_name, index_of(members));
    return scratch.path();
  };
  REQUIRE(open_checkpoint(with(R"("a":"1","b":"1","c":"2")")));
  check_refused(with(R"("a":"1","c":"2")"), ErrorCode::malformed, "that the index does not name",
                one, "b");
  check_refused(with(R"("a":"1","b":"2","c":"2")"), ErrorCode::malformed, "the index places in 2",
                one, "b");
  check_refused(with(R"("a":"1","b":"1","c":"2","d":"2")"), ErrorCode::malformed,
                "the index places it in 2, which does not hold it", index, "d");
  check_refused(with(R"("a":"1","b":"1","c":"3")"), ErrorCode::not_found, "names this shard",
                scratch.path("3"));
  check_refused(with(R"("a":"1","b":"1","c":"../2")"), ErrorCode::malformed, "no plain path", index,
                "c");
  scratch.write("2", shard({"b", "c"}));  // b is now in both
  check_refused(with(R"("a":"1","b":"1","c":"2")"), ErrorCode::malformed, "the index places in 1",
                two, "b");
}

TEST_CASE("links to files are followed, other kinds of file are refused without waiting") {
  const ScratchDirectory scratch;
  const std::string blob = scratch.write("blob", shard({"a"}));
  const std::string link = scratch.path("model.safetensors");
  std::filesystem::create_symlink("blob", link);
  CHECK(open_checkpoint(scratch.path()));

  const std::string pipe = scratch.path("pipe.safetensors");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  check_refused(pipe, ErrorCode::malformed, "not a regular file", pipe);
  check_refused("/dev/null", ErrorCode::malformed, "not a regular file", "/dev/null");

  std::filesystem::remove(link);
  check_refused(scratch.path(), ErrorCode::not_found, "has neither", scratch.path());
  std::filesystem::create_directory(link);
  check_refused(scratch.path(), ErrorCode::malformed, "not a regular file", link);
  std::filesystem::create_symlink("loop", scratch.path("loop"));
  check_refused(scratch.path("loop"), ErrorCode::read_failed, "cannot open", scratch.path("loop"));

  scratch.write(index_name, index_of(R"("a":"pipe.safetensors")"));
  check_refused(scratch.path(), ErrorCode::malformed, "not a regular file", pipe);
}

TEST_CASE("what is not there is not found") {
  const ScratchDirectory scratch;
  const std::string none = scratch.path("none.safetensors");
  check_refused(none, ErrorCode::not_found, "does not exist", none);
  const std::string below = scratch.write("file", "x") + "/below";
  check_refused(below, ErrorCode::not_found, "does not exist", below);
  check_refused("", ErrorCode::not_found, "empty", "");
}

TEST_CASE("a broken shard is named in the error") {
  const ScratchDirectory scratch;
  const std::string broken = scratch.write("1", shard({"a"}) + "tail");
  scratch.write(index_name, index_of(R"("a":"1")"));
  check_refused(scratch.path(), ErrorCode::malformed, "4 bytes at the end of the file", broken);
}
