#include "storage/log_scan.h"

#include <algorithm>

#include "engine/base/log.h"

namespace storage {
namespace {

using events::Truth;

// Smaller blocks are opened without a look at their keys.
constexpr std::uint32_t kEventsWorthKeys = 128;

bool is_damage(const base::Error& error) {
  return error.code == Errc::Corrupt || error.code == Errc::NotFound || error.code == Errc::TooNew;
}

class OwnedFrames final : public FrameSource {
 public:
  explicit OwnedFrames(std::vector<std::string> frames) : frames_(std::move(frames)) {}
  base::Result<std::string> read(std::uint32_t number) override {
    if (number < frames_.size()) return frames_[number];
    return base::make_error(Errc::Corrupt, "a block lacks its frame " + std::to_string(number));
  }

 private:
  std::vector<std::string> frames_;
};

}  // namespace

// The store's templates, and where those are lacking the file's own: a file that retention has just removed can still be
// read, while the store has forgotten its templates.
class LogScan::Templates final : public TemplateSource {
 public:
  Templates(const TemplateSource& store, SegmentReader* file) : store_(store), file_(file) {}

  base::Result<std::shared_ptr<const events::Skeleton>> find(std::uint32_t id) const override {
    auto known = store_.find(id);
    if (known.ok() || file_ == nullptr) return known;
    if (const auto own = own_.find(id); own != own_.end()) return own->second;
    ASSIGN_OR_RETURN(auto text, file_->template_text(id));
    if (!text) return known;
    auto skeleton = events::Skeleton::parse(std::move(*text));
    if (!skeleton.ok()) return base::make_error(Errc::Corrupt, "the template " + std::to_string(id));
    own_[id] = *skeleton;
    return skeleton;
  }

 private:
  const TemplateSource& store_;
  SegmentReader* file_;
  mutable std::unordered_map<std::uint32_t, std::shared_ptr<const events::Skeleton>> own_;
};

LogScan::LogScan(LogSource& source, SearchPlan& plan, LogRow log, Direction direction, std::optional<std::uint64_t> after,
                 CancelFlag cancelled)
    : source_(source), plan_(plan), log_(std::move(log)), direction_(direction), cancelled_(std::move(cancelled)) {
  newest_ = log_.next_record - 1;
  position_ = after.value_or(forward() ? 0 : log_.next_record);
  tells_gaps_ = after && forward();
}

base::Result<void> LogScan::begin() {
  return locate();
}

bool LogScan::in_view(std::uint64_t record) const {
  return record <= newest_ && (forward() ? record > position_ : record < position_);
}

bool LogScan::all_in_view() const {
  return in_view(current_->first_record) && in_view(current_->last_record());
}

base::Result<void> LogScan::locate() {
  places_.clear();
  file_.reset();
  places_complete_ = true;
  if (forward() ? position_ >= newest_ : position_ <= 1) return {};
  const auto first = forward() ? position_ + 1 : 1;
  const auto last = forward() ? newest_ : std::min(newest_, position_ - 1);
  if (first > last) return {};
  ASSIGN_OR_RETURN(auto places, source_.places(log_.id, first, last, direction_));
  places_complete_ = places.complete;
  for (auto& file : places.files) places_.emplace_back(std::move(file));
  for (auto& block : places.tail) places_.emplace_back(std::move(block));
  if (!forward()) std::reverse(places_.begin(), places_.end());
  return {};
}

void LogScan::pass(std::uint64_t first_record, std::uint64_t last_record) {
  if (!in_view(first_record) && !in_view(last_record)) return;
  const auto low = forward() ? std::max(first_record, position_ + 1) : first_record;
  const auto high = std::min(forward() ? last_record : std::min(last_record, position_ - 1), newest_);
  if (tells_gaps_ && low > position_ + 1) miss(position_ + 1, low - 1);
  passed_ += high - low + 1;
  position_ = forward() ? high : low;
}

void LogScan::miss(std::uint64_t first_record, std::uint64_t last_record) {
  if (!gaps_.empty() && gaps_.back().second + 1 == first_record) {
    gaps_.back().second = last_record;
  } else {
    gaps_.emplace_back(first_record, last_record);
  }
}

void LogScan::set_position(std::uint64_t record) {
  position_ = record;
  std::erase_if(gaps_, [record](const auto& gap) { return gap.first > record; });
}

void LogScan::leave(std::uint64_t record) {
  if (forward()) {
    pass(current_->first_record, record);
  } else {
    pass(record, current_->last_record());
  }
}

void LogScan::pass_unreadable(std::uint64_t first_record, std::uint64_t last_record, const std::string& what) {
  const auto before = passed_;
  pass(first_record, last_record);
  unreadable_ += passed_ - before;
  if (tells_gaps_ && passed_ != before) miss(position_ - (passed_ - before) + 1, position_);
  if (!source_.is_news(log_.id, first_record)) return;
  base::log_error("the log {}: records {} to {} cannot be read: {}", log_.log.properties.name, first_record, last_record,
                  what);
}

bool LogScan::ruled_out(const BlockSummary& block) {
  const TimeSpan times{block.min_time, block.max_time};
  std::uint32_t last = 0;
  bool first = true;
  for (const auto& count : block.counts) {
    if (!first && count.template_id == last) continue;
    first = false;
    last = count.template_id;
    if (plan_.decide(shape(last), times) != Truth::False) return false;
  }
  return !block.counts.empty();
}

const SearchPlan::Shape& LogScan::shape(std::uint32_t template_id) {
  return plan_.shape(template_id, source_.templates());
}

base::Result<void> LogScan::enter(FileRow row) {
  auto summaries = source_.summaries(row);
  if (summaries.ok()) {
    file_.emplace();
    file_->row = std::move(row);
    file_->summaries = std::move(*summaries);
    return {};
  }
  const auto& error = summaries.error();
  if (!is_damage(error)) return error;
  if (missing_file_ != row.id) {
    // It may have been dropped just now; where it is still named, it really is missing.
    missing_file_ = row.id;
    return locate();
  }
  pass_unreadable(row.first_record, row.last_record,
                  error.code == Errc::NotFound ? source_.file_name(row) + " is missing" : error.message());
  return {};
}

std::shared_ptr<const BlockSummary> LogScan::next_of_file() {
  const auto& blocks = file_->summaries->blocks;
  while (file_->next < blocks.size()) {
    const auto& block = blocks[forward() ? file_->next : blocks.size() - 1 - file_->next];
    ++file_->next;
    // The cache may know more of the file than this scan may see; the summaries are rising.
    if (block->first_record > file_->row.last_record) continue;
    if (in_view(block->first_record) || in_view(block->last_record())) return block;
  }
  return nullptr;
}

base::Result<bool> LogScan::next() {
  if (current_) pass(current_->first_record, current_->last_record());
  current_ = nullptr;
  for (;;) {
    if (cancelled_ && cancelled_->load(std::memory_order_relaxed)) {
      return base::make_error(std::errc::operation_canceled, "the search");
    }
    if (file_) {
      auto block = next_of_file();
      if (!block) {
        pass(file_->row.first_record, file_->row.last_record);
        file_.reset();
        continue;
      }
      if (ruled_out(*block)) {
        pass(block->first_record, block->last_record());
        continue;
      }
      current_ = std::move(block);
      in_tail_ = false;
    } else if (places_.empty()) {
      if (places_complete_) return false;
      RETURN_IF_ERROR(locate());
      continue;
    } else {
      auto place = std::move(places_.front());
      places_.pop_front();
      if (auto* row = std::get_if<FileRow>(&place)) {
        RETURN_IF_ERROR(enter(std::move(*row)));
        continue;
      }
      auto& block = std::get<TailBlock>(place);
      if (!block.summary) {
        pass_unreadable(block.first_record, block.last_record, "the catalogue is damaged");
        continue;
      }
      if (ruled_out(*block.summary)) {
        pass(block.first_record, block.last_record);
        continue;
      }
      current_ = std::move(block.summary);
      in_tail_ = true;
    }
    keys_read_ = false;
    keys_.reset();
    return true;
  }
}

bool LogScan::file_may_hold(OpenFile& file, std::uint32_t slot) {
  if (file.index_failed) return true;
  const auto ask = [&]() -> base::Result<bool> {
    if (!file.indexed_through || file.found.size() <= slot || !file.found[slot]) {
      ASSIGN_OR_RETURN(auto reader, source_.open(file.row));
      if (!file.indexed_through) {
        ASSIGN_OR_RETURN(file.indexed_through, reader->indexed_through());
      }
      if (file.found.size() <= slot) file.found.resize(plan_.key_ranges().size());
      if (!file.found[slot]) {
        std::vector<std::uint64_t> found;
        RETURN_IF_ERROR(reader->find(plan_.key_ranges()[slot], found));
        std::sort(found.begin(), found.end());
        found.erase(std::unique(found.begin(), found.end()), found.end());
        file.found[slot] = std::move(found);
      }
    }
    return std::binary_search(file.found[slot]->begin(), file.found[slot]->end(), current_->first_record);
  };
  if (file.indexed_through && current_->first_record > *file.indexed_through) return block_may_hold(slot);
  auto answer = ask();
  if (!answer.ok()) {
    file.index_failed = true;
    base::log_warning("{}: its index cannot be used: {}", source_.file_name(file.row), answer.error().message());
    return true;
  }
  return current_->first_record > *file.indexed_through ? block_may_hold(slot) : *answer;
}

bool LogScan::block_may_hold(std::uint32_t slot) {
  if (current_->events < kEventsWorthKeys) return true;
  if (!keys_read_) {
    keys_read_ = true;
    keys_ = source_.keys().get(log_.id, current_->first_record, current_->last_record(),
                               [this]() -> base::Result<std::optional<std::vector<ValueKey>>> {
                                 if (in_tail_) return source_.tail_keys(log_.id, *current_);
                                 std::optional<std::vector<ValueKey>> keys;
                                 ASSIGN_OR_RETURN(auto reader, source_.open(file_->row));
                                 ASSIGN_OR_RETURN(keys, reader->keys(current_->first_record));
                                 if (keys->empty()) keys.reset();
                                 return keys;
                               });
  }
  if (!keys_) return true;
  const auto& range = plan_.key_ranges()[slot];
  const auto key = std::lower_bound(keys_->begin(), keys_->end(), range.first);
  return key != keys_->end() && *key <= range.last;
}

bool LogScan::may_hold(std::uint32_t slot) {
  return in_tail_ || !file_ ? block_may_hold(slot) : file_may_hold(*file_, slot);
}

Truth LogScan::decide(std::uint32_t template_id, TimeSpan times) {
  const auto& asked = shape(template_id);
  const auto quick = plan_.decide(asked, times);
  if (quick != Truth::Unknown || !asked.has_keys) return quick;
  return plan_.decide(asked, times, [this](std::uint32_t slot) { return may_hold(slot); });
}

bool LogScan::may_select() {
  if (current_->counts.empty()) return true;
  const TimeSpan span = times();
  std::uint32_t last = 0;
  bool first = true;
  for (const auto& count : current_->counts) {
    if (!first && count.template_id == last) continue;
    first = false;
    last = count.template_id;
    if (decide(last, span) != Truth::False) return true;
  }
  return false;
}

base::Result<std::optional<OpenBlock>> LogScan::open() {
  std::optional<OpenBlock> opened;
  OpenBlock block;
  std::unique_ptr<FrameSource> frames;
  if (in_tail_) {
    ASSIGN_OR_RETURN(auto kept, source_.tail_frames(log_.id, *current_));
    if (!kept) {
      current_ = nullptr;
      RETURN_IF_ERROR(locate());
      return opened;
    }
    frames = std::make_unique<OwnedFrames>(std::move(*kept));
    block.templates_ = std::make_unique<Templates>(source_.templates(), nullptr);
  } else {
    ASSIGN_OR_RETURN(block.file_, source_.open(file_->row));
    frames = block.file_->frames(current_->first_record);
    block.templates_ = std::make_unique<Templates>(source_.templates(), &*block.file_);
  }
  ASSIGN_OR_RETURN(block.block_, Block::open(*current_, std::move(frames), *block.templates_));
  opened = std::move(block);
  return opened;
}

base::Result<void> LogScan::give_up(const base::Error& error) {
  if (!current_ || !is_damage(error)) return error;
  pass_unreadable(current_->first_record, current_->last_record(), error.message());
  current_ = nullptr;
  return {};
}

}  // namespace storage
