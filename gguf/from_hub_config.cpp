#include "gguf/from_hub_config.hpp"

#include <utility>

namespace plimsoll::gguf {
namespace {

using nlohmann::json;

/// An object's member, if it is an object itself.
const json* object_in(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? &*found : nullptr;
}

}  // namespace

Expected<HubMembers> HubMembers::read(std::string_view config) {
  HubMembers made;
  made.members_ = json::parse(config, nullptr, false);
  if (!made.members_.is_object()) {
    return fail(ErrorCode::malformed, "it is not one JSON object", "config.json");
  }
  if (const json* text = object_in(made.members_, "text_config")) {
    const json inner = *text;
    for (const auto& [name, value] : inner.items()) {
      if (name != "architectures") made.members_[name] = value;
    }
  }
  return made;
}

const json* HubMembers::find(std::initializer_list<const char*> names) const {
  for (const char* name : names) {
    const auto found = members_.find(name);
    if (found != members_.end() && !found->is_null()) return &*found;
  }
  return nullptr;
}

std::optional<std::uint64_t> HubMembers::number(std::initializer_list<const char*> names) const {
  const json* found = find(names);
  if (!found || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::optional<double> HubMembers::real(std::initializer_list<const char*> names) const {
  const json* found = find(names);
  if (!found || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

void HubMembers::set_default(const char* name, json value) {
  if (!has(name)) members_[name] = std::move(value);
}

std::string HubMembers::class_name() const {
  const json* classes = find({"architectures"});
  if (!classes || !classes->is_array() || classes->empty() || !classes->front().is_string()) {
    return {};
  }
  return classes->front().get<std::string>();
}

json HubMembers::rope() const {
  const json* parameters = object_in(members_, "rope_parameters");
  if (!parameters) parameters = object_in(members_, "rope_scaling");
  json rope = parameters ? *parameters : json::object();
  if (const json* full = object_in(rope, "full_attention")) {
    json inner = *full;
    return inner;
  }
  if (!rope.contains("rope_theta")) {
    if (const auto theta = real({"rope_theta"})) rope["rope_theta"] = *theta;
  }
  if (!rope.contains("rope_type") && rope.contains("type")) rope["rope_type"] = rope["type"];
  return rope;
}

std::optional<double> HubMembers::sliding_rope_theta() const {
  const json* parameters = object_in(members_, "rope_parameters");
  const json* sliding = parameters ? object_in(*parameters, "sliding_attention") : nullptr;
  if (sliding) {
    const auto theta = sliding->find("rope_theta");
    if (theta != sliding->end() && theta->is_number()) return theta->get<double>();
  }
  return real({"rope_local_base_freq"});
}

}  // namespace plimsoll::gguf
