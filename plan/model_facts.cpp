#include "plan/model_facts.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>

#include "views/view.hpp"

namespace plimsoll::plan {
namespace {

tl::unexpected<Error> unknown(const std::string& what) {
  return fail(ErrorCode::unsupported,
              "config.json does not tell " + what + "; a list of the model's tensors would");
}

}  // namespace

Expected<std::uint64_t> attention_heads(const config::HfConfig* config, const std::string& member) {
  // Vision towers that are older than the library's names for them say it in these words.
  constexpr std::string_view names[] = {"num_attention_heads", "heads", "vt_num_attention_heads"};
  const std::string path = config && config->numbers.contains(member) ? member : "";
  for (std::string_view name : names) {
    if (!config) break;
    const std::optional<std::uint64_t> heads = config->number(path, name);
    if (heads && *heads > 0) return *heads;
  }
  return fail(ErrorCode::unsupported, "config.json does not tell num_attention_heads" +
                                          (member.empty() ? "" : " of " + member) +
                                          ", by which rows are permuted");
}

Expected<std::uint64_t> text_number(const config::HfConfig* config, std::string_view field) {
  const std::optional<std::uint64_t> number =
      config ? config->number(config->text_path, field) : std::nullopt;
  if (!number) return unknown(std::string(field));
  return *number;
}

std::optional<ExpertCount> expert_count(const config::HfConfig& config) {
  constexpr std::string_view fields[] = {"num_experts", "num_local_experts", "n_routed_experts",
                                         "moe_num_experts"};
  std::optional<ExpertCount> found;
  for (std::string_view field : fields) {
    const std::optional<std::uint64_t> number = config.number(config.text_path, field);
    if (!number) continue;
    if (found && found->experts != *number) return std::nullopt;
    found = {field, *number};
  }
  return found;
}

Expected<std::vector<std::uint64_t>> projection_rows(const config::HfConfig* config,
                                                     std::span<const std::string> targets,
                                                     std::uint64_t rows) {
  std::vector<std::uint64_t> heads;
  for (const std::string& target : targets) {
    const bool query = target.find("q_proj") != std::string::npos;
    const bool key_or_value =
        target.find("k_proj") != std::string::npos || target.find("v_proj") != std::string::npos;
    if (!query && !key_or_value) return unknown("how many rows " + target + " has");
    const Expected<std::uint64_t> count =
        text_number(config, query ? "num_attention_heads" : "num_key_value_heads");
    if (!count) return fail(count.error());
    heads.push_back(*count);
  }
  constexpr std::uint64_t most_heads = 1 << 20;
  if (std::any_of(heads.begin(), heads.end(),
                  [](std::uint64_t count) { return count > most_heads; })) {
    return unknown("a number of heads that makes sense");
  }
  const std::uint64_t all = std::accumulate(heads.begin(), heads.end(), std::uint64_t{0});
  if (all == 0 || rows % all != 0) {
    return fail(ErrorCode::malformed,
                std::to_string(rows) + " rows are not whole heads of " + std::to_string(all));
  }
  for (std::uint64_t& count : heads) count *= rows / all;
  return heads;
}

Expected<bool> has_expert_shape(const config::HfConfig* config, std::string_view target,
                                const io::Shape& shape) {
  const bool gate_up = target.ends_with("gate_up_proj");
  if (!gate_up && !target.ends_with("down_proj")) {
    return unknown("which shape " + std::string(target) + " has");
  }
  const Expected<std::uint64_t> hidden = text_number(config, "hidden_size");
  if (!hidden) return fail(hidden.error());
  const Expected<std::uint64_t> inner = text_number(config, "moe_intermediate_size");
  if (!inner) return fail(inner.error());
  if (shape.size() >= 2 && *inner <= ~std::uint64_t{0} / 2) {
    const std::uint64_t rows = gate_up ? 2 * *inner : *hidden;
    const std::uint64_t columns = gate_up ? *hidden : *inner;
    const std::uint64_t* last = shape.data() + shape.size() - 2;
    if (last[0] == rows && last[1] == columns) return true;
    if (last[0] == columns && last[1] == rows) return false;
  }
  return fail(ErrorCode::malformed,
              "shape " + views::text_of(shape) + " fits neither way with hidden_size " +
                  std::to_string(*hidden) + " and moe_intermediate_size " + std::to_string(*inner));
}

}  // namespace plimsoll::plan
