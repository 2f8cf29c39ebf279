#include "tests/support/run.h"

namespace test_support {

Loop::Loop() : work_(boost::asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {}

Loop::~Loop() {
  work_.reset();
  context_.stop();
  thread_.join();
}

bool eventually(std::function<bool()> condition, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace test_support
