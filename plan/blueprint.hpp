#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/catalogue.hpp"
#include "plimsoll/dtype.hpp"
#include "views/view.hpp"

namespace plimsoll::plan {

/// A tensor of the result before its format is chosen: what it is called, and how it is made of the
/// checkpoint's tensors. Its shape is the view's.
struct Blueprint {
  std::string name;
  Dtype dtype = Dtype::f32;  ///< of all its sources
  /// Sources are indices into Catalogue::tensors. Of dtypes with less than a byte an element, whole
  /// source tensors only.
  views::View view;
  /// What the model makes of it (layout transformers): where it is kept, it is cast to this.
  /// Nothing: the checkpoint's own dtype stays.
  std::optional<Dtype> model_dtype;
  /// It holds the scales of the weight at this index, and is of no use where that is dequantized.
  std::optional<std::uint32_t> scales_of;
  /// The numbers of a tensor that no source has, in f32; the view is of nothing then.
  std::vector<float> values{};
};

/// The scales of a checkpoint tensor in FP8: one number a tile of its last two dimensions, itself a
/// tensor of the checkpoint with the same leading dimensions.
struct TileScales {
  std::uint32_t tensor = 0;        ///< index into Catalogue::tensors
  std::uint64_t tile_rows = 0;     ///< 128, or all rows of a matrix
  std::uint64_t tile_columns = 0;  ///< 128, or all columns
};

/// Everything that the result is made of.
struct Blueprints {
  std::vector<Blueprint> tensors;
  /// One a catalogue tensor: how its numbers become real ones. Nothing for plain tensors.
  std::vector<std::optional<TileScales>> scales;
};

/// The scales that a tensor's numbers need: those of its first source (all sources have their own,
/// or none has). Null for plain tensors.
[[nodiscard]] const TileScales* scales_of(const Blueprints& blueprints, const Blueprint& tensor);

/// The file of its first source, for errors; empty if it has none.
[[nodiscard]] std::string file_of(const io::Catalogue& catalogue, const Blueprint& tensor);

/// The catalogue's tensors as they are stored: layout hub.
[[nodiscard]] Blueprints as_stored(const io::Catalogue& catalogue);

}  // namespace plimsoll::plan
