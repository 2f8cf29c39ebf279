#include "tests/resources/log_service.h"

#include "engine/base/clock.h"
#include "engine/base/die.h"
#include "events/event.h"

namespace test_support {
namespace {

std::unique_ptr<storage::EventStore> open_store(const std::filesystem::path& directory) {
  auto store = storage::EventStore::open(directory, storage::EventStoreOptions{});
  if (!store.ok()) base::die(store.error().message());
  return std::move(*store);
}

}  // namespace

std::string event_xml(std::uint64_t record_id, std::string_view text, unsigned event_id, unsigned minute) {
  const std::string two_digits = (minute < 10 ? "0" : "") + std::to_string(minute);
  return "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Lab'/><EventID>" +
         std::to_string(event_id) +
         "</EventID><Version>0</Version><Level>4</Level><Task>0</Task><Opcode>0</Opcode>"
         "<Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime='2024-05-01T10:" +
         two_digits + ":00.0000000Z'/><EventRecordID>" + std::to_string(record_id) +
         "</EventRecordID><Channel>Lab/Operational</Channel><Computer>a.lab.example</Computer></System><EventData>"
         "<Data Name='Text'>" +
         std::string(text) + "</Data></EventData></Event>";
}

LogService::LogService() : tasks_(std::make_unique<base::TaskGroup>(loop_.executor())), store_(open_store(folder_.path())) {
  logs_ = std::make_unique<service::StorageEventLogs>(*store_, "collector.lab.example");
  events_ = std::make_unique<resources::EventLogResource>(*logs_, &authorization_);
  log_ = std::make_unique<resources::LogResource>(*logs_, &authorization_);
  count_ = std::make_unique<resources::CountResource>(*logs_, &authorization_);
  publisher_ = std::make_unique<resources::PublisherResource>(*logs_);
  store_resource_ = std::make_unique<resources::StoreResource>(*logs_, *tasks_);
  dispatcher_ = std::make_unique<wsman::Dispatcher>(wsman::DispatcherOptions{});
  dispatcher_->add(*events_);
  dispatcher_->add(*log_);
  dispatcher_->add(*count_);
  dispatcher_->add(*publisher_);
  dispatcher_->add(*store_resource_);
}

LogService::~LogService() {
  stop();
}

void LogService::stop() {
  if (!store_) return;
  run_on(loop_.executor(), [](base::TaskGroup& tasks) -> base::Task<int> {
    co_await tasks.stop();
    co_return 0;
  }(*tasks_));
  run([](storage::EventStore& store) -> base::Task<int> {
    co_await store.stop();
    co_return 0;
  }(*store_));
  dispatcher_.reset();
  store_.reset();
}

void LogService::deliver(const std::string& log, std::vector<std::string> texts) {
  storage::DeliveredBatch batch;
  batch.log = log;
  batch.subscription = "lab";
  batch.machine = "a.lab.example";
  batch.address = "192.0.2.7:49210";
  batch.received = base::system_clock().wall();
  for (std::string& text : texts) batch.events.push_back(events::Event::from_wire(std::move(text)));
  auto appended = run(store_->append(std::move(batch)));
  if (!appended.ok()) base::die(appended.error().message());
}

void LogService::control_access(const std::string& root_sddl) {
  config::Layers layers;
  layers.stored[config::Id::RootSddl] = root_sddl;
  config::Current current;
  current.values = config::Values(layers);
  authorization_.apply(current);
  dispatcher_->set_access_control(authorization_);
}

std::unique_ptr<wsman::Client> LogService::client(bool administrator) {
  auth::Principal who;
  who.scheme = auth::Principal::Scheme::LocalPeer;
  who.name = administrator ? "root" : "guest";
  who.administrator = administrator;
  if (administrator) who.local = std::make_shared<const auth::LocalUser>();
  return client(std::move(who));
}

std::unique_ptr<wsman::Client> LogService::client(auth::Principal who) {
  wsman::Caller caller;
  caller.who = std::move(who);
  caller.path = "/wsman";
  caller.address = "unix";
  wsman::ClientOptions options;
  options.to = "http://localhost:5985/wsman";
  return std::make_unique<wsman::Client>(wsman::loopback_transport(*dispatcher_, std::move(caller)), std::move(options));
}

}  // namespace test_support
