#include "engine/config/configuration.h"

#include <algorithm>

#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/config/faults.h"
#include "engine/config/stored.h"

namespace config {
namespace {

wsman::Fault not_found(std::string_view what) {
  return wsman::make_fault(wsman::FaultCode::ResourceNotFound, "There is no such " + std::string(what));
}

wsman::Fault storing_failed(const base::Error& error) {
  return wsman::as_fault(error, "storing the configuration");
}

wsman::Fault owned_by_policy(std::string_view what) {
  return refuse(Refusal::OwnedByPolicy, std::string(what) + " is set by policy and cannot be changed");
}

/// What `name` and `names` have in common: equality, or a certificate's "*" for the first label.
bool is_name_of(const std::string& host, const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [&](const std::string& name) {
    if (base::equal_ignoring_case(name, host)) return true;
    const auto dot = host.find('.');
    return name.starts_with("*.") && dot != std::string::npos &&
           base::equal_ignoring_case(std::string_view(name).substr(1), std::string_view(host).substr(dot));
  });
}

bool is_empty(const ListenerChange& change) {
  return !change.port && !change.hostname && !change.enabled && !change.url_prefix && !change.thumbprint;
}

template <typename Records, typename Key>
auto find_record(Records& records, const Key& key) {
  return std::ranges::find_if(records, [&](const auto& one) { return one.key == key; });
}

}  // namespace

base::Result<std::unique_ptr<Configuration>> Configuration::open(storage::StateStore& store, base::BlockingPool& pool,
                                                                 Foundation foundation) {
  std::unique_ptr<Configuration> made(new Configuration(store, pool));
  ASSIGN_OR_RETURN(made->content_, read_content(store, std::move(foundation)));
  made->documents_ = documents_of(made->content_);
  made->current_ = std::make_shared<const Current>(combine(made->content_));
  return made;
}

std::shared_ptr<const Current> Configuration::current() const {
  std::lock_guard lock(mutex_);
  return current_;
}

void Configuration::attach(Effects& effects) {
  effects_ = &effects;
}

void Configuration::commit(Content content) {
  content_ = std::move(content);
  auto next = std::make_shared<const Current>(combine(content_));
  {
    std::lock_guard lock(mutex_);
    current_ = next;
  }
  if (effects_ != nullptr) effects_->apply(*next);
}

wsman::Result<void> Configuration::save(const Content& next, const Kinds* forgotten) {
  Documents after = documents_of(next);
  Documents before = documents_;
  if (forgotten != nullptr) {
    auto there = read_documents(store_, *forgotten);
    if (!there.ok()) return storing_failed(there.error());
    before.merge(*there);
  }
  if (auto stored = store_.write(difference(before, after)); !stored.ok()) return storing_failed(stored.error());
  documents_ = std::move(after);
  return {};
}

template <typename Change>
wsman::AsyncResult<void> Configuration::alter(Change change, const Kinds* forgotten) {
  auto work = [&]() -> wsman::Result<void> {
    std::lock_guard lock(changing_);
    Content next = content_;
    RETURN_IF_ERROR(change(next));
    RETURN_IF_ERROR(save(next, forgotten));
    commit(std::move(next));
    return {};
  };
  co_return co_await pool_.run(work);
}

wsman::AsyncResult<void> Configuration::set(Given given) {
  co_return co_await alter([&](Content& next) { return set_now(next, given); });
}

wsman::Result<void> Configuration::set_now(Content& next, const Given& given) {
  const Values& values = current()->values;
  for (const auto& [setting, text] : given) {
    const std::string name(setting->name());
    auto checked = check(*setting, text);
    if (checked.ok() && *checked == values.text(setting->id)) continue;
    if (values.source(setting->id) == Source::Policy) return owned_by_policy(name);
    if (setting->access == Access::Deprecated) {
      return refuse(Refusal::Deprecated, name + " is deprecated and cannot be changed");
    }
    if (setting->access == Access::ReadOnly) return refuse(Refusal::ReadOnly, name + " can only be read");
    if (!checked.ok()) {
      wsman::Fault fault = wsman::as_fault(checked.error(), "setting " + name);
      fault.reason = name + ": " + checked.error().what;
      return fault;
    }
    if (setting->id == Id::CertificateThumbprint && !is_known_certificate(*checked)) {
      return refuse(Refusal::UnknownCertificate, "There is no certificate with the thumbprint " + *checked);
    }
    next.stored[setting->id] = std::move(checked).value();
  }
  return {};
}

bool Configuration::is_known_certificate(const std::string& thumbprint) {
  if (thumbprint.empty() || effects_ == nullptr) return true;
  const auto known = effects_->certificates();
  return std::ranges::find(known, thumbprint, &ServerCertificate::thumbprint) != known.end();
}

/// Fills in what was not given and sees that the listener can be.
wsman::Result<void> Configuration::check_listener(Listener& listener, const ListenerChange& change) {
  if (!listener.key.https) {
    if (listener.thumbprint.empty()) return {};
    return refuse(Refusal::ThumbprintWithoutTls, "CertificateThumbprint must be empty where Transport is HTTP");
  }
  if (effects_ == nullptr) return {};
  const bool from_file = !listener.certificate.empty() && listener.thumbprint == listener.file_thumbprint;
  if (from_file && !change.thumbprint && !change.hostname) return {};
  if (listener.hostname.empty()) listener.hostname = effects_->host_name();
  const auto certificates = effects_->certificates();
  const bool any_name = listener.hostname == "*";
  if (listener.thumbprint.empty()) {
    listener.thumbprint = current()->values.text(Id::CertificateThumbprint);
  }
  if (listener.thumbprint.empty()) {
    const auto suitable = std::ranges::find_if(certificates, [&](const ServerCertificate& one) {
      return one.for_servers && (any_name || is_name_of(listener.hostname, one.names));
    });
    if (suitable == certificates.end()) {
      return refuse(Refusal::NoCertificate, "CertificateThumbprint is empty, and there is no certificate for " +
                                                listener.hostname + " that servers may use");
    }
    listener.thumbprint = suitable->thumbprint;
    return {};
  }
  const auto named = std::ranges::find(certificates, listener.thumbprint, &ServerCertificate::thumbprint);
  if (named == certificates.end()) {
    return refuse(Refusal::UnknownCertificate, "There is no certificate with the thumbprint " + listener.thumbprint);
  }
  if (!any_name && !is_name_of(listener.hostname, named->names)) {
    return refuse(Refusal::NameIsNotTheCertificates, "The certificate is not one of " + listener.hostname);
  }
  if (!named->for_servers) return refuse(Refusal::CertificateUsage, "The certificate is not for Server Authentication");
  return {};
}

wsman::AsyncResult<void> Configuration::create_listener(ListenerKey key, ListenerChange change) {
  co_return co_await alter([&](Content& next) { return put_listener(next, key, change, true); });
}

wsman::AsyncResult<void> Configuration::change_listener(ListenerKey key, ListenerChange change) {
  co_return co_await alter([&](Content& next) { return put_listener(next, key, change, false); });
}

wsman::Result<void> Configuration::put_listener(Content& next, const ListenerKey& key, ListenerChange change, bool create) {
  const auto now = current();
  const auto known = find_record(now->listeners, key);
  Listener listener;
  if (create) {
    const bool taken = known != now->listeners.end() && !known->compatibility;
    if (taken) return wsman::make_fault(wsman::FaultCode::AlreadyExists, "There is a listener with these selectors");
    if (effects_ != nullptr && !effects_->has_address(key.address)) {
      const bool mac = key.address.starts_with("MAC:");
      return refuse(mac ? Refusal::UnknownMacAddress : Refusal::ListenerAddress,
                    key.address + " is no address of this host");
    }
    listener.key = key;
    const auto port = now->values.number(key.https ? Id::PortHttps : Id::PortHttp);
    listener.port = static_cast<std::uint16_t>(port);
  } else {
    if (known == now->listeners.end()) return not_found("listener");
    if (known->source == Source::Policy) return owned_by_policy("The listener");
    if (known->compatibility) return refuse(Refusal::ReadOnly, "The compatibility listener can only be read");
    listener = *known;
  }
  // Who changes a document sends it back whole: what it repeats is no change.
  const bool real_port = listener.port == 0 && effects_ != nullptr && change.port == effects_->listening_on(key).port;
  if (real_port || change.port == listener.port) change.port.reset();
  if (change.hostname == listener.hostname) change.hostname.reset();
  if (change.enabled == listener.enabled) change.enabled.reset();
  if (change.url_prefix == listener.url_prefix) change.url_prefix.reset();
  if (change.thumbprint == listener.thumbprint) change.thumbprint.reset();
  if (!create && is_empty(change)) return {};
  apply(change, listener);
  RETURN_IF_ERROR(check_listener(listener, change));

  ListenerChange all;
  all.port = listener.port;
  all.hostname = listener.hostname;
  all.enabled = listener.enabled;
  all.url_prefix = listener.url_prefix;
  all.thumbprint = listener.thumbprint;
  const auto place = find_record(next.listeners, key);
  if (place == next.listeners.end()) {
    next.listeners.push_back({key, all});
  } else {
    place->change = all;
  }
  return {};
}

wsman::AsyncResult<void> Configuration::remove_listener(ListenerKey key) {
  co_return co_await alter([&](Content& next) { return drop_listener(next, key); });
}

wsman::Result<void> Configuration::drop_listener(Content& next, const ListenerKey& key) {
  const auto now = current();
  const auto known = find_record(now->listeners, key);
  if (known == now->listeners.end()) return not_found("listener");
  if (known->source == Source::Policy) return owned_by_policy("The listener");
  if (known->compatibility) return refuse(Refusal::ReadOnly, "The compatibility listener can only be read");
  std::erase_if(next.listeners, [&](const StoredListener& one) { return one.key == key; });
  const auto& files = next.foundation.listeners;
  // One of the file would come back with the next start: that it is gone must be remembered.
  if (find_record(files, key) != files.end()) next.listeners.push_back({key, std::nullopt});
  return {};
}

wsman::AsyncResult<void> Configuration::create_mapping(CertMappingKey key, CertMappingChange change) {
  co_return co_await alter([&](Content& next) { return put_mapping(next, key, change, true); });
}

wsman::AsyncResult<void> Configuration::change_mapping(CertMappingKey key, CertMappingChange change) {
  co_return co_await alter([&](Content& next) { return put_mapping(next, key, change, false); });
}

wsman::Result<void> Configuration::put_mapping(Content& next, const CertMappingKey& key, const CertMappingChange& change,
                                               bool create) {
  auto place = find_record(next.mappings, key);
  const bool there = place != next.mappings.end();
  if (create && there) return wsman::make_fault(wsman::FaultCode::AlreadyExists, "There is a mapping with these selectors");
  if (!create && !there) return not_found("certificate mapping");
  if (create && !change.user) {
    return refuse(Refusal::UserWithoutPassword, "UserName, the local user that the certificate stands for, is missing");
  }
  if (create && change.blank_password) return refuse(Refusal::PasswordBlank, "Password must not be blank");
  if (create && next.mappings.size() >= kMaxCertMappings) {
    return refuse(Refusal::TooManyMappings, "There are as many certificate mappings as there may be");
  }
  CertMapping mapping = there ? *place : CertMapping{key, {}, true};
  if (change.user) mapping.user = *change.user;
  if (change.enabled) mapping.enabled = *change.enabled;
  if (there) {
    *place = std::move(mapping);
  } else {
    next.mappings.push_back(std::move(mapping));
  }
  return {};
}

wsman::AsyncResult<void> Configuration::remove_mapping(CertMappingKey key) {
  co_return co_await alter([&](Content& next) { return drop_mapping(next, key); });
}

wsman::Result<void> Configuration::drop_mapping(Content& next, const CertMappingKey& key) {
  const auto place = find_record(next.mappings, key);
  if (place == next.mappings.end()) return not_found("certificate mapping");
  next.mappings.erase(place);
  return {};
}

wsman::AsyncResult<void> Configuration::create_plugin(std::string name, PluginChange change) {
  co_return co_await alter([&](Content& next) { return put_plugin(next, *current(), name, change, true, effects_); });
}

wsman::AsyncResult<void> Configuration::change_plugin(std::string name, PluginChange change) {
  co_return co_await alter([&](Content& next) { return put_plugin(next, *current(), name, change, false, effects_); });
}

wsman::AsyncResult<void> Configuration::remove_plugin(std::string name) {
  co_return co_await alter([&](Content& next) { return drop_plugin(next, *current(), name); });
}

wsman::AsyncResult<void> Configuration::change_security(std::string uri, PluginSaid said) {
  co_return co_await alter([&](Content& next) { return put_security(next, *current(), uri, said, effects_); });
}

wsman::AsyncResult<void> Configuration::restore() {
  const auto forget = [](Content& next) -> wsman::Result<void> {
    Foundation foundation = std::move(next.foundation);
    next = Content();
    next.foundation = std::move(foundation);
    return {};
  };
  co_return co_await alter(forget, &content_kinds());
}

wsman::AsyncResult<void> Configuration::restore_plugins() {
  const auto forget = [](Content& next) -> wsman::Result<void> {
    next.plugins.clear();
    return {};
  };
  const Kinds kinds{kPluginKind};
  co_return co_await alter(forget, &kinds);
}

base::AsyncResult<void> Configuration::reload(Foundation foundation) {
  auto taken = co_await alter([&](Content& next) -> wsman::Result<void> {
    next.foundation = std::move(foundation);
    return {};
  });
  if (!taken.ok()) co_return wsman::as_error(taken.error());
  co_return base::Result<void>();
}

}  // namespace config
