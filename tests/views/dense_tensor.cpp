#include "dense_tensor.hpp"

#include <utility>

namespace plimsoll::views::test {

namespace {

std::uint64_t count(const io::Shape& shape) {
  std::uint64_t elements = 1;
  for (const std::uint64_t size : shape) elements *= size;
  return elements;
}

std::uint64_t place(const io::Shape& shape, const Index& index) {
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) at = at * shape[i] + index[i];
  return at;
}

DenseTensor build(io::Shape shape, const std::function<std::uint64_t(const Index&)>& value) {
  DenseTensor tensor{std::move(shape), {}};
  const std::uint64_t elements = count(tensor.shape);
  Index index(tensor.shape.size());
  for (std::uint64_t at = 0; at < elements; ++at) {
    std::uint64_t rest = at;
    for (std::size_t i = index.size(); i-- > 0;) {
      index[i] = rest % tensor.shape[i];
      rest /= tensor.shape[i];
    }
    tensor.values.push_back(value(index));
  }
  return tensor;
}

}  // namespace

DenseTensor dense_source(std::uint32_t source, const io::Shape& shape) {
  return build(shape, [&](const Index& index) {
    return (std::uint64_t{source} << 32) | place(shape, index);
  });
}

DenseTensor dense_reshape(DenseTensor tensor, const io::Shape& shape) {
  tensor.shape = shape;
  return tensor;
}

DenseTensor dense_transpose(const DenseTensor& tensor, std::size_t a, std::size_t b) {
  io::Shape shape = tensor.shape;
  std::swap(shape[a], shape[b]);
  return build(shape, [&](Index index) {
    std::swap(index[a], index[b]);
    return tensor.values[place(tensor.shape, index)];
  });
}

DenseTensor dense_concatenate(std::span<const DenseTensor> parts, std::size_t dim) {
  io::Shape shape = parts[0].shape;
  shape[dim] = 0;
  for (const DenseTensor& part : parts) shape[dim] += part.shape[dim];
  return build(shape, [&](Index index) {
    std::size_t part = 0;
    while (index[dim] >= parts[part].shape[dim]) index[dim] -= parts[part++].shape[dim];
    return parts[part].values[place(parts[part].shape, index)];
  });
}

DenseTensor dense_slice(const DenseTensor& tensor, std::size_t dim, std::uint64_t begin,
                        std::uint64_t end) {
  io::Shape shape = tensor.shape;
  shape[dim] = end - begin;
  return build(shape, [&](Index index) {
    index[dim] += begin;
    return tensor.values[place(tensor.shape, index)];
  });
}

DenseTensor dense_gather(const DenseTensor& tensor, std::size_t dim,
                         const std::function<std::uint64_t(std::uint64_t)>& from) {
  return build(tensor.shape, [&](Index index) {
    index[dim] = from(index[dim]);
    return tensor.values[place(tensor.shape, index)];
  });
}

DenseTensor dense_of(const View& view) {
  constexpr std::uint64_t nothing = ~std::uint64_t{0};
  DenseTensor tensor{view.shape(), std::vector<std::uint64_t>(count(view.shape()), nothing)};
  for (const StridedBox& box : view.boxes()) {
    for (std::uint64_t i = 0; i < elements_of(box); ++i) {
      std::uint64_t rest = i;
      std::uint64_t result = box.result_offset;
      std::uint64_t source = box.source_offset;
      for (std::size_t axis = box.axis_count; axis-- > 0;) {
        const std::uint64_t step = rest % box.axes[axis].extent;
        rest /= box.axes[axis].extent;
        result += step * box.axes[axis].result_stride;
        source += step * box.axes[axis].source_stride;
      }
      std::uint64_t& value = tensor.values.at(result);
      value = value == nothing ? (std::uint64_t{box.source} << 32) | source : nothing;
    }
  }
  return tensor;
}

bool operator==(const DenseTensor& a, const DenseTensor& b) {
  return a.shape == b.shape && a.values == b.values;
}

}  // namespace plimsoll::views::test
