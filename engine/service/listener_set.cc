#include "engine/service/listener_set.h"

#include <algorithm>
#include <cstdio>

#include "engine/base/log.h"
#include "engine/wsman/endpoint.h"

namespace service {

/// What stands between a socket and the engine: it lets in what is below a prefix of the socket's listeners.
class ListenerSet::Door final : public http::Handler {
 public:
  explicit Door(http::Handler& inner) : inner_(inner) {}

  void set_prefixes(std::vector<std::string> prefixes) {
    std::lock_guard lock(mutex_);
    prefixes_ = std::move(prefixes);
  }

  base::Task<http::Admission> admit(const http::RequestHead& head, http::Connection& connection) override {
    if (is_below(head.target)) co_return co_await inner_.admit(head, connection);
    http::Admission admission;
    admission.refusal = wsman::not_found();
    co_return admission;
  }
  base::Task<http::Response> handle(http::Request request, http::Connection& connection) override {
    return inner_.handle(std::move(request), connection);
  }

 private:
  bool is_below(std::string_view target) const {
    std::lock_guard lock(mutex_);
    return std::ranges::any_of(prefixes_, [&](const std::string& prefix) { return wsman::is_below(target, prefix); });
  }

  http::Handler& inner_;
  mutable std::mutex mutex_;
  std::vector<std::string> prefixes_;
};

namespace {

std::vector<std::string> prefixes_of(const std::vector<config::Listener>& listeners) {
  std::vector<std::string> prefixes;
  for (const config::Listener& listener : listeners) prefixes.push_back(listener.url_prefix);
  return prefixes;
}

/// The coroutine owns what it ends.
base::Task<void> drain(std::shared_ptr<http::Handler> door, std::unique_ptr<http::Listener> listener) {
  co_await listener->stop();
  listener.reset();
  door.reset();
}

std::string shown(const config::ListenerKey& key) {
  return key.address + " " + std::string(key.transport());
}

}  // namespace

ListenerSet::ListenerSet(base::Executor executor, std::string program, http::Handler& handler)
    : executor_(executor), program_(std::move(program)), handler_(handler), draining_(executor) {}

std::vector<ListenerSet::Plan> ListenerSet::plan_of(const std::vector<WantedListener>& wanted, const AddressFilters& filters,
                                                    std::vector<Failure>& failures) {
  std::vector<Plan> plans;
  const auto host = host_addresses();
  // Wildcards first: what they cover needs no socket of its own.
  for (const bool wildcards : {true, false}) {
    for (const WantedListener& one : wanted) {
      const config::Listener& listener = one.listener;
      for (const BindAddress& address : bind_addresses(listener.key.address, filters, host)) {
        if (address.is_wildcard() != wildcards) continue;
        const auto place = std::ranges::find_if(plans, [&](const Plan& plan) {
          return listener.port != 0 && plan.port == listener.port && covers(plan.address, address);
        });
        if (place == plans.end()) {
          plans.push_back({address, listener.port, one.tls, listener.key.https, {listener}});
        } else if (place->https == listener.key.https) {
          place->listeners.push_back(listener);
        } else {
          const std::string other = shown(place->listeners.front().key);
          failures.push_back({listener.key, base::make_error(std::errc::address_in_use,
                                                             "the listener " + other + " has the port already")});
        }
      }
    }
  }
  return plans;
}

bool ListenerSet::is_same(const Open& open, const Plan& plan) {
  if (open.plan.https != plan.https || !(open.plan.address == plan.address)) return false;
  if (plan.port != 0) return plan.port == open.port;
  return open.plan.port == 0 && open.plan.listeners.front().key == plan.listeners.front().key;
}

base::Result<ListenerSet::Open> ListenerSet::open(Plan plan, std::chrono::milliseconds retrieval_timeout) {
  Open opened;
  opened.door = std::make_shared<Door>(handler_);
  opened.door->set_prefixes(prefixes_of(plan.listeners));
  http::ListenerOptions options;
  options.address = plan.address.address;
  options.only_v6 = plan.address.only_v6;
  options.port = plan.port;
  options.tls = plan.tls;
  options.retrieval_timeout = retrieval_timeout;
  opened.listener = std::make_unique<http::Listener>(executor_, options, *opened.door);
  auto outcome = opened.listener->start();
  if (!outcome.ok() && options.address == "::" && !options.only_v6) {
    // A system without IPv6.
    options.address = "0.0.0.0";
    opened.listener = std::make_unique<http::Listener>(executor_, options, *opened.door);
    if (opened.listener->start().ok()) outcome = {};
  }
  if (!outcome.ok()) return std::move(outcome).error();
  opened.port = opened.listener->port();
  opened.plan = std::move(plan);
  return opened;
}

void ListenerSet::announce(const Open& open, const config::Listener& listener) const {
  const std::string& address = listener.key.address;
  std::string shown = address == "*" ? "0.0.0.0" : address;
  if (address.starts_with("IP:")) shown = address.substr(3);
  if (shown.find(':') != std::string::npos && !address.starts_with("MAC:")) shown = "[" + shown + "]";
  const std::string line = base::format_text("{}: ready on {}://{}:{}/{}\n", program_, listener.key.https ? "https" : "http",
                                             shown, open.port, listener.url_prefix);
  std::fputs(line.c_str(), stderr);
}

std::vector<ListenerSet::Failure> ListenerSet::apply(const std::vector<WantedListener>& wanted,
                                                     const AddressFilters& filters,
                                                     std::chrono::milliseconds retrieval_timeout) {
  std::lock_guard applying(applying_);
  std::vector<Failure> failures;
  std::vector<Plan> plans = plan_of(wanted, filters, failures);
  std::vector<Open> before;
  {
    std::lock_guard lock(mutex_);
    before.swap(open_);
    filters_ = filters;
  }
  std::vector<Open> after;
  std::vector<config::ListenerKey> known;
  std::vector<Open> ended;
  for (Open& open : before) {
    for (const config::Listener& listener : open.plan.listeners) known.push_back(listener.key);
    const auto plan = std::ranges::find_if(plans, [&](const Plan& one) { return is_same(open, one); });
    if (plan == plans.end()) {
      ended.push_back(std::move(open));
      continue;
    }
    if (plan->tls || !plan->https) open.listener->replace_tls(plan->tls);
    open.listener->set_retrieval_timeout(retrieval_timeout);
    open.door->set_prefixes(prefixes_of(plan->listeners));
    open.plan = std::move(*plan);
    plans.erase(plan);
    after.push_back(std::move(open));
  }
  // All of the old before any of the new: a new one may take an address of an old one.
  for (Open& open : ended) open.listener->close();
  for (Open& open : ended) draining_.spawn("closing listener", drain(std::move(open.door), std::move(open.listener)));
  for (Plan& plan : plans) {
    if (plan.https && !plan.tls) continue;
    const std::vector<config::Listener> served = plan.listeners;
    auto opened = open(std::move(plan), retrieval_timeout);
    if (!opened.ok()) {
      for (const config::Listener& listener : served) failures.push_back({listener.key, opened.error()});
      continue;
    }
    after.push_back(std::move(opened).value());
  }
  for (const Open& open : after) {
    for (const config::Listener& listener : open.plan.listeners) {
      if (std::ranges::find(known, listener.key) != known.end()) continue;
      known.push_back(listener.key);
      announce(open, listener);
    }
  }
  std::lock_guard lock(mutex_);
  open_ = std::move(after);
  return failures;
}

config::Listening ListenerSet::listening_on(const config::ListenerKey& key) const {
  const auto host = host_addresses();
  config::Listening listening;
  std::lock_guard lock(mutex_);
  for (const Open& open : open_) {
    const auto served = std::ranges::find(open.plan.listeners, key, &config::Listener::key);
    if (served == open.plan.listeners.end()) continue;
    listening.port = open.port;
    for (std::string& address : addresses_of(key.address, filters_, host)) {
      const bool here = open.plan.address.address == address || covers(open.plan.address, {address, false});
      if (here) listening.addresses.push_back(std::move(address));
    }
  }
  return listening;
}

base::Task<void> ListenerSet::stop() {
  std::vector<Open> all;
  {
    std::lock_guard lock(mutex_);
    all.swap(open_);
  }
  for (Open& open : all) co_await open.listener->stop();
  co_await draining_.stop();
}

}  // namespace service
