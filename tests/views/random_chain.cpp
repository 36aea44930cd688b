#include "random_chain.hpp"

#include <algorithm>
#include <utility>

#include "catch.hpp"
#include "views/operations.hpp"

namespace plimsoll::views::test {

namespace {

class Chain {
 public:
  explicit Chain(std::uint32_t seed) : random_(seed) {
    start();
    const std::uint64_t steps = below(6) + 1;
    for (std::uint64_t i = 0; i < steps; ++i) step();
  }

  RandomChain chain;

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  std::uint64_t size() {
    static constexpr std::uint64_t sizes[] = {1, 2, 3, 4, 4, 5, 6, 6, 7, 8};
    return below(40) == 0 ? 0 : sizes[below(std::size(sizes))];
  }

  std::pair<View, DenseTensor> source(const io::Shape& shape) {
    const auto index = static_cast<std::uint32_t>(chain.source_elements.size());
    std::uint64_t elements = 1;
    for (const std::uint64_t length : shape) elements *= length;
    chain.source_elements.push_back(elements);
    return {whole(index, shape).value(), dense_source(index, shape)};
  }

  void start() {
    io::Shape shape(below(4));
    for (std::uint64_t& length : shape) length = size();
    std::tie(chain.view, chain.dense) = source(shape);
  }

  void step() {
    ++chain.operations;
    const std::size_t rank = chain.view.shape().size();
    if (rank == 0 || rank > 5 || chain.view.elements() > 4000) return regroup_dimensions();
    switch (below(9)) {
      case 0:
        return join_another();
      case 1:
        return stack_another();
      case 2:
        return take_slice();
      case 3:
      case 4:
        return transpose_two();
      case 5:
        return regroup_dimensions();
      case 6:
        return interleave_one();
      case 7:
        return rotate_heads();
      default:
        return rearrange_parts();
    }
  }

  std::size_t dimension() { return below(chain.view.shape().size()); }

  void become(const Expected<View>& view, DenseTensor dense) {
    if (!view) FAIL(view.error().what());
    chain.view = *view;
    chain.dense = std::move(dense);
  }

  void join_another() {
    const std::size_t dim = dimension();
    io::Shape shape = chain.view.shape();
    shape[dim] = size();
    auto [view, dense] = source(shape);
    const View views[] = {chain.view, view};
    const DenseTensor tensors[] = {chain.dense, dense};
    become(concatenate(views, dim), dense_concatenate(tensors, dim));
  }

  void stack_another() {
    const std::size_t dim = below(chain.view.shape().size() + 1);
    auto [view, dense] = source(chain.view.shape());
    const View views[] = {view, chain.view};
    io::Shape shape = chain.view.shape();
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(dim), 1);
    const DenseTensor tensors[] = {dense_reshape(dense, shape), dense_reshape(chain.dense, shape)};
    become(stack(views, dim), dense_concatenate(tensors, dim));
  }

  void take_slice() {
    const std::size_t dim = dimension();
    const std::uint64_t length = chain.view.shape()[dim];
    const std::uint64_t begin = below(length + 1);
    const std::uint64_t end = begin + below(length - begin + 1);
    if (end - begin < length) chain.permutes = false;
    become(slice(chain.view, dim, begin, end), dense_slice(chain.dense, dim, begin, end));
  }

  void transpose_two() {
    const std::size_t a = dimension();
    const std::size_t b = dimension();
    become(transpose(chain.view, a, b), dense_transpose(chain.dense, a, b));
  }

  void regroup_dimensions() {
    // Prime factors in order, regrouped at random: splits and joins of dimensions, with ones.
    io::Shape shape;
    if (chain.view.elements() == 0) {
      shape = {below(3), 0};
    } else {
      std::uint64_t rest = chain.view.elements();
      for (std::uint64_t prime = 2; rest > 1;) {
        if (rest % prime != 0) {
          ++prime;
          continue;
        }
        rest /= prime;
        if (shape.empty() || below(2) == 0) {
          shape.push_back(prime);
        } else {
          shape[below(shape.size())] *= prime;
        }
      }
      std::shuffle(shape.begin(), shape.end(), random_);
      while (shape.size() > 4) {
        shape[0] *= shape.back();
        shape.pop_back();
      }
      if (below(4) == 0)
        shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(below(shape.size() + 1)), 1);
    }
    const auto view = reshape(chain.view, shape);
    if (!view) {
      REQUIRE(view.error().code() == ErrorCode::unsupported);
      ++chain.refused;
      return;
    }
    become(view, dense_reshape(chain.dense, shape));
  }

  void interleave_one() {
    const std::size_t dim = dimension();
    const std::uint64_t length = chain.view.shape()[dim];
    const bool forward = below(2) == 0;
    const auto view =
        interleave(chain.view, dim, forward ? Direction::forward : Direction::inverse);
    if (refused(view, length % 2 != 0)) return;
    const std::uint64_t half = length / 2;
    become(view, dense_gather(chain.dense, dim, [&](std::uint64_t i) {
             return forward ? (i < half ? 2 * i : 2 * (i - half) + 1)
                            : (i % 2 == 0 ? i / 2 : half + i / 2);
           }));
  }

  void rotate_heads() {
    const std::uint64_t length = chain.view.shape()[0];
    const std::uint64_t heads = below(3) + 1;
    const bool forward = below(2) == 0;
    const auto view =
        permute_for_rope(chain.view, heads, forward ? Direction::forward : Direction::inverse);
    if (refused(view, length % (2 * heads) != 0)) return;
    const std::uint64_t head = length / heads;
    const std::uint64_t half = head / 2;
    become(view, dense_gather(chain.dense, 0, [&](std::uint64_t row) {
             const std::uint64_t i = row % head;
             return row - i + (forward ? i / half + 2 * (i % half) : i / 2 + half * (i % 2));
           }));
  }

  /// Splits a dimension into parts and joins them again in another order.
  void rearrange_parts() {
    const std::size_t dim = dimension();
    std::vector<std::uint64_t> lengths;
    for (std::uint64_t rest = chain.view.shape()[dim]; rest != 0;) {
      lengths.push_back(below(rest) + 1);
      rest -= lengths.back();
    }
    lengths.push_back(0);
    auto parts = split(chain.view, dim, lengths);
    if (!parts) FAIL(parts.error().what());
    std::vector<DenseTensor> tensors;
    std::uint64_t begin = 0;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      tensors.push_back(dense_slice(chain.dense, dim, begin, begin + lengths[i]));
      CHECK(dense_of((*parts)[i]) == tensors.back());
      begin += lengths[i];
    }
    if (below(3) != 0) {
      std::reverse(parts->begin(), parts->end());
      std::reverse(tensors.begin(), tensors.end());
    }
    become(concatenate(*parts, dim), dense_concatenate(tensors, dim));
  }

  /// Whether an operation was rightly refused: for its sizes, or because it would cut a box.
  bool refused(const Expected<View>& view, bool misfit) {
    if (misfit) {
      REQUIRE_FALSE(view);
      REQUIRE(view.error().code() == ErrorCode::malformed);
      return true;
    }
    if (view) return false;
    INFO(view.error().what());
    REQUIRE(view.error().code() == ErrorCode::unsupported);
    ++chain.refused;
    return true;
  }

  std::mt19937 random_;
};

}  // namespace

RandomChain random_chain(std::uint32_t seed) {
  return std::move(Chain(seed).chain);
}

}  // namespace plimsoll::views::test
