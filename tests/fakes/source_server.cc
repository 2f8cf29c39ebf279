#include "tests/fakes/source_server.h"

#include "engine/base/die.h"
#include "engine/base/encoding.h"
#include "engine/wsman/names.h"

namespace fakes {
namespace {

constexpr std::size_t kMaxBody = 4 << 20;

/// Identify has no action of its own.
std::string action_of(const wsman::Envelope& envelope) {
  if (!envelope.headers.action.empty()) return envelope.headers.action;
  return std::string(envelope.body().local_name());
}

}  // namespace

SourceServer::SourceServer(SourceServerOptions options) : options_(std::move(options)) {}

SourceServer::~SourceServer() {
  stop();
}

void SourceServer::start() {
  http::ListenerOptions options;
  options.address = options_.address;
  options.port = options_.port;
  options.tls = options_.tls;
  listener_ = std::make_unique<http::Listener>(loop_.executor(), options, *this);
  if (auto started = listener_->start(); !started.ok()) base::die("a fake source: " + started.error().message());
  options_.port = listener_->port();
}

void SourceServer::stop() {
  if (!listener_) return;
  listener_->close();
  test_support::run_on(loop_.executor(), listener_->stop(std::chrono::milliseconds(0)));
  listener_.reset();
}

std::string SourceServer::url() const {
  return (options_.tls ? "https://localhost:" : "http://" + options_.address + ":") + std::to_string(options_.port) +
         "/wsman";
}

std::vector<AskedOfSource> SourceServer::asked() const {
  std::lock_guard lock(mutex_);
  return asked_;
}

std::vector<AskedOfSource> SourceServer::asked(std::string_view action) const {
  auto found = asked();
  std::erase_if(found, [&](const AskedOfSource& one) { return one.action != action; });
  return found;
}

std::size_t SourceServer::connections() const {
  std::lock_guard lock(mutex_);
  return connections_;
}

std::size_t SourceServer::unauthorised() const {
  std::lock_guard lock(mutex_);
  return unauthorised_;
}

std::optional<http::Response> SourceServer::refuse(const http::RequestHead&) {
  return std::nullopt;
}

http::Response SourceServer::soap(unsigned status, const std::string& envelope, wsman::Charset charset) {
  http::Response response;
  response.status = status;
  response.fields.add("Content-Type", std::string(wsman::content_type_of(charset)));
  response.body = wsman::encode_text(envelope, charset);
  return response;
}

http::Response SourceServer::reply(const wsman::Message& message, wsman::Charset charset) {
  return soap(200, wsman::write_envelope(message), charset);
}

base::Task<http::Admission> SourceServer::admit(const http::RequestHead& head, http::Connection& connection) {
  http::Admission admission;
  admission.max_body = kMaxBody;
  if (!connection.session.has_value()) {
    connection.session = true;
    std::lock_guard lock(mutex_);
    ++connections_;
  }
  const std::string expected = "Basic " + base::to_base64(options_.user + ":" + options_.password);
  if (!options_.user.empty() && head.fields.find("Authorization").value_or("") != expected) {
    std::lock_guard lock(mutex_);
    ++unauthorised_;
    admission.refusal.emplace();
    admission.refusal->status = 401;
    admission.refusal->fields.add("WWW-Authenticate", "Basic realm=\"" + options_.realm + "\"");
    co_return admission;
  }
  admission.refusal = refuse(head);
  co_return admission;
}

base::Task<http::Response> SourceServer::handle(http::Request request, http::Connection&) {
  const std::string type(request.head.fields.find("Content-Type").value_or(""));
  wsman::Charset charset = wsman::Charset::Utf8;
  auto text = wsman::decode_text(request.body, type, charset);
  http::Response malformed;
  malformed.status = 400;
  if (!text.ok()) co_return malformed;
  auto envelope = wsman::read_envelope(*text);
  if (!envelope.ok()) co_return malformed;
  {
    std::lock_guard lock(mutex_);
    asked_.push_back({action_of(*envelope), std::move(*text), envelope->headers});
  }
  co_return co_await answer(std::move(*envelope), charset);
}

}  // namespace fakes
