#include "io/run_identity.hpp"

#include "catch.hpp"

using namespace plimsoll::io;

TEST_CASE("two runs are the same when source, settings, layout and config are") {
  const ShardLayout one = lay_out_shards({}, 1);
  const StoredTensor tensor{"a", plimsoll::Dtype::u8, {1}, 1};
  const ShardLayout other = lay_out_shards(std::span(&tensor, 1), 1);
  const RunIdentity run("source=1\nformat=nf4", one, "{}");
  CHECK(run.difference(RunIdentity("source=1\nformat=nf4\n", one, "{}").lines()).empty());
  CHECK(run.seal() == RunIdentity("source=1\nformat=nf4\n", one, "{}").seal());
  CHECK(run.difference(RunIdentity("source=2\nformat=nf4", one, "{}").lines()) == "source");
  CHECK(run.difference(RunIdentity("source=1", one, "{ }").lines()) == "config.json, format");
  CHECK(run.difference(RunIdentity("source=1\nformat=nf4", other, "{}").lines()) == "shards");
  CHECK(run.seal() != RunIdentity("source=1\nformat=nf4", other, "{}").seal());
  CHECK(RunIdentity("x", one, "").difference(RunIdentity("y", one, "").lines()) == "settings");
  CHECK(RunIdentity("a=1\nb=1\nc=1\nd=1\ne=1\nf=1", one, "")
            .difference(RunIdentity("", one, "").lines()) == "a, b, c, d and 2 more");
}

TEST_CASE("a manifest is read as it was written, and no other text is one") {
  for (const bool clearing : {false, true}) {
    const auto parsed = parse_manifest(manifest_text({clearing, "state=clearing\nx\n"}));
    REQUIRE(parsed);
    CHECK(parsed->clearing == clearing);
    CHECK(parsed->lines == "state=clearing\nx\n");
  }
  for (const char* text : {"", "plimsoll manifest 1\n", "plimsoll manifest 2\nstate=writing\n",
                           "plimsoll manifest 1\nstate=gone\n"}) {
    CHECK_FALSE(parse_manifest(text));
  }
}
