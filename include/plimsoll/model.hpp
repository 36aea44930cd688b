#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/dtype.hpp"
#include "plimsoll/export.hpp"

/// DLPack 1.1's own type, from dlpack.h; only pointers to it pass through here.
struct DLManagedTensorVersioned;

namespace plimsoll {

/// A stored piece of a tensor: its numbers ("data"), or what a quantized tensor has beside its
/// codes ("absmax", "quant_map", "quant_state").
struct Component {
  std::string_view role;
  std::string_view name;  ///< as a checkpoint stores it, for example "w.weight.absmax"
  Dtype dtype = Dtype::u8;
  std::span<const std::uint64_t> shape;
  std::span<const std::byte> bytes;
};

/// A tensor of a loaded model. Views live as long as the model, or as the FinishedTensor, they
/// came from.
struct Tensor {
  std::string_view name;
  Dtype dtype = Dtype::f32;              ///< of its numbers: what it dequantizes to
  std::span<const std::uint64_t> shape;  ///< of its numbers, outermost first
  std::string_view format;  ///< "keep", "bf16", "nf4:blocksize=128" (defaults left out)
  std::string_view device;
  std::span<const Component> components;  ///< the data first

  /// The component of that role; null if it has none.
  [[nodiscard]] PLIMSOLL_API const Component* component(std::string_view role) const noexcept;
};

/// A model in memory. Copies share the memory, which goes back when the last copy and the last
/// DLPack view are gone. Thread-safe as any const object. Default-constructed: empty.
class PLIMSOLL_API Model {
 public:
  Model();

  /// All tensors, in the checkpoint's order.
  [[nodiscard]] std::span<const Tensor> tensors() const noexcept;

  /// The tensor of that name; null if there is none. Logarithmic.
  [[nodiscard]] const Tensor* find(std::string_view name) const noexcept;

  /// Bytes of memory it holds.
  [[nodiscard]] std::uint64_t bytes() const noexcept;

  /// A DLPack 1.1 view of one component (of this model), owned by the caller, who ends it through
  /// its `deleter`; it keeps the model's memory alive. Packed codes are exported as bytes (uint8).
  /// Throws Error (unsupported) for a dtype DLPack has no code for.
  [[nodiscard]] DLManagedTensorVersioned* to_dlpack(const Component& component) const;

 private:
  friend class ModelBuilder;
  struct PLIMSOLL_HIDDEN State;
  explicit Model(std::shared_ptr<const State> state) noexcept;
  std::shared_ptr<const State> state_;
};

/// A finished tensor in the hands of a consumer. Its memory is one of the load's few output
/// buffers: the load goes on when it is given back, by the destructor. Move-only.
class PLIMSOLL_API FinishedTensor {
 public:
  FinishedTensor(FinishedTensor&& other) noexcept;
  FinishedTensor& operator=(FinishedTensor&& other) noexcept;
  ~FinishedTensor();

  [[nodiscard]] const Tensor& tensor() const noexcept;
  const Tensor* operator->() const noexcept { return &tensor(); }

 private:
  friend class FinishedTensorBuilder;
  struct PLIMSOLL_HIDDEN State;
  explicit FinishedTensor(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll
