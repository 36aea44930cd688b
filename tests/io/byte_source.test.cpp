#include "io/byte_source.hpp"

#include <sys/resource.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <random>
#include <string>
#include <thread>

#include "awaited_read.hpp"
#include "catch.hpp"
#include "faulty_system.hpp"
#include "io/direct_source.hpp"
#include "mentions.hpp"
#include "scratch_directory.hpp"

using plimsoll::ErrorCode;
using plimsoll::Expected;
using namespace plimsoll::io;

namespace {

std::unique_ptr<ByteSource> open(std::vector<SourceFile> files, SourceKind kind) {
  auto source = open_byte_source(std::move(files), kind, 3);
  REQUIRE(source);
  return *std::move(source);
}

/// Files of awkward lengths and what they hold.
struct Files {
  explicit Files(const ScratchDirectory& scratch, std::vector<std::size_t> lengths) {
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      contents.push_back(noise(lengths[i], i));
      sources.push_back({scratch.write(std::to_string(i), contents[i]), lengths[i]});
    }
  }
  std::vector<std::string> contents;
  std::vector<SourceFile> sources;
};

/// Reads random ranges, some padded, several a request, and compares them with the files.
bool reads_match(ByteSource& source, const Files& files, std::uint64_t seed, bool with_try_read) {
  std::mt19937_64 random(seed);
  for (int round = 0; round < 25; ++round) {
    std::vector<PaddedMemory> memory;
    std::vector<ReadRange> ranges;
    memory.reserve(4);
    for (std::uint64_t i = random() % 4 + 1; i > 0; --i) {
      ReadRange range;
      range.file = static_cast<std::uint32_t>(random() % files.sources.size());
      const std::uint64_t length = files.sources[range.file].bytes;
      range.offset = random() % (length + 1);
      range.bytes = random() % (length - range.offset + 1);
      if (random() % 4 == 0) range.bytes = length - range.offset;
      range.padded = random() % 2 == 0;
      // Unpadded memory is given at any alignment.
      memory.emplace_back(range.padded ? range.offset : random() % 64, range.bytes);
      range.destination = memory.back().data();
      ranges.push_back(range);
    }
    const bool is_read = with_try_read && source.try_read(ranges);
    if (!is_read && !read_all(source, ranges)) return false;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const std::string& content = files.contents[ranges[i].file];
      if (memory[i].text() != content.substr(ranges[i].offset, ranges[i].bytes)) return false;
    }
  }
  return true;
}

/// Destroys a source as soon as its only read is done, while the reader may still be inside
/// start().
void let_go_when_read(const Files& files, SourceKind kind) {
  PaddedMemory memory(0, files.sources[0].bytes);
  const std::vector<ReadRange> ranges = {{0, 0, files.sources[0].bytes, memory.data(), true}};
  std::promise<bool> done;
  auto source = open(files.sources, kind);
  std::thread reader([&, from = source.get()] {
    from->start(ranges, [&](const Expected<void>& read) { done.set_value(read.has_value()); });
  });
  CHECK(done.get_future().get());
  source.reset();
  reader.join();
  CHECK(memory.text() == files.contents[0]);
}

}  // namespace

TEST_CASE("a source may go once its last read is done") {
  const ScratchDirectory scratch;
  const Files files(scratch, {10000});
  for (int round = 0; round < 50; ++round) {
    let_go_when_read(files, SourceKind::pread);
    let_go_when_read(files, SourceKind::direct);
  }
}

TEST_CASE("random ranges read from many threads are the bytes of the files") {
  const ScratchDirectory scratch;
  const Files files(scratch, {1, 4096, 4097, 0, 100'000, 3'000'001, 12'345'678});
  for (const SourceKind kind : {SourceKind::pread, SourceKind::direct, SourceKind::automatic}) {
    const auto source = open(files.sources, kind);
    std::vector<std::future<bool>> readers;
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      readers.push_back(std::async(std::launch::async, [&, seed] {
        return reads_match(*source, files, seed, seed % 2 == 0);
      }));
    }
    for (auto& reader : readers) CHECK(reader.get());
  }
}

TEST_CASE("direct reads through memory's own ring match too") {
  const ScratchDirectory scratch;
  const Files files(scratch, {1, 4095, 4096, 8193, 2'000'003});
  FaultySystem system;
  SourceKind used = SourceKind::automatic;
  auto source = open_byte_source(files.sources, SourceKind::direct, 1, &used, system);
  REQUIRE(source);
  CHECK(used == SourceKind::direct);
  CHECK((*source)->buffer_bytes() == DirectSource::buffer_count * DirectSource::chunk_bytes);
  CHECK((*source)->buffer_bytes() <= 16 << 20);
  CHECK(reads_match(**source, files, 7, false));
}

TEST_CASE("a padded read changes nothing beyond the alignment around it") {
  const ScratchDirectory scratch;
  const Files files(scratch, {20'000});
  for (const SourceKind kind : {SourceKind::pread, SourceKind::direct}) {
    const auto source = open(files.sources, kind);
    // The range 5,000 to 9,000 lies in the pages from 4,096 to 12,288.
    PaddedMemory memory(0, 16'384);
    std::fill_n(memory.data(), 16'384, std::byte{0xee});
    const ReadRange range{0, 5000, 4000, memory.data() + 5000, true};
    REQUIRE(read_all(*source, {&range, 1}));
    const std::string text = memory.text();
    CHECK(text.substr(5000, 4000) == files.contents[0].substr(5000, 4000));
    CHECK(text.substr(0, 4096) == std::string(4096, '\xee'));
    CHECK(text.substr(12'288) == std::string(4096, '\xee'));
  }
}

TEST_CASE("a read's end is told by a thread of the source, also of nothing") {
  const ScratchDirectory scratch;
  const Files files(scratch, {10});
  for (const SourceKind kind : {SourceKind::pread, SourceKind::direct}) {
    const auto source = open(files.sources, kind);
    std::promise<std::thread::id> told;
    source->start({}, [&](Expected<void> end) {
      told.set_value(end ? std::this_thread::get_id() : std::thread::id{});
    });
    const std::thread::id teller = told.get_future().get();
    CHECK(teller != std::thread::id{});
    CHECK(teller != std::this_thread::get_id());
    const ReadRange nothing{0, 10, 0, nullptr, false};
    CHECK(read_all(*source, {&nothing, 1}));
  }
}

TEST_CASE("what cannot be read is an error that names the file") {
  const ScratchDirectory scratch;
  Files files(scratch, {5000, 5000, 5000});
  std::filesystem::resize_file(files.sources[1].path, 4999);
  std::filesystem::remove(files.sources[2].path);
  for (const SourceKind kind : {SourceKind::pread, SourceKind::direct}) {
    const auto source = open(files.sources, kind);
    std::vector<std::byte> memory(6000);
    const auto check = [&](ReadRange range, const std::string& reason) {
      range.destination = memory.data();
      CHECK_FALSE(source->try_read({&range, 1}));
      const auto end = read_all(*source, {&range, 1});
      REQUIRE_FALSE(end);
      CHECK(end.error().code() == ErrorCode::read_failed);
      CHECK_MENTIONS(end.error().reason(), reason);
      CHECK(end.error().file() == files.sources[range.file].path);
    };
    check({0, 4000, 1001, nullptr, false}, "behind the end of the file");
    check({0, 5001, 0, nullptr, false}, "behind the end of the file");
    check({0, ~std::uint64_t{0}, 2, nullptr, false}, "behind the end of the file");
    check({1, 0, 10, nullptr, false}, "the file has changed");
    check({2, 0, 10, nullptr, false}, "cannot open");
    const ReadRange unknown{3, 0, 1, memory.data(), false};
    const auto end = read_all(*source, {&unknown, 1});
    REQUIRE_FALSE(end);
    CHECK(end.error().code() == ErrorCode::internal);
    // Errors of one read leave the others alone.
    const ReadRange good{0, 0, 5000, memory.data(), false};
    CHECK(read_all(*source, {&good, 1}));
  }
}

TEST_CASE("destroying a source waits for all its reads") {
  const ScratchDirectory scratch;
  const Files files(scratch, {1'000'000});
  for (const SourceKind kind : {SourceKind::pread, SourceKind::direct}) {
    std::atomic<int> ended = 0;
    std::vector<std::string> memory(50, std::string(1'000'000, '\0'));
    auto source = open(files.sources, kind);
    for (std::string& text : memory) {
      const ReadRange range{0, 0, 1'000'000, reinterpret_cast<std::byte*>(text.data()), false};
      source->start({&range, 1}, [&](Expected<void> end) { ended += end.has_value(); });
    }
    source.reset();
    CHECK(ended == 50);
    for (const std::string& text : memory) CHECK(text == files.contents[0]);
  }
}

TEST_CASE("a thousand files are read with few descriptors") {
  const ScratchDirectory scratch;
  const Files files(scratch, std::vector<std::size_t>(1000, 100));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit few = before;
  few.rlim_cur = 64;  // fewer than a source would keep open
  for (const SourceKind kind : {SourceKind::pread, SourceKind::direct}) {
    const auto source = open(files.sources, kind);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    bool all_match = true;
    for (std::uint32_t round = 0; round < 2000; ++round) {
      const std::uint32_t file = round * 7 % 1000;
      std::string text(100, '\0');
      const ReadRange range{file, 0, 100, reinterpret_cast<std::byte*>(text.data()), false};
      all_match &= source->try_read({&range, 1}) || read_all(*source, {&range, 1}).has_value();
      all_match &= text == files.contents[file];
    }
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(all_match);
  }
}
