#include "trace/trace_file.hpp"

#include <string>

#include "catch.hpp"
#include "command_run.hpp"

using nlohmann::json;

TEST_CASE("A trace of a load is summed up and found to keep the rules") {
  const TinyCheckpoint tiny;
  const std::string file = tiny.path("trace.json");
  REQUIRE(run_command({"load", tiny.source(), "--to", "nf4", "--trace", file}).code == 0);
  const CommandEnd text = run_command({"trace", file});
  CHECK(text.code == 0);
  CHECK(text.out.find("every rule of a run was kept") != std::string::npos);
  const json summary = run_command({"trace", file, "--json"}).json();
  CHECK(summary["violations"].empty());
  CHECK(summary["complete"] == true);
  CHECK(summary["dropped"] == 0);
  REQUIRE(summary["devices"].size() == 1);
  CHECK(summary["devices"][0]["peak_credits"] <= 4);
  CHECK(summary["stages"][0]["stage"] == "read");
  CHECK(summary["stages"][0]["units"] == 21);
}

TEST_CASE("A trace in which a rule is broken is a failure that shows what was found") {
  const TinyCheckpoint tiny;
  plimsoll::trace::Trace trace;
  trace.info.devices.push_back({"host", 1, 64, 64});
  plimsoll::trace::Event grant;
  grant.bytes = 64;
  grant.full_precision = 1;
  trace.events.push_back(grant);  // and never a release
  const std::string file = tiny.path("trace.json");
  REQUIRE(plimsoll::trace::write_trace(file, trace).has_value());
  const CommandEnd text = run_command({"trace", file});
  CHECK(text.code == 1);
  CHECK(is_one_error_line(text.err));
  CHECK(text.out.find("\nbroken: ") != std::string::npos);
  const CommandEnd end = run_command({"trace", file, "--json"});
  CHECK(end.code == 1);
  CHECK(end.json()["violations"].size() == 1);
}
