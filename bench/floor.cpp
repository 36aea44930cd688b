// The least that a load can take: how long do THREADS threads need to pread all bytes of the files,
// each into one reused buffer of 1 MiB, and then to write N bytes once into fresh memory with huge
// pages? No work is done on the bytes. Prints one JSON object.
//
//     plimsoll_floor FILE... [--final-bytes N] [--threads 2]

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::uint64_t piece_bytes = 1u << 20;
constexpr std::size_t page_bytes = 4096;
constexpr std::uint64_t huge_page_bytes = 2u << 20;

struct Arguments {
  std::vector<std::string> files;
  std::uint64_t final_bytes = 0;
  std::uint64_t threads = 2;
};

struct OpenFile {
  int descriptor = -1;
  std::uint64_t bytes = 0;
  std::uint64_t first_piece = 0;  // of all files' pieces
};

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "plimsoll_floor: error: %s\n", what.c_str());
  std::exit(what.starts_with("usage") ? 2 : 1);
}

std::uint64_t parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    die("usage: a number, not '" + std::string(text) + "'");
  }
  return value;
}

Arguments parse(int count, char** texts) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string_view text = texts[i];
    if (text == "--final-bytes" && i + 1 < count) {
      arguments.final_bytes = parse_number(texts[++i]);
    } else if (text == "--threads" && i + 1 < count) {
      arguments.threads = parse_number(texts[++i]);
    } else if (text.starts_with("--")) {
      die("usage: plimsoll_floor FILE... [--final-bytes N] [--threads 2]");
    } else {
      arguments.files.emplace_back(text);
    }
  }
  if (arguments.threads < 1 || arguments.threads > 1024) die("usage: --threads 1 to 1024");
  return arguments;
}

std::vector<OpenFile> open_all(const std::vector<std::string>& paths) {
  std::vector<OpenFile> files;
  std::uint64_t pieces = 0;
  for (const std::string& path : paths) {
    OpenFile file{.descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC), .first_piece = pieces};
    struct stat found {};
    if (file.descriptor < 0 || ::fstat(file.descriptor, &found) != 0) {
      die(path + ": " + std::strerror(errno));
    }
    file.bytes = static_cast<std::uint64_t>(found.st_size);
    pieces += (file.bytes + piece_bytes - 1) / piece_bytes;
    files.push_back(file);
  }
  return files;
}

/// Runs `work(thread)` on all threads and returns the seconds until the last is done.
template <class Work>
double time_threads(std::uint64_t count, const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void read_piece(const OpenFile& file, std::uint64_t offset, char* buffer) {
  const std::uint64_t end = std::min(offset + piece_bytes, file.bytes);
  while (offset < end) {
    const ssize_t got = ::pread(file.descriptor, buffer, end - offset, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) die("a file could not be read to its end");
    offset += static_cast<std::uint64_t>(got);
  }
}

double time_reads(const std::vector<OpenFile>& files, std::uint64_t threads) {
  std::atomic<std::uint64_t> next{0};
  return time_threads(threads, [&](std::uint64_t) {
    // Aligned as the engine's slots are: copies out of the page cache are slower to odd addresses.
    const std::unique_ptr<char, decltype(&std::free)> buffer(
        static_cast<char*>(std::aligned_alloc(page_bytes, piece_bytes)), &std::free);
    if (buffer == nullptr) die("no memory for the buffers");
    auto file = files.begin();
    for (std::uint64_t piece = next++; file != files.end(); piece = next++) {
      while (file != files.end() && (piece - file->first_piece) * piece_bytes >= file->bytes)
        ++file;
      if (file == files.end()) break;
      read_piece(*file, (piece - file->first_piece) * piece_bytes, buffer.get());
    }
  });
}

/// Mapping the memory is part of the time; giving it back is not.
double time_writes(std::uint64_t bytes, std::uint64_t threads) {
  if (bytes == 0) return 0;
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t mapped = bytes + huge_page_bytes;
  void* memory =
      ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) die(std::string("no memory: ") + std::strerror(errno));
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  char* first =
      static_cast<char*>(memory) + (huge_page_bytes - address % huge_page_bytes) % huge_page_bytes;
  ::madvise(first, bytes, MADV_HUGEPAGE);
  // Parts end on huge pages, so that no page is faulted in by two threads.
  const std::uint64_t pages = (bytes + huge_page_bytes - 1) / huge_page_bytes;
  const auto boundary = [&](std::uint64_t thread) {
    return std::min(bytes, pages * thread / threads * huge_page_bytes);
  };
  time_threads(threads, [&](std::uint64_t thread) {
    std::memset(first + boundary(thread), 0x5a, boundary(thread + 1) - boundary(thread));
  });
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ::munmap(memory, mapped);
  return seconds;
}

}  // namespace

int main(int count, char** texts) {
  const Arguments arguments = parse(count, texts);
  const std::vector<OpenFile> files = open_all(arguments.files);
  std::uint64_t read_bytes = 0;
  for (const OpenFile& file : files) read_bytes += file.bytes;
  const double read_seconds = time_reads(files, arguments.threads);
  const double write_seconds = time_writes(arguments.final_bytes, arguments.threads);
  std::printf(
      "{\"read_seconds\": %.6f, \"write_seconds\": %.6f, \"seconds\": %.6f, "
      "\"bytes_read\": %llu, \"final_bytes\": %llu, \"threads\": %llu}\n",
      read_seconds, write_seconds, read_seconds + write_seconds,
      static_cast<unsigned long long>(read_bytes),
      static_cast<unsigned long long>(arguments.final_bytes),
      static_cast<unsigned long long>(arguments.threads));
}
