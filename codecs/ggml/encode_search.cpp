#include "codecs/ggml/encode_search.hpp"

#include <algorithm>
#include <cmath>

#include "codecs/ggml/encode_rounding.hpp"

namespace plimsoll::codecs::ggml {
namespace {

constexpr int descent_rounds = 5;

/// The element of the largest magnitude, the first of several.
float peak_of(std::span<const float> elements) {
  float magnitude = 0;
  float peak = 0;
  for (const float x : elements) {
    if (std::abs(x) > magnitude) {
      magnitude = std::abs(x);
      peak = x;
    }
  }
  return peak;
}

/// How an affine candidate codes: elements above `origin`, times `inverse`.
struct AffineCoding {
  float inverse = 0;
  float origin = 0;
  int largest = 0;

  [[nodiscard]] int code(float x) const {
    return std::clamp(nearest_int(inverse * (x - origin)), 0, largest);
  }
};

float affine_error(const AffineCoding& coding, float scale, float minimum, bool absolute,
                   std::span<const float> elements, const float* weights) {
  float error = 0;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const float x = elements[i];
    const float difference = scale * static_cast<float>(coding.code(x)) + minimum - x;
    error += weights[i] * (absolute ? std::abs(difference) : difference * difference);
  }
  return error;
}

/// What the elements of a sub-block are, before any coding.
struct Extent {
  float minimum = 0;
  float maximum = 0;
  float sum_w = 0;
  float sum_wx = 0;

  Extent(std::span<const float> elements, const float* weights)
      : minimum(elements[0]),
        maximum(elements[0]),
        sum_w(weights[0]),
        sum_wx(weights[0] * elements[0]) {
    for (std::size_t i = 1; i < elements.size(); ++i) {
      const float x = elements[i];
      if (x < minimum) minimum = x;
      if (x > maximum) maximum = x;
      sum_w += weights[i];
      sum_wx += weights[i] * x;
    }
    if (minimum > 0) minimum = 0;
  }
};

/// Least squares for given codes: scale and minimum, neither if the codes do not determine them.
bool fit_affine(const AffineCoding& coding, const Extent& extent, std::span<const float> elements,
                const float* weights, float& scale, float& minimum) {
  float sum_l = 0;
  float sum_ll = 0;
  float sum_lx = 0;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto code = static_cast<float>(coding.code(elements[i]));
    const float weighted = weights[i] * code;
    sum_l += weighted;
    sum_ll += weighted * code;
    sum_lx += weighted * elements[i];
  }
  const float determinant = extent.sum_w * sum_ll - sum_l * sum_l;
  if (!(determinant > 0)) return false;
  scale = (extent.sum_w * sum_lx - extent.sum_wx * sum_l) / determinant;
  minimum = (sum_ll * extent.sum_wx - sum_l * sum_lx) / determinant;
  if (minimum > 0) {
    minimum = 0;
    scale = sum_lx / sum_ll;
  }
  return true;
}

struct Projection {
  float xl = 0;
  float ll = 0;
};

int symmetric_code(int half, float inverse, float x) {
  return std::clamp(nearest_int(inverse * x), -half, half - 1);
}

Projection project(int half, float inverse, std::span<const float> elements, const float* weights) {
  Projection sums;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto code = static_cast<float>(symmetric_code(half, inverse, elements[i]));
    sums.xl += weights[i] * elements[i] * code;
    sums.ll += weights[i] * code * code;
  }
  return sums;
}

/// Sums of weighted products with one element taken out of them, or put in.
Projection without(Projection sums, float weight, float x, float code) {
  return {sums.xl - weight * x * code, sums.ll - weight * code * code};
}
Projection with(Projection sums, float weight, float x, float code) {
  return {sums.xl + weight * x * code, sums.ll + weight * code * code};
}

/// Whether one set of codes leaves less error than another.
bool better(const Projection& one, const Projection& other) {
  return one.xl * one.xl * other.ll > other.xl * other.xl * one.ll;
}

float scale_of(const Projection& sums) {
  return sums.ll > 0 ? sums.xl / sums.ll : 0.0f;
}

int positive_code(int largest, float inverse, float x) {
  return std::min(largest, nearest_int(inverse * x));
}

/// The best inverse scale of nine around largest / peak.
float best_positive_inverse(int largest, float peak, std::span<const float> elements,
                            const float* weights) {
  float best = static_cast<float>(largest) / peak;
  float best_error = 0;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    // No limit to the code here, but that of a byte.
    const auto code =
        static_cast<float>(static_cast<std::uint8_t>(nearest_int(best * elements[i])));
    const float difference = elements[i] - 1 / best * code;
    best_error += weights[i] * difference * difference;
  }
  for (int k = -4; k <= 4; ++k) {
    if (k == 0) continue;
    const float inverse = (0.1f * static_cast<float>(k) + static_cast<float>(largest)) / peak;
    const float scale = 1 / inverse;
    float error = 0;
    for (std::size_t i = 0; i < elements.size(); ++i) {
      const auto code = static_cast<float>(positive_code(largest, inverse, elements[i]));
      const float difference = elements[i] - scale * code;
      error += weights[i] * difference * difference;
    }
    if (error < best_error) {
      best_error = error;
      best = inverse;
    }
  }
  return best;
}

}  // namespace

Affine search_affine(const AffineSearch& search, std::span<const float> elements,
                     const float* weights, std::uint8_t* codes) noexcept {
  const Extent extent(elements, weights);
  float minimum = extent.minimum;
  if (extent.maximum <= minimum) {
    std::fill_n(codes, elements.size(), std::uint8_t{0});
    return {0.0f, -minimum};
  }
  const auto largest = static_cast<float>(search.largest);
  AffineCoding best{largest / (extent.maximum - minimum), minimum, search.largest};
  float scale = 1 / best.inverse;
  float best_error = affine_error(best, scale, minimum, search.absolute, elements, weights);
  for (int k = 0; k <= search.last; ++k) {
    const float codes_wide = search.first + search.step * static_cast<float>(k) + largest;
    const AffineCoding coding{codes_wide / (extent.maximum - minimum), minimum, search.largest};
    float its_scale = 0;
    float its_minimum = 0;
    if (!fit_affine(coding, extent, elements, weights, its_scale, its_minimum)) continue;
    const float error =
        affine_error(coding, its_scale, its_minimum, search.absolute, elements, weights);
    if (error < best_error) {
      best_error = error;
      best = coding;
      scale = its_scale;
      minimum = its_minimum;
    }
  }
  for (std::size_t i = 0; i < elements.size(); ++i) {
    codes[i] = static_cast<std::uint8_t>(best.code(elements[i]));
  }
  return {scale, -minimum};
}

float search_symmetric(int half, std::span<const float> elements, const float* weights,
                       std::uint8_t* codes) noexcept {
  const float peak = peak_of(elements);
  if (std::abs(peak) < least_peak) {
    std::fill_n(codes, elements.size(), std::uint8_t{0});
    return 0.0f;
  }
  float best_inverse = static_cast<float>(-half) / peak;
  Projection sums = project(half, best_inverse, elements, weights);
  float scale = sums.ll != 0 ? sums.xl / sums.ll : 0.0f;
  float best = scale * sums.xl;
  for (int k = -9; k <= 9; ++k) {
    if (k == 0) continue;
    const float inverse = -(static_cast<float>(half) + 0.1f * static_cast<float>(k)) / peak;
    sums = project(half, inverse, elements, weights);
    if (sums.ll > 0 && sums.xl * sums.xl > best * sums.ll) {
      scale = sums.xl / sums.ll;
      best = scale * sums.xl;
      best_inverse = inverse;
    }
  }
  for (std::size_t i = 0; i < elements.size(); ++i) {
    codes[i] = static_cast<std::uint8_t>(symmetric_code(half, best_inverse, elements[i]) + half);
  }
  return scale;
}

float descend_symmetric(int half, std::span<const float> elements, std::uint8_t* codes) noexcept {
  const float peak = peak_of(elements);
  std::fill_n(codes, elements.size(), std::uint8_t{0});
  if (std::abs(peak) < least_peak) return 0.0f;
  const float inverse = static_cast<float>(-half) / peak;
  Projection sums;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const float x = elements[i];
    const int code = symmetric_code(half, inverse, x);
    sums = with(sums, x * x, x, static_cast<float>(code));
    codes[i] = static_cast<std::uint8_t>(code + half);
  }
  for (int round = 0; round < descent_rounds; ++round) {
    bool changed = false;
    for (std::size_t i = 0; i < elements.size(); ++i) {
      const float x = elements[i];
      const int code = codes[i] - half;
      const Projection others = without(sums, x * x, x, static_cast<float>(code));
      if (!(others.xl > 0)) continue;
      const int new_code = std::clamp(nearest_int(x * others.ll / others.xl), -half, half - 1);
      if (new_code == code) continue;
      const Projection changed_sums = with(others, x * x, x, static_cast<float>(new_code));
      if (changed_sums.ll > 0 && better(changed_sums, sums)) {
        codes[i] = static_cast<std::uint8_t>(new_code + half);
        sums = changed_sums;
        changed = true;
      }
    }
    if (!changed) break;
  }
  return scale_of(sums);
}

float search_positive(int largest, std::span<const float> elements, const float* weights,
                      std::uint8_t* codes) noexcept {
  float peak = 0;
  for (const float x : elements) peak = peak > x ? peak : x;
  if (peak < least_peak) {
    std::fill_n(codes, elements.size(), std::uint8_t{0});
    return 0.0f;
  }
  const float inverse = best_positive_inverse(largest, peak, elements, weights);
  Projection sums;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const int code = positive_code(largest, inverse, elements[i]);
    codes[i] = static_cast<std::uint8_t>(code);
    sums = with(sums, weights[i], elements[i], static_cast<float>(code));
  }
  for (int round = 0; round < descent_rounds; ++round) {
    bool changed = false;
    for (std::size_t i = 0; i < elements.size(); ++i) {
      const float x = elements[i];
      const Projection others = without(sums, weights[i], x, static_cast<float>(codes[i]));
      if (!(others.xl > 0 && others.ll > 0)) continue;
      const int new_code = std::min(largest, nearest_int(x * others.ll / others.xl));
      if (new_code == codes[i]) continue;
      const Projection changed_sums = with(others, weights[i], x, static_cast<float>(new_code));
      if (better(changed_sums, sums)) {
        codes[i] = static_cast<std::uint8_t>(new_code);
        sums = changed_sums;
        changed = true;
      }
    }
    if (!changed) break;
  }
  return scale_of(sums);
}

}  // namespace plimsoll::codecs::ggml
