#include "command_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "catch.hpp"
#include "cli/synth_checkpoint.hpp"

namespace fs = std::filesystem;

namespace {

void read_some(int& descriptor, std::string& into) {
  std::array<char, 65536> buffer{};
  const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
  if (got > 0) {
    into.append(buffer.data(), static_cast<std::size_t>(got));
  } else if (got == 0 || errno != EINTR) {
    ::close(descriptor);
    descriptor = -1;
  }
}

/// In the child, after which there is no way back.
[[noreturn]] void become_command(const std::vector<std::string>& arguments, int out, int err) {
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  std::vector<char*> words = {const_cast<char*>(PLIMSOLL_COMMAND)};
  for (const std::string& argument : arguments) {
    words.push_back(const_cast<char*>(argument.c_str()));
  }
  words.push_back(nullptr);
  ::execv(PLIMSOLL_COMMAND, words.data());
  ::_exit(127);
}

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

int exit_code(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

nlohmann::json CommandEnd::json() const {
  INFO(err);
  REQUIRE(nlohmann::json::accept(out));
  return nlohmann::json::parse(out);
}

RunningCommand::RunningCommand(const std::vector<std::string>& arguments, int err) {
  std::array<int, 2> out_pipe{};
  std::array<int, 2> err_pipe{};
  REQUIRE(::pipe2(out_pipe.data(), O_CLOEXEC) == 0);
  REQUIRE(::pipe2(err_pipe.data(), O_CLOEXEC) == 0);
  process_ = ::fork();
  REQUIRE(process_ != -1);
  if (process_ == 0) become_command(arguments, out_pipe[1], err == -1 ? err_pipe[1] : err);
  ::close(out_pipe[1]);
  ::close(err_pipe[1]);
  out_ = out_pipe[0];
  err_ = err_pipe[0];
}

RunningCommand::~RunningCommand() {
  close_out();
  if (err_ != -1) ::close(err_);
  if (process_ == -1) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

std::string RunningCommand::read_line() {
  std::string line;
  char letter = 0;
  while (letter != '\n' && ::read(out_, &letter, 1) == 1) line += letter;
  return line;
}

void RunningCommand::send(int signal) const {
  REQUIRE(::kill(process_, signal) == 0);
}

void RunningCommand::close_out() {
  if (out_ != -1) ::close(out_);
  out_ = -1;
}

CommandEnd RunningCommand::wait() {
  CommandEnd end;
  while (out_ != -1 || err_ != -1) {
    std::array<pollfd, 2> ready = {pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), -1) < 0) continue;
    if (ready[0].revents != 0) read_some(out_, end.out);
    if (ready[1].revents != 0) read_some(err_, end.err);
  }
  int status = 0;
  REQUIRE(::waitpid(process_, &status, 0) == process_);
  process_ = -1;
  end.code = exit_code(status);
  return end;
}

CommandEnd run_command(const std::vector<std::string>& arguments) {
  return RunningCommand(arguments).wait();
}

CommandEnd run_shell(const std::string& line) {
  std::string pattern = (fs::temp_directory_path() / "plimsoll-shell-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  const std::string whole = "PLIMSOLL='" PLIMSOLL_COMMAND "'; { " + line + "\n} >'" + pattern +
                            "/out' 2>'" + pattern + "/err'";
  CommandEnd end;
  end.code = exit_code(std::system(whole.c_str()));
  end.out = slurp(pattern + "/out");
  end.err = slurp(pattern + "/err");
  fs::remove_all(pattern);
  return end;
}

bool is_one_error_line(const std::string& err) {
  return err.starts_with("plimsoll: error: ") && err.size() <= 1000 &&
         err.find('\n') == err.size() - 1;
}

TinyCheckpoint::TinyCheckpoint() {
  std::string pattern = (fs::temp_directory_path() / "plimsoll-command-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  plimsoll::cli::SynthOptions options;
  options.shape = "tiny";
  options.directory = source();
  REQUIRE(plimsoll::cli::write_synthetic_checkpoint(options).has_value());
}

TinyCheckpoint::~TinyCheckpoint() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string TinyCheckpoint::write(const std::string& name, const std::string& text) const {
  std::ofstream(folder_ / name, std::ios::binary) << text;
  return path(name);
}

std::string TinyCheckpoint::write_sparse(const std::string& shape) const {
  plimsoll::cli::SynthOptions options;
  options.shape = shape;
  options.directory = path(shape);
  options.sparse = true;
  REQUIRE(plimsoll::cli::write_synthetic_checkpoint(options).has_value());
  return options.directory;
}
