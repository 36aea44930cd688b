#include "plimsoll/model.hpp"

#include <limits>
#include <utility>

#include "api/dlpack_abi.hpp"
#include "api/model_state.hpp"

namespace plimsoll {
namespace {

constexpr std::uint64_t most_dlpack_size = std::numeric_limits<std::int64_t>::max();

/// A DLPack view and what it keeps alive.
struct ExportedView {
  DLManagedTensorVersioned managed{};
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  std::shared_ptr<const void> owner;
};

/// DLPack 1.1's type codes.
std::uint8_t dlpack_code(const Component& component) {
  switch (component.dtype) {
    case Dtype::boolean:
      return 6;
    case Dtype::i8:
    case Dtype::i16:
    case Dtype::i32:
    case Dtype::i64:
      return 0;
    case Dtype::u8:
    case Dtype::u16:
    case Dtype::u32:
    case Dtype::u64:
      return 1;
    case Dtype::f16:
    case Dtype::f32:
    case Dtype::f64:
      return 2;
    case Dtype::bf16:
      return 4;
    case Dtype::c64:
      return 5;
    case Dtype::f8_e4m3:
      return 10;
    case Dtype::f8_e4m3fnuz:
      return 11;
    case Dtype::f8_e5m2:
      return 12;
    case Dtype::f8_e5m2fnuz:
      return 13;
    case Dtype::f8_e8m0:
      return 14;
    case Dtype::f6_e2m3:
      return 15;
    case Dtype::f6_e3m2:
      return 16;
    case Dtype::f4_e2m1:
      return 17;
  }
  throw Error(ErrorCode::unsupported, "DLPack has no code for this dtype", "",
              std::string(component.name));
}

}  // namespace

const Component* Tensor::component(std::string_view role) const noexcept {
  for (const Component& candidate : components) {
    if (candidate.role == role) return &candidate;
  }
  return nullptr;
}

Model::Model() = default;
Model::Model(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}

std::span<const Tensor> Model::tensors() const noexcept {
  return state_ ? state_->views->tensors() : std::span<const Tensor>();
}

const Tensor* Model::find(std::string_view name) const noexcept {
  return state_ ? state_->views->find(name) : nullptr;
}

std::uint64_t Model::bytes() const noexcept {
  return state_ ? state_->bytes : 0;
}

DLManagedTensorVersioned* Model::to_dlpack(const Component& component) const {
  auto view = std::make_unique<ExportedView>();
  view->owner = state_;
  view->strides.resize(component.shape.size());
  for (const std::uint64_t size : component.shape) {
    if (size > most_dlpack_size) {
      throw Error(ErrorCode::unsupported, "DLPack has no number for one of its sizes", "",
                  std::string(component.name));
    }
    view->shape.push_back(static_cast<std::int64_t>(size));
  }
  std::uint64_t stride = 1;  // of an empty tensor it may wrap, and means nothing
  for (std::size_t i = component.shape.size(); i-- > 0;) {
    view->strides[i] = static_cast<std::int64_t>(stride);
    stride *= component.shape[i];
  }
  view->managed.version = {1, 1};
  view->managed.manager_ctx = view.get();
  view->managed.deleter = [](DLManagedTensorVersioned* self) {
    delete static_cast<ExportedView*>(self->manager_ctx);
  };
  DLTensor& tensor = view->managed.dl_tensor;
  tensor.data = const_cast<std::byte*>(component.bytes.data());
  tensor.device = {kDLCPU, 0};
  tensor.ndim = static_cast<std::int32_t>(view->shape.size());
  tensor.dtype = {dlpack_code(component), static_cast<std::uint8_t>(bits_of(component.dtype)), 1};
  tensor.shape = view->shape.data();
  tensor.strides = view->strides.data();
  return &view.release()->managed;
}

Model ModelBuilder::over_memory(std::shared_ptr<const plan::Plan> plan,
                                std::vector<std::shared_ptr<gpu::Device>> devices,
                                std::vector<gpu::Memory> memory) {
  auto views = std::make_unique<TensorViews>(plan);
  for (const plan::OutputTensor& output : plan->outputs) {
    for (std::uint32_t i = 0; i < output.component_count; ++i) {
      const std::uint32_t index = output.first_component + i;
      views->set_address(index, memory[output.device].address() + plan->components[index].address);
    }
  }
  auto state = std::make_shared<Model::State>();
  for (const gpu::Memory& part : memory) state->bytes += part.bytes();
  state->devices = std::move(devices);
  state->memory = std::move(memory);
  state->views = std::move(views);
  return Model(std::move(state));
}

Model ModelBuilder::over_destinations(std::shared_ptr<const plan::Plan> plan,
                                      const std::vector<std::byte*>& destinations) {
  auto views = std::make_unique<TensorViews>(plan);
  auto state = std::make_shared<Model::State>();
  for (std::uint32_t i = 0; i < destinations.size(); ++i) {
    views->set_address(i, destinations[i]);
    state->bytes += plan->components[i].bytes;
  }
  state->views = std::move(views);
  return Model(std::move(state));
}

}  // namespace plimsoll
