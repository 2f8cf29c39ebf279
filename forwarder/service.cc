#include "forwarder/service.h"

#include <set>

#include "engine/auth/certificate.h"
#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/config/setting.h"
#include "forwarder/make_source.h"
#include "forwarder/source_pump.h"

namespace forwarder {
namespace {

/// Makes the logs of the sources before the first event, so that subscriptions to a quiet channel find it.
base::Task<void> make_logs(std::set<std::string> channels, storage::EventStore& store, std::uint64_t max_size) {
  for (const std::string& channel : channels) {
    auto known = co_await store.find_log(channel);
    if (!known.ok()) {
      base::log_error("log {}: {}", channel, known.error().message());
      continue;
    }
    storage::LogProperties properties = *known ? (*known)->properties : storage::LogProperties{};
    if (!*known) properties.name = channel;
    properties.max_size = max_size;
    auto made = co_await store.set_log(properties);
    if (!made.ok()) base::log_error("log {}: {}", channel, made.error().message());
  }
}

base::Task<void> make_logs_then_enrol(std::set<std::string> channels, storage::EventStore& store, std::uint64_t max_size,
                                      std::vector<Enrolment*> enrolments, base::TaskGroup& tasks) {
  co_await make_logs(std::move(channels), store, max_size);
  for (Enrolment* enrolment : enrolments) tasks.spawn("enrolment", enrolment->run());
}

}  // namespace

Service::Service(service::Host& host) : host_(host), tasks_(host.executor()) {}

base::AsyncResult<void> Service::prepare() {
  const service::ForwarderSettings& settings = host_.options().settings.forwarder;
  http::TlsClientOptions tls{settings.tls.certificate, settings.tls.private_key, settings.tls.ca};
  ASSIGN_OR_CO_RETURN(tls_, http::TlsClientContext::load(tls));
  host_.serve_subscriptions(tls_);
  for (const service::SourceSettings& source : settings.sources) {
    sources_.push_back(make_source(source, host_.options().computer, host_.pool(), *host_.options().clock));
  }
  for (const std::string& manager : settings.subscription_managers) CO_RETURN_IF_ERROR(add_enrolment(manager));
  co_return base::Result<void>();
}

base::Result<void> Service::add_enrolment(const std::string& text) {
  EnrolmentOptions options;
  ASSIGN_OR_RETURN(options.manager, service::parse_subscription_manager(text));
  options.computer = host_.options().computer;
  options.progress = &progress_;
  options.rate = &host_.event_rate();
  options.memory = &host_.subscription_memory();
  options.bounds = [this] { return wsman::delivery_bounds(host_.dispatcher().limits()); };
  ASSIGN_OR_RETURN(auto url, http::Url::parse(options.manager.url));
  const std::string& issuer = options.manager.issuer_ca;
  if (!issuer.empty() && !tls_->issuer_thumbprint().empty() &&
      !base::equal_ignoring_case(issuer, tls_->issuer_thumbprint())) {
    return base::make_error(std::errc::invalid_argument,
                            "IssuerCA " + issuer + " of " + options.manager.url +
                                " is not the issuer of this forwarder's certificate, which is " + tls_->issuer_thumbprint());
  }
  auto transport = [tls = tls_, &configuration = host_.configuration()](http::Url to,
                                                                        wsman::HttpTransportOptions transport_options) {
    http::ClientOptions client;
    client.tls = tls;
    const auto delay = configuration.current()->values.number(config::Id::ClientNetworkDelayms);
    client.silence_timeout = 2 * std::chrono::milliseconds(delay);
    transport_options.authorization = auth::kMutualProfile;
    return wsman::http_transport(std::move(to), std::move(client), std::move(transport_options));
  };
  auto connect_manager = [transport, url] {
    wsman::HttpTransportOptions how;
    how.charset = wsman::Charset::Utf16;
    return transport(url, how);
  };
  auto connect = [transport, url](const wsman::NotifyAddress& to, const wsman::SubscribeRequest& subscribe) {
    wsman::HttpTransportOptions how;
    how.charset =
        base::equal_ignoring_case(subscribe.content_encoding, "UTF-8") ? wsman::Charset::Utf8 : wsman::Charset::Utf16;
    how.compress = subscribe.compression;
    auto address = http::Url::parse(to.address);
    // Who is asked over TLS shall not have the events sent in clear.
    if (!address.ok() || (url.tls && !address->tls)) return std::unique_ptr<wsman::Transport>();
    return transport(std::move(*address), how);
  };
  enrolments_.push_back(std::make_unique<Enrolment>(host_.executor(), std::move(options), connect_manager, connect,
                                                    host_.events(), host_.state(), host_.pool(), *host_.options().clock));
  return {};
}

base::Result<void> Service::start() {
  std::set<std::string> channels;
  for (const auto& source : sources_) {
    channels.insert(source->channel());
    tasks_.spawn("source " + source->name(), pump(source, host_.events(), progress_, *host_.options().clock));
  }
  std::vector<Enrolment*> enrolments;
  for (const auto& enrolment : enrolments_) enrolments.push_back(enrolment.get());
  tasks_.spawn("enrolments", make_logs_then_enrol(std::move(channels), host_.events(), host_.options().max_log_size,
                                                  std::move(enrolments), tasks_));
  base::log_notice("forwarder of {} started with {} {} and {} {}", host_.options().computer, sources_.size(),
                   sources_.size() == 1 ? "source" : "sources", enrolments_.size(),
                   enrolments_.size() == 1 ? "collector" : "collectors");
  return {};
}

base::Task<void> Service::stop() {
  co_await tasks_.stop();
  for (const auto& enrolment : enrolments_) co_await enrolment->stop();
}

}  // namespace forwarder
