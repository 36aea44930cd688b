#include "trace/trace_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "catch.hpp"

namespace fs = std::filesystem;
using namespace plimsoll::trace;
using plimsoll::ErrorCode;

namespace {

Trace small_trace() {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  Trace trace;
  trace.info.devices = {{"host:0", 4, 4 << 20, most}, {"a\"b\\c\n", 1, 0, 0}};
  const auto add = [&trace](std::uint64_t time_ns, EventKind kind, EventPhase phase) {
    trace.events.push_back({.time_ns = time_ns,
                            .bytes = most,
                            .load = 4294967295u,
                            .unit = 4294967294u,
                            .device = 1,
                            .lane = 65535,
                            .full_precision = 3,
                            .kind = kind,
                            .phase = phase});
  };
  add(0, EventKind::grant, EventPhase::point);
  std::uint64_t time_ns = 1;
  for (const EventKind kind : {EventKind::read, EventKind::decode, EventKind::convert,
                               EventKind::quantize, EventKind::place, EventKind::write}) {
    add(time_ns, kind, EventPhase::begin);
    add(time_ns += 1001, kind, EventPhase::end);
  }
  add(1234567890123456789u, EventKind::release, EventPhase::point);
  return trace;
}

/// What comes back: a device's name is escaped when it is written.
Trace small_trace_read_back() {
  Trace trace = small_trace();
  trace.info.devices[1].name = "a\"b\\c\\x0a";
  return trace;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "plimsoll-trace-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }

  fs::path path;
};

}  // namespace

TEST_CASE("a trace comes back from its text as it was") {
  const auto read = parse_trace(format_trace(small_trace()), "t");
  REQUIRE(read);
  CHECK(*read == small_trace_read_back());
  Trace stopped;
  stopped.info.complete = false;
  stopped.info.dropped = 5;
  const auto empty = parse_trace(format_trace(stopped), "t");
  REQUIRE(empty);
  CHECK(*empty == stopped);
}

TEST_CASE("the text is the documented one, with times in microseconds made of integers") {
  Trace trace;
  trace.info.devices = {{"host:0", 4, 1024, 5000}};
  trace.events = {{.time_ns = 1250,
                   .bytes = 1024,
                   .load = 0,
                   .unit = 7,
                   .device = 0,
                   .lane = 1,
                   .full_precision = 1,
                   .kind = EventKind::grant,
                   .phase = EventPhase::point},
                  {.time_ns = 9007199254740993001u,
                   .bytes = 9,
                   .unit = 7,
                   .lane = 1,
                   .kind = EventKind::quantize,
                   .phase = EventPhase::begin}};
  CHECK(format_trace(trace) ==
        R"({"displayTimeUnit":"ns","traceEvents":[
{"name":"plimsoll","ph":"M","pid":1,"tid":1,"args":{"version":1,"complete":true,"dropped":0,"events":2,"devices":[{"name":"host:0","slots":4,"slot_bytes":1024,"load_line_bytes":5000}]}},
{"name":"process_name","ph":"M","pid":1,"tid":1,"args":{"name":"host:0"}},
{"name":"thread_name","ph":"M","pid":1,"tid":9,"args":{"name":"lane 1 slot"}},
{"name":"thread_name","ph":"M","pid":1,"tid":13,"args":{"name":"lane 1 quantize"}},
{"name":"slot","cat":"unit","ph":"b","ts":1.250,"pid":1,"tid":9,"id":"0.7.0","args":{"load":0,"unit":7,"device":0,"lane":1,"bytes":1024,"credits":1}},
{"name":"quantize","cat":"unit","ph":"B","ts":9007199254740993.001,"pid":1,"tid":13,"args":{"load":0,"unit":7,"device":0,"lane":1,"bytes":9,"credits":0}}
]}
)");
}

TEST_CASE("a trace cut at any byte is refused, never misread") {
  const std::string text = format_trace(small_trace());
  // Only the line break at the very end may be missing.
  bool all_refused = true;
  for (std::size_t length = 0; length + 1 < text.size(); ++length) {
    const auto read = parse_trace(text.substr(0, length), "t");
    all_refused = all_refused && !read && read.error().code() == ErrorCode::malformed;
  }
  CHECK(all_refused);
  CHECK(parse_trace(text.substr(0, text.size() - 1), "t"));
}

TEST_CASE("broken traces are refused with the line and the rule") {
  struct Case {
    const char* from;
    const char* to;
    ErrorCode code;
    const char* reason;
  };
  const Case cases[] = {
      {"displayTimeUnit", "x", ErrorCode::malformed, "line 1: this is not a plimsoll trace"},
      {"\"plimsoll\"", "\"other\"", ErrorCode::malformed,
       "line 2: the first element must be the metadata"},
      {"\"version\":1", "\"version\":2", ErrorCode::unsupported, "trace version 2"},
      {"\"complete\":true", "\"complete\":1", ErrorCode::malformed,
       "line 2: the metadata is incomplete"},
      {"\"slots\":4", "\"slots\":4294967296", ErrorCode::malformed,
       "line 2: a device of the metadata is incomplete"},
      {"\"events\":14", "\"events\":15", ErrorCode::malformed, "the trace lacks events"},
      {"\"events\":14", "\"events\":18446744073709551615", ErrorCode::malformed,
       "the trace lacks events"},
      {"\"ts\":0.001", "\"ts\":0.01", ErrorCode::malformed, "microseconds with three decimals"},
      {"\"ts\":0.001", "\"ts\":1e3", ErrorCode::malformed, "microseconds with three decimals"},
      {"\"ts\":0.001", "\"ts\":-1.000", ErrorCode::malformed, "microseconds with three decimals"},
      {"\"ts\":0.001", "\"ts\":18446744073709552.000", ErrorCode::malformed,
       "microseconds with three decimals"},
      {"\"ts\":0.001", "\"ts\":9000000000.000", ErrorCode::malformed, "in order of time"},
      {"\"name\":\"decode\",\"cat\"", "\"name\":\"decade\",\"cat\"", ErrorCode::malformed,
       "no event has this name and phase"},
      {"\"ph\":\"B\"", "\"ph\":\"X\"", ErrorCode::malformed, "no event has this name and phase"},
      {"\"device\":1", "\"device\":2", ErrorCode::malformed, "no such device"},
      {"\"device\":1", "\"device\":65536", ErrorCode::malformed, "out of range"},
      {"\"bytes\":18446744073709551615", "\"bytes\":1.5", ErrorCode::malformed, "out of range"},
      {"\"credits\":3}},", "\"credits\":3}}", ErrorCode::malformed, "does not end as it must"},
      {"\"credits\":3}},", "\"credits\":3},", ErrorCode::malformed, "a name and a phase"},
      {"\n]}\n", "\n]}\n]}\n", ErrorCode::malformed, "does not end as it must"},
  };
  for (const Case& broken : cases) {
    INFO(broken.from << " -> " << broken.to);
    const auto read =
        parse_trace(replaced(format_trace(small_trace()), broken.from, broken.to), "t");
    REQUIRE_FALSE(read);
    CHECK(read.error().code() == broken.code);
    CHECK(read.error().reason().find(broken.reason) != std::string::npos);
    CHECK(read.error().file() == "t");
  }
}

TEST_CASE("a written file holds the text, replaces an older one and leaves nothing beside it") {
  const Folder folder;
  const std::string path = (folder.path / "run.trace").string();
  std::ofstream(path) << "something older";
  const Trace trace = small_trace();
  REQUIRE(write_trace(path, trace));
  CHECK(folder.entries() == 1);
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  CHECK(text.str() == format_trace(trace));
  const auto read = read_trace(path);
  REQUIRE(read);
  CHECK(*read == small_trace_read_back());
}

TEST_CASE("a trace larger than the buffer is written and read whole") {
  const Folder folder;
  const std::string path = (folder.path / "run.trace").string();
  Trace trace;
  trace.info.devices = {{"host", 1, 1, 1}};
  for (std::uint32_t i = 0; i < 30000; ++i) {
    trace.events.push_back({.time_ns = i,
                            .unit = i / 2,
                            .kind = EventKind::place,
                            .phase = i % 2 == 0 ? EventPhase::begin : EventPhase::end});
  }
  REQUIRE(write_trace(path, trace));
  const auto read = read_trace(path);
  REQUIRE(read);
  CHECK(*read == trace);
}

TEST_CASE("a link keeps pointing to the file that was replaced") {
  const Folder folder;
  const fs::path target = folder.path / "target";
  const fs::path link = folder.path / "link";
  std::ofstream(target) << "older";
  fs::create_symlink(target, link);
  REQUIRE(write_trace(link.string(), small_trace()));
  CHECK(fs::is_symlink(link));
  CHECK(read_trace(target.string()));
}

TEST_CASE("what is no regular file is written to and stays what it is") {
  const Folder folder;
  const fs::path link = folder.path / "null";
  fs::create_symlink("/dev/null", link);
  REQUIRE(write_trace(link.string(), small_trace()));
  CHECK(fs::is_character_file(link));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a trace that cannot be written is an error and leaves nothing") {
  const Folder folder;
  const auto missing = write_trace((folder.path / "none" / "run.trace").string(), small_trace());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code() == ErrorCode::write_failed);
  CHECK(folder.entries() == 0);
  const auto full = write_trace("/dev/full", small_trace());
  REQUIRE_FALSE(full);
  CHECK(full.error().code() == ErrorCode::disk_full);
}

TEST_CASE("what cannot be read is told apart from what is malformed") {
  const Folder folder;
  const auto absent = read_trace((folder.path / "none").string());
  REQUIRE_FALSE(absent);
  CHECK(absent.error().code() == ErrorCode::not_found);
  const auto directory = read_trace(folder.path.string());
  REQUIRE_FALSE(directory);
  CHECK(directory.error().code() == ErrorCode::malformed);
}
