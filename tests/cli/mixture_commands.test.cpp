#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "command_run.hpp"

using nlohmann::json;

namespace {

/// A checkpoint of another shape in the folder of the tiny one.
std::string synth(const TinyCheckpoint& folder, const std::string& shape) {
  REQUIRE(run_command({"synth", shape, folder.path(shape)}).code == 0);
  return folder.path(shape);
}

json plan_of(const std::string& path, const std::vector<std::string>& options) {
  std::vector<std::string> arguments = {"plan", path, "--json"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return run_command(arguments).json();
}

json tensor_of(const json& plan, const std::string& name) {
  for (const json& tensor : plan["tensors"]) {
    if (tensor["name"] == name) return tensor;
  }
  FAIL("no tensor " << name);
  return {};
}

const std::string gate_up = "model.layers.1.mlp.experts.gate_up_proj";
const std::string down = "model.layers.1.mlp.experts.down_proj";

constexpr std::uint64_t expert_bytes = 256 * 128 * 2;

}  // namespace

TEST_CASE("plan names the merge of experts, its parts and what it costs") {
  const TinyCheckpoint tiny;
  const std::string mixture = synth(tiny, "tiny-moe");
  const json plan = plan_of(mixture, {"--to", "nf4", "--layout", "transformers"});
  CHECK(plan["merges"] == json({{"fold", 6}}));
  const json merged = tensor_of(plan, gate_up);
  CHECK(merged["shape"] == json({8, 256, 256}));
  CHECK(merged["merge"] == "fold");
  CHECK(merged["parts"] == 16);
  CHECK(merged["slots"] == 1);
  CHECK(merged["bytes_read"] == 16 * expert_bytes);
  CHECK(tensor_of(plan, down)["parts"] == 8);
  CHECK(tensor_of(plan, "lm_head.weight")["merge"] == "");
  std::uint64_t sum = 0;
  for (const json& tensor : plan["tensors"]) sum += tensor["bytes_read"].get<std::uint64_t>();
  CHECK(plan["bytes_to_read"] == sum);
}

TEST_CASE("option --merge forces the way in which scales that cross parts are found") {
  const TinyCheckpoint tiny;
  const std::string mixture = synth(tiny, "tiny-moe");
  const std::vector<std::string> options = {"--to",    "fp8-tensor", "--layout", "transformers",
                                            "--slots", "16",         "--merge"};
  std::vector<std::string> gather = options;
  gather.push_back("gather");
  const json at_once = plan_of(mixture, gather);
  // Slots are as small as the largest gather allows, so that other tensors need several, too.
  CHECK(at_once["merges"].size() == 1);
  CHECK(at_once["merges"]["gather"] >= 6);
  CHECK(tensor_of(at_once, gate_up)["slots"] >= 1);
  CHECK(tensor_of(at_once, gate_up)["slots"] <= 16);
  CHECK(tensor_of(at_once, gate_up)["bytes_read"] == 16 * expert_bytes);
  std::vector<std::string> twice = options;
  twice.push_back("two-pass");
  const json two_passes = plan_of(mixture, twice);
  CHECK(two_passes["merges"]["two-pass"] >= 6);
  CHECK(tensor_of(two_passes, gate_up)["bytes_read"] == 2 * 16 * expert_bytes);
  CHECK(two_passes["bytes_to_read"] > at_once["bytes_to_read"]);
}

TEST_CASE("plan's text has a line for each kind of merge") {
  const TinyCheckpoint tiny;
  const CommandEnd end =
      run_command({"plan", synth(tiny, "tiny-moe"), "--to", "nf4", "--layout", "transformers"});
  INFO(end.out);
  CHECK(end.code == 0);
  CHECK(end.out.find(
            "\nmerges      fold: 6 tensors of 72 parts, 1 slot at a time, reads 4.72 MB\n") !=
        std::string::npos);
  CHECK(end.out.find("model.layers.*.mlp.experts.gate_up_proj") != std::string::npos);
}

TEST_CASE("every format loads a mixture of experts in either layout") {
  const TinyCheckpoint tiny;
  const std::string mixture = synth(tiny, "tiny-moe");
  for (const std::string to : {"keep", "bf16", "nf4", "fp8-block", "fp8-tensor"}) {
    for (const std::string layout : {"hub", "transformers"}) {
      INFO(to << ' ' << layout);
      const json result =
          run_command({"load", mixture, "--to", to, "--layout", layout, "--json"}).json();
      CHECK(result["peak_bytes"] <= result["load_line_bytes"]);
      CHECK(result["peak_full_precision_tensors"] <= result["slots"]);
    }
  }
}

TEST_CASE("a checkpoint in FP8 becomes one in BF16 or NF4, without its scales") {
  const TinyCheckpoint tiny;
  const std::string eight = synth(tiny, "tiny-fp8");
  for (const std::string to : {"bf16", "nf4"}) {
    INFO(to);
    const std::string out = tiny.path(to);
    REQUIRE(run_command({"quantize", eight, "-o", out, "--to", to}).code == 0);
    const json inspected = run_command({"inspect", out, "--json"}).json();
    for (const json& tensor : inspected["tensors"]) {
      CHECK(tensor["dtype"] != "F8_E4M3");
      CHECK(tensor["name"].get<std::string>().find("_scale_inv") == std::string::npos);
    }
  }
}

TEST_CASE("a rank reads its share, and ranks together read no less than one reads alone") {
  const TinyCheckpoint tiny;
  const auto bytes = [&](const std::vector<std::string>& more) {
    std::vector<std::string> options = {"--to", "keep"};
    options.insert(options.end(), more.begin(), more.end());
    return plan_of(tiny.source(), options)["bytes_to_read"].get<std::uint64_t>();
  };
  const std::uint64_t all = bytes({});
  const std::uint64_t first = bytes({"--parallel", "0/2"});
  const std::uint64_t second = bytes({"--parallel", "1/2"});
  CHECK(first < all);
  CHECK(second < all);
  CHECK(first + second >= all);
  CHECK(bytes({"--parallel", "0/2", "--slice", ". -> whole"}) == all);
}

TEST_CASE("columns divide dimension 0 of a weight and rows dimension 1") {
  const TinyCheckpoint tiny;
  const json plan =
      plan_of(tiny.source(), {"--to", "keep", "--parallel", "1/2", "--slice", "up_proj -> columns",
                              "--slice", "down_proj -> rows", "--slice", ". -> whole"});
  CHECK(tensor_of(plan, "model.layers.0.mlp.up_proj.weight")["shape"] == json({352, 256}));
  CHECK(tensor_of(plan, "model.layers.0.mlp.down_proj.weight")["shape"] == json({256, 352}));
  CHECK(tensor_of(plan, "model.layers.0.self_attn.q_proj.weight")["shape"] == json({256, 256}));
}

TEST_CASE("a checkpoint in FP8 is dequantized as a whole, or not at all") {
  const TinyCheckpoint tiny;
  const std::string source = synth(tiny, "tiny-fp8");
  for (const std::string format : {"bf16", "nf4", "fp8-tensor"}) {
    INFO(format);
    const CommandEnd end =
        run_command({"quantize", source, "-o", tiny.path("out"), "--to", "keep", "--match",
                     "layers.0.self_attn.q_a_proj.weight$ -> " + format});
    CHECK(end.code == 1);
    CHECK(end.err.find("quantized in one way") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(tiny.path("out")));
    const CommandEnd planned =
        run_command({"plan", source, "-o", tiny.path("out"), "--to", "keep", "--match",
                     "layers.0.self_attn.q_a_proj.weight$ -> " + format});
    CHECK(planned.code == 1);
    CHECK(planned.err == end.err);
  }
}
