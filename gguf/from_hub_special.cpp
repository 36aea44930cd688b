#include "gguf/from_hub_special.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace plimsoll::gguf {
namespace {

using nlohmann::json;

/// The content of a token that tokenizer_config.json names: a text, or an object with one.
std::string content_of(const json& config, const std::string& name) {
  if (!config.is_object()) return {};
  const auto found = config.find(name);
  if (found == config.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  if (!found->is_object()) return {};
  const auto content = found->find("content");
  if (content == found->end() || !content->is_string()) return {};
  return content->get<std::string>();
}

class SpecialTokens {
 public:
  SpecialTokens(const TokenizerText& tokenizer, json tokenizer_config,
                std::optional<std::uint64_t> token_count)
      : tokenizer_(tokenizer), config_(std::move(tokenizer_config)), token_count_(token_count) {
    if (!config_.is_object()) return;
    replace_absent("bos_token", "cls_token");
    replace_absent("eos_token", "sep_token");
  }

  /// What is put first and last, by the templates of tokenizer.json.
  void read_templates() {
    bos_ = content_of(config_, "bos_token");
    eos_ = content_of(config_, "eos_token");
    if (tokenizer_.single.size() > 1) {
      read_first(tokenizer_.single.front());
      read_last(tokenizer_.single.back());
    }
    read_pair();
  }

  void read_tokenizer_config() {
    if (!config_.is_object()) return;
    for (const std::string& type : types_) {
      const auto add = config_.find("add_" + type + "_token");
      if (add != config_.end() && add->is_boolean()) set_added(type, add->get<bool>());
      const std::string content = content_of(config_, type + "_token");
      const auto token = std::ranges::find(tokenizer_.added, content, &AddedToken::content);
      if (!content.empty() && token != tokenizer_.added.end()) set_id(type, token->id);
    }
  }

  void read_config(const HubMembers& config) {
    for (const std::string& type : types_) {
      const auto id = config.number({(type + "_token_id").c_str()});
      if (id) set_id(type, *id);
    }
  }

  void write(io::GgufMetadata& metadata) const {
    for (const auto& [type, id] : ids_) {
      const std::string key = key_of(type);
      if (key.empty() || id > std::numeric_limits<std::uint32_t>::max()) continue;
      metadata.replace(key, io::GgufValue::of(static_cast<std::uint32_t>(id)));
    }
    for (const auto& [type, add] : added_) {
      if (type != "bos" && type != "eos" && type != "sep") continue;
      metadata.replace("tokenizer.ggml.add_" + type + "_token", io::GgufValue::of(add));
    }
  }

 private:
  static std::string key_of(const std::string& type) {
    constexpr std::pair<std::string_view, std::string_view> words[] = {
        {"bos", "bos"},     {"eos", "eos"},   {"unk", "unknown"}, {"sep", "seperator"},
        {"pad", "padding"}, {"mask", "mask"}, {"eot", "eot"},     {"eom", "eom"}};
    for (const auto& [own, word] : words) {
      if (own == type) return "tokenizer.ggml." + std::string(word) + "_token_id";
    }
    return {};
  }

  void replace_absent(const char* name, const char* other) {
    if (content_of(config_, name).empty() && config_.contains(other))
      config_[name] = config_[other];
  }

  void set_added(const std::string& type, bool add) {
    const auto known = std::ranges::find(added_, type, &std::pair<std::string, bool>::first);
    if (known == added_.end()) {
      added_.emplace_back(type, add);
    } else {
      known->second = add;
    }
  }

  void set_id(const std::string& type, std::uint64_t id) {
    if (token_count_ && id >= *token_count_) return;
    const auto known = std::ranges::find(ids_, type, &std::pair<std::string, std::uint64_t>::first);
    if (known == ids_.end()) ids_.emplace_back(type, id);
  }

  void read_first(const TemplatePiece& piece) {
    if (!piece.special || piece.id.empty()) return;
    first_ = piece.id;
    if (!config_.is_object()) bos_ = first_;
    set_added("bos", first_ == bos_ || first_ == content_of(config_, "cls_token"));
  }

  /// The token that ends texts; one that only ends turns keeps its id under another name.
  void read_last(const TemplatePiece& piece) {
    if (!piece.special || piece.id.empty()) return;
    last_ = piece.id;
    if (config_.is_object() && last_ != eos_) {
      for (const char* type : {"eot", "eom"}) {
        if (std::ranges::find(types_, type) != types_.end()) continue;
        types_.emplace_back(type);
        config_[std::string(type) + "_token"] = eos_;
        break;
      }
      config_["eos_token"] = last_;
    }
    eos_ = last_;
    set_added("eos", true);
  }

  /// Whether something stands between two texts.
  void read_pair() {
    std::vector<TemplatePiece> pieces = tokenizer_.pair;
    if (pieces.empty()) return;
    const bool ends = !last_.empty() && pieces.back().special && pieces.back().id == last_;
    const bool begins = !first_.empty() && pieces.front().special && pieces.front().id == first_;
    if (ends) pieces.pop_back();
    if (begins && !pieces.empty()) pieces.erase(pieces.begin());
    if (pieces.size() < 3 || pieces.front().id != "A" || pieces.back().id != "B") return;
    const std::string sep = content_of(config_, "sep_token");
    bool add = false;
    for (std::size_t i = 1; i + 1 < pieces.size() && i < 3; ++i) {
      const TemplatePiece& piece = pieces[i];
      const bool separates = piece.special && (piece.id == sep || piece.id == eos_);
      if (separates && (i > 1 || last_.empty())) add = true;
    }
    set_added("sep", add);
    if (add && sep.empty() && config_.is_object()) config_["sep_token"] = eos_;
  }

  const TokenizerText& tokenizer_;
  json config_;
  std::optional<std::uint64_t> token_count_;
  std::vector<std::string> types_ = {"bos", "eos", "unk", "sep", "pad", "cls", "mask"};
  std::string bos_;
  std::string eos_;
  std::string first_;
  std::string last_;
  std::vector<std::pair<std::string, std::uint64_t>> ids_;
  std::vector<std::pair<std::string, bool>> added_;
};

std::string string_in(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Templates with names; the one called default is the model's.
void write_templates(const json& templates, io::GgufMetadata& metadata) {
  std::vector<std::string> names;
  std::string standard;
  for (const json& each : templates) {
    std::string name = string_in(each, "name");
    const std::string text = string_in(each, "template");
    for (char& c : name) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!plain) c = '_';
    }
    if (name.empty()) continue;
    if (name == "default") {
      standard = text;
    } else {
      metadata.replace("tokenizer.chat_template." + name, io::GgufValue::of(text));
      names.push_back(std::move(name));
    }
  }
  if (!names.empty()) {
    metadata.replace("tokenizer.chat_templates",
                     io::GgufValue::array_of(std::span<const std::string>(names)));
  }
  if (!standard.empty()) {
    metadata.replace("tokenizer.chat_template", io::GgufValue::of(standard));
  }
}

}  // namespace

void add_special_tokens(const TokenizerText& tokenizer, const json& tokenizer_config,
                        std::string_view chat_template, const HubMembers& config,
                        std::optional<std::uint64_t> token_count, io::GgufMetadata& metadata) {
  SpecialTokens tokens(tokenizer, tokenizer_config, token_count);
  tokens.read_templates();
  tokens.read_tokenizer_config();
  tokens.read_config(config);
  tokens.write(metadata);
  if (!tokenizer_config.is_object()) return;
  const auto own = tokenizer_config.find("chat_template");
  if (own != tokenizer_config.end() && own->is_array()) {
    write_templates(*own, metadata);
  } else if (own != tokenizer_config.end() && own->is_string()) {
    metadata.replace("tokenizer.chat_template", io::GgufValue::of(own->get<std::string>()));
  } else if (own == tokenizer_config.end() && !chat_template.empty()) {
    metadata.replace("tokenizer.chat_template", io::GgufValue::of(chat_template));
  }
}

}  // namespace plimsoll::gguf
