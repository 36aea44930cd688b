#include "io/checkpoint.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "io/name_index.hpp"
#include "io/regular_file.hpp"
#include "io/safetensors.hpp"
#include "io/shard_index.hpp"

namespace plimsoll::io {
namespace {

constexpr const char* single_name = "model.safetensors";
constexpr const char* index_name = "model.safetensors.index.json";

/// Read at once from the start of every file: one system call is then enough for most shards.
constexpr std::uint64_t first_read_bytes = 32 << 10;

/// An index is read whole; this keeps a mistaken file from being.
constexpr std::uint64_t max_index_bytes = max_header_bytes;

std::string join(const std::string& directory, const std::string& name) {
  return directory.ends_with('/') ? directory + name : directory + '/' + name;
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

enum class Kind : std::uint8_t { absent, directory, other };

Kind kind_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return Kind::absent;
  return S_ISDIR(status.st_mode) ? Kind::directory : Kind::other;
}

/// Reads the headers of many files with one set of buffers.
class HeaderReader {
 public:
  /// Adds the file to `catalogue`; the header's metadata only if it is the first file.
  Expected<void> add(const std::string& path, Catalogue& catalogue);

 private:
  Expected<SafetensorsHeader> read(const RegularFile& file, const std::string& path);

  void make_room(std::uint64_t bytes) {
    if (buffer_.size() < bytes + json_padding) buffer_.resize(bytes + json_padding);
  }

  std::vector<char> buffer_;
  SafetensorsParser parser_;
};

Expected<SafetensorsHeader> HeaderReader::read(const RegularFile& file, const std::string& path) {
  const std::uint64_t first = std::min(file.bytes(), first_read_bytes);
  make_room(first);
  if (auto done = file.read(0, {buffer_.data(), first}, path); !done) return fail(done.error());
  const auto header_bytes = header_bytes_of({buffer_.data(), first}, file.bytes(), path);
  if (!header_bytes) return fail(header_bytes.error());
  const std::uint64_t all = header_word_bytes + *header_bytes;
  if (all > first) {
    make_room(all);
    if (auto done = file.read(first, {buffer_.data() + first, all - first}, path); !done) {
      return fail(done.error());
    }
  }
  return parser_.parse({buffer_.data() + header_word_bytes, *header_bytes}, file.bytes(), path);
}

Expected<void> HeaderReader::add(const std::string& path, Catalogue& catalogue) {
  const auto file = RegularFile::open(path);
  if (!file) return fail(file.error());
  auto header = read(*file, path);
  if (!header) return fail(header.error());
  const auto number = static_cast<std::uint32_t>(catalogue.files.size());
  if (number == 0) catalogue.metadata = std::move(header->metadata);
  catalogue.files.push_back({path, file->bytes()});
  for (TensorEntry& tensor : header->tensors) {
    tensor.file = number;
    catalogue.tensors.push_back(std::move(tensor));
  }
  return {};
}

Expected<Catalogue> open_single(const std::string& path, std::string directory) {
  Catalogue catalogue;
  catalogue.directory = std::move(directory);
  if (auto added = HeaderReader{}.add(path, catalogue); !added) return fail(added.error());
  return catalogue;
}

Expected<ShardIndex> read_index(const std::string& path) {
  const auto file = RegularFile::open(path);
  if (!file) return fail(file.error());
  if (file->bytes() > max_index_bytes) {
    return fail(ErrorCode::malformed,
                "the index is longer than " + std::to_string(max_index_bytes) + " bytes", path);
  }
  std::vector<char> text(file->bytes() + json_padding);
  if (auto done = file->read(0, {text.data(), file->bytes()}, path); !done) {
    return fail(done.error());
  }
  return parse_shard_index({text.data(), file->bytes()}, path);
}

/// Index and shards must name the same tensors in the same places. A tensor that the index leaves
/// out would be loaded by some readers and not by others.
Expected<void> compare(const ShardIndex& index, const Catalogue& catalogue,
                       const std::string& index_path) {
  std::vector<std::string_view> names;
  names.reserve(index.tensors.size());
  for (const ShardedName& tensor : index.tensors) names.push_back(tensor.name);
  const NameIndex lookup(std::move(names));
  std::vector<bool> seen(index.tensors.size());
  for (const TensorEntry& tensor : catalogue.tensors) {
    const std::string& shard = catalogue.files[tensor.file].path;
    const auto found = lookup.find(tensor.name);
    if (!found) {
      return fail(ErrorCode::malformed, "the shard holds a tensor that the index does not name",
                  shard, tensor.name);
    }
    const std::uint32_t expected = index.tensors[*found].shard;
    if (expected != tensor.file) {
      return fail(ErrorCode::malformed,
                  "the shard holds a tensor that the index places in " +
                      index.shards[expected].substr(0, 200),
                  shard, tensor.name);
    }
    seen[*found] = true;
  }
  const auto missing = std::find(seen.begin(), seen.end(), false);
  if (missing == seen.end()) return {};
  const ShardedName& tensor = index.tensors[static_cast<std::size_t>(missing - seen.begin())];
  return fail(ErrorCode::malformed,
              "the index places it in " + index.shards[tensor.shard].substr(0, 200) +
                  ", which does not hold it",
              index_path, tensor.name);
}

Expected<Catalogue> open_sharded(const std::string& index_path, const std::string& directory) {
  const auto index = read_index(index_path);
  if (!index) return fail(index.error());
  Catalogue catalogue;
  catalogue.directory = directory;
  catalogue.tensors.reserve(index->tensors.size());
  HeaderReader reader;
  for (const std::string& shard : index->shards) {
    auto added = reader.add(join(directory, shard), catalogue);
    if (!added && added.error().code() == ErrorCode::not_found) {
      return fail(ErrorCode::not_found, "the index names this shard, but it does not exist",
                  added.error().file());
    }
    if (!added) return fail(added.error());
  }
  if (auto same = compare(*index, catalogue, index_path); !same) return fail(same.error());
  return catalogue;
}

}  // namespace

Expected<Catalogue> open_checkpoint(const std::string& path) {
  if (path.empty()) return fail(ErrorCode::not_found, "the path is empty");
  if (kind_of(path) != Kind::directory) return open_single(path, directory_of(path));
  const std::string single = join(path, single_name);
  const std::string index = join(path, index_name);
  const Kind single_kind = kind_of(single);
  const Kind index_kind = kind_of(index);
  if (single_kind == Kind::other) return open_single(single, path);
  if (index_kind != Kind::absent) return open_sharded(index, path);
  if (single_kind != Kind::absent) return open_single(single, path);
  return fail(ErrorCode::not_found,
              std::string("the directory has neither ") + index_name + " nor " + single_name, path);
}

}  // namespace plimsoll::io
