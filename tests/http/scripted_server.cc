#include "tests/http/scripted_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <mutex>

#include "engine/base/task_group.h"
#include "tests/support/run.h"

namespace http_test {

namespace asio = boost::asio;
using asio::ip::tcp;

struct ScriptedServer::State {
  explicit State(std::vector<Script> s)
      : scripts(std::move(s)),
        acceptor(loop.executor(), tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)),
        tasks(loop.executor()) {}

  test_support::Loop loop;
  std::vector<Script> scripts;
  tcp::acceptor acceptor;
  mutable std::mutex mutex;
  std::vector<std::string> requests;
  std::size_t connections = 0;
  base::TaskGroup tasks;

  base::Task<void> accept() {
    for (;;) {
      tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
      std::size_t number = 0;
      {
        std::lock_guard lock(mutex);
        number = connections++;
      }
      if (number < scripts.size())
        tasks.spawn_on(loop.executor(), "scripted connection", play(std::move(socket), scripts[number]));
    }
  }

  base::Task<void> play(tcp::socket socket, Script script) {
    std::string unread;
    for (const std::string& answer : script.answers) {
      const bool come = co_await read_request(socket, unread);
      if (!come) co_return;
      boost::system::error_code ignored;
      co_await asio::async_write(socket, asio::buffer(answer), asio::redirect_error(asio::use_awaitable, ignored));
    }
    if (!script.close) co_await read_request(socket, unread);
  }

  /// False at the client's end.
  base::Task<bool> read_request(tcp::socket& socket, std::string& unread) {
    for (;;) {
      if (const std::size_t size = request_size(unread); size != 0 && unread.size() >= size) {
        std::lock_guard lock(mutex);
        requests.push_back(unread.substr(0, size));
        unread.erase(0, size);
        co_return true;
      }
      char bytes[4096];
      boost::system::error_code error;
      const std::size_t got =
          co_await socket.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return false;
      unread.append(bytes, got);
    }
  }

  /// 0 while the head is incomplete.
  static std::size_t request_size(const std::string& text) {
    const auto head = text.find("\r\n\r\n");
    if (head == std::string::npos) return 0;
    std::size_t length = 0;
    const auto field = text.find("Content-Length: ");
    if (field != std::string::npos) std::from_chars(text.data() + field + 16, text.data() + head, length);
    return head + 4 + length;
  }
};

ScriptedServer::ScriptedServer(std::vector<Script> scripts) : state_(std::make_unique<State>(std::move(scripts))) {
  state_->tasks.spawn_on(state_->loop.executor(), "scripted server", state_->accept());
}

ScriptedServer::~ScriptedServer() {
  asio::co_spawn(state_->loop.executor(), state_->tasks.stop(), asio::use_future).get();
}

std::string ScriptedServer::url() const {
  return "http://127.0.0.1:" + std::to_string(state_->acceptor.local_endpoint().port()) + "/wsman";
}

std::size_t ScriptedServer::connections() const {
  std::lock_guard lock(state_->mutex);
  return state_->connections;
}

std::vector<std::string> ScriptedServer::requests() const {
  std::lock_guard lock(state_->mutex);
  return state_->requests;
}

}  // namespace http_test
