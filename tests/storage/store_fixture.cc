#include "tests/storage/store_fixture.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <random>

#include "engine/base/iso8601.h"
#include "storage/database.h"

namespace storage_test {

base::WallTime at(double seconds) {
  const base::WallTime start = std::chrono::sys_days(std::chrono::year(2024) / 5 / 1) + std::chrono::hours(10);
  return start + std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

std::string xml_of(const EventSpec& spec) {
  std::string xml =
      "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
      "<Provider Name='Lab-Provider' Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}' EventSourceName='lab'/>";
  xml += "<EventID Qualifiers='16384'>" + std::to_string(spec.event_id) + "</EventID>";
  xml += "<Version>2</Version><Level>4</Level><Task>12544</Task><Opcode>1</Opcode><Keywords>0x8020000000000000</Keywords>";
  xml += "<TimeCreated SystemTime='" + base::format_utc(spec.time, 9) + "'/>";
  if (spec.record_id) xml += "<EventRecordID>" + std::to_string(*spec.record_id) + "</EventRecordID>";
  xml += "<Correlation ActivityID='{0F4D2C9A-1111-4A5B-8C3D-000000000009}'/><Execution ProcessID='632' ThreadID='700'/>";
  xml += "<Channel>" + spec.channel + "</Channel><Computer>" + spec.computer + "</Computer><Security UserID='S-1-5-18'/>";
  return xml + "</System><EventData><Data Name='text'>" + spec.text + "</Data></EventData></Event>";
}

events::Event make_event(const EventSpec& spec) {
  return events::Event::parse(xml_of(spec)).value();
}

std::vector<events::Event> make_events(std::uint64_t first, std::uint64_t last, const std::string& computer) {
  std::vector<events::Event> events;
  for (auto id = first; id <= last; ++id) {
    EventSpec spec;
    spec.record_id = id;
    spec.time = at(static_cast<double>(id));
    spec.computer = computer;
    events.push_back(make_event(spec));
  }
  return events;
}

storage::DeliveredBatch make_batch(std::vector<events::Event> events) {
  storage::DeliveredBatch batch;
  batch.log = "ForwardedEvents";
  batch.subscription = "baseline";
  batch.machine = "host1";
  batch.address = "192.0.2.7";
  batch.received = at(3600);
  batch.events = std::move(events);
  return batch;
}

storage::LocalBatch make_local(const std::string& log, const std::vector<std::string>& texts, const std::string& position) {
  storage::LocalBatch batch;
  batch.log = log;
  batch.source = "file:/var/log/syslog";
  batch.position = position;
  for (const auto& text : texts) {
    events::Draft draft;
    draft.system.provider = "Linux-Syslog";
    draft.system.event_id = 1;
    draft.system.channel = log;
    draft.system.computer = "host1.lab.example";
    draft.system.time = at(1);
    draft.data.emplace_back("MESSAGE", text);
    batch.drafts.push_back(std::move(draft));
  }
  return batch;
}

std::string random_text(std::size_t bytes, std::uint64_t seed) {
  static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::mt19937_64 random(seed);
  std::string text;
  text.reserve(bytes);
  while (text.size() < bytes) text += kLetters[random() % kLetters.size()];
  return text;
}

std::vector<events::Event> make_random_events(std::uint64_t first, std::uint64_t last, std::size_t bytes) {
  std::vector<events::Event> events;
  for (auto id = first; id <= last; ++id) {
    EventSpec spec;
    spec.record_id = id;
    spec.time = at(static_cast<double>(id));
    spec.text = random_text(bytes, id);
    events.push_back(make_event(spec));
  }
  return events;
}

events::Query everything_in(const std::string& log) {
  return events::Query::parse_xpath(log, "*").value();
}

void StoreTest::open(storage::EventStoreOptions options) {
  options.clock = &clock_;
  auto opened = storage::EventStore::open(directory_.path(), options);
  ASSERT_THAT(opened, IsOk());
  store_ = std::move(opened).value();
}

void StoreTest::close() {
  if (store_) wait(store_->stop());
  store_.reset();
}

std::vector<storage::StoredEvent> StoreTest::all_of(const std::string& log) {
  storage::ReadRequest request;
  request.query = everything_in(log);
  auto result = read(std::move(request));
  EXPECT_THAT(result, IsOk());
  return result.ok() ? std::move(result->events) : std::vector<storage::StoredEvent>();
}

std::vector<std::uint64_t> StoreTest::record_ids(const std::string& log) {
  std::vector<std::uint64_t> ids;
  for (const auto& stored : all_of(log)) ids.push_back(stored.event.system.record_id.value_or(0));
  return ids;
}

storage::Log StoreTest::log(const std::string& name) {
  auto found = wait(store().find_log(name));
  EXPECT_THAT(found, IsOk());
  EXPECT_TRUE(found.ok() && found->has_value()) << name;
  return found.ok() && *found ? **found : storage::Log();
}

std::int64_t StoreTest::ask(const std::string& sql) {
  storage::Database::Options options;
  options.read_only = true;
  auto catalogue = storage::Database::open(directory() / "events.db", options);
  EXPECT_THAT(catalogue, IsOk());
  if (!catalogue.ok()) return -1;
  const auto answer = (*catalogue)->ask(sql);
  EXPECT_THAT(answer, IsOk());
  return answer.ok() ? *answer : -1;
}

std::vector<std::string> StoreTest::files_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(directory() / folder, failed)) {
    if (entry.path().extension() == ".mlog") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void StoreTest::wait_until_sealed() {
  EXPECT_TRUE(test_support::eventually([this] { return ask("SELECT count(*) FROM tail") == 0; }));
}

void StoreTest::configure(const std::string& name, std::uint64_t max_size, bool retention, bool enabled) {
  storage::LogProperties properties;
  properties.name = name;
  properties.max_size = max_size;
  properties.retention = retention;
  properties.enabled = enabled;
  ASSERT_THAT(wait(store().set_log(properties)), IsOk());
}

}  // namespace storage_test
