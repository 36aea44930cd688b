#pragma once

#include <sys/types.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

/// How a run of the command ended.
struct CommandEnd {
  int code = -1;  ///< exit code; 128 and the signal's number where one ended it
  std::string out;
  std::string err;

  /// stdout as the one JSON object that it must be.
  [[nodiscard]] nlohmann::json json() const;
};

/// The command while it runs, its stdout a pipe and its stderr another. The destructor ends it.
class RunningCommand {
 public:
  /// `err`: a descriptor to be its stderr in place of a pipe.
  explicit RunningCommand(const std::vector<std::string>& arguments, int err = -1);
  ~RunningCommand();
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;

  /// Waits for the first line on stdout.
  [[nodiscard]] std::string read_line();
  void send(int signal) const;
  /// Closes this end of its stdout.
  void close_out();
  /// Waits for its end.
  [[nodiscard]] CommandEnd wait();

 private:
  pid_t process_ = -1;
  int out_ = -1;
  int err_ = -1;
};

/// Runs the command to its end.
[[nodiscard]] CommandEnd run_command(const std::vector<std::string>& arguments);

/// Runs it by a shell line in which $PLIMSOLL is the command, for redirections and directories.
[[nodiscard]] CommandEnd run_shell(const std::string& line);

/// Whether `err` is exactly one line, as a failure has to be told.
[[nodiscard]] bool is_one_error_line(const std::string& err);

/// A folder with a tiny checkpoint in it, removed at the end.
class TinyCheckpoint {
 public:
  TinyCheckpoint();
  ~TinyCheckpoint();
  TinyCheckpoint(const TinyCheckpoint&) = delete;
  TinyCheckpoint& operator=(const TinyCheckpoint&) = delete;

  /// The checkpoint's directory.
  [[nodiscard]] std::string source() const { return path("tiny"); }
  /// A path in the folder.
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }
  /// Writes a file into the folder and returns its path.
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const;
  /// Writes another checkpoint there, of headers and holes only, and returns its path.
  [[nodiscard]] std::string write_sparse(const std::string& shape) const;

 private:
  std::filesystem::path folder_;
};
