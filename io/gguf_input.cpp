#include "io/gguf_input.hpp"

namespace plimsoll::io {
namespace {

// Most headers of tests and small adapters are there after one read, a vocabulary after a few.
constexpr std::uint64_t first_read_bytes = 32u << 10;
constexpr std::uint64_t longest_read_bytes = 1u << 20;

}  // namespace

Expected<void> GgufInput::check_room(std::uint64_t bytes, std::string_view what) const {
  if (bytes > remaining()) {
    return fail(ErrorCode::malformed,
                "the file ends within " + std::string(what) + ": " + std::to_string(bytes) +
                    " bytes are due at byte " + std::to_string(position()) + " of " +
                    std::to_string(file_bytes_),
                file_);
  }
  if (bytes > max_header_bytes - std::min(position(), max_header_bytes)) {
    return fail(ErrorCode::unsupported,
                "the header is longer than " + std::to_string(max_header_bytes) + " bytes", file_);
  }
  return {};
}

Expected<void> GgufInput::refill(std::uint64_t bytes, std::string_view what) {
  if (auto room = check_room(bytes, what); !room) return room;
  window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(taken_));
  window_begin_ += taken_;
  taken_ = 0;
  const std::size_t kept = window_.size();
  next_read_ = std::clamp(2 * next_read_, first_read_bytes, longest_read_bytes);
  const std::uint64_t left = file_bytes_ - window_begin_ - kept;
  const std::uint64_t more = std::min(left, std::max(next_read_, bytes - kept));
  window_.resize(kept + more);
  return read_(window_begin_ + kept, {window_.data() + kept, more});
}

Expected<void> GgufInput::append_to(std::string& out, std::uint64_t bytes, std::string_view what) {
  if (auto room = check_room(bytes, what); !room) return room;
  while (bytes > 0) {
    if (auto ready = need(std::min<std::uint64_t>(bytes, 1), what); !ready) return ready;
    const std::uint64_t piece = std::min<std::uint64_t>(bytes, window_.size() - taken_);
    out.append(take_text(piece));
    bytes -= piece;
  }
  return {};
}

}  // namespace plimsoll::io
