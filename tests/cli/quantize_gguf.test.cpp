#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "catch.hpp"
#include "command_run.hpp"
#include "gguf_tiny.hpp"

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// What `quantize SOURCE -o out.gguf` makes with these options; it must end well.
json quantized(const TinyGguf& tiny, std::vector<std::string> options) {
  options.insert(options.begin(),
                 {"quantize", tiny.source(), "-o", tiny.path("out.gguf"), "--force", "--json"});
  const CommandEnd end = run_command(options);
  INFO(end.err);
  REQUIRE(end.code == 0);
  const json report = end.json();
  CHECK(report["peak_bytes"] <= report["load_line_bytes"]);
  CHECK(report["bytes_written"] <= fs::file_size(tiny.path("out.gguf")));
  return run_command({"inspect", tiny.path("out.gguf"), "--json"}).json();
}

std::map<std::string, std::string> types_of(const json& inspected) {
  std::map<std::string, std::string> types;
  for (const json& tensor : inspected["tensors"]) types[tensor["name"]] = tensor["dtype"];
  return types;
}

std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

/// Runs the command, which must fail with this code and a line that has `reason` in it.
void check_refused(const std::vector<std::string>& arguments, int code, const std::string& reason) {
  const CommandEnd end = run_command(arguments);
  INFO(end.err);
  CHECK(end.code == code);
  CHECK(is_one_error_line(end.err));
  CHECK(end.err.find(reason) != std::string::npos);
}

}  // namespace

TEST_CASE("a failure says one thing, whatever there was to warn of") {
  const TinyCheckpoint tiny;
  const std::string source = tiny.source();
  const std::string out = tiny.path("out.gguf");
  const CommandEnd made = run_command({"quantize", source, "-o", out, "--to", "Q8_0"});
  REQUIRE(made.code == 0);
  CHECK(made.err.find("warning: the metadata lack") != std::string::npos);
  check_refused({"quantize", source, "-o", out, "--to", "Q8_0"}, 1, "is there already");
}

TEST_CASE("quantize makes the mixture of an ftype, whatever the case of its letters") {
  const TinyGguf tiny;
  const json result = quantized(tiny, {"--to", "Q4_K_M"});
  const std::string bytes = file_bytes(tiny.path("out.gguf"));
  const auto types = types_of(result);
  REQUIRE(types.size() == 21);
  CHECK(types.at("token_embd.weight") == "q4_K");
  CHECK(types.at("output.weight") == "q6_K");
  CHECK(types.at("output_norm.weight") == "f32");
  CHECK(types.at("blk.0.attn_q.weight") == "q4_K");
  CHECK(types.at("blk.1.ffn_down.weight") == "q6_K");
  CHECK(result["metadata"]["general.file_type"] == 15);
  CHECK(result["metadata"]["general.quantization_version"] == 2);
  CHECK(result["metadata"]["tokenizer.ggml.tokens"].size() == 32);
  for (const char* name : {"q4_k_m", "Q4_K", "q4_k"}) {
    INFO(name);
    (void)quantized(tiny, {"--to", name});
    CHECK(file_bytes(tiny.path("out.gguf")) == bytes);
  }
  CHECK(names_in(tiny.path("")) == std::set<std::string>{"tiny.gguf", "out.gguf"});
}

TEST_CASE("the first --match decides a GGUF tensor's type before the mixture") {
  const TinyGguf tiny;
  const auto types = types_of(
      quantized(tiny, {"--to", "Q4_K_M", "--match", R"(blk\.0\.attn_q -> q6_K)", "--match",
                       "attn_v -> keep", "--match", "attn_ -> Q8_0", "--match", "output -> bf16"}));
  CHECK(types.at("blk.0.attn_q.weight") == "q6_K");
  CHECK(types.at("blk.1.attn_q.weight") == "q8_0");
  CHECK(types.at("blk.0.attn_v.weight") == "f16");
  CHECK(types.at("blk.0.attn_output.weight") == "q8_0");
  CHECK(types.at("output.weight") == "bf16");
  CHECK(types.at("blk.0.ffn_up.weight") == "q4_K");
}

TEST_CASE("Option --pure gives an ftype's own type to every tensor that is quantized") {
  const TinyGguf tiny;
  for (const auto& [name, type] : types_of(quantized(tiny, {"--to", "Q5_K_M", "--pure"}))) {
    INFO(name);
    CHECK(type == (name.find("norm") == std::string::npos ? "q5_K" : "f32"));
  }
}

TEST_CASE("a tensor type without an ftype of its name goes to all tensors, and casts go too") {
  const TinyGguf tiny;
  CHECK(types_of(quantized(tiny, {"--to", "nvfp4"})).at("blk.0.attn_q.weight") == "nvfp4");
  const json f32 = quantized(tiny, {"--to", "f32"});
  CHECK(types_of(f32).at("blk.0.attn_q.weight") == "f32");
  CHECK(f32["metadata"]["general.file_type"] == 0);
}

TEST_CASE("a quantized GGUF model can be quantized again") {
  const TinyGguf tiny;
  const std::string small = tiny.path("small.gguf");
  REQUIRE(run_command({"quantize", tiny.source(), "-o", small, "--to", "Q8_0"}).code == 0);
  const std::string smaller = tiny.path("smaller.gguf");
  REQUIRE(run_command({"quantize", small, "-o", smaller, "--to", "Q4_0"}).code == 0);
  const json result = run_command({"inspect", smaller, "--json"}).json();
  CHECK(types_of(result).at("blk.0.attn_q.weight") == "q4_0");
}

TEST_CASE("Option --to keep copies every tensor of a GGUF model") {
  const TinyGguf tiny;
  const json before = run_command({"inspect", tiny.source(), "--json"}).json();
  const json after = quantized(tiny, {"--to", "keep"});
  CHECK(types_of(after) == types_of(before));
  const std::string source = file_bytes(tiny.source());
  const std::string out = file_bytes(tiny.path("out.gguf"));
  for (const json& tensor : after["tensors"]) {
    const auto& of_source =
        *std::find_if(before["tensors"].begin(), before["tensors"].end(),
                      [&](const json& other) { return other["name"] == tensor["name"]; });
    CHECK(out.compare(tensor["offset"], tensor["bytes"], source, of_source["offset"],
                      of_source["bytes"]) == 0);
  }
}

TEST_CASE(
    "Option --keep-split writes the parts of the source again, and without it one file comes") {
  const TinyGguf tiny;
  const std::string split = tiny.write_split("split/m", {9, 12});
  fs::create_directory(tiny.path("out"));
  const std::vector<std::string> command = {"quantize", split, "-o", tiny.path("out/q.gguf"),
                                            "--to",     "Q8_0"};
  auto keeping = command;
  keeping.push_back("--keep-split");
  REQUIRE(run_command(keeping).code == 0);
  CHECK(names_in(tiny.path("out")) ==
        std::set<std::string>{"q-00001-of-00002.gguf", "q-00002-of-00002.gguf"});
  const json parts = run_command({"inspect", tiny.path("out"), "--json"}).json();
  CHECK(parts["metadata"]["split.count"] == 2);
  REQUIRE(parts["tensors"].size() == 21);
  CHECK(parts["tensors"][8]["file"] == "q-00001-of-00002.gguf");
  CHECK(parts["tensors"][9]["file"] == "q-00002-of-00002.gguf");

  check_refused(keeping, 1, "--force");
  keeping.push_back("--resume");
  CHECK(run_command(keeping).code == 0);

  REQUIRE(run_command(command).code == 0);
  const json whole = run_command({"inspect", tiny.path("out/q.gguf"), "--json"}).json();
  CHECK(whole["tensors"].size() == 21);
  CHECK_FALSE(whole["metadata"].contains("split.count"));
  CHECK(types_of(whole) == types_of(parts));
}

TEST_CASE("a GGUF file that exists is refused, replaced with --force, or found complete") {
  const TinyGguf tiny;
  const std::string out = tiny.path("out.gguf");
  std::vector<std::string> command = {"quantize", tiny.source(), "-o", out, "--to", "Q4_0"};
  REQUIRE(run_command(command).code == 0);
  const std::string first = file_bytes(out);
  check_refused(command, 1, out);

  auto resume = command;
  resume.insert(resume.end(), {"--resume", "--json"});
  CHECK(run_command(resume).json()["bytes_read"] == 0);
  resume[5] = "Q8_0";
  check_refused(resume, 1, out);
  CHECK(file_bytes(out) == first);

  auto force = command;
  force[5] = "Q8_0";
  force.push_back("--force");
  CHECK(run_command(force).code == 0);
  CHECK(file_bytes(out) != first);

  force[3] = tiny.source();
  check_refused(force, 1, "the source");
}

TEST_CASE("what a GGUF file cannot be is refused before anything is written") {
  const TinyGguf tiny;
  const std::string source = tiny.source();
  const std::string out = tiny.path("out.gguf");
  const std::string cut =
      tiny.write("cut.gguf", file_bytes(source).substr(0, fs::file_size(source) / 2));
  check_refused({"quantize", source, "-o", out, "--to", "nf4"}, 1, "nf4");
  check_refused({"quantize", source, "-o", out, "--to", "Q4_0", "--match", "x -> nf4"}, 1, "nf4");
  check_refused({"quantize", source, "-o", out, "--to", "Q4_0", "--layout", "transformers"}, 1,
                "layout");
  check_refused({"quantize", source, "-o", out, "--to", "Q4_K_X"}, 2, "unknown format");
  check_refused({"quantize", source, "-o", out, "--to", "Q8_K"}, 2, "unknown format");
  check_refused({"quantize", source, "-o", out, "--to", "Q4_0", "--match", "x -> Q4_K_M"}, 2,
                "--match");
  check_refused({"quantize", source, "-o", out, "--to", "Q4_0", "--imatrix", tiny.path("no.dat")},
                1, tiny.path("no.dat"));
  check_refused({"quantize", source, "-o", out, "--to", "Q4_0", "--imatrix", cut}, 1, cut);
  check_refused({"quantize", source, "-o", out, "--to", "IQ2_XS"}, 1, "importance matrix");
  check_refused({"quantize", source, "-o", out, "--to", "Q4_0", "--budget", "1kB"}, 1,
                "the smallest that works is");
  check_refused({"quantize", cut, "-o", out, "--to", "Q4_0"}, 1, cut);
  check_refused({"quantize", source, "-o", tiny.path("no/out.gguf"), "--to", "Q4_0"}, 1,
                tiny.path("no/out.gguf"));
  CHECK(names_in(tiny.path("")) == std::set<std::string>{"tiny.gguf", "cut.gguf"});
}

TEST_CASE("a GGUF model is loaded under its own names with --layout gguf") {
  const TinyGguf tiny;
  for (const std::string to : {"bf16", "keep"}) {
    const std::vector<std::string> options = {tiny.source(), "--layout", "gguf",
                                              "--to",        to,         "--json"};
    auto plan = options;
    plan.insert(plan.begin(), "plan");
    const json planned = run_command(plan).json();
    REQUIRE(planned["tensors"].size() == 21);
    CHECK(planned["tensors"][0]["name"] == "token_embd.weight");
    CHECK(planned["tensors"][0]["shape"] == json::array({32, 256}));
    CHECK(planned["tensors"][0]["dtype"] == (to == "keep" ? "F16" : "BF16"));
    auto load = options;
    load.insert(load.begin(), "load");
    const json loaded = run_command(load).json();
    CHECK(loaded["load_line_bytes"] == planned["load_line_bytes"]);
    CHECK(loaded["final_bytes"] == planned["final_bytes"]);
    CHECK(loaded["peak_bytes"] <= loaded["load_line_bytes"]);
  }
}

TEST_CASE("plan predicts a GGUF file without writing it") {
  const TinyGguf tiny;
  const std::string out = tiny.path("out.gguf");
  const json plan =
      run_command({"plan", tiny.source(), "--to", "Q4_K_M", "-o", out, "--json"}).json();
  CHECK_FALSE(fs::exists(out));
  std::map<std::string, std::string> formats;
  for (const json& tensor : plan["tensors"]) formats[tensor["name"]] = tensor["format"];
  (void)quantized(tiny, {"--to", "Q4_K_M"});
  CHECK(plan["output_bytes"] == fs::file_size(out));
  const json inspected = run_command({"inspect", out, "--json"}).json();
  for (const auto& [name, type] : types_of(inspected)) {
    INFO(name);
    CHECK(formats.at(name) == (type == "f32" ? "keep" : type));
  }
}

TEST_CASE("formats lists what --to and --match take of a GGUF model") {
  const TinyGguf tiny;
  const json formats = run_command({"formats", "--json"}).json();
  REQUIRE(formats["ftypes"].size() == 35);
  for (const json& ftype : formats["ftypes"]) {
    const std::string name = ftype["name"];
    INFO(name);
    CHECK(run_command({"config", "--to", name}).code == 0);
    CHECK(ftype["type"].get<std::string>().empty() == (name == "COPY"));
  }
  std::size_t encoded = 0;
  for (const json& type : formats["tensor_types"]) {
    const std::string name = type["name"];
    INFO(name);
    const bool encodes = type["encodes"];
    CHECK(run_command({"config", "--match", "x -> " + name}).code == (encodes ? 0 : 2));
    encoded += encodes ? 1 : 0;
  }
  CHECK(encoded == 28);
  const CommandEnd text = run_command({"formats"});
  CHECK(text.out.find("\nQ4_K_M                q4_K\n") != std::string::npos);
  CHECK(text.out.find("\niq2_xxs                       256     66  needed\n") != std::string::npos);
}
