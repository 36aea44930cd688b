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
  std::string merge;        ///< how its parts come together; empty: it has one
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
  std::vector<PlannedDevice> devices;
  std::vector<PlannedTensor> tensors;
  std::map<std::string, std::uint32_t> formats;  ///< units of each format
  std::map<std::string, std::uint32_t> merges;   ///< merges of each kind
};

}  // namespace plimsoll
