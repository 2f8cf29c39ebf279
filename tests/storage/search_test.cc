// Whatever a search passes over, finds by the index, or decides on columns: it must be what asking each event finds.

#include <algorithm>
#include <fstream>
#include <map>
#include <random>

#include "engine/base/iso8601.h"
#include "engine/base/task_group.h"
#include "storage/catalogue.h"
#include "storage/log_file.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using storage::CountBy;
using storage::Direction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t kEvents = 3000;

/// Events of some kinds, from some computers, within a day and a half: the same ones each time.
std::vector<events::Event> varied_events(std::uint64_t first, std::uint64_t last) {
  std::vector<events::Event> events;
  for (auto id = first; id <= last; ++id) {
    std::mt19937_64 random(id);
    const auto number = [&](std::uint64_t below) { return random() % below; };
    // Mostly in order, as events arrive.
    const auto time = at(static_cast<double>(id) * 40 + static_cast<double>(number(600)));
    const auto kind = number(6);
    std::string xml =
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Provider-" +
        std::to_string(kind % 3) + "'/><EventID>" + std::to_string(4600 + kind) + "</EventID><Level>" +
        std::to_string(kind % 4) + "</Level><Task>" + std::to_string(kind) + "</Task><Keywords>0x80" +
        std::to_string(kind % 2) + "0000000000000</Keywords><TimeCreated SystemTime='" + base::format_utc(time, 7) +
        "'/><EventRecordID>" + std::to_string(id) + "</EventRecordID><Channel>Security</Channel><Computer>PC" +
        std::to_string(number(5)) + ".lab.example</Computer></System>";
    if (kind == 5) {
      xml +=
          "<UserData><Report xmlns='urn:r'><Code>" + std::to_string(number(9)) + "</Code><!-- free --></Report></UserData>";
    } else {
      xml += "<EventData><Data Name='User'>user" + std::to_string(number(20)) + "</Data><Data Name='Port'>" +
             std::to_string(1000 + number(2000)) + "</Data>";
      if (kind % 2 == 0) xml += "<Data Name='Path'>C:\\Windows\\file" + std::to_string(id % 700) + ".exe &amp; more</Data>";
      if (id % 500 == 77) xml += "<Data Name='Rare'>needle</Data>";
      xml += "</EventData>";
    }
    if (id % 400 == 13) {
      events.push_back(events::Event::from_wire("<Event>not quite <" + std::to_string(id)));
    } else {
      events.push_back(events::Event::parse(xml + "</Event>").value());
    }
  }
  return events;
}

class EventStoreSearch : public StoreTest {
 protected:
  EventStoreSearch() { reopen(small_files()); }

  static storage::EventStoreOptions small_files() {
    storage::EventStoreOptions options;
    options.seal_events = 150;
    options.segment_bytes = 48u << 10;
    return options;
  }
  void fill(std::uint64_t events = kEvents) {
    for (std::uint64_t first = 1; first <= events; first += 100) {
      ASSERT_THAT(deliver(varied_events(first, std::min(first + 99, events))), IsOk());
    }
    // Some of them are in files, some still in the tail.
    ASSERT_TRUE(test_support::eventually([&] { return !files().empty(); }));
  }
  std::vector<std::filesystem::path> files() {
    std::vector<std::filesystem::path> files;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(storage::segment_folder(directory().path()), ignored)) {
      if (entry.path().extension() == ".mlog") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  }
  std::vector<std::uint64_t> selected(const std::vector<storage::StoredEvent>& all, const storage::ReadRequest& request) {
    std::vector<std::uint64_t> records;
    for (const auto& stored : all) {
      if (!request.query.matches(stored.event, stored.log, clock().wall())) continue;
      if (request.text && !request.text->matches(stored.event)) continue;
      records.push_back(stored.record);
    }
    if (request.direction == Direction::NewestFirst) std::reverse(records.begin(), records.end());
    return records;
  }
  static std::vector<std::uint64_t> records_of(const storage::ReadResult& result) {
    std::vector<std::uint64_t> records;
    for (const auto& stored : result.events) records.push_back(stored.record);
    return records;
  }
  static storage::ReadRequest asking(const std::string& xpath) {
    storage::ReadRequest request;
    auto query = events::Query::parse_xpath("ForwardedEvents", xpath);
    EXPECT_THAT(query, IsOk()) << xpath;
    if (query.ok()) request.query = *query;
    return request;
  }
  static storage::CountRequest counting(const std::string& xpath, std::vector<CountBy> by, int bucket_seconds = 0) {
    storage::CountRequest request;
    auto query = events::Query::parse_xpath("ForwardedEvents", xpath);
    EXPECT_THAT(query, IsOk()) << xpath;
    if (query.ok()) request.query = *query;
    request.by = std::move(by);
    request.bucket = std::chrono::seconds(bucket_seconds);
    return request;
  }
  base::Result<storage::CountResult> count(storage::CountRequest request) { return wait(store().count(std::move(request))); }
  std::string query_by_time() const {
    return "*[System[TimeCreated[@SystemTime>='" + base::format_utc(at(40'000), 3) + "']]]";
  }
};

std::vector<std::string> queries() {
  const auto time = [](double seconds) { return "'" + base::format_utc(at(seconds), 3) + "'"; };
  return {
      "*",
      "*[System[EventID=4601]]",
      "*[System[EventID=1]]",
      "*[System[(EventID=4601 or EventID=4604) and Level=1]]",
      "*[EventData[Data[@Name='User']='user7']]",
      "*[System[EventID=4602] and EventData[Data[@Name='User']='user7']]",
      "*[System[EventID=4602] and EventData[Data[@Name='User']='nobody']]",
      "*[EventData[Data='user3']]",
      "*[EventData[Data[@Name='Rare']='needle']]",
      "*[EventData[Data[@Name='Port']=1500 or Data[@Name='Port']=1501]]",
      "*[EventData[Data[@Name='Port'] < 1010]]",
      "*[EventData[Data[@Name='Port']!=1500]]",
      "*[EventData[Data[@Name='Path']='C:\\Windows\\file77.exe & more']]",
      "*[System[Computer='pc3.LAB.example']]",
      "*[System[Computer='PC3.lab.example'] and EventData[Data[@Name='User']='user1']]",
      "*[System[TimeCreated[@SystemTime>=" + time(50'000) + " and @SystemTime<" + time(51'000) + "]]]",
      "*[System[TimeCreated[@SystemTime>=" + time(50'000) + "] and EventID=4603]]",
      "*[System[TimeCreated[@SystemTime=" + time(50'000) + "]]]",
      "*[System[TimeCreated[timediff(@SystemTime, " + time(100'000) + ") <= 20000000]]]",
      "*[System[TimeCreated[timediff(@SystemTime) <= 3600000]]]",
      "*[System[TimeCreated[timediff(@SystemTime) > 3600000]]]",
      "*[System[band(Keywords,4503599627370496)]]",
      "*[System[EventRecordID > 1490 and EventRecordID <= 1510]]",
      "*[UserData/*/Code=4]",
      "*[UserData[*]]",
      "*[System[Provider[@Name='provider-2']]]",
  };
}

TEST_F(EventStoreSearch, FindsWhatAskingEachEventFinds) {
  fill();
  const auto all = all_of();
  ASSERT_EQ(all.size(), kEvents);
  for (const auto& xpath : queries()) {
    for (const auto direction : {Direction::OldestFirst, Direction::NewestFirst}) {
      auto request = asking(xpath);
      request.direction = direction;
      const auto expected = selected(all, request);
      const auto found = read(request);
      ASSERT_THAT(found, IsOk()) << xpath;
      EXPECT_EQ(records_of(*found), expected) << xpath;
      EXPECT_TRUE(found->at_end) << xpath;
      EXPECT_EQ(found->looked_at, kEvents) << xpath;
      EXPECT_EQ(found->unreadable, 0u) << xpath;
    }
  }
}

TEST_F(EventStoreSearch, SuppressedEventsAreNotFound) {
  fill(1000);
  auto request = asking("*");
  request.query =
      events::Query::parse_list(
          "<QueryList><Query Id='0'><Select Path='ForwardedEvents'>*[System[Level &lt; 3]]</Select>"
          "<Suppress Path='ForwardedEvents'>*[EventData[Data[@Name='User']='user7']]</Suppress></Query>"
          "<Query Id='1'><Select Path='ForwardedEvents'>*[EventData[Data='needle']]</Select></Query></QueryList>")
          .value();
  const auto found = read(request);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(records_of(*found), selected(all_of(), request));
}

TEST_F(EventStoreSearch, EventsComeBackAsTheyWere) {
  fill(500);
  const auto sent = varied_events(1, 500);
  const auto all = all_of();
  ASSERT_EQ(all.size(), sent.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].event.xml, sent[i].xml);
    EXPECT_EQ(all[i].event.quality, sent[i].quality);
    EXPECT_EQ(all[i].event.system, sent[i].system);
    EXPECT_EQ(all[i].record, i + 1);
    EXPECT_EQ(all[i].machine, "host1");
    EXPECT_EQ(all[i].subscription, "baseline");
    EXPECT_EQ(all[i].received, at(3600));
  }
}

TEST_F(EventStoreSearch, GoesOnBehindEveryRecord) {
  fill(1000);
  const auto all = all_of();
  for (const std::string xpath : {"*[System[EventID=4601]]", "*[EventData[Data[@Name='Rare']='needle']]"}) {
    for (const auto direction : {Direction::OldestFirst, Direction::NewestFirst}) {
      auto request = asking(xpath);
      request.direction = direction;
      const auto everything = selected(all, request);
      for (std::uint64_t after = 0; after <= 1001; after += (after % 10 == 9 ? 37 : 1)) {
        request.after = {};
        request.after.set("ForwardedEvents", after);
        request.budget.items = 3;
        std::vector<std::uint64_t> expected;
        for (const auto record : everything) {
          if (direction == Direction::OldestFirst ? record > after : record < after) expected.push_back(record);
        }
        const bool more = expected.size() > 3;
        if (more) expected.resize(3);
        const auto found = read(request);
        ASSERT_THAT(found, IsOk());
        EXPECT_EQ(records_of(*found), expected) << xpath << " after " << after;
        if (more) {
          EXPECT_FALSE(found->at_end);
        }
      }
    }
  }
}

TEST_F(EventStoreSearch, StepsAddUpToTheWhole) {
  fill(1500);
  const auto all = all_of();
  for (const auto direction : {Direction::OldestFirst, Direction::NewestFirst}) {
    auto request = asking("*[EventData[Data[@Name='User']='user7' or Data[@Name='User']='user8']]");
    request.direction = direction;
    const auto expected = selected(all, request);
    request.budget.items = 7;
    std::vector<std::uint64_t> found;
    for (int step = 0; step < 1000; ++step) {
      const auto part = read(request);
      ASSERT_THAT(part, IsOk());
      for (const auto record : records_of(*part)) found.push_back(record);
      request.after = part->position;
      if (part->at_end) break;
    }
    EXPECT_EQ(found, expected);
  }
}

TEST_F(EventStoreSearch, SearchThatRunsOutOfTimeGoesOnWhereItWas) {
  fill(1500);
  auto request = asking("*[EventData[Data[@Name='Port'] > 90000] and System[Level < 4]]");
  ASSERT_THAT(selected(all_of(), request), IsEmpty());
  request.budget.until = clock().steady();
  std::uint64_t position = 0;
  int steps = 0;
  for (bool at_end = false; !at_end; ++steps) {
    ASSERT_LT(steps, 1500);
    const auto part = read(request);
    ASSERT_THAT(part, IsOk());
    EXPECT_THAT(part->events, IsEmpty());
    at_end = part->at_end;
    const auto reached = part->position.find("ForwardedEvents").value_or(0);
    ASSERT_TRUE(at_end || reached > position);
    position = reached;
    request.after = part->position;
  }
  EXPECT_EQ(position, 1500u);
}

TEST_F(EventStoreSearch, TextIsFoundInWhatPeopleRead) {
  fill(1000);
  const auto all = all_of();
  for (const auto& [text, words] : std::vector<std::pair<std::string, bool>>{{"NEEDLE", false},
                                                                             {"file7", false},
                                                                             {"user1", true},
                                                                             {"exe & more", false},
                                                                             {"not quite", false},
                                                                             {"pc2", true}}) {
    auto request = asking("*[System[Level < 3]]");
    for (const std::string xpath : {"*", "*[System[EventID=4602]]"}) {
      request = asking(xpath);
      request.text = events::TextSearch::make(text, words).value();
      const auto found = read(request);
      ASSERT_THAT(found, IsOk());
      EXPECT_EQ(records_of(*found), selected(all, request)) << text << " in " << xpath;
    }
  }
}

std::string key_of(CountBy by, const storage::StoredEvent& stored) {
  const auto& system = stored.event.system;
  switch (by) {
    case CountBy::Level:
      return std::to_string(system.level);
    case CountBy::Provider:
      return system.provider;
    case CountBy::EventId:
      return std::to_string(system.event_id);
    case CountBy::Task:
      return std::to_string(system.task);
    case CountBy::Opcode:
      return std::to_string(system.opcode);
    case CountBy::Keywords: {
      std::ostringstream text;
      text << "0x" << std::hex << system.keywords;
      return text.str();
    }
    case CountBy::Channel:
      return system.channel;
    case CountBy::Computer:
      return system.computer;
    case CountBy::User:
      return system.user_id;
    case CountBy::Log:
      return stored.log;
    case CountBy::Machine:
      return stored.machine;
  }
  return {};
}

using Groups = std::map<std::pair<std::optional<base::WallTime>, std::vector<std::string>>, std::uint64_t>;

Groups groups_of(const storage::CountResult& result) {
  Groups groups;
  for (const auto& count : result.counts) groups[{count.bucket, count.keys}] += count.events;
  return groups;
}

TEST_F(EventStoreSearch, CountsAreThoseOfAskingEachEvent) {
  fill(1200);
  const auto all = all_of();
  const std::vector<std::vector<CountBy>> bys = {{},
                                                 {CountBy::Level},
                                                 {CountBy::Provider, CountBy::EventId},
                                                 {CountBy::Task, CountBy::Opcode, CountBy::Keywords},
                                                 {CountBy::Channel, CountBy::Log},
                                                 {CountBy::Computer},
                                                 {CountBy::User, CountBy::Level},
                                                 {CountBy::Machine, CountBy::Computer}};
  for (const std::string& xpath : queries()) {
    for (const int bucket : {0, 3600, 86400, 900}) {
      for (const auto& by : bys) {
        if (bucket != 0 && by.size() != 1) continue;
        if (bucket == 0 && (xpath.size() + by.size()) % 3 != 0) continue;
        const auto request = counting(xpath, by, bucket);
        Groups expected;
        std::uint64_t events = 0;
        for (const auto& stored : all) {
          if (!request.query.matches(stored.event, stored.log, clock().wall())) continue;
          std::vector<std::string> keys;
          for (const auto one : by) keys.push_back(key_of(one, stored));
          std::optional<base::WallTime> begin;
          if (bucket != 0) {
            const auto since = stored.event.system.time.time_since_epoch();
            begin = base::WallTime(since - since % std::chrono::nanoseconds(std::chrono::seconds(bucket)));
          }
          ++expected[{begin, keys}];
          ++events;
        }
        const auto counted = count(request);
        ASSERT_THAT(counted, IsOk()) << xpath;
        EXPECT_EQ(groups_of(*counted), expected) << xpath << " by " << by.size() << " in " << bucket;
        EXPECT_EQ(counted->events, events);
        EXPECT_TRUE(counted->complete);
      }
    }
  }
}

TEST_F(EventStoreSearch, CountsComeByBucketThenByNumber) {
  fill(1000);
  const auto counted = count(counting("*", {CountBy::EventId}, 3600));
  ASSERT_THAT(counted, IsOk());
  for (std::size_t i = 1; i < counted->counts.size(); ++i) {
    const auto& before = counted->counts[i - 1];
    const auto& after = counted->counts[i];
    EXPECT_LE(before.bucket, after.bucket);
    if (before.bucket == after.bucket) {
      EXPECT_GE(before.events, after.events);
    }
  }
}

TEST_F(EventStoreSearch, CountOfAnUnknownLogNamesIt) {
  auto request = counting("*", {});
  request.query = events::Query::parse_xpath("Nowhere", "*").value();
  EXPECT_THAT(count(request), IsError(Errc::NotFound, "Nowhere"));
  request.ignore_missing_logs = true;
  EXPECT_EQ(count(request)->events, 0u);
}

TEST_F(EventStoreSearch, CountThatRunsOutOfTimeSaysSo) {
  fill(1500);
  auto request = counting("*[EventData[Data[@Name='Port'] < 2000]]", {CountBy::Computer});
  request.until = clock().steady();
  const auto counted = count(request);
  ASSERT_THAT(counted, IsOk());
  EXPECT_FALSE(counted->complete);
}

TEST_F(EventStoreSearch, ManyGroupsAreCut) {
  // Every event is a group of its own.
  for (std::uint64_t batch = 0; batch < 21; ++batch) {
    std::vector<events::Event> events;
    for (std::uint64_t id = 1; id <= 5000; ++id) {
      EventSpec spec;
      spec.record_id = batch * 5000 + id;
      spec.computer = "pc" + std::to_string(*spec.record_id);
      events.push_back(make_event(spec));
    }
    ASSERT_THAT(deliver(std::move(events)), IsOk());
  }
  const auto counted = count(counting("*", {CountBy::Computer}));
  ASSERT_THAT(counted, IsOk());
  EXPECT_EQ(counted->counts.size(), storage::kMaxCounts);
  EXPECT_EQ(counted->events, 105'000u);
  EXPECT_FALSE(counted->complete);
}

void overwrite(const std::filesystem::path& file, std::uint64_t from) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  const auto size = std::filesystem::file_size(file);
  stream.seekp(static_cast<std::streamoff>(from));
  for (auto at = from; at < size; ++at) stream.put('\x5a');
}

TEST_F(EventStoreSearch, MissingFileIsPassedOver) {
  fill();
  close();
  const auto lost = files()[0];
  std::filesystem::remove(lost);
  reopen(small_files());
  const auto found = read(asking("*"));
  ASSERT_THAT(found, IsOk());
  EXPECT_GT(found->unreadable, 0u);
  EXPECT_EQ(found->events.size() + found->unreadable, kEvents);
  EXPECT_TRUE(found->at_end);
  EXPECT_EQ(found->position.find("ForwardedEvents"), kEvents);
  const auto counted = count(counting("*", {CountBy::Computer}));
  ASSERT_THAT(counted, IsOk());
  EXPECT_EQ(counted->events, found->events.size());
  EXPECT_EQ(counted->unreadable, found->unreadable);
}

TEST_F(EventStoreSearch, DamagedFileIsPassedOver) {
  fill();
  close();
  for (const std::uint64_t from : {16384u, 0u}) {
    overwrite(files()[0], from);
    reopen(small_files());
    for (const auto direction : {Direction::OldestFirst, Direction::NewestFirst}) {
      auto request = asking("*");
      request.direction = direction;
      const auto found = read(request);
      ASSERT_THAT(found, IsOk());
      EXPECT_GT(found->unreadable, 0u);
      EXPECT_EQ(found->events.size() + found->unreadable, kEvents);
    }
    close();
  }
}

TEST_F(EventStoreSearch, StoreThatIsOnlyReadIsNotTouched) {
  fill(1500);
  const auto expected = all_of();
  close();
  const auto all_bytes = [&] {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory().path())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      files[entry.path()] = std::string(std::istreambuf_iterator<char>(file), {});
    }
    return files;
  };
  const auto before = all_bytes();
  auto options = small_files();
  options.read_only = true;
  open(options);
  const auto found = all_of();
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].event.xml, expected[i].event.xml);
  EXPECT_EQ(count(counting("*", {CountBy::Machine}))->counts.at(0).keys, std::vector<std::string>{"host1"});
  EXPECT_THAT(deliver(varied_events(1, 2)), IsError(Errc::ReadOnly));
  EXPECT_THAT(append_local(make_local("Linux-Syslog/Operational", {"a"})), IsError(Errc::ReadOnly));
  EXPECT_THAT(wait(store().clear_log("ForwardedEvents")), IsError(Errc::ReadOnly));
  EXPECT_THAT(wait(store().update_delivery({})), IsError(Errc::ReadOnly));
  EXPECT_EQ(all_bytes(), before);
  close();
  EXPECT_EQ(all_bytes(), before);
}

TEST_F(EventStoreSearch, OneFileOfTheStoreIsAStoreToBeRead) {
  fill(1500);
  auto asked = asking("*[System[EventID=4602] and EventData[Data[@Name='User']='user7']]");
  const auto expected = selected(all_of(), asked);
  close();
  std::vector<std::uint64_t> records;
  for (const auto& path : files()) {
    auto opened = storage::open_log_file(path);
    ASSERT_THAT(opened, IsOk());
    auto& file = **opened;
    const auto logs = wait(file.logs());
    ASSERT_THAT(logs, IsOk());
    ASSERT_THAT(*logs, ::testing::SizeIs(1));
    EXPECT_EQ(logs->at(0).properties.name, "ForwardedEvents");
    const auto found = wait(file.read(asked));
    ASSERT_THAT(found, IsOk());
    for (const auto& stored : found->events) {
      records.push_back(stored.record);
      EXPECT_EQ(stored.machine, "host1");
    }
    auto counted = wait(file.count(counting("*", {CountBy::Level})));
    ASSERT_THAT(counted, IsOk());
    EXPECT_EQ(counted->events, logs->at(0).status.records);
    EXPECT_THAT(wait(file.find_position("file:/a")), IsOkAndHolds(std::optional<std::string>()));
    EXPECT_THAT(wait(file.append(make_batch({}))), IsError(Errc::ReadOnly));
    wait(file.stop());
  }
  // What was still in the tail is in no file.
  ASSERT_LE(records.size(), expected.size());
  EXPECT_TRUE(std::equal(records.begin(), records.end(), expected.begin()));
  EXPECT_THAT(storage::open_log_file(directory() / "none.mlog"), IsError(Errc::NotFound));
}

base::Task<void> read_and_tell(storage::EventStore& store, storage::ReadRequest request, std::atomic<int>& state) {
  state = 1;
  auto result = co_await store.read(std::move(request));
  state = 2;
}

TEST_F(EventStoreSearch, CancelledSearchEnds) {
  fill(1500);
  base::TaskGroup tasks(executor());
  std::atomic<int> state = 0;
  auto request = asking("*[EventData[Data[@Name='Port'] > 90000]]");
  tasks.spawn("search", read_and_tell(store(), request, state));
  ASSERT_TRUE(test_support::eventually([&] { return state > 0; }));
  wait(tasks.stop());
  EXPECT_EQ(tasks.size(), 0u);
  // The store is none the worse for it.
  EXPECT_THAT(read(asking("*[System[EventID=4601]]")), IsOk());
}

TEST_F(EventStoreSearch, SearchAfterStopIsRefused) {
  fill(200);
  wait(store().stop());
  EXPECT_THAT(read(asking("*")), IsError(Errc::Stopped));
  EXPECT_THAT(count(counting("*", {})), IsError(Errc::Stopped));
}

TEST_F(EventStoreSearch, QueriesRunWhileEventsCome) {
  std::vector<std::future<base::Result<storage::AppendResult>>> answers;
  std::vector<std::future<base::Result<storage::ReadResult>>> reads;
  std::vector<std::future<base::Result<storage::CountResult>>> counts;
  for (std::uint64_t batch = 0; batch < 60; ++batch) {
    auto events = make_batch(varied_events(batch * 50 + 1, batch * 50 + 50));
    answers.push_back(boost::asio::co_spawn(executor(), store().append(std::move(events)), boost::asio::use_future));
    if (batch == 0) {
      ASSERT_THAT(answers.front().get(), IsOk());
      answers.clear();
    }
    auto request = asking(queries()[batch % queries().size()]);
    request.direction = batch % 2 == 0 ? Direction::NewestFirst : Direction::OldestFirst;
    reads.push_back(boost::asio::co_spawn(executor(), store().read(request), boost::asio::use_future));
    counts.push_back(
        boost::asio::co_spawn(executor(), store().count(counting("*", {CountBy::Level}, 3600)), boost::asio::use_future));
  }
  for (auto& answer : answers) EXPECT_THAT(answer.get(), IsOk());
  for (auto& answer : reads) {
    const auto found = answer.get();
    ASSERT_THAT(found, IsOk());
    EXPECT_EQ(found->unreadable, 0u);
    EXPECT_TRUE(found->at_end);
    EXPECT_EQ(found->looked_at % 50, 0u);
  }
  for (auto& answer : counts) {
    const auto counted = answer.get();
    ASSERT_THAT(counted, IsOk());
    EXPECT_EQ(counted->unreadable, 0u);
    EXPECT_EQ(counted->events % 50, 0u);
  }
  EXPECT_EQ(all_of().size(), kEvents);
}

}  // namespace
}  // namespace storage_test
