#include "subscriptions/loss_ledger.h"

#include <charconv>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/log.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"

namespace subscriptions {
namespace {

const std::string kKind = "loss";

std::string name_of(const std::tuple<std::string, std::string, std::string>& key) {
  const auto& [subscription, machine, channel] = key;
  return subscription + "\n" + machine + "\n" + channel;
}

std::string to_xml(const LossTotal& total) {
  const Loss& latest = total.latest;
  xml::Writer w;
  w.open("Loss").attribute("Subscription", latest.subscription).attribute("Machine", latest.machine);
  w.attribute("Channel", latest.channel).attribute("Log", latest.log);
  w.attribute("Events", std::to_string(total.events)).attribute("Gaps", std::to_string(total.gaps));
  w.attribute("First", std::to_string(latest.first)).attribute("Last", std::to_string(latest.last));
  w.attribute("Found", base::format_utc(latest.found, 9));
  return w.take();
}

bool read_number(xml::Element element, std::string_view name, std::uint64_t& into) {
  const std::string_view text = element.attribute(name).value_or(std::string_view());
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), into);
  return failure == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool read(const std::string& text, LossTotal& total) {
  const auto document = xml::Document::parse(text);
  if (!document.ok()) return false;
  const xml::Element root = document->root();
  Loss& latest = total.latest;
  const auto attribute = [&](std::string_view name) {
    return std::string(root.attribute(name).value_or(std::string_view()));
  };
  latest.subscription = attribute("Subscription");
  latest.machine = attribute("Machine");
  latest.channel = attribute("Channel");
  latest.log = attribute("Log");
  if (const auto found = base::parse_datetime(attribute("Found"))) latest.found = *found;
  return read_number(root, "Events", total.events) && read_number(root, "Gaps", total.gaps) &&
         read_number(root, "First", latest.first) && read_number(root, "Last", latest.last);
}

}  // namespace

base::Result<std::unique_ptr<LossLedger>> LossLedger::open(storage::StateStore& state) {
  std::unique_ptr<LossLedger> ledger(new LossLedger(state));
  ASSIGN_OR_RETURN(const auto documents, state.list(kKind));
  for (const auto& [name, text] : documents) {
    LossTotal total;
    if (!read(text, total)) {
      base::log_error("what was lost of {} cannot be read and does not count", name);
      continue;
    }
    const Loss& latest = total.latest;
    const Key key{base::to_lower(latest.subscription), base::to_lower(latest.machine), base::to_lower(latest.channel)};
    ledger->totals_.emplace(key, std::move(total));
  }
  return ledger;
}

base::Result<void> LossLedger::write(const Key& key, const LossTotal& total) {
  RETURN_IF_ERROR(state_.put(kKind, name_of(key), to_xml(total)));
  totals_[key] = total;
  return {};
}

base::Result<bool> LossLedger::add(Loss loss) {
  std::lock_guard lock(mutex_);
  const Key key{base::to_lower(loss.subscription), base::to_lower(loss.machine), base::to_lower(loss.channel)};
  LossTotal total;
  if (const auto known = totals_.find(key); known != totals_.end()) total = known->second;
  if (total.gaps != 0 && loss.first <= total.latest.last) return false;
  total.events += loss.events();
  ++total.gaps;
  total.latest = std::move(loss);
  RETURN_IF_ERROR(write(key, total));
  return true;
}

base::Result<void> LossLedger::restart(const std::string& subscription, const std::string& machine,
                                       const std::string& channel) {
  std::lock_guard lock(mutex_);
  const Key key{base::to_lower(subscription), base::to_lower(machine), base::to_lower(channel)};
  const auto known = totals_.find(key);
  if (known == totals_.end()) return {};
  LossTotal total = known->second;
  total.latest.first = total.latest.last = 0;
  return write(key, total);
}

base::Result<void> LossLedger::forget(const std::string& subscription) {
  std::lock_guard lock(mutex_);
  const std::string wanted = base::to_lower(subscription);
  for (auto at = totals_.begin(); at != totals_.end();) {
    if (std::get<0>(at->first) != wanted) {
      ++at;
      continue;
    }
    RETURN_IF_ERROR(state_.remove(kKind, name_of(at->first)));
    at = totals_.erase(at);
  }
  return {};
}

std::vector<LossTotal> LossLedger::of_source(const std::string& subscription, const std::string& machine) const {
  std::lock_guard lock(mutex_);
  std::vector<LossTotal> found;
  const Key from{base::to_lower(subscription), base::to_lower(machine), std::string()};
  for (auto at = totals_.lower_bound(from); at != totals_.end(); ++at) {
    if (std::get<0>(at->first) != std::get<0>(from) || std::get<1>(at->first) != std::get<1>(from)) break;
    found.push_back(at->second);
  }
  return found;
}

std::uint64_t LossLedger::events_of_log(std::string_view log) const {
  std::lock_guard lock(mutex_);
  std::uint64_t events = 0;
  for (const auto& [key, total] : totals_) {
    if (base::equal_ignoring_case(total.latest.log, log)) events += total.events;
  }
  return events;
}

}  // namespace subscriptions
