#include "storage/log_file.h"

#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "storage/block.h"
#include "storage/new_file.h"
#include "storage/own_templates.h"
#include "storage/segment_file.h"

namespace storage {
namespace {

// There is time: a file is written once and sent around.
constexpr int kLevel = 6;

}  // namespace

struct LogFileWriter::State {
  explicit State(NewFile made) : file(std::move(made)) {}

  NewFile file;
  std::unique_ptr<SegmentWriter> writer;
  std::optional<base::Error> failure;  ///< of a block: the file would lack events

  BlockBuilder builder;
  OwnTemplates templates;
  std::deque<std::string> texts;  ///< of the events in the builder
  std::map<std::pair<std::string, std::string>, std::uint32_t> sender_numbers;
  std::vector<Sender> senders;

  std::uint32_t sender_of(const StoredEvent& event) {
    if (event.subscription.empty() && event.machine.empty()) return 0;
    const auto next = static_cast<std::uint32_t>(senders.size() + 1);
    const auto [at, is_new] = sender_numbers.emplace(std::pair(event.subscription, event.machine), next);
    if (is_new) senders.push_back({next, event.subscription, event.machine, ""});
    return at->second;
  }

  void add(const StoredEvent& event) {
    const auto& text = texts.emplace_back(event.event.xml);
    const BlockBuilder::Arrival arrival{event.received.time_since_epoch().count(), sender_of(event)};
    const auto time = event.event.system.time;
    const auto quality = event.event.quality;
    const auto shape = quality == events::Quality::Raw ? std::nullopt : templates.cut(text);
    if (shape) {
      builder.add(*shape, templates.splitter().values(), time, arrival, quality);
    } else {
      builder.add_whole(text, time, arrival, quality);
    }
  }

  base::Result<void> write_block() {
    if (builder.events() == 0) return {};
    auto encoded = builder.encode(kLevel);
    const auto next = encoded.summary.last_record() + 1;
    SealedBlock block{std::move(encoded.summary), std::move(encoded.frames), std::move(encoded.keys)};
    texts.clear();
    builder.begin(next);
    auto appended = writer->append({&block, 1}, templates, senders);
    if (!appended.ok()) failure = appended.error();
    return appended;
  }
};

LogFileWriter::LogFileWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
LogFileWriter::~LogFileWriter() = default;

base::Result<std::unique_ptr<LogFileWriter>> LogFileWriter::create(const std::filesystem::path& file, const std::string& log,
                                                                   bool overwrite) {
  ASSIGN_OR_RETURN(auto planned, NewFile::plan(file, overwrite));
  auto state = std::make_unique<State>(std::move(planned));
  SegmentInfo info;
  info.log = log;
  info.created = base::system_clock().wall();
  ASSIGN_OR_RETURN(state->writer, SegmentWriter::create(state->file.path(), info, {}));
  state->builder.begin(1);
  return std::unique_ptr<LogFileWriter>(new LogFileWriter(std::move(state)));
}

base::Result<void> LogFileWriter::add(const StoredEvent& event) {
  if (!state_->writer) return base::make_error(Errc::ReadOnly, state_->file.place().string() + " is finished");
  if (state_->failure) return *state_->failure;
  if (event.event.xml.size() > kMaxEventText) return base::make_error(std::errc::message_size, "an event");
  state_->add(event);
  if (state_->builder.full()) return state_->write_block();
  return {};
}

base::Result<void> LogFileWriter::finish() {
  if (!state_->writer) return {};
  if (state_->failure) return *state_->failure;
  RETURN_IF_ERROR(state_->write_block());
  RETURN_IF_ERROR(state_->writer->finish());
  state_->writer.reset();
  return state_->file.take_place();
}

}  // namespace storage
