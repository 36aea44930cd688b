#pragma once

#include <cstdint>

namespace plimsoll::codecs::ggml::scalar {

// The definition of every block type: the values of one block, each operation as in ggml v0.21. A
// block is as long as the type's traits say, of any alignment, and any bytes are good.

// decode_legacy_scalar.cpp
void q4_0(const std::uint8_t* block, float* values) noexcept;
void q4_1(const std::uint8_t* block, float* values) noexcept;
void q5_0(const std::uint8_t* block, float* values) noexcept;
void q5_1(const std::uint8_t* block, float* values) noexcept;
void q8_0(const std::uint8_t* block, float* values) noexcept;

// decode_k_scalar.cpp
void q2_k(const std::uint8_t* block, float* values) noexcept;
void q3_k(const std::uint8_t* block, float* values) noexcept;
void q4_k(const std::uint8_t* block, float* values) noexcept;
void q5_k(const std::uint8_t* block, float* values) noexcept;
void q6_k(const std::uint8_t* block, float* values) noexcept;
void q8_k(const std::uint8_t* block, float* values) noexcept;

// decode_iq_scalar.cpp
void iq1_s(const std::uint8_t* block, float* values) noexcept;
void iq1_m(const std::uint8_t* block, float* values) noexcept;
void iq2_xxs(const std::uint8_t* block, float* values) noexcept;
void iq2_xs(const std::uint8_t* block, float* values) noexcept;
void iq2_s(const std::uint8_t* block, float* values) noexcept;
void iq3_xxs(const std::uint8_t* block, float* values) noexcept;
void iq3_s(const std::uint8_t* block, float* values) noexcept;
void iq4_nl(const std::uint8_t* block, float* values) noexcept;
void iq4_xs(const std::uint8_t* block, float* values) noexcept;

// decode_few_bits_scalar.cpp
void tq1_0(const std::uint8_t* block, float* values) noexcept;
void tq2_0(const std::uint8_t* block, float* values) noexcept;
void q1_0(const std::uint8_t* block, float* values) noexcept;
void q2_0(const std::uint8_t* block, float* values) noexcept;

// decode_fp4_scalar.cpp
void mxfp4(const std::uint8_t* block, float* values) noexcept;
void nvfp4(const std::uint8_t* block, float* values) noexcept;

}  // namespace plimsoll::codecs::ggml::scalar
