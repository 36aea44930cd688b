#include "io/name_index.hpp"

#include <algorithm>
#include <functional>

namespace plimsoll::io {
namespace {

std::size_t hash_of(std::string_view name) {
  return std::hash<std::string_view>{}(name);
}

}  // namespace

NameIndex::NameIndex(std::vector<std::string_view> names) : names_(std::move(names)) {
  order_.reserve(names_.size());
  for (const std::string_view name : names_) {
    order_.emplace_back(hash_of(name), static_cast<std::uint32_t>(order_.size()));
  }
  std::sort(order_.begin(), order_.end(), [this](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    const int compared = names_[a.second].compare(names_[b.second]);
    return compared != 0 ? compared < 0 : a.second < b.second;
  });
}

std::optional<std::uint32_t> NameIndex::find(std::string_view name) const noexcept {
  const std::size_t hash = hash_of(name);
  const auto found = std::partition_point(order_.begin(), order_.end(), [&](const auto& entry) {
    return entry.first != hash ? entry.first < hash : names_[entry.second] < name;
  });
  if (found == order_.end() || names_[found->second] != name) return std::nullopt;
  return found->second;
}

std::optional<std::uint32_t> NameIndex::duplicate() const noexcept {
  for (std::size_t i = 1; i < order_.size(); ++i) {
    if (order_[i - 1].first == order_[i].first &&
        names_[order_[i - 1].second] == names_[order_[i].second]) {
      return order_[i].second;
    }
  }
  return std::nullopt;
}

}  // namespace plimsoll::io
