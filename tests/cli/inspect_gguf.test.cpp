#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>

#include "catch.hpp"
#include "command_run.hpp"
#include "gguf_tiny.hpp"
#include "io/gguf_value.hpp"

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

void check_one_error(const std::string& path) {
  for (const bool as_json : {false, true}) {
    std::vector<std::string> arguments = {"inspect", path};
    if (as_json) arguments.push_back("--json");
    const CommandEnd end = run_command(arguments);
    INFO(path << ": " << end.err);
    CHECK(end.code == 1);
    CHECK(end.out.empty());
    CHECK(is_one_error_line(end.err));
  }
}

}  // namespace

TEST_CASE("inspect --json says everything that a GGUF header says") {
  const TinyGguf tiny;
  const json result = run_command({"inspect", tiny.source(), "--json"}).json();
  CHECK(result["format"] == "gguf");
  CHECK(result["version"] == 3);
  CHECK(result["byte_order"] == "little");
  CHECK(result["alignment"] == 32);
  CHECK(result["directory"].get<std::string>() + "/" == tiny.path(""));
  CHECK(result["files"] == json::array({"tiny.gguf"}));
  const json& metadata = result["metadata"];
  CHECK(metadata["general.name"] == "tiny \x1b model");
  CHECK(metadata["llama.block_count"] == 2);
  CHECK(metadata["tokenizer.ggml.add_bos_token"] == true);
  CHECK(metadata["tokenizer.ggml.tokens"].size() == 32);
  CHECK(metadata["tokenizer.ggml.tokens"][31] == "<token 31>");
  CHECK(metadata["llama.attention.layer_norm_rms_epsilon"].dump() == "1e-05");
  const json& types = result["metadata_types"];
  CHECK(types["tokenizer.ggml.tokens"] == "arr of str");
  CHECK(types["llama.block_count"] == "u32");
  CHECK(types.size() == metadata.size());
  REQUIRE(result["tensors"].size() == 21);
  const json& last = result["tensors"].back();
  CHECK(last["name"] == "blk.1.ffn_down.weight");
  CHECK(last["dtype"] == "f16");
  CHECK(last["file"] == "tiny.gguf");
  CHECK(last["bytes"] == 256 * 256 * 2);
  CHECK(last["offset"].get<std::uint64_t>() + 256 * 256 * 2 == fs::file_size(tiny.source()));
  const json& first = result["tensors"].front();
  CHECK(first["shape"] == json::array({32, 256}));
  CHECK(first["ne"] == json::array({256, 32}));
}

TEST_CASE("inspect's text of a GGUF model is short and safe to print") {
  const TinyGguf tiny;
  const CommandEnd end = run_command({"inspect", tiny.source()});
  INFO(end.out);
  REQUIRE(end.code == 0);
  for (const char* part :
       {"format      gguf\n", "version     3\n", "byte order  little-endian\n", "alignment   32\n",
        "general.name                            str         tiny \\x1b model\n",
        "arr of str  [32] \"<token 0>\", ", "\"<token 7>\", ...\n", "1e-05\n", "true\n",
        "blk.0.attn_k.weight       f16   [128, 256]   65536\n", "\nall "}) {
    INFO(part);
    CHECK(end.out.find(part) != std::string::npos);
  }
  CHECK(end.out.find('\x1b') == std::string::npos);
  CHECK(end.out.find("<token 8>") == std::string::npos);
}

TEST_CASE("inspect shows all parts of a split GGUF model, whichever is named") {
  const TinyGguf tiny;
  (void)tiny.write_split("split/m", {0, 9, 12});
  const json whole = run_command({"inspect", tiny.source(), "--json"}).json();
  for (const std::string path :
       {"split", "split/m-00001-of-00003.gguf", "split/m-00003-of-00003.gguf"}) {
    const json result = run_command({"inspect", tiny.path(path), "--json"}).json();
    CHECK(result["files"] ==
          json::array({"m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"}));
    CHECK(result["metadata"]["split.count"] == 3);
    REQUIRE(result["tensors"].size() == 21);
    CHECK(result["tensors"][8]["file"] == "m-00002-of-00003.gguf");
    CHECK(result["tensors"][9]["file"] == "m-00003-of-00003.gguf");
    CHECK(result["tensors"][9]["name"] == whole["tensors"][9]["name"]);
  }
  fs::remove(tiny.path("split/m-00002-of-00003.gguf"));
  check_one_error(tiny.path("split"));
}

TEST_CASE("inspect takes the GGUF file of a directory, unless there are several models") {
  const TinyGguf tiny;
  const json result = run_command({"inspect", tiny.path(""), "--json"}).json();
  CHECK(result["files"] == json::array({"tiny.gguf"}));
  (void)tiny.write("other.gguf", file_bytes(tiny.source()));
  check_one_error(tiny.path(""));
}

TEST_CASE("inspect tells every float, also those that JSON has no number for") {
  const TinyGguf tiny;
  std::string bytes = "GGUF";
  const auto add_key = [&](const std::string& key, std::uint32_t type) {
    plimsoll::io::append_gguf_string(bytes, key);
    plimsoll::io::append_gguf_number(bytes, type);
  };
  plimsoll::io::append_gguf_number(bytes, std::uint32_t{3});
  plimsoll::io::append_gguf_number(bytes, std::uint64_t{0});
  plimsoll::io::append_gguf_number(bytes, std::uint64_t{4});
  add_key("inf", 6);
  plimsoll::io::append_gguf_number(bytes, std::numeric_limits<float>::infinity());
  add_key("third", 12);
  plimsoll::io::append_gguf_number(bytes, 1.0 / 3);
  add_key("low", 11);
  plimsoll::io::append_gguf_number(bytes, std::numeric_limits<std::int64_t>::min());
  add_key("high", 10);
  plimsoll::io::append_gguf_number(bytes, std::numeric_limits<std::uint64_t>::max());
  const std::string path = tiny.write("numbers/x.gguf", bytes);
  const json metadata = run_command({"inspect", path, "--json"}).json()["metadata"];
  CHECK(metadata["inf"].is_null());
  CHECK(metadata["third"] == 1.0 / 3);
  CHECK(metadata["low"] == std::numeric_limits<std::int64_t>::min());
  CHECK(metadata["high"] == std::numeric_limits<std::uint64_t>::max());
  const CommandEnd text = run_command({"inspect", path});
  CHECK(text.out.find("third     f64   0.3333333333333333\n") != std::string::npos);
  CHECK(text.out.find("low       i64   -9223372036854775808\n") != std::string::npos);
  CHECK(text.out.find("inf       f32   inf\n") != std::string::npos);
}

TEST_CASE("inspect refuses a spoiled GGUF file in one line") {
  const TinyGguf tiny;
  const std::string whole = file_bytes(tiny.source());
  check_one_error(tiny.write("empty.gguf", ""));
  check_one_error(tiny.write("magic.gguf", "GGUX" + whole.substr(4)));
  check_one_error(tiny.write("cut.gguf", whole.substr(0, 100)));
  check_one_error(tiny.write("short.gguf", whole.substr(0, whole.size() - 1000)));
  std::string counts = whole;
  std::fill_n(counts.begin() + 8, 16, '\x7f');
  check_one_error(tiny.write("counts.gguf", counts));
  std::string name = whole;
  name.replace(name.find("output_norm.weight"), 18, "output\x1b[31m\n.weight");
  check_one_error(tiny.write("twice\n\x1b.gguf", name.replace(name.find("GGUF"), 4, "FFFF")));
}
