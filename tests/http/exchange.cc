#include "tests/http/exchange.h"

#include <gtest/gtest.h>

#include <charconv>

#include "engine/base/encoding.h"
#include "engine/base/task_group.h"
#include "tests/support/run.h"

namespace http_test {

namespace asio = boost::asio;

namespace {

class FakeRoom final : public http::BodyRoom {
 public:
  explicit FakeRoom(const RecordingHandler& handler) : handler_(handler), bytes_(handler.room) {}
  bool reach(std::size_t received) override { return received <= bytes_; }
  base::Task<bool> wait(std::size_t size) override {
    co_await base::system_clock().sleep_for(handler_.room_delay);
    bytes_ = size;
    co_return handler_.room_comes;
  }
  bool wanted_elsewhere() const override { return handler_.wanted_elsewhere && handler_.wanted_elsewhere(); }

 private:
  const RecordingHandler& handler_;
  std::size_t bytes_;
};

}  // namespace

base::Task<http::Admission> RecordingHandler::admit(const http::RequestHead& head, http::Connection&) {
  {
    std::lock_guard lock(mutex_);
    ++admissions_;
  }
  if (admission_delay.count() > 0) co_await base::system_clock().sleep_for(admission_delay);
  http::Admission admission;
  admission.max_body = max_body;
  admission.room = std::make_shared<FakeRoom>(*this);
  if (refuse) admission.refusal = refuse(head);
  co_return admission;
}

base::Task<http::Response> RecordingHandler::handle(http::Request request, http::Connection& connection) {
  http::Response response;
  if (answer) {
    response = answer(request, connection);
  } else {
    response.body = request.body;
  }
  std::lock_guard lock(mutex_);
  requests_.push_back(std::move(request));
  co_return response;
}

std::vector<http::Request> RecordingHandler::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t RecordingHandler::admissions() const {
  std::lock_guard lock(mutex_);
  return admissions_;
}

std::string post(const std::string& body, const std::string& fields) {
  return "POST /wsman HTTP/1.1\r\nHost: collector\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields +
         "\r\n" + body;
}

namespace {

base::Task<std::string> talk(http::Handler& handler, std::string input, bool end, fakes::MemoryStreamOptions server_side,
                             http::ListenerOptions options) {
  auto executor = co_await asio::this_coro::executor;
  base::TaskGroup group(executor);
  auto pair = fakes::MemoryStream::make_pair(executor, {}, server_side);
  auto state = std::make_shared<http::ConnectionState>();
  group.spawn_on(executor, "connection", http::serve_connection(std::move(pair.second), options, handler, std::move(state)));
  http::Stream& ours = *pair.first;
  std::string output;
  // A server that has refused stops reading: what it has said counts all the same.
  auto written = co_await ours.write(input);
  if (end) co_await ours.shutdown();
  std::vector<char> bytes(4096);
  for (;;) {
    auto got = co_await ours.read_some(bytes);
    if (!got.ok() || *got == 0) break;
    output.append(bytes.data(), *got);
  }
  ours.close();
  while (group.size() != 0) co_await base::system_clock().sleep_for(std::chrono::milliseconds(1));
  co_await group.stop();
  co_return output;
}

}  // namespace

std::string converse(http::Handler& handler, const std::string& input, fakes::MemoryStreamOptions server_side,
                     http::ListenerOptions options) {
  return test_support::run(talk(handler, input, true, server_side, std::move(options)));
}

std::string converse_until_closed(http::Handler& handler, const std::string& input, http::ListenerOptions options) {
  return test_support::run(talk(handler, input, false, {}, std::move(options)));
}

std::vector<http::Response> responses_in(std::string_view output) {
  std::vector<http::Response> responses;
  while (!output.empty()) {
    const auto head_end = output.find("\r\n\r\n");
    if (!output.starts_with("HTTP/1.1 ") || head_end == std::string_view::npos) {
      ADD_FAILURE() << "not a response: " << output.substr(0, 200);
      return responses;
    }
    std::string_view head = output.substr(0, head_end + 2);
    output.remove_prefix(head_end + 4);
    http::Response response;
    std::from_chars(head.data() + 9, head.data() + 12, response.status);
    head.remove_prefix(head.find("\r\n") + 2);
    while (!head.empty()) {
      const std::string_view line = head.substr(0, head.find("\r\n"));
      const auto colon = line.find(':');
      response.fields.add(std::string(line.substr(0, colon)), std::string(base::trimmed(line.substr(colon + 1))));
      head.remove_prefix(line.size() + 2);
    }
    const auto length = response.fields.find("Content-Length");
    std::size_t size = 0;
    if (length) std::from_chars(length->data(), length->data() + length->size(), size);
    response.body = output.substr(0, size);
    output.remove_prefix(std::min(size, output.size()));
    responses.push_back(std::move(response));
  }
  return responses;
}

std::vector<unsigned> statuses_in(std::string_view output) {
  std::vector<unsigned> statuses;
  for (const http::Response& response : responses_in(output)) statuses.push_back(response.status);
  return statuses;
}

}  // namespace http_test
