#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "codecs/format.hpp"
#include "io/catalogue.hpp"
#include "io/shard_layout.hpp"

namespace plimsoll::plan {

/// What a stored piece of an output tensor means to its readers.
enum class Role : std::uint8_t {
  data,         ///< the numbers, or the packed codes
  absmax,       ///< NF4: one f32 a block
  quant_map,    ///< NF4: the 16 values of the codes, f32
  quant_state,  ///< NF4: bitsandbytes' JSON description, as bytes
};

inline constexpr std::uint64_t no_constant = ~std::uint64_t{0};

/// A stored piece of an output tensor.
struct Component {
  Role role = Role::data;
  Dtype dtype = Dtype::u8;
  io::Shape shape;
  std::uint64_t bytes = 0;
  /// Where it begins: in the device's final memory (memory sink), in the tensor's output buffer
  /// (consumer), or in its shard's file (checkpoint).
  std::uint64_t address = 0;
  std::uint32_t shard = 0;  ///< checkpoint sink only
  /// Its bytes are known now: they begin here in Plan::constants. Otherwise units make them.
  std::uint64_t constant = no_constant;
};

/// A tensor of the result.
struct OutputTensor {
  std::string name;
  Dtype source_dtype = Dtype::f32;
  Dtype dtype = Dtype::f32;  ///< of its numbers: the stored dtype, or what it dequantizes to
  io::Shape shape;           ///< of its numbers, outermost first
  codecs::Format format;
  std::uint16_t device = 0;
  std::uint32_t source = 0;  ///< index into Catalogue::tensors
  std::uint32_t file = 0;    ///< index into Catalogue::files
  std::uint32_t first_component = 0;
  std::uint32_t component_count = 0;
  std::uint32_t first_unit = 0;
  std::uint32_t unit_count = 0;
  /// Bytes of all components with their alignment, as one output buffer holds them (consumer).
  std::uint64_t buffer_bytes = 0;
};

/// The stages a unit passes between its read and its placing.
struct Route {
  bool decode = false;    ///< stored numbers -> working dtype
  bool convert = false;   ///< cast
  bool quantize = false;  ///< codes and scales
};

/// The smallest piece of work. Its index in Plan::units is its ticket.
struct Unit {
  std::uint32_t output = 0;
  Route route;
  std::uint64_t first_element = 0;  ///< of the flattened tensor; kept tensors count bytes instead
  std::uint64_t elements = 0;       ///< (0 for an empty tensor)
  std::uint64_t source_offset = 0;  ///< of its first byte in the file
  std::uint64_t source_bytes = 0;
  /// Where its first source byte lands: in the slot, or for a kept tensor of a checkpoint in the
  /// output buffer. Congruent to source_offset modulo io::direct_alignment wherever that keeps the
  /// elements aligned (`padded` says so).
  std::uint32_t landing = 0;
  bool padded = false;
};

/// What one device is asked for.
struct DeviceLine {
  std::string name;
  std::uint64_t final_bytes = 0;   ///< of the outputs it holds in the end; 0 if they go elsewhere
  std::uint64_t slot_bytes = 0;    ///< 0 when nothing on it needs a slot
  std::uint32_t slots = 0;         ///< credits: the most full-precision units alive
  std::uint64_t output_bytes = 0;  ///< size of one output buffer; 0 for a memory sink
  std::uint32_t outputs = 0;       ///< how many of them
  std::uint64_t buffer_bytes = 0;  ///< of the byte source
  std::uint64_t load_line = 0;     ///< the most a load may ever hold here
  std::uint32_t units = 0;
};

enum class Sink : std::uint8_t {
  memory,      ///< final memory is ours, one arena a device
  caller,      ///< final memory is the caller's, and not in the load line
  consumer,    ///< finished tensors are handed out, one output buffer each
  checkpoint,  ///< units are written to files through output buffers
};

/// Everything a load will do, known before a byte of weights is read. Pure data.
struct Plan {
  Sink sink = Sink::memory;
  std::vector<OutputTensor> outputs;  ///< in ticket order
  std::vector<Component> components;
  std::vector<Unit> units;
  std::vector<DeviceLine> devices;
  std::vector<std::byte> constants;
  std::uint64_t unit_bytes = 0;          ///< after what the budget asked for
  std::uint64_t smallest_load_line = 0;  ///< smallest budget (per device) that a plan exists for
  bool direct_allowed = true;            ///< the line has room for a direct source's buffers
  std::vector<io::StoredTensor> stored;  ///< checkpoint sink: one a component
  io::ShardLayout layout;                ///< checkpoint sink
};

}  // namespace plimsoll::plan
