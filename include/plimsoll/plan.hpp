#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "plimsoll/dtype.hpp"

namespace plimsoll {

/// What a load will hold and do on one device. All sizes in bytes.
struct PlannedDevice {
  std::string name;
  std::uint64_t load_line_bytes = 0;  ///< the most the load may ever hold here
  std::uint64_t final_bytes = 0;      ///< of the tensors it holds in the end
  std::uint64_t slot_bytes = 0;       ///< memory of one full-precision unit
  std::uint32_t slots = 0;            ///< credits: how many of them at most
  std::uint32_t units = 0;
};

/// A tensor of the result.
struct PlannedTensor {
  std::string name;
  Dtype dtype = Dtype::f32;          ///< of its numbers
  std::vector<std::uint64_t> shape;  ///< of its numbers, outermost first
  std::string format;                ///< "keep", "bf16", "nf4:blocksize=128" (defaults left out)
  std::string device;
  std::uint64_t bytes = 0;  ///< stored, all components together
  /// How its parts come together: "fold" (one after the other into their places), "gather" (all at
  /// once in adjacent slots), "two-pass" (read once for scales, once more for numbers). Empty: it
  /// is made of one tensor, and its scales of one unit.
  std::string merge;
  std::uint32_t parts = 1;       ///< tensors of the checkpoint it is made of
  std::uint32_t slots = 1;       ///< credits that it takes at a time; 0 where it is kept
  std::uint64_t bytes_read = 0;  ///< of the checkpoint; twice its parts' where it is read twice
};

/// A name that both model and checkpoint have, of different shapes.
struct Mismatch {
  std::string name;
  std::vector<std::uint64_t> found;   ///< as the checkpoint makes it
  std::vector<std::uint64_t> wanted;  ///< as the model has it

  friend bool operator==(const Mismatch&, const Mismatch&) = default;
};

/// What a load will do, known from headers alone. Plain data.
struct Plan {
  std::uint64_t load_line_bytes = 0;  ///< sum over devices
  std::uint64_t final_bytes = 0;      ///< sum over devices
  std::uint64_t slot_bytes = 0;       ///< largest of the devices
  std::uint32_t slots = 0;            ///< largest of the devices
  std::uint32_t units = 0;
  std::uint64_t unit_bytes = 0;                ///< size units are cut to, after the budget
  std::uint64_t smallest_load_line_bytes = 0;  ///< smallest budget a device that works
  std::uint64_t output_bytes = 0;              ///< checkpoint: bytes of its weight files
  std::uint64_t bytes_to_read = 0;             ///< sum over tensors
  std::vector<PlannedDevice> devices;
  std::vector<PlannedTensor> tensors;
  std::map<std::string, std::uint32_t> formats;  ///< units of each format
  std::map<std::string, std::uint32_t> merges;   ///< merges of each kind
  std::vector<std::string> missing;     ///< names the model wants and the checkpoint has not
  std::vector<std::string> unexpected;  ///< names the model does not want
  std::vector<std::string> mismatched;  ///< names whose shapes differ
  std::vector<Mismatch> mismatches;     ///< the same names with the shapes
  std::vector<std::string> unchecked;   ///< sentences: what only a list of expected tensors tells
};

}  // namespace plimsoll
