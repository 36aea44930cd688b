#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "awaited_read.hpp"
#include "catch.hpp"
#include "faulty_system.hpp"
#include "io/byte_source.hpp"
#include "io/pread_source.hpp"
#include "mentions.hpp"
#include "scratch_directory.hpp"

using plimsoll::ErrorCode;
using namespace plimsoll::io;

namespace {

constexpr std::size_t length = 300'000;

/// One file of `length` bytes behind a faulty system.
struct Fixture {
  Fixture() : content(noise(length, 1)), file{scratch.write("f", content), length} {}

  std::unique_ptr<ByteSource> open(SourceKind kind, SourceKind* used = nullptr) {
    auto source = open_byte_source({file}, kind, 2, used, system);
    REQUIRE(source);
    return *std::move(source);
  }

  /// Reads 100 to 299,999 and compares.
  plimsoll::Expected<void> read(ByteSource& source) {
    PaddedMemory memory(100, length - 101);
    const ReadRange range{0, 100, length - 101, memory.data(), padded};
    auto end = read_all(source, {&range, 1});
    if (end) CHECK(memory.text() == content.substr(100, length - 101));
    return end;
  }

  bool try_read(ByteSource& source) {
    std::string text(1000, '\0');
    const ReadRange range{0, 77, 1000, reinterpret_cast<std::byte*>(text.data()), false};
    const bool is_read = source.try_read({&range, 1});
    if (is_read) CHECK(text == content.substr(77, 1000));
    return is_read;
  }

  ScratchDirectory scratch;
  std::string content;
  SourceFile file;
  FaultySystem system;
  bool padded = false;
};

}  // namespace

TEST_CASE("short reads and interruptions are continued") {
  for (const SourceKind kind : {SourceKind::pread, SourceKind::direct}) {
    for (const bool padded : {false, true}) {
      Fixture fixture;
      fixture.padded = padded;
      SourceKind used = SourceKind::automatic;
      const auto source = fixture.open(kind, &used);
      CHECK(used == kind);
      std::atomic<int> calls = 0;
      fixture.system.on_read = [&](std::uint64_t, std::uint64_t, int) {
        const int call = calls++;
        if (call % 3 == 0) return ReadFault{EINTR};
        return ReadFault{0, call % 3 == 1 ? 8192u : 20'000u};  // 20,000: no aligned place
      };
      CHECK(fixture.read(*source));
      CHECK(calls > 10);
    }
  }
}

TEST_CASE("a disk error ends the read with the file's name, and not the source") {
  for (const SourceKind kind : {SourceKind::pread, SourceKind::direct}) {
    Fixture fixture;
    const auto source = fixture.open(kind);
    const auto sound = fixture.system.on_read;
    fixture.system.on_read = [](std::uint64_t offset, std::uint64_t, int) {
      return offset >= 8192 ? ReadFault{EIO} : ReadFault{0, 8192};
    };
    const auto end = fixture.read(*source);
    REQUIRE_FALSE(end);
    CHECK(end.error().code() == ErrorCode::read_failed);
    CHECK_MENTIONS(end.error().reason(), "cannot read: Input/output error");
    CHECK(end.error().file() == fixture.file.path);
    fixture.system.on_read = sound;
    CHECK(fixture.read(*source));
  }
}

TEST_CASE("a file that ends early is an error, not a wait") {
  for (const SourceKind kind : {SourceKind::pread, SourceKind::direct}) {
    for (const std::uint64_t end_of_file : {0u, 100u, 4096u, 10'000u}) {
      Fixture fixture;
      const auto source = fixture.open(kind);
      fixture.system.on_read = [&](std::uint64_t offset, std::uint64_t, int) {
        return ReadFault{0, offset < end_of_file ? end_of_file - offset : 0};
      };
      const auto end = fixture.read(*source);
      REQUIRE_FALSE(end);
      CHECK(end.error().code() == ErrorCode::read_failed);
      CHECK(end.error().reason() == "the file ended early");
      CHECK(end.error().file() == fixture.file.path);
    }
  }
}

TEST_CASE("bytes that are not all in the page cache are left to start") {
  Fixture fixture;
  const auto source = fixture.open(SourceKind::pread);
  CHECK(fixture.try_read(*source));
  for (const ReadFault fault : {ReadFault{EAGAIN}, ReadFault{0, 999}, ReadFault{EIO}}) {
    fixture.system.on_read = [&](std::uint64_t, std::uint64_t, int) { return fault; };
    CHECK_FALSE(fixture.try_read(*source));
  }
  bool interrupted = false;
  fixture.system.on_read = [&](std::uint64_t, std::uint64_t, int flags) {
    CHECK(flags == RWF_NOWAIT);
    return std::exchange(interrupted, true) ? ReadFault{} : ReadFault{EINTR};
  };
  CHECK(fixture.try_read(*source));
  CHECK(interrupted);
}

TEST_CASE("a system without reads that do not wait is asked once") {
  for (const int error : {EOPNOTSUPP, ENOSYS}) {
    Fixture fixture;
    const auto source = fixture.open(SourceKind::pread);
    fixture.system.on_read = [&](std::uint64_t, std::uint64_t, int flags) {
      return ReadFault{flags == RWF_NOWAIT ? error : 0};
    };
    CHECK_FALSE(fixture.try_read(*source));
    const unsigned reads = fixture.system.reads;
    CHECK_FALSE(fixture.try_read(*source));
    CHECK(fixture.system.reads == reads);
    CHECK(fixture.read(*source));
  }
}

TEST_CASE("a long range is read piece by piece") {
  const ScratchDirectory scratch;
  const std::string content = noise(3 * PreadSource::piece_bytes - 1, 2);
  const SourceFile file{scratch.write("long", content), content.size()};
  FaultySystem system;
  std::atomic<std::uint64_t> asked = 0;
  std::atomic<bool> too_long = false;
  system.on_read = [&](std::uint64_t, std::uint64_t bytes, int) {
    asked += bytes;
    if (bytes > PreadSource::piece_bytes) too_long = true;
    return ReadFault{};
  };
  const auto source = open_byte_source({file}, SourceKind::pread, 2, nullptr, system);
  REQUIRE(source);
  std::string text(content.size(), '\0');
  const ReadRange range{0, 0, text.size(), reinterpret_cast<std::byte*>(text.data()), false};
  REQUIRE(read_all(**source, {&range, 1}));
  CHECK(text == content);
  CHECK(asked == content.size());
  CHECK_FALSE(too_long);
}
