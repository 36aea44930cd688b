#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "codecs/format.hpp"
#include "config/recipe_text.hpp"
#include "config/slice_rule.hpp"

namespace plimsoll::config {

/// Whose names and shapes the result has.
enum class Layout : std::uint8_t { hub, transformers, gguf };

/// How the parts of a merged tensor come together. `automatic` is spelled "auto", the last one
/// "two-pass".
enum class Merge : std::uint8_t { automatic, fold, gather, two_pass };

/// How files are read. `automatic` is spelled "auto".
enum class ReadMethod : std::uint8_t { automatic, pread, direct };

/// What is worth a line on stderr, from least to most.
enum class LogLevel : std::uint8_t { error, warning, info, debug, trace };

/// What becomes of the tensors.
struct RecipeSettings {
  std::optional<codecs::Format> to;              ///< nothing: not said yet
  std::vector<MatchRule> match;                  ///< first match wins, before `to` and skips
  std::optional<std::vector<std::string>> skip;  ///< patterns; nothing: the default skip list
  Layout layout = Layout::hub;
  std::string expect;   ///< file with the tensors the model wants; empty: none
  bool strict = false;  ///< missing, unexpected and mismatched names are a failure
  std::string rules;    ///< directory with rules that add to the shipped ones; empty: none
  std::optional<ParallelRank> parallel;  ///< nothing: all of every tensor
  std::vector<SliceRule> slice;          ///< first match wins, before the shipped patterns
  std::string imatrix;                   ///< file with an importance matrix; empty: none
  bool pure = false;                     ///< an ftype's own type for all tensors, no mixture

  friend bool operator==(const RecipeSettings&, const RecipeSettings&) = default;
};

/// How much memory a load may hold.
struct PlanSettings {
  std::uint32_t slots = 4;                            ///< credits per device
  std::uint64_t unit_bytes = std::uint64_t{1} << 20;  ///< largest unit, full-precision bytes
  std::optional<std::uint64_t> budget;                ///< bytes per device; nothing: no limit
  Merge merge = Merge::automatic;

  friend bool operator==(const PlanSettings&, const PlanSettings&) = default;
};

/// What works on it.
struct EngineSettings {
  std::vector<std::string> devices = {"host"};  ///< "host", "host:N" or "cuda:N", no two the same
  std::uint32_t threads = 0;                    ///< 0: one for each core

  friend bool operator==(const EngineSettings&, const EngineSettings&) = default;
};

/// How the source is read.
struct IoSettings {
  ReadMethod source = ReadMethod::automatic;
  std::uint32_t threads = 0;  ///< 0: as many as the source finds useful

  friend bool operator==(const IoSettings&, const IoSettings&) = default;
};

/// What is written, and over what.
struct OutputSettings {
  std::string path;                          ///< directory or .gguf file; empty: not said
  std::uint64_t shard_size = 5'000'000'000;  ///< bytes
  bool force = false;
  bool resume = false;
  bool keep_split = false;  ///< a split GGUF model stays in as many files
  bool json = false;        ///< one JSON object on stdout in place of text

  friend bool operator==(const OutputSettings&, const OutputSettings&) = default;
};

struct TraceSettings {
  std::string file;  ///< empty: no trace

  friend bool operator==(const TraceSettings&, const TraceSettings&) = default;
};

struct LogSettings {
  LogLevel level = LogLevel::warning;
  bool progress = true;

  friend bool operator==(const LogSettings&, const LogSettings&) = default;
};

/// Every setting there is; the initial values are the embedded defaults. Names, ranges and
/// documentation stand in schema.cpp, and only there.
struct Settings {
  RecipeSettings recipe;
  PlanSettings plan;
  EngineSettings engine;
  IoSettings io;
  OutputSettings output;
  TraceSettings trace;
  LogSettings log;

  friend bool operator==(const Settings&, const Settings&) = default;
};

}  // namespace plimsoll::config
