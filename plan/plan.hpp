#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "codecs/format.hpp"
#include "codecs/fp8.hpp"
#include "codecs/ggml/stored.hpp"
#include "io/catalogue.hpp"
#include "io/shard_layout.hpp"
#include "plan/packing.hpp"
#include "views/copies.hpp"
#include "views/view.hpp"

namespace plimsoll::plan {

/// What a stored piece of an output tensor means to its readers.
enum class Role : std::uint8_t {
  data,         ///< the numbers, or the packed codes
  absmax,       ///< NF4: one f32 a block
  quant_map,    ///< NF4: the 16 values of the codes, f32
  quant_state,  ///< NF4: bitsandbytes' JSON description, as bytes
  scale,        ///< FP8: what the codes of a tile, or of the tensor, are multiplied by
};

inline constexpr std::uint64_t no_constant = ~std::uint64_t{0};
inline constexpr std::uint64_t no_importance = ~std::uint64_t{0};

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

/// How the parts of a tensor come together where its units cannot be on their own: scales that
/// cross units need all numbers before the first code.
enum class Merge : std::uint8_t {
  fold,      ///< every unit is on its own and goes straight to its place
  gather,    ///< one unit of all parts, in as many adjacent slots as it takes
  two_pass,  ///< everything is read twice: first for the scale, then for the codes
};

/// A tensor of the result.
struct OutputTensor {
  std::string name;
  Dtype source_dtype = Dtype::f32;
  Dtype dtype = Dtype::f32;  ///< of its numbers: the stored dtype, or what it dequantizes to
  io::Shape shape;           ///< of its numbers, outermost first
  codecs::Format format;
  Packing stored;  ///< of its source numbers; where sources differ, the widest
  Packing made;    ///< of what becomes of them, scales aside
  std::uint16_t device = 0;
  Merge merge = Merge::fold;
  bool scaled = false;             ///< its sources are FP8 with scales of their own
  bool packed = false;             ///< its sources are decoded as Plan::packed says
  std::uint32_t parts = 0;         ///< how many of the checkpoint's tensors it is made of
  std::uint64_t source_bytes = 0;  ///< that feed it, scales of the source aside
  std::uint32_t first_component = 0;
  std::uint32_t component_count = 0;
  std::uint32_t first_unit = 0;  ///< its units follow each other; those that measure come first
  std::uint32_t unit_count = 0;
  std::uint32_t measuring_units = 0;  ///< two passes: how many of its units are of the first
  std::uint32_t state = 0;            ///< two passes: its number among such tensors of its device
  /// Where the weights of its columns' errors begin in Plan::importance: one a column, or as many
  /// sets of them as it has matrices. no_importance: it has none.
  std::uint64_t importance = no_importance;
  std::uint64_t importance_count = 0;
  /// Whether its source bytes have to be decoded before they are numbers.
  [[nodiscard]] bool is_coded() const { return scaled || packed; }
  /// Bytes of all components with their alignment, as one output buffer holds them (consumer).
  std::uint64_t buffer_bytes = 0;
};

/// The steps a unit takes between its read and its placing.
struct Route {
  bool decode = false;     ///< stored numbers -> working dtype
  bool rearrange = false;  ///< the order of the sources -> the order of the result
  bool convert = false;    ///< cast, or moved to where it belongs
  bool quantize = false;   ///< codes and scales
  bool measure = false;    ///< only the largest magnitude, for a later quantize

  /// Whether its bytes arrive where they belong, unchanged, and need no slot.
  [[nodiscard]] bool is_kept() const {
    return !decode && !rearrange && !convert && !quantize && !measure;
  }
};

/// The scales of a checkpoint tensor in FP8.
struct SourceScales {
  codecs::Fp8Grid grid;  ///< of the tensor that is scaled
  Dtype dtype = Dtype::f32;
  std::uint32_t tensor = 0;  ///< where they are: a catalogue tensor ...
  std::uint32_t file = 0;
  std::uint64_t offset = 0;  ///< ... that begins here
};

/// How a tensor of a GGUF file becomes numbers.
struct PackedSource {
  codecs::ggml::Stored stored;
  Packing packing;
};

/// A range of one checkpoint tensor that a unit reads. Ranges of a unit land one after the other,
/// with nothing between them.
struct Read {
  std::uint32_t source = 0;  ///< catalogue tensor
  std::uint32_t file = 0;    ///< index into Catalogue::files
  std::uint64_t first = 0;   ///< in the tensor, counted as Unit::region counts
  std::uint64_t offset = 0;  ///< in the file, bytes
  std::uint64_t bytes = 0;
};

/// The smallest piece of work. Its index in Plan::units is its ticket.
struct Unit {
  std::uint32_t output = 0;
  std::uint32_t slots = 0;  ///< credits: adjacent slots that it fills; 0: kept
  Route route;
  /// The first read lands exactly as a direct read wants it: congruent to its file offset modulo
  /// io::direct_alignment, with room up to those boundaries around it.
  bool padded = false;
  /// Every unit granted before it on its device has to be home: it needs what they measured.
  bool waits = false;
  /// Of the flattened tensor, in elements (tensors of less than a byte an element: in bytes).
  views::Region region;
  std::uint64_t source_bytes = 0;  ///< of its reads together, scales aside
  std::uint64_t scale_bytes = 0;   ///< of the reads of scales, each aligned
  /// Where its first source byte lands: in the slot, or for a kept tensor of a checkpoint in the
  /// output buffer.
  std::uint32_t landing = 0;
  std::uint32_t first_read = 0;  ///< index into Plan::reads
  /// Ranges of numbers; for a tensor with scales as many ranges of those stand behind them.
  std::uint32_t read_count = 0;
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
  std::uint64_t state_bytes = 0;   ///< what measuring units leave to later ones
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
  std::vector<Read> reads;
  std::vector<views::View> views;  ///< one an output, in the same order
  /// One a catalogue tensor: the scales its numbers need, if any.
  std::vector<std::optional<SourceScales>> scales;
  /// One a catalogue tensor, if the checkpoint is a GGUF file; else none at all.
  std::vector<PackedSource> packed;
  std::vector<float> importance;  ///< see OutputTensor::importance
  std::vector<DeviceLine> devices;
  std::vector<std::byte> constants;
  std::uint64_t unit_bytes = 0;          ///< after what the budget asked for
  std::uint64_t smallest_load_line = 0;  ///< smallest budget (per device) that a plan exists for
  bool direct_allowed = true;            ///< the line has room for a direct source's buffers
  std::vector<io::StoredTensor> stored;  ///< checkpoint sink: one a component
  io::ShardLayout layout;                ///< checkpoint sink
};

/// How densely the numbers of a range lie, which the output's units read.
[[nodiscard]] inline Packing packing_of(const Plan& plan, const OutputTensor& output,
                                        const Read& read) {
  return output.packed ? plan.packed[read.source].packing : output.stored;
}

/// What a unit reads in all, scales included.
[[nodiscard]] inline std::uint64_t bytes_read_by(const Plan& plan, const Unit& unit) {
  std::uint64_t bytes = 0;
  const std::uint32_t kinds = plan.outputs[unit.output].scaled ? 2 : 1;
  for (std::uint32_t i = 0; i < kinds * unit.read_count; ++i) {
    bytes += plan.reads[unit.first_read + i].bytes;
  }
  return bytes;
}

}  // namespace plimsoll::plan
