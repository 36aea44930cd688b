#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gpu/device.hpp"
#include "plan/plan.hpp"
#include "plimsoll/model.hpp"

namespace plimsoll {

/// The public name of a component's role, "data" for example.
[[nodiscard]] std::string_view role_name(plan::Role role) noexcept;

/// The public view of a plan's tensors over memory of some kind. Owns all that the views point to,
/// but for the bytes.
class TensorViews {
 public:
  explicit TensorViews(std::shared_ptr<const plan::Plan> plan);
  TensorViews(const TensorViews&) = delete;
  TensorViews& operator=(const TensorViews&) = delete;

  /// Says where a component's bytes are.
  void set_address(std::uint32_t component, const std::byte* address);

  [[nodiscard]] std::span<const Tensor> tensors() const noexcept { return tensors_; }
  [[nodiscard]] const Tensor* find(std::string_view name) const noexcept;

 private:
  std::shared_ptr<const plan::Plan> plan_;
  std::vector<std::string> names_;  // of components, as stored
  std::vector<std::string> formats_;
  std::vector<Component> components_;
  std::vector<Tensor> tensors_;
  std::vector<std::uint32_t> by_name_;
};

/// What a Model shares among its copies. Member order: views die before memory, memory before the
/// devices that it goes back to.
struct Model::State {
  std::vector<std::shared_ptr<gpu::Device>> devices;
  std::vector<gpu::Memory> memory;
  std::uint64_t bytes = 0;
  std::unique_ptr<const TensorViews> views;
};

/// Makes models; the only way to.
class ModelBuilder {
 public:
  /// Over final memory (one a device of the plan), which the model owns from now on.
  [[nodiscard]] static Model over_memory(std::shared_ptr<const plan::Plan> plan,
                                         std::vector<std::shared_ptr<gpu::Device>> devices,
                                         std::vector<gpu::Memory> memory);

  /// Over the caller's memory: one address a component.
  [[nodiscard]] static Model over_destinations(std::shared_ptr<const plan::Plan> plan,
                                               const std::vector<std::byte*>& destinations);
};

}  // namespace plimsoll
