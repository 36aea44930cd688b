#include "cli/interruption.hpp"

namespace plimsoll::cli {
namespace {

volatile std::sig_atomic_t noted = 0;

void note(int) {
  noted = 1;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

void catch_signal(int number, struct sigaction& before) {
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, &before);
}

}  // namespace

Interruption::Interruption() {
  noted = 0;
  catch_signal(SIGINT, before_int_);
  catch_signal(SIGTERM, before_term_);
}

Interruption::~Interruption() {
  sigaction(SIGINT, &before_int_, nullptr);
  sigaction(SIGTERM, &before_term_, nullptr);
}

bool Interruption::came() const noexcept {
  return noted != 0;
}

}  // namespace plimsoll::cli
