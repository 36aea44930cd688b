#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "command_run.hpp"

using nlohmann::json;

namespace {

/// The tensors of the tiny checkpoint as a model's list; `change` may edit it.
template <class Change>
std::string write_expected(const TinyCheckpoint& tiny, const Change& change) {
  json list = json::array();
  const json inspected = run_command({"inspect", tiny.source(), "--json"}).json();
  for (const json& tensor : inspected["tensors"]) {
    list.push_back({{"name", tensor["name"]}, {"shape", tensor["shape"]}, {"dtype", "bfloat16"}});
  }
  change(list);
  return tiny.write("want.json", list.dump());
}

void leave(json&) {}

/// Two names that the checkpoint lacks, none for its head, and a norm of another size.
void differ(json& list) {
  for (const int layer : {0, 1}) {
    list.push_back({{"name", "model.layers." + std::to_string(layer) + ".extra.weight"},
                    {"shape", json::array({4})},
                    {"dtype", "bfloat16"}});
  }
  json kept = json::array();
  for (json& tensor : list) {
    if (tensor["name"] == "model.norm.weight") tensor["shape"] = json::array({512});
    if (tensor["name"] != "lm_head.weight") kept.push_back(tensor);
  }
  list = kept;
}

std::vector<std::string> command(const TinyCheckpoint& tiny, const std::string& name,
                                 const std::string& expected) {
  return {name, tiny.source(), "--to", "keep", "--layout", "transformers", "--expect", expected};
}

}  // namespace

TEST_CASE("a model that wants just what is there has nothing to report, and strict succeeds") {
  const TinyCheckpoint tiny;
  auto arguments = command(tiny, "load", write_expected(tiny, leave));
  arguments.insert(arguments.end(), {"--strict", "--json"});
  const json report = run_command(arguments).json()["report"];
  for (const char* key : {"missing", "unexpected", "mismatched", "mismatches", "unchecked"}) {
    INFO(key);
    CHECK(report[key] == json::array());
  }
}

TEST_CASE("names in which model and checkpoint differ are reported in full and exit 0") {
  const TinyCheckpoint tiny;
  const std::string expected = write_expected(tiny, differ);
  for (const std::string name : {"load", "plan"}) {
    auto arguments = command(tiny, name, expected);
    arguments.push_back("--json");
    const CommandEnd end = run_command(arguments);
    CHECK(end.code == 0);
    const json report = end.json()["report"];
    CHECK(report["missing"] ==
          json::array({"model.layers.0.extra.weight", "model.layers.1.extra.weight"}));
    CHECK(report["unexpected"] == json::array({"lm_head.weight"}));
    CHECK(report["mismatched"] == json::array({"model.norm.weight"}));
    CHECK(report["mismatches"] == json::array({json{{"name", "model.norm.weight"},
                                                    {"found", json::array({256})},
                                                    {"wanted", json::array({512})}}}));
    CHECK(report["unchecked"] == json::array());
  }
}

TEST_CASE("the text has the same names in one table, layers on one line") {
  const TinyCheckpoint tiny;
  const std::string expected = write_expected(tiny, differ);
  for (const std::string name : {"load", "plan"}) {
    const CommandEnd end = run_command(command(tiny, name, expected));
    INFO(end.out);
    CHECK(end.code == 0);
    CHECK(end.out.find("\nmodel.layers.{0, 1}.extra.weight | MISSING    | 2 tensors\n") !=
          std::string::npos);
    CHECK(end.out.find("\nlm_head.weight                   | UNEXPECTED |\n") != std::string::npos);
    CHECK(end.out.find("| MISMATCHED | checkpoint [256], model [512]\n") != std::string::npos);
  }
}

TEST_CASE("strict makes of a difference a failure in one line, before anything is written") {
  const TinyCheckpoint tiny;
  const std::string expected = write_expected(tiny, differ);
  for (const std::string name : {"load", "plan", "quantize"}) {
    auto arguments = command(tiny, name, expected);
    arguments.push_back("--strict");
    if (name == "quantize") arguments.insert(arguments.end(), {"-o", tiny.path("out")});
    const CommandEnd end = run_command(arguments);
    INFO(end.err);
    CHECK(end.code == 1);
    CHECK(end.out.empty());
    CHECK(is_one_error_line(end.err));
    CHECK(end.err.find("missing") != std::string::npos);
  }
  CHECK_FALSE(std::filesystem::exists(tiny.path("out")));
}

TEST_CASE("without a list of expected tensors the checks that could not be made are told once") {
  const TinyCheckpoint tiny;
  const std::vector<std::string> arguments = {"load", tiny.source(), "--to",
                                              "keep", "--layout",    "transformers"};
  auto with_json = arguments;
  with_json.push_back("--json");
  const json unchecked = run_command(with_json).json()["report"]["unchecked"];
  REQUIRE_FALSE(unchecked.empty());
  const CommandEnd end = run_command(arguments);
  for (const json& sentence : unchecked) {
    const std::string text = sentence.get<std::string>();
    CHECK(end.out.find(text) != std::string::npos);
    CHECK(end.out.find(text) == end.out.rfind(text));
  }
}

TEST_CASE("a list of expected tensors that cannot be read is a failure that names it") {
  const TinyCheckpoint tiny;
  for (const std::string& file :
       {tiny.path("absent.json"), tiny.write("bad.json", "[{\"name\": \"w\"}]")}) {
    const CommandEnd end = run_command(command(tiny, "load", file));
    CHECK(end.code == 1);
    CHECK(is_one_error_line(end.err));
    CHECK(end.err.find(file) != std::string::npos);
  }
}
