#include "collector/service.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/http/tls.h"

namespace collector {
namespace {

/// What a subscription asks of its sources at most, octets.
constexpr std::uint64_t kMaxOfferedEnvelope = 512'000;
constexpr std::string_view kDefaultLog = "ForwardedEvents";

/// Who this collector is to machines that it connects to: the certificate of the first HTTPS listener in the configuration,
/// so the machine that they know; trusted is whom that listener trusts.
base::Result<SourceIdentity> identity_of(const service::Settings& settings, const std::string& host) {
  SourceIdentity identity;
  identity.host = host;
  identity.public_name = settings.collector.public_name;
  http::TlsClientOptions plain;
  for (const service::ListenerSettings& listener : settings.listeners) {
    if (!listener.https || listener.certificate.empty()) continue;
    const http::TlsClientOptions own{listener.certificate, listener.private_key, listener.client_ca};
    ASSIGN_OR_RETURN(identity.certificate, http::TlsClientContext::load(own));
    plain.ca = listener.client_ca;
    break;
  }
  ASSIGN_OR_RETURN(identity.plain, http::TlsClientContext::load(plain));
  return identity;
}

}  // namespace

base::AsyncResult<void> Service::prepare() {
  const service::Settings& settings = host_.options().settings;
  subscriptions::ManagerOptions manager;
  manager.secret_key = subscriptions::secret_key_files(host_.options().state);
  manager.own_names = {host_.options().computer};
  manager.log_size = host_.options().max_log_size;
  subscriptions::OfferOptions& offers = manager.offers;
  offers.public_authority = settings.collector.public_name;
  const std::uint64_t largest_envelope =
      std::min<std::uint64_t>(kMaxOfferedEnvelope, host_.dispatcher().limits().max_envelope_size);
  offers.max_envelope_size = largest_envelope;
  offers.content_encoding = settings.collector.content_encoding;
  offers.offer_sldc = settings.collector.compression;
  ASSIGN_OR_CO_RETURN(manager_, subscriptions::Manager::open(host_.state(), host_.events(), host_.pool(), std::move(manager),
                                                             *host_.options().clock));
  definitions_ = std::make_unique<subscriptions::SubscriptionDefinitionResource>(*manager_);
  status_ = std::make_unique<subscriptions::SubscriptionStatusResource>(*manager_, &host_.losses());
  list_ = std::make_unique<subscriptions::SubscriptionListResource>(*manager_);
  watch_ = std::make_unique<RecordWatch>(host_.events(), host_.losses(), host_.pool(), *host_.options().clock,
                                         host_.options().computer);
  definitions_->set_watcher(
      [watch = watch_.get()](std::string id, bool removed) { return watch->forget(std::move(id), removed); });
  ingest_ = std::make_unique<Ingest>(*manager_, host_.events(), *watch_, *host_.options().clock);
  wsman::Dispatcher& dispatcher = host_.dispatcher();
  dispatcher.add(*definitions_);
  dispatcher.add(*status_);
  dispatcher.add(*list_);
  dispatcher.set_delivery_sink(*ingest_);
  ASSIGN_OR_CO_RETURN(auto identity, identity_of(settings, host_.options().computer));
  host_.serve_subscriptions(identity.certificate);
  routes_ = std::make_unique<NetworkRoutes>(host_.configuration(), std::move(identity));
  subscriptions::SourceConnectorOptions connecting;
  connecting.limits.max_envelope_size = largest_envelope;
  connecting.limits.content_encoding = settings.collector.content_encoding;
  connecting.limits.compression = settings.collector.compression;
  connector_ = std::make_unique<subscriptions::SourceConnector>(host_.executor(), *manager_, host_.events(), *routes_,
                                                                *ingest_, *host_.options().clock, std::move(connecting));
  manager_->set_connector(connector_.get());
  co_return co_await make_default_log();
}

base::AsyncResult<void> Service::make_default_log() {
  // There from the start, so that it can be asked and configured before the first event.
  const std::string name(kDefaultLog);
  ASSIGN_OR_CO_RETURN(auto known, co_await host_.events().find_log(name));
  if (known) co_return base::Result<void>();
  storage::LogProperties properties;
  properties.name = name;
  properties.max_size = host_.options().max_log_size;
  properties.owning_publisher = "Microsoft-Windows-EventCollector";
  co_return co_await host_.events().set_log(std::move(properties));
}

base::Result<void> Service::start() {
  const std::size_t subscriptions = manager_->ids().size();
  base::log_notice("collector started with {} {}", subscriptions, subscriptions == 1 ? "subscription" : "subscriptions");
  if (const std::uint64_t days = host_.options().settings.collector.forget_sources_after; days != 0) {
    silent_sources_ = std::make_unique<SilentSources>(*manager_, std::chrono::hours(24) * days, *host_.options().clock);
    tasks_.spawn("silent sources", silent_sources_->run());
  }
  connector_->start();
  return {};
}

base::Task<void> Service::stop() {
  manager_->set_connector(nullptr);
  co_await connector_->stop();
  co_await tasks_.stop();
}

}  // namespace collector
