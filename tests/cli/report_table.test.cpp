#include "cli/report_table.hpp"

#include <string>

#include "catch.hpp"
#include "cli/collapsed_names.hpp"
#include "cli/load_text.hpp"
#include "cli/plan_text.hpp"

using namespace plimsoll;
using cli::collapse_names;

namespace {

std::string collapsed(const std::vector<std::string>& names) {
  std::string lines;
  for (const cli::CollapsedName& name : collapse_names(names)) {
    lines += name.text + " x" + std::to_string(name.members.size()) + "\n";
  }
  return lines;
}

bool contains(const std::string& text, const std::string& part) {
  INFO(text);
  INFO(part);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("names that differ in nothing but numbers are one") {
  std::vector<std::string> names = {"lm_head.weight"};
  for (int layer = 0; layer < 48; ++layer) {
    names.push_back("model.layers." + std::to_string(layer) + ".mlp.experts.gate_up_proj");
  }
  names.push_back("model.norm.weight");
  CHECK(collapsed(names) ==
        "lm_head.weight x1\n"
        "model.layers.{0...47}.mlp.experts.gate_up_proj x48\n"
        "model.norm.weight x1\n");
}

TEST_CASE("numbers are sorted, and only what lies side by side is joined") {
  CHECK(collapsed({"a.2", "a.1"}) == "a.{1, 2} x2\n");
  CHECK(collapsed({"a.10", "a.9", "a.2", "a.11"}) == "a.{2, 9...11} x4\n");
  CHECK(collapsed({"3.a.7", "4.a.7"}) == "{3, 4}.a.7 x2\n");
  CHECK(collapsed({"a.0.e.1", "a.0.e.2", "a.5.e.9"}) == "a.{0, 5}.e.{1, 2, 9} x3\n");
  std::vector<std::string> even;
  for (int i = 0; i < 48; i += 2) even.push_back("a." + std::to_string(i));
  CHECK(collapsed(even) == "a.{0, 2, 4, 6, 8, 10, 12, 14, ..., 46} x24\n");
}

TEST_CASE("what only looks like a number is text") {
  CHECK(collapsed({"a.01", "a.1", "a.1x", "w1", "w2"}) ==
        "a.01 x1\na.1 x1\na.1x x1\nw1 x1\nw2 x1\n");
  CHECK(collapsed({"a.99999999999999999999", "a.1"}) == "a.99999999999999999999 x1\na.1 x1\n");
  CHECK(collapsed({""}) == " x1\n");
}

TEST_CASE("a hostile name stays on its line") {
  CHECK(collapsed({"a\n.1", "a\n.2"}) == "a\\x0a.{1, 2} x2\n");
  CHECK(collapsed({std::string("a\0.1", 4), std::string("a\0.2", 4)}) ==
        "a\\x00.1 x1\na\\x00.2 x1\n");
}

TEST_CASE("missing, unexpected and mismatched names stand in one table with what they mean") {
  Report report;
  for (int layer = 0; layer < 3; ++layer) {
    const std::string front = "model.layers." + std::to_string(layer);
    report.missing.push_back(front + ".up.weight");
    report.mismatched.push_back(front + ".q.weight");
    report.mismatches.push_back({front + ".q.weight", {4, 8}, {8, 8}});
  }
  report.unexpected = {"extra"};
  report.mismatched.push_back("k.weight");
  CHECK(cli::report_table(report) ==
        "tensor                         | status     |\n"
        "-------------------------------+------------+-------------------------------------------\n"
        "model.layers.{0...2}.up.weight | MISSING    | 3 tensors\n"
        "extra                          | UNEXPECTED |\n"
        "model.layers.{0...2}.q.weight  | MISMATCHED | 3 tensors, checkpoint [4, 8], model [8, 8]\n"
        "k.weight                       | MISMATCHED |\n"
        "\n"
        "MISSING     the model wants it, the checkpoint does not have it\n"
        "UNEXPECTED  the checkpoint has it, the model does not want it\n"
        "MISMATCHED  both have it, but of different shapes\n");
}

TEST_CASE("mismatches of different shapes stay apart") {
  Plan plan;
  plan.mismatched = {"a.0", "a.1", "a.2"};
  plan.mismatches = {{"a.0", {1}, {2}}, {"a.1", {}, {2}}, {"a.2", {1}, {2}}};
  const std::string table = cli::report_table(plan);
  CHECK(contains(table, "a.{0, 2} | MISMATCHED | 2 tensors, checkpoint [1], model [2]\n"));
  CHECK(contains(table, "a.1      | MISMATCHED | checkpoint [], model [2]\n"));
  CHECK_FALSE(table.find("MISSING") != std::string::npos);
}

TEST_CASE("where no names differ there is no table") {
  CHECK(cli::report_table(Report{}).empty());
  CHECK(cli::report_table(Plan{}).empty());
}

TEST_CASE("a report shows the table and once each check that could not be made") {
  Report report;
  report.missing = {"w.1", "w.2"};
  report.unchecked = {"whether the model wants other tensors", "which are tied"};
  const std::string text = cli::report_text(report);
  CHECK(contains(text, "\nw.{1, 2} | MISSING | 2 tensors\n"));
  const std::string line =
      "unchecked   without --expect: whether the model wants other tensors; which are tied\n";
  CHECK(contains(text, line));
  CHECK(text.find(line) == text.rfind(line));
}

TEST_CASE("a plan's text tells what each kind of merge costs") {
  Plan plan;
  plan.bytes_to_read = 5000;
  for (int i = 0; i < 2; ++i) {
    PlannedTensor tensor;
    tensor.name = "layers." + std::to_string(i) + ".experts.down_proj";
    tensor.merge = "fold";
    tensor.parts = 128;
    tensor.bytes_read = 1000;
    plan.tensors.push_back(tensor);
  }
  PlannedTensor twice;
  twice.name = "experts.gate_up_proj";
  twice.merge = "two-pass";
  twice.parts = 8;
  twice.bytes_read = 3000;
  plan.tensors.push_back(twice);
  PlannedTensor gathered;
  gathered.name = "q";
  gathered.merge = "gather";
  gathered.parts = 1;
  gathered.slots = 3;
  plan.tensors.push_back(gathered);
  const std::string text = cli::plan_text(plan);
  CHECK(contains(text, "reads       5.00 kB (5000)\n"));
  CHECK(contains(text,
                 "merges      fold: 2 tensors of 256 parts, 1 slot at a time, reads 2.00 kB\n"
                 "            gather: 1 tensor of 1 part, 3 slots at a time, reads 0 B\n"
                 "            two-pass: 1 tensor of 8 parts, 1 slot at a time, reads 3.00 kB in "
                 "two passes\n"));
  CHECK(contains(text, "layers.*.experts.down_proj"));
}

TEST_CASE("a plan without merges says nothing of them") {
  Plan plan;
  plan.tensors.emplace_back();
  CHECK(cli::plan_text(plan).find("merges") == std::string::npos);
}
