#pragma once

#include <filesystem>

#include "catch.hpp"
#include "output_checkpoint.hpp"
#include "scratch_directory.hpp"

/// A source, and where the output goes.
struct OutputFixture {
  ScratchDirectory scratch;
  std::string source = scratch.path("in");
  std::string output = scratch.path("out");

  OutputFixture() { make_source(source); }
  [[nodiscard]] OutputCheckpoint checkpoint(bool single, unsigned seed = 1) const {
    return {source, output, single, seed};
  }
  /// What an undisturbed run leaves.
  [[nodiscard]] std::map<std::string, std::string> expected(bool single, unsigned seed = 1) const {
    const std::string undisturbed = scratch.path("undisturbed");
    std::filesystem::remove_all(undisturbed);
    REQUIRE(OutputCheckpoint(source, undisturbed, single, seed)
                .run(plimsoll::io::ExistingOutput::refuse));
    return files_in(undisturbed);
  }
};

/// The code of a result that has to be an error.
template <class Result>
plimsoll::ErrorCode code_of(const Result& result) {
  REQUIRE_FALSE(result);
  return result.error().code();
}
