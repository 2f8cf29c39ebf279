#include "storage/log_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "events/skeleton.h"
#include "storage/block.h"
#include "storage/segment_file.h"

namespace storage {
namespace {

// There is time: a file is written once and sent around.
constexpr int kLevel = 6;

// As many kinds of events as a file tells apart, finely and in all.
constexpr std::size_t kMaxFineShapes = 8'192;
constexpr std::size_t kMaxShapes = 16'384;

// A name beside `file` that nobody else has.
std::filesystem::path temporary_for(const std::filesystem::path& file) {
  static std::atomic<unsigned> count{0};
  auto name = "." + file.filename().string();
  if (name.size() > 200) name.resize(200);
  name += "." + std::to_string(::getpid()) + "-" + std::to_string(++count) + ".tmp";
  return file.parent_path() / name;
}

base::Result<void> sync_folder_of(const std::filesystem::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return base::errno_error("cannot open " + folder.string());
  const bool synced = ::fsync(descriptor) == 0 || errno == EINVAL;
  auto error = base::errno_error("cannot sync " + folder.string());
  ::close(descriptor);
  if (!synced) return error;
  return {};
}

base::Result<void> move_into_place(const std::filesystem::path& from, const std::filesystem::path& to, bool overwrite) {
  if (!overwrite) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
    if (errno == EEXIST) return base::make_error(std::errc::file_exists, to.string());
    // Not every file system can; what is left is a moment in which another's new file is lost.
    if (errno != EINVAL) return base::errno_error("cannot make " + to.string());
    std::error_code ignored;
    if (std::filesystem::exists(to, ignored)) return base::make_error(std::errc::file_exists, to.string());
  }
  if (::rename(from.c_str(), to.c_str()) != 0) return base::errno_error("cannot make " + to.string());
  return {};
}

// The file's own templates.
class Shapes final : public TemplateSource {
 public:
  /// The template of the splitter's last cut; nothing where there is no room for one more, or it cannot be one.
  std::optional<Template> find(const events::Splitter& cut, events::Grain grain) {
    const auto [first, last] = by_hash_.equal_range(cut.hash());
    for (auto at = first; at != last; ++at) {
      if (cut.is(at->second.skeleton->text())) return at->second;
    }
    if (by_number_.size() >= (grain == events::Grain::Fine ? kMaxFineShapes : kMaxShapes)) return std::nullopt;
    auto parsed = events::Skeleton::parse(cut.skeleton());
    if (!parsed.ok() || (*parsed)->holes().size() != cut.values().size()) return std::nullopt;
    by_number_.push_back(*parsed);
    return by_hash_.emplace(cut.hash(), Template{static_cast<std::uint32_t>(by_number_.size()), *parsed})->second;
  }

  base::Result<std::shared_ptr<const events::Skeleton>> find(std::uint32_t id) const override {
    if (id == 0 || id > by_number_.size()) {
      return base::make_error(Errc::Corrupt, "no template has the number " + std::to_string(id));
    }
    return by_number_[id - 1];
  }

 private:
  std::unordered_multimap<std::uint64_t, Template> by_hash_;
  std::vector<std::shared_ptr<const events::Skeleton>> by_number_;
};

}  // namespace

struct LogFileWriter::State {
  std::filesystem::path file;
  std::filesystem::path temporary;
  bool overwrite = false;
  std::unique_ptr<SegmentWriter> writer;
  std::optional<base::Error> failure;  ///< of a block: the file would lack events

  BlockBuilder builder;
  events::Splitter splitter;
  Shapes shapes;
  std::deque<std::string> texts;  ///< of the events in the builder
  std::map<std::tuple<std::string, std::string>, std::uint32_t> sender_numbers;
  std::vector<Sender> senders;

  ~State() {
    writer.reset();
    std::error_code ignored;
    for (const char* end : {"", "-wal", "-shm", "-journal"}) {
      std::filesystem::remove(temporary.string() + end, ignored);
    }
  }

  std::uint32_t sender_of(const StoredEvent& event) {
    if (event.subscription.empty() && event.machine.empty()) return 0;
    const auto next = static_cast<std::uint32_t>(senders.size() + 1);
    const auto [at, is_new] = sender_numbers.emplace(std::tuple(event.subscription, event.machine), next);
    if (is_new) senders.push_back({next, event.subscription, event.machine, ""});
    return at->second;
  }

  void add(const StoredEvent& event) {
    const auto& text = texts.emplace_back(event.event.xml);
    const BlockBuilder::Arrival arrival{event.received.time_since_epoch().count(), sender_of(event)};
    const auto time = event.event.system.time;
    if (event.event.quality != events::Quality::Raw) {
      for (const auto grain : {events::Grain::Fine, events::Grain::Coarse}) {
        if (!splitter.split(text, grain)) break;
        const auto shape = shapes.find(splitter, grain);
        if (!shape) continue;
        builder.add(*shape, splitter.values(), time, arrival, event.event.quality);
        return;
      }
    }
    builder.add_whole(text, time, arrival, event.event.quality);
  }

  base::Result<void> write_block() {
    if (builder.events() == 0) return {};
    auto encoded = builder.encode(kLevel);
    const auto next = encoded.summary.last_record() + 1;
    SealedBlock block{std::move(encoded.summary), std::move(encoded.frames), std::move(encoded.keys)};
    texts.clear();
    builder.begin(next);
    auto appended = writer->append({&block, 1}, shapes, senders);
    if (!appended.ok()) failure = appended.error();
    return appended;
  }
};

LogFileWriter::LogFileWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
LogFileWriter::~LogFileWriter() = default;

base::Result<std::unique_ptr<LogFileWriter>> LogFileWriter::create(const std::filesystem::path& file, const std::string& log,
                                                                   bool overwrite) {
  std::error_code ignored;
  if (!overwrite && std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
    return base::make_error(std::errc::file_exists, file.string());
  }
  auto state = std::make_unique<State>();
  state->file = file;
  state->temporary = temporary_for(file);
  state->overwrite = overwrite;
  SegmentInfo info;
  info.log = log;
  info.created = base::system_clock().wall();
  ASSIGN_OR_RETURN(state->writer, SegmentWriter::create(state->temporary, info, {}));
  state->builder.begin(1);
  return std::unique_ptr<LogFileWriter>(new LogFileWriter(std::move(state)));
}

base::Result<void> LogFileWriter::add(const StoredEvent& event) {
  if (!state_->writer) return base::make_error(Errc::ReadOnly, state_->file.string() + " is finished");
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
  RETURN_IF_ERROR(move_into_place(state_->temporary, state_->file, state_->overwrite));
  return sync_folder_of(state_->file);
}

}  // namespace storage
