#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

/// A new directory for one test, removed with all it holds at the end.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  /// The path of `name` inside.
  [[nodiscard]] std::string path(std::string_view name = {}) const;

  /// Writes a file and returns its path.
  std::string write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

/// A safetensors file: header word, `json` and `data`.
[[nodiscard]] std::string safetensors_file(std::string_view json, std::string_view data);

/// `length` bytes that look random and depend on `seed` alone.
[[nodiscard]] std::string noise(std::size_t length, std::uint64_t seed);
