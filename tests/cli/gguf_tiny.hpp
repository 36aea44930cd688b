#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

/// A folder with tiny GGUF models of the llama architecture in it, removed at the end. They have
/// two blocks, rows of 256 elements, weights in f16 and norms in f32: 21 tensors.
class TinyGguf {
 public:
  TinyGguf();
  ~TinyGguf();
  TinyGguf(const TinyGguf&) = delete;
  TinyGguf& operator=(const TinyGguf&) = delete;

  /// A path in the folder.
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }
  /// The model in one file.
  [[nodiscard]] std::string source() const { return path("tiny.gguf"); }
  /// Writes the model into parts with so many tensors each, and returns the first one's path.
  [[nodiscard]] std::string write_split(const std::string& prefix,
                                        const std::vector<std::uint32_t>& counts) const;
  /// Writes another file and returns its path.
  [[nodiscard]] std::string write(const std::string& name, const std::string& bytes) const;

 private:
  std::filesystem::path folder_;
};

/// The bytes of a file.
[[nodiscard]] std::string file_bytes(const std::string& path);
