#include "io/gguf_checkpoint.hpp"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "catch.hpp"
#include "gguf_file.hpp"
#include "mentions.hpp"
#include "scratch_directory.hpp"

using namespace plimsoll::io;
using nlohmann::json;
using plimsoll::ErrorCode;

namespace {

/// A part of a split model with one tensor, which a test may spoil.
GgufFile part(std::uint16_t number, std::uint16_t count, std::int32_t tensors,
              const std::string& tensor) {
  GgufFile file;
  file.pairs = {packed_pair("split.no", 2, packed(number)),
                packed_pair("split.count", 2, packed(count)),
                packed_pair("split.tensors.count", 5, packed(tensors))};
  file.tensors = {{tensor, {8}, 0, 0, {}, {}}};
  file.data_bytes = 32;
  return file;
}

/// Two parts of a model, written where they belong.
struct Pair {
  ScratchDirectory directory;
  GgufFile first = part(0, 2, 2, "a");
  GgufFile second = part(1, 2, 2, "b");

  plimsoll::Expected<GgufCheckpoint> open() const {
    static_cast<void>(directory.write("m-00001-of-00002.gguf", first.bytes()));
    static_cast<void>(directory.write("m-00002-of-00002.gguf", second.bytes()));
    return open_gguf_checkpoint(directory.path("m-00001-of-00002.gguf"));
  }
};

void check_refused(const Pair& pair, const std::string& file, const std::string& reason,
                   const std::string& tensor = {}) {
  const auto checkpoint = pair.open();
  REQUIRE(!checkpoint);
  CHECK(checkpoint.error().code() == ErrorCode::malformed);
  CHECK(checkpoint.error().file() == pair.directory.path(file));
  CHECK(checkpoint.error().tensor() == tensor);
  CHECK_MENTIONS(checkpoint.error().reason(), reason);
}

}  // namespace

TEST_CASE("any part of a split GGUF model opens all of it") {
  for (std::uint32_t given = 0; given < 4; ++given) {
    const auto path = gguf_part_path(gguf_golden_path("split"), given, 4);
    const auto checkpoint = open_gguf_checkpoint(path);
    REQUIRE(checkpoint);
    REQUIRE(checkpoint->files.size() == 4);
    for (std::uint32_t i = 0; i < 4; ++i) {
      CHECK(checkpoint->files[i].path == gguf_part_path(gguf_golden_path("split"), i, 4));
      CHECK(checkpoint->files[i].bytes == std::filesystem::file_size(checkpoint->files[i].path));
    }
    const auto whole = open_gguf_checkpoint(gguf_golden_path("whole.gguf"));
    REQUIRE(whole);
    REQUIRE(whole->files.size() == 1);
    REQUIRE(checkpoint->tensors.size() == whole->tensors.size());
    const std::vector<std::uint32_t> parts = {1, 1, 2, 2, 3};
    for (std::size_t i = 0; i < parts.size(); ++i) {
      CHECK(checkpoint->tensors[i].name == whole->tensors[i].name);
      CHECK(checkpoint->tensors[i].shape == whole->tensors[i].shape);
      CHECK(checkpoint->tensors[i].file == parts[i]);
      CHECK(whole->tensors[i].file == 0);
    }
    CHECK(checkpoint->metadata.pairs().size() == whole->metadata.pairs().size() + 3);
    CHECK(checkpoint->metadata.string_of("general.architecture", path) == "llama");
  }
}

TEST_CASE("a missing part of a split GGUF model is named") {
  const ScratchDirectory directory;
  static_cast<void>(directory.write("m-00002-of-00002.gguf", part(1, 2, 2, "b").bytes()));
  const auto checkpoint = open_gguf_checkpoint(directory.path("m-00002-of-00002.gguf"));
  REQUIRE(!checkpoint);
  CHECK(checkpoint.error().code() == ErrorCode::not_found);
  CHECK(checkpoint.error().file() == directory.path("m-00001-of-00002.gguf"));
  CHECK_MENTIONS(checkpoint.error().reason(), "part 1 of 2 of the model does not exist");
  CHECK(open_gguf_checkpoint(directory.path("none.gguf")).error().code() == ErrorCode::not_found);
}

TEST_CASE("parts of a GGUF model that disagree are refused") {
  Pair pair;
  CHECK(pair.open());
  SECTION("a tensor twice") {
    pair.second.tensors[0].name = pair.first.tensors[0].name;
    check_refused(pair, "m-00002-of-00002.gguf", "in an earlier part too", "a");
  }
  SECTION("a count of tensors that is wrong") {
    pair.first = part(0, 2, 3, "a");
    pair.second = part(1, 2, 3, "b");
    check_refused(pair, "m-00001-of-00002.gguf", "count is 3, but the parts hold 2");
    pair.first = part(0, 2, -2, "a");
    pair.second = part(1, 2, -2, "b");
    check_refused(pair, "m-00001-of-00002.gguf", "count is -2");
  }
  SECTION("two counts of tensors") {
    pair.second = part(1, 2, 3, "b");
    check_refused(pair, "m-00002-of-00002.gguf", "split.tensors.count is 3, but 2 in");
  }
  SECTION("a part in another's place") {
    pair.second = part(0, 2, 2, "b");
    check_refused(pair, "m-00002-of-00002.gguf", "say part 1 of 2, its name says part 2 of 2");
  }
  SECTION("a part of another model") {
    pair.second = part(1, 3, 2, "b");
    check_refused(pair, "m-00002-of-00002.gguf", "say part 2 of 3");
  }
  SECTION("a part that knows of no others") {
    pair.second.pairs.clear();
    check_refused(pair, "m-00002-of-00002.gguf", "say part 1 of 1");
  }
  SECTION("a name that is not the part's") {
    pair.first = part(1, 2, 2, "a");
    check_refused(pair, "m-00001-of-00002.gguf", "have to end in -00002-of-00002.gguf");
  }
  SECTION("a number above the count") {
    pair.first = part(2, 2, 2, "a");
    check_refused(pair, "m-00001-of-00002.gguf", "split.no is 2, and split.count only 2");
  }
  SECTION("no number") {
    pair.first.pairs.erase(pair.first.pairs.begin());
    check_refused(pair, "m-00001-of-00002.gguf", "no split.no");
  }
  SECTION("keys of other types") {
    pair.first.pairs[1] = packed_pair("split.count", 4, packed(std::uint32_t{2}));
    check_refused(pair, "m-00001-of-00002.gguf", "split.count is no u16 but u32");
    pair.first.pairs[1] = packed_pair("split.count", 2, packed(std::uint16_t{2}));
    pair.first.pairs[2] = packed_pair("split.tensors.count", 4, packed(2u));
    check_refused(pair, "m-00001-of-00002.gguf", "split.tensors.count is no i32 but u32");
  }
  SECTION("another byte order") {
    pair.second.pairs.clear();
    pair.second.big_endian = true;
    for (const auto& [key, value] : {std::pair{"split.no", 1}, std::pair{"split.count", 2}}) {
      pair.second.pairs.push_back(packed_text(key, true) + packed(std::uint32_t{2}, true) +
                                  packed(static_cast<std::uint16_t>(value), true));
    }
    check_refused(pair, "m-00002-of-00002.gguf", "byte order is not that of");
  }
  SECTION("a part that is malformed") {
    pair.second.data_bytes = 0;
    check_refused(pair, "m-00002-of-00002.gguf", "end behind the file", "b");
  }
}

TEST_CASE("a GGUF model that was merged, or is the only part, opens under any name") {
  const ScratchDirectory directory;
  for (const std::uint16_t count : {0, 1}) {
    const auto path = directory.write("merged.gguf", part(0, count, 1, "a").bytes());
    const auto checkpoint = open_gguf_checkpoint(path);
    REQUIRE(checkpoint);
    CHECK(checkpoint->files.size() == 1);
  }
}

TEST_CASE("a part's path says its number, and no other path does") {
  const auto parsed = parse_gguf_part_path("d/m-00003-of-00012.gguf");
  REQUIRE(parsed);
  CHECK(parsed->prefix == "d/m");
  CHECK(parsed->number == 2);
  CHECK(parsed->count == 12);
  for (const char* other : {"", ".gguf", "m.gguf", "m-00000-of-00002.gguf", "m-00003-of-00002.gguf",
                            "m-0001-of-0002.gguf", "m-00001-of-00002.GGUF", "m-00001-to-00002.gguf",
                            "m-+0001-of-00002.gguf", "m-00001-of-00002", "m_00001-of-00002.gguf"}) {
    CHECK(!parse_gguf_part_path(other));
  }
}

TEST_CASE("a directory is a GGUF checkpoint if it holds just one model") {
  const ScratchDirectory directory;
  const auto found = [&] { return find_gguf_in(directory.path()); };
  REQUIRE(found());
  CHECK(!*found());
  static_cast<void>(directory.write("config.json", "{}"));
  const std::string second = directory.write("m-00002-of-00003.gguf", "");
  REQUIRE(found());
  CHECK(*found() == second);
  const std::string first = directory.write("m-00001-of-00003.gguf", "");
  REQUIRE(found());
  CHECK(*found() == first);

  const std::string other = directory.write("mmproj.gguf", "");
  REQUIRE(!found());
  CHECK(found().error().code() == ErrorCode::invalid_argument);
  CHECK(found().error().file() == directory.path());
  CHECK_MENTIONS(found().error().reason(), "m-00001-of-00003.gguf and mmproj.gguf");
  std::filesystem::remove(other);
  const std::string of_two = directory.write("m-00001-of-00002.gguf", "");
  CHECK(!found());
  std::filesystem::remove(of_two);

  static_cast<void>(directory.write("model.safetensors", ""));
  REQUIRE(found());
  CHECK(!*found());
  CHECK(find_gguf_in(directory.path("nowhere")).error().code() == ErrorCode::read_failed);
}
