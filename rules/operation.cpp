#include "rules/operation.hpp"

#include <charconv>
#include <optional>
#include <utility>

namespace plimsoll::rules {
namespace {

// No tensor has more dimensions, and no kernel or channel count comes near the other bound.
constexpr std::uint32_t most_dimensions = 64;
constexpr std::uint32_t largest_count = 1'000'000;

std::vector<std::string_view> split_at(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::uint32_t> number_of(std::string_view text, std::uint32_t most) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

/// The parameters of one operation. Each is taken once; what is left over, or was no value of its
/// kind, is the error.
class Parameters {
 public:
  explicit Parameters(std::string_view text) {
    if (text.empty()) return;
    for (std::string_view part : split_at(text, ',')) {
      const std::size_t equals = part.find('=');
      const bool flag = equals == std::string_view::npos;
      given_.push_back({part.substr(0, equals), flag ? "" : part.substr(equals + 1), flag});
    }
  }

  std::uint32_t dimension(std::string_view name, std::uint32_t otherwise) {
    return number(name, otherwise, most_dimensions - 1);
  }
  std::uint32_t count(std::string_view name) { return number(name, 0, largest_count); }

  std::string word(std::string_view name) {
    const std::optional<Given> given = take(name);
    if (!given) return {};
    if (given->flag || given->value.empty()) wrong_ = given->name;
    return std::string(given->value);
  }

  std::vector<std::string> words(std::string_view name) {
    const std::string joined = word(name);
    std::vector<std::string> out;
    if (joined.empty()) return out;
    for (std::string_view part : split_at(joined, '+')) {
      if (part.empty()) wrong_ = name;
      out.emplace_back(part);
    }
    return out;
  }

  bool flag(std::string_view name) {
    const std::optional<Given> given = take(name);
    if (given && !given->flag) wrong_ = given->name;
    return given.has_value();
  }

  std::array<std::uint32_t, 3> kernel(std::string_view name) {
    std::array<std::uint32_t, 3> out{};
    const std::string text = word(name);
    const std::vector<std::string_view> parts = split_at(text, 'x');
    if (parts.size() != out.size()) {
      wrong_ = name;
      return out;
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto value = number_of(parts[i], largest_count);
      if (!value) wrong_ = name;
      out[i] = value.value_or(0);
    }
    return out;
  }

  /// The name of a parameter that is unknown, doubled or has no fitting value.
  [[nodiscard]] std::optional<std::string_view> wrong() const {
    if (!wrong_.empty()) return wrong_;
    if (!given_.empty()) return given_.front().name;
    return std::nullopt;
  }

 private:
  struct Given {
    std::string_view name;
    std::string_view value;
    bool flag;
  };

  std::uint32_t number(std::string_view name, std::uint32_t otherwise, std::uint32_t most) {
    const std::optional<Given> given = take(name);
    if (!given) return otherwise;
    const auto value = number_of(given->value, most);
    if (!value) wrong_ = given->name;
    return value.value_or(otherwise);
  }

  std::optional<Given> take(std::string_view name) {
    for (auto it = given_.begin(); it != given_.end(); ++it) {
      if (it->name != name) continue;
      const Given found = *it;
      given_.erase(it);
      return found;
    }
    return std::nullopt;
  }

  std::vector<Given> given_;
  std::string_view wrong_;
};

std::optional<Operation> build(std::string_view name, Parameters& given) {
  if (name == "merge_modulelist") return MergeModulelist{given.dimension("dim", 0)};
  if (name == "split_modulelist") return SplitModulelist{given.dimension("dim", 0)};
  if (name == "concatenate") return Concatenate{given.dimension("dim", 0), given.word("parts")};
  if (name == "chunk") return Chunk{given.dimension("dim", 0), given.word("parts")};
  if (name == "split") return Split{given.dimension("dim", 0)};
  if (name == "transpose") {
    return Transpose{given.dimension("dim0", 0), given.dimension("dim1", 1),
                     given.flag("if_shape_differs")};
  }
  if (name == "interleave") return Interleave{given.dimension("dim", 0), given.flag("inverse")};
  if (name == "permute_for_rope") {
    return PermuteForRope{given.word("config"), given.words("only"), given.flag("inverse")};
  }
  if (name == "ernie_fuse_and_split") {
    return ErnieFuseAndSplit{given.dimension("stack", 0), given.dimension("concatenate", 1)};
  }
  if (name == "ernie_split_and_decouple") {
    return ErnieSplitAndDecouple{given.dimension("stack", 0), given.dimension("concatenate", 1)};
  }
  if (name == "conv3d_to_linear") {
    return Conv3dToLinear{given.count("in_channels"), given.kernel("kernel")};
  }
  if (name == "linear_to_conv3d") {
    return LinearToConv3d{given.count("in_channels"), given.kernel("kernel")};
  }
  return std::nullopt;
}

/// Writes an operation down; one overload an operation.
struct Writer {
  static std::string dim(std::uint32_t value) { return "dim=" + std::to_string(value); }
  static std::string parts(const std::string& field) {
    return field.empty() ? "" : ",parts=" + field;
  }
  static std::string stacks(std::uint32_t stack, std::uint32_t concatenate) {
    return "stack=" + std::to_string(stack) + ",concatenate=" + std::to_string(concatenate);
  }
  static std::string kernel(std::uint32_t channels, const std::array<std::uint32_t, 3>& kernel) {
    return "in_channels=" + std::to_string(channels) + ",kernel=" + std::to_string(kernel[0]) +
           "x" + std::to_string(kernel[1]) + "x" + std::to_string(kernel[2]);
  }

  std::string operator()(const MergeModulelist& op) const {
    return "merge_modulelist(" + dim(op.dim);
  }
  std::string operator()(const SplitModulelist& op) const {
    return "split_modulelist(" + dim(op.dim);
  }
  std::string operator()(const Concatenate& op) const {
    return "concatenate(" + dim(op.dim) + parts(op.parts);
  }
  std::string operator()(const Chunk& op) const { return "chunk(" + dim(op.dim) + parts(op.parts); }
  std::string operator()(const Split& op) const { return "split(" + dim(op.dim); }
  std::string operator()(const Transpose& op) const {
    return "transpose(dim0=" + std::to_string(op.dim0) + ",dim1=" + std::to_string(op.dim1) +
           (op.if_shape_differs ? ",if_shape_differs" : "");
  }
  std::string operator()(const Interleave& op) const {
    return "interleave(" + dim(op.dim) + (op.inverse ? ",inverse" : "");
  }
  std::string operator()(const PermuteForRope& op) const {
    std::string text;
    if (!op.config.empty()) text += ",config=" + op.config;
    for (std::size_t i = 0; i < op.only.size(); ++i) text += (i ? "+" : ",only=") + op.only[i];
    if (op.inverse) text += ",inverse";
    return "permute_for_rope(" + (text.empty() ? text : text.substr(1));
  }
  std::string operator()(const ErnieFuseAndSplit& op) const {
    return "ernie_fuse_and_split(" + stacks(op.stack, op.concatenate);
  }
  std::string operator()(const ErnieSplitAndDecouple& op) const {
    return "ernie_split_and_decouple(" + stacks(op.stack, op.concatenate);
  }
  std::string operator()(const Conv3dToLinear& op) const {
    return "conv3d_to_linear(" + kernel(op.in_channels, op.kernel);
  }
  std::string operator()(const LinearToConv3d& op) const {
    return "linear_to_conv3d(" + kernel(op.in_channels, op.kernel);
  }
};

struct Inverter {
  Operation operator()(const MergeModulelist& op) const { return SplitModulelist{op.dim}; }
  Operation operator()(const SplitModulelist& op) const { return MergeModulelist{op.dim}; }
  Operation operator()(const Concatenate& op) const { return Chunk{op.dim, op.parts}; }
  Operation operator()(const Chunk& op) const { return Concatenate{op.dim, op.parts}; }
  Operation operator()(const Split& op) const { return Concatenate{op.dim, {}}; }
  Operation operator()(const Transpose& op) const {
    return Transpose{op.dim1, op.dim0, op.if_shape_differs};
  }
  Operation operator()(const Interleave& op) const { return Interleave{op.dim, !op.inverse}; }
  Operation operator()(const PermuteForRope& op) const {
    return PermuteForRope{op.config, op.only, !op.inverse};
  }
  Operation operator()(const ErnieFuseAndSplit& op) const {
    return ErnieSplitAndDecouple{op.stack, op.concatenate};
  }
  Operation operator()(const ErnieSplitAndDecouple& op) const {
    return ErnieFuseAndSplit{op.stack, op.concatenate};
  }
  Operation operator()(const Conv3dToLinear& op) const {
    return LinearToConv3d{op.in_channels, op.kernel};
  }
  Operation operator()(const LinearToConv3d& op) const {
    return Conv3dToLinear{op.in_channels, op.kernel};
  }
};

}  // namespace

Expected<Operation> parse_operation(std::string_view text) {
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || !text.ends_with(')')) {
    return fail(ErrorCode::invalid_config,
                "an operation is written name(parameters), not " + std::string(text));
  }
  const std::string_view name = text.substr(0, open);
  Parameters given(text.substr(open + 1, text.size() - open - 2));
  std::optional<Operation> operation = build(name, given);
  if (!operation) {
    return fail(ErrorCode::invalid_config, "there is no operation " + std::string(name));
  }
  if (const auto wrong = given.wrong()) {
    return fail(ErrorCode::invalid_config,
                std::string(name) + " has no parameter " + std::string(*wrong) + " of this form");
  }
  return std::move(*operation);
}

std::string text_of(const Operation& operation) {
  return std::visit(Writer{}, operation) + ")";
}

Operation inverse_of(const Operation& operation) {
  return std::visit(Inverter{}, operation);
}

}  // namespace plimsoll::rules
