#include "io/gguf_checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "io/name_index.hpp"
#include "io/regular_file.hpp"

namespace plimsoll::io {
namespace {

constexpr std::string_view gguf_suffix = ".gguf";

/// A part's file with its header.
struct Part {
  SourceFile file;
  GgufHeader header;
};

/// What a header says of its place in a split model; one part of one where it says nothing.
struct PartKeys {
  std::uint32_t number = 0;
  std::uint32_t count = 1;
  std::optional<std::int32_t> tensors;
};

Expected<Part> open_part(const std::string& path) {
  const auto file = RegularFile::open(path);
  if (!file) return fail(file.error());
  const auto read = [&](std::uint64_t offset, std::span<char> destination) {
    return file->read(offset, destination, path);
  };
  auto header = read_gguf_header(file->bytes(), read, path);
  if (!header) return fail(header.error());
  return Part{{path, file->bytes()}, *std::move(header)};
}

/// The value of a key that has one type only, where it is there.
template <class T>
Expected<std::optional<T>> exact_value(const Part& part, std::string_view key) {
  const GgufValue* value = part.header.metadata.find(key);
  if (value == nullptr) return std::optional<T>();
  const auto number = value->is_array() ? std::nullopt : value->exactly_at<T>(0);
  if (number) return number;
  return fail(ErrorCode::malformed,
              std::string(key) + " is no " + std::string(name_of(*gguf_type_of<T>())) + " but " +
                  value->type_text(),
              part.file.path);
}

Expected<PartKeys> keys_of(const Part& part) {
  const auto count = exact_value<std::uint16_t>(part, split_count_key);
  if (!count) return fail(count.error());
  // A merged model keeps the key with the value 0.
  if (!*count || **count <= 1) return PartKeys{};
  const auto number = exact_value<std::uint16_t>(part, split_no_key);
  if (!number) return fail(number.error());
  if (!*number) {
    return fail(ErrorCode::malformed, "it has split.count but no split.no", part.file.path);
  }
  if (**number >= **count) {
    return fail(ErrorCode::malformed,
                "split.no is " + std::to_string(**number) + ", and split.count only " +
                    std::to_string(**count),
                part.file.path);
  }
  const auto tensors = exact_value<std::int32_t>(part, split_tensors_key);
  if (!tensors) return fail(tensors.error());
  return PartKeys{**number, **count, *tensors};
}

/// Where the parts of the model that `part` belongs to are.
Expected<std::string> prefix_of(const Part& part, const PartKeys& keys) {
  const auto named = parse_gguf_part_path(part.file.path);
  if (named && named->number == keys.number && named->count == keys.count) return named->prefix;
  return fail(ErrorCode::malformed,
              "by its metadata it is a part of a split model, and its name would have to end in " +
                  gguf_part_path("", keys.number, keys.count),
              part.file.path);
}

/// Opens part `number` of those that `given` is one of, and checks that it says so too.
Expected<Part> open_sibling(const std::string& path, std::uint32_t number, const Part& given,
                            const PartKeys& given_keys) {
  auto part = open_part(path);
  if (!part && part.error().code() == ErrorCode::not_found) {
    return fail(ErrorCode::not_found,
                "part " + std::to_string(number + 1) + " of " + std::to_string(given_keys.count) +
                    " of the model does not exist",
                path);
  }
  if (!part) return fail(part.error());
  const auto keys = keys_of(*part);
  if (!keys) return fail(keys.error());
  if (keys->number != number || keys->count != given_keys.count) {
    return fail(ErrorCode::malformed,
                "its metadata say part " + std::to_string(keys->number + 1) + " of " +
                    std::to_string(keys->count) + ", its name says part " +
                    std::to_string(number + 1) + " of " + std::to_string(given_keys.count),
                path);
  }
  if (keys->tensors && given_keys.tensors && *keys->tensors != *given_keys.tensors) {
    return fail(ErrorCode::malformed,
                "split.tensors.count is " + std::to_string(*keys->tensors) + ", but " +
                    std::to_string(*given_keys.tensors) + " in " + given.file.path,
                path);
  }
  if (part->header.big_endian != given.header.big_endian) {
    return fail(ErrorCode::malformed, "its byte order is not that of " + given.file.path, path);
  }
  return part;
}

void add(Part part, GgufCheckpoint& checkpoint) {
  const auto number = static_cast<std::uint32_t>(checkpoint.files.size());
  if (number == 0) {
    checkpoint.big_endian = part.header.big_endian;
    checkpoint.version = part.header.version;
    checkpoint.alignment = part.header.alignment;
    checkpoint.metadata = std::move(part.header.metadata);
    checkpoint.tensors = std::move(part.header.tensors);
  } else {
    for (GgufTensor& tensor : part.header.tensors) {
      tensor.file = number;
      checkpoint.tensors.push_back(std::move(tensor));
    }
  }
  checkpoint.files.push_back(std::move(part.file));
}

/// What only all parts together show.
Expected<void> check_whole(const GgufCheckpoint& checkpoint, const PartKeys& keys) {
  const std::size_t count = checkpoint.tensors.size();
  if (keys.tensors && (*keys.tensors < 0 || static_cast<std::uint64_t>(*keys.tensors) != count)) {
    return fail(ErrorCode::malformed,
                "split.tensors.count is " + std::to_string(*keys.tensors) +
                    ", but the parts hold " + std::to_string(count) + " tensors",
                checkpoint.files.front().path);
  }
  std::vector<std::string_view> names;
  names.reserve(count);
  for (const GgufTensor& tensor : checkpoint.tensors) names.push_back(tensor.name);
  const NameIndex index(std::move(names));
  if (const auto twice = index.duplicate()) {
    const GgufTensor& tensor = checkpoint.tensors[*twice];
    return fail(ErrorCode::malformed, "the name occurs in an earlier part too",
                checkpoint.files[tensor.file].path, tensor.name);
  }
  return {};
}

Expected<GgufCheckpoint> open_parts(Part given, const PartKeys& keys) {
  const auto prefix = prefix_of(given, keys);
  if (!prefix) return fail(prefix.error());
  GgufCheckpoint checkpoint;
  for (std::uint32_t number = 0; number < keys.count; ++number) {
    // The given one is read again in its turn: its header is small, and the parts stay in order.
    auto part = open_sibling(gguf_part_path(*prefix, number, keys.count), number, given, keys);
    if (!part) return fail(part.error());
    add(*std::move(part), checkpoint);
  }
  if (auto whole = check_whole(checkpoint, keys); !whole) return fail(whole.error());
  return checkpoint;
}

}  // namespace

std::string gguf_part_path(std::string_view prefix, std::uint32_t number, std::uint32_t count) {
  char ending[40];
  std::snprintf(ending, sizeof ending, "-%05u-of-%05u.gguf", number + 1, count);
  return std::string(prefix) + ending;
}

std::optional<GgufPartPath> parse_gguf_part_path(std::string_view path) {
  constexpr std::string_view form = "-00000-of-00000.gguf";
  constexpr std::size_t digits = 5;
  constexpr std::size_t number_at = 1;
  constexpr std::size_t count_at = 10;
  if (path.size() < form.size()) return std::nullopt;
  const std::string_view ending = path.substr(path.size() - form.size());
  const auto parse = [&](std::size_t at, std::uint32_t& value) {
    const char* end = ending.data() + at + digits;
    return std::from_chars(ending.data() + at, end, value).ptr == end;
  };
  GgufPartPath parsed;
  if (!parse(number_at, parsed.number) || !parse(count_at, parsed.count)) return std::nullopt;
  if (parsed.number == 0 || parsed.number > parsed.count) return std::nullopt;
  --parsed.number;
  parsed.prefix = path.substr(0, path.size() - form.size());
  if (gguf_part_path(parsed.prefix, parsed.number, parsed.count) != path) return std::nullopt;
  return parsed;
}

Expected<GgufCheckpoint> open_gguf_checkpoint(const std::string& path) {
  auto part = open_part(path);
  if (!part) return fail(part.error());
  const auto keys = keys_of(*part);
  if (!keys) return fail(keys.error());
  if (keys->count > 1) return open_parts(*std::move(part), *keys);
  GgufCheckpoint checkpoint;
  add(*std::move(part), checkpoint);
  return checkpoint;
}

Expected<std::optional<std::string>> find_gguf_in(const std::string& directory) {
  std::vector<std::string> models;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.ends_with(".safetensors")) return std::optional<std::string>();
    if (name.ends_with(gguf_suffix)) models.push_back(entry->path().string());
  }
  if (error) {
    return fail(ErrorCode::read_failed, "cannot list the directory: " + error.message(), directory);
  }
  if (models.empty()) return std::optional<std::string>();
  std::ranges::sort(models);
  const auto first = parse_gguf_part_path(models.front());
  for (const std::string& other : models) {
    const auto part = parse_gguf_part_path(other);
    const bool same = first && part ? first->prefix == part->prefix && first->count == part->count
                                    : other == models.front();
    if (same) continue;
    return fail(ErrorCode::invalid_argument,
                "the directory has several GGUF models, such as " +
                    std::filesystem::path(models.front()).filename().string() + " and " +
                    std::filesystem::path(other).filename().string() + ": name the file",
                directory);
  }
  return std::optional(std::move(models.front()));
}

}  // namespace plimsoll::io
