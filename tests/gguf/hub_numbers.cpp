#include "hub_numbers.hpp"

#include <cstring>
#include <fstream>
#include <stdexcept>

#include "codecs/element_map.hpp"
#include "codecs/float_bits.hpp"

using namespace plimsoll;

namespace {

std::string bytes_of(const io::Catalogue& catalogue, const io::TensorEntry& entry) {
  std::ifstream file(catalogue.files.at(entry.file).path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(entry.offset));
  std::string bytes(entry.bytes, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file) throw std::runtime_error(entry.name + ": its bytes are not in the file");
  return bytes;
}

template <class T>
T at(const std::string& bytes, std::size_t offset) {
  T value;
  if (offset + sizeof value > bytes.size()) throw std::runtime_error("too few bytes");
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

float decoded(const io::TensorEntry& entry, const std::string& bytes, std::size_t index) {
  if (entry.blocks) {
    if (*entry.blocks != codecs::ggml::Type::q8_0) throw std::runtime_error("not Q8_0");
    const std::size_t block = index / 32 * 34;
    const float scale = codecs::f32_from_f16(at<std::uint16_t>(bytes, block));
    return scale * static_cast<float>(at<std::int8_t>(bytes, block + 2 + index % 32));
  }
  if (entry.dtype == Dtype::f32) return at<float>(bytes, index * 4);
  if (entry.dtype == Dtype::f16) {
    return codecs::f32_from_f16(at<std::uint16_t>(bytes, index * 2));
  }
  throw std::runtime_error("neither F32 nor F16");
}

/// Where the file has the number that is number `index` of the tensor.
std::size_t stored_index(const io::StoredOrder& order, std::size_t index) {
  const std::size_t rank = order.stored.size();
  std::vector<std::size_t> position(rank);
  for (std::size_t i = rank; i-- > 0;) {
    const std::size_t size = order.stored[order.axes[i]];
    position[order.axes[i]] = index % size;
    index /= size;
  }
  std::size_t stored = 0;
  for (std::size_t i = 0; i < rank; ++i) stored = stored * order.stored[i] + position[i];
  return stored;
}

}  // namespace

std::vector<float> hub_numbers(const io::Catalogue& catalogue, const io::TensorEntry& entry) {
  const std::string bytes = bytes_of(catalogue, entry);
  std::vector<float> numbers(io::element_count(entry.shape));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::size_t from =
        entry.order == 0 ? i : stored_index(catalogue.orders.at(entry.order - 1), i);
    numbers[i] = decoded(entry, bytes, from);
  }
  codecs::apply(entry.map, Dtype::f32, reinterpret_cast<std::byte*>(numbers.data()),
                numbers.size());
  return numbers;
}

std::string fnv1a(const std::vector<float>& numbers) {
  std::uint64_t hash = 0xCBF29CE484222325;
  const auto* bytes = reinterpret_cast<const unsigned char*>(numbers.data());
  for (std::size_t i = 0; i < numbers.size() * sizeof(float); ++i) {
    hash = (hash ^ bytes[i]) * 0x100000001B3;
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}
