#include "io/run_identity.hpp"

#include <sys/xattr.h>
#include <xxhash.h>

#include <array>
#include <cstdio>
#include <set>

namespace plimsoll::io {
namespace {

constexpr const char* seal_attribute = "user.plimsoll.run";
constexpr std::string_view manifest_head = "plimsoll manifest 1\n";
constexpr std::string_view clearing_line = "state=clearing\n";
constexpr std::string_view writing_line = "state=writing\n";

std::string digest(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  std::array<char, 33> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx%016llx",
                static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return hex.data();
}

std::string layout_digest(const ShardLayout& layout) {
  std::string digests = layout.index;
  for (const ShardFile& shard : layout.shards) {
    digests += '\n' + shard.name + ' ' + digest(shard.header);
  }
  return digest(digests);
}

std::set<std::string_view> lines_of(std::string_view text) {
  std::set<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.insert(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

RunIdentity::RunIdentity(std::string_view fingerprint, const ShardLayout& layout,
                         std::string_view config)
    : lines_(fingerprint) {
  if (!lines_.empty() && lines_.back() != '\n') lines_ += '\n';
  lines_ += "shards=" + layout_digest(layout) + "\nconfig.json=" + digest(config) + '\n';
}

std::string RunIdentity::seal() const {
  return digest(lines_);
}

std::string RunIdentity::difference(std::string_view other_lines) const {
  const auto mine = lines_of(lines_), theirs = lines_of(other_lines);
  std::set<std::string_view> names;
  for (const auto& [from, to] : {std::pair(&mine, &theirs), std::pair(&theirs, &mine)}) {
    for (const std::string_view line : *from) {
      const std::size_t equals = line.find('=');
      if (!to->contains(line)) {
        names.insert(equals == std::string_view::npos ? "settings" : line.substr(0, equals));
      }
    }
  }
  constexpr std::size_t named = 4;
  std::string out;
  std::size_t count = 0;
  for (const std::string_view name : names) {
    if (count++ == named) break;
    out.append(out.empty() ? "" : ", ").append(name);
  }
  if (names.size() > named) out += " and " + std::to_string(names.size() - named) + " more";
  return out.empty() && other_lines != lines_ ? "settings" : out;
}

std::string manifest_text(const RunManifest& manifest) {
  std::string text(manifest_head);
  text.append(manifest.clearing ? clearing_line : writing_line);
  return text += manifest.lines;
}

std::optional<RunManifest> parse_manifest(std::string_view text) {
  if (!text.starts_with(manifest_head)) return std::nullopt;
  text.remove_prefix(manifest_head.size());
  RunManifest manifest;
  manifest.clearing = text.starts_with(clearing_line);
  const std::string_view state = manifest.clearing ? clearing_line : writing_line;
  if (!text.starts_with(state)) return std::nullopt;
  manifest.lines = text.substr(state.size());
  return manifest;
}

void set_seal(int descriptor, const std::string& seal) noexcept {
  ::fsetxattr(descriptor, seal_attribute, seal.data(), seal.size(), 0);
}

std::string read_seal(int descriptor) {
  std::array<char, 64> value{};
  const ssize_t n = ::fgetxattr(descriptor, seal_attribute, value.data(), value.size());
  return n > 0 ? std::string(value.data(), static_cast<std::size_t>(n)) : std::string();
}

}  // namespace plimsoll::io
