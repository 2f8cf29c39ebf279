#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "engine/base/die.h"
#include "events/raw_value.h"
#include "events/value.h"
#include "storage/block.h"
#include "storage/block_format.h"
#include "storage/column_builder.h"
#include "storage/column_format.h"
#include "storage/compressed_frame.h"
#include "storage/varint.h"

namespace storage {
namespace {

/// Templates and bytes of buffers that are kept from one block to the next.
constexpr std::size_t kMostKeptShapes = 512;
constexpr std::size_t kMostKeptMemory = 16u << 20;

std::int32_t hour_of(std::int64_t time) {
  constexpr std::int64_t kHour = 3'600'000'000'000;
  const std::int64_t hour = time / kHour;
  return static_cast<std::int32_t>(time % kHour < 0 ? hour - 1 : hour);
}

/// The event id as events::read_system() reads it from a raw text.
std::uint16_t event_id_of(std::string_view raw) {
  std::string buffer;
  const auto number = events::parse_number(events::plain_text(raw, false, buffer));
  if (!number || !number->whole || number->negative || number->magnitude > std::numeric_limits<std::uint16_t>::max())
    return 0;
  return static_cast<std::uint16_t>(number->magnitude);
}

/// What the rows of one template have come to.
struct Shape {
  struct Hour {
    std::int32_t hour = 0;
    std::uint32_t events = 0;
  };

  Shape(std::uint32_t number, std::shared_ptr<const events::Skeleton> of) : id(number), skeleton(std::move(of)) {
    if (!skeleton) {
      columns.emplace_back(false);
      return;
    }
    for (const auto& hole : skeleton->holes()) columns.emplace_back(hole.field == events::Field::Time);
    event_id = skeleton->system().event_id;
    event_id_hole = skeleton->hole_of(events::Field::EventId);
  }

  void reset() {
    for (auto& column : columns) column.reset();
    rows = 0;
    event_ids.clear();
    hours.clear();
  }
  void count(std::int32_t hour) {
    if (hours.empty() || hours[last_hour].hour != hour) {
      last_hour = 0;
      while (last_hour < hours.size() && hours[last_hour].hour != hour) ++last_hour;
      if (last_hour == hours.size()) hours.push_back({hour, 0});
    }
    ++hours[last_hour].events;
  }
  std::size_t memory() const {
    std::size_t bytes = sizeof *this;
    for (const auto& column : columns) bytes += column.memory();
    return bytes;
  }

  std::uint32_t id;
  std::shared_ptr<const events::Skeleton> skeleton;
  std::vector<ColumnBuilder> columns;
  std::uint32_t rows = 0;
  std::uint32_t index = 0;  ///< among the templates of the block
  std::uint16_t event_id = 0;
  std::optional<std::uint32_t> event_id_hole;
  std::vector<std::uint16_t> event_ids;  ///< of the rows, where they are a value
  std::vector<Hour> hours;
  std::size_t last_hour = 0;
};

/// Where the columns are.
struct Directory {
  std::vector<const Shape*> shapes;
  std::vector<std::uint64_t> sizes;              ///< of the columns, template by template
  std::vector<std::uint64_t> columns_of_frames;  ///< how many there are in each
};

/// Least significant digits first.
void sort_keys(std::vector<ValueKey>& keys, std::vector<ValueKey>& other) {
  constexpr std::size_t kSmall = 256;
  constexpr unsigned kDigit = 11;
  constexpr std::uint32_t kMask = (1u << kDigit) - 1;
  if (keys.size() < kSmall) {
    std::sort(keys.begin(), keys.end());
  } else {
    std::array<std::array<std::uint32_t, kMask + 1>, 3> places{};
    for (const ValueKey key : keys) {
      for (unsigned pass = 0; pass < 3; ++pass) ++places[pass][key >> pass * kDigit & kMask];
    }
    other.resize(keys.size());
    for (unsigned pass = 0; pass < 3; ++pass) {
      std::uint32_t place = 0;
      for (auto& count : places[pass]) place += std::exchange(count, place);
      for (const ValueKey key : keys) other[places[pass][key >> pass * kDigit & kMask]++] = key;
      keys.swap(other);
    }
  }
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
}

}  // namespace

struct BlockBuilder::State {
  Shape& shape_of(std::uint32_t id, const std::shared_ptr<const events::Skeleton>& skeleton);
  void add_row(Shape& shape, std::int64_t time, Arrival arrival, events::Quality quality);
  void drop_buffers();

  void write_columns(int level, std::vector<std::string>& frames, Directory& directory);
  std::string rows_frame(const Directory& directory) const;
  void collect_keys();
  std::vector<BlockSummary::Count> counts() const;

  BlockSummary summary;
  std::unordered_map<std::uint32_t, std::unique_ptr<Shape>> shapes;
  std::vector<Shape*> used;  ///< in the order of their first rows
  Shape* last = nullptr;

  std::vector<std::uint16_t> row_shapes;
  std::vector<std::int64_t> times;
  struct Run {
    Arrival arrival;
    std::uint32_t events = 0;
  };
  std::vector<Run> runs;
  struct Exception {
    std::uint32_t row = 0;
    events::Quality quality = events::Quality::Good;
  };
  std::vector<Exception> qualities;

  Compressor compressor;
  std::string columns;  ///< as bytes, of all templates
  std::string shared;   ///< those of the small ones
  std::vector<ValueKey> keys;
  std::vector<ValueKey> spare_keys;
};

BlockBuilder::BlockBuilder() : state_(std::make_unique<State>()) {}
BlockBuilder::~BlockBuilder() = default;

std::size_t BlockBuilder::events() const {
  return state_->times.size();
}
std::size_t BlockBuilder::text_bytes() const {
  return static_cast<std::size_t>(state_->summary.text_bytes);
}

void BlockBuilder::begin(std::uint64_t first_record) {
  State& state = *state_;
  state.drop_buffers();
  for (Shape* shape : state.used) shape->reset();
  state.used.clear();
  state.last = nullptr;
  state.summary = BlockSummary{};
  state.summary.first_record = first_record;
  state.row_shapes.clear();
  state.times.clear();
  state.runs.clear();
  state.qualities.clear();
}

void BlockBuilder::State::drop_buffers() {
  std::size_t memory = 0;
  for (const Shape* shape : used) memory += shape->memory();
  if (memory > kMostKeptMemory) {
    used.clear();
    shapes.clear();
    columns = std::string();
    shared = std::string();
  } else if (shapes.size() > kMostKeptShapes) {
    // Those of the last block are most likely to come again.
    std::erase_if(shapes, [](const auto& shape) { return shape.second->rows == 0; });
  }
}

Shape& BlockBuilder::State::shape_of(std::uint32_t id, const std::shared_ptr<const events::Skeleton>& skeleton) {
  if (last != nullptr && last->id == id) return *last;
  auto& shape = shapes[id];
  if (!shape) shape = std::make_unique<Shape>(id, skeleton);
  if (shape->rows == 0) {
    shape->index = static_cast<std::uint32_t>(used.size());
    used.push_back(shape.get());
  }
  last = shape.get();
  return *shape;
}

void BlockBuilder::State::add_row(Shape& shape, std::int64_t time, Arrival arrival, events::Quality quality) {
  if (times.empty()) {
    summary.min_time = summary.max_time = time;
    summary.min_received = summary.max_received = arrival.received;
  }
  summary.min_time = std::min(summary.min_time, time);
  summary.max_time = std::max(summary.max_time, time);
  summary.min_received = std::min(summary.min_received, arrival.received);
  summary.max_received = std::max(summary.max_received, arrival.received);
  ++shape.rows;
  shape.count(hour_of(time));
  if (quality != events::Quality::Good) qualities.push_back({static_cast<std::uint32_t>(times.size()), quality});
  if (runs.empty() || runs.back().arrival.received != arrival.received || runs.back().arrival.sender != arrival.sender) {
    runs.push_back({arrival, 0});
  }
  ++runs.back().events;
  row_shapes.push_back(static_cast<std::uint16_t>(shape.index));
  times.push_back(time);
}

void BlockBuilder::add(const Template& shape, std::span<const std::string_view> values, base::WallTime time, Arrival arrival,
                       events::Quality quality) {
  State& state = *state_;
  if (events() >= kMaxBlockEvents) base::die("a block has no room for another event");
  Shape& to = state.shape_of(shape.id, shape.skeleton);
  if (values.size() != to.columns.size() || !shape.skeleton) base::die("an event has not as many values as its template");
  const std::int64_t ns = time.time_since_epoch().count();
  std::size_t size = shape.skeleton->fixed_size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    size += values[i].size();
    to.columns[i].add(values[i], ns);
  }
  if (size > kMaxEventText) base::die("an event is too large for a block");
  if (to.event_id_hole) to.event_ids.push_back(event_id_of(values[*to.event_id_hole]));
  state.summary.text_bytes += size;
  state.add_row(to, ns, arrival, quality);
}

void BlockBuilder::add_whole(std::string_view xml, base::WallTime time, Arrival arrival, events::Quality quality) {
  State& state = *state_;
  if (events() >= kMaxBlockEvents || xml.size() > kMaxEventText) base::die("a block has no room for another event");
  const std::int64_t ns = time.time_since_epoch().count();
  Shape& to = state.shape_of(kWholeTemplate, nullptr);
  to.columns[0].add(xml, ns);
  state.summary.text_bytes += xml.size();
  state.add_row(to, ns, arrival, quality);
}

std::vector<BlockSummary::Count> BlockBuilder::State::counts() const {
  std::vector<BlockSummary::Count> counts;
  for (const Shape* shape : used) {
    for (const auto& hour : shape->hours) counts.push_back({shape->id, hour.hour, hour.events});
  }
  std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
    return a.template_id != b.template_id ? a.template_id < b.template_id : a.hour < b.hour;
  });
  return counts;
}

void BlockBuilder::State::collect_keys() {
  keys.clear();
  std::vector<std::uint32_t> bits;
  for (const Shape* shape : used) {
    if (!shape->skeleton) continue;
    for (std::size_t i = 0; i < shape->columns.size(); ++i) {
      const auto& hole = shape->skeleton->holes()[i];
      const ColumnBuilder& column = shape->columns[i];
      const auto name = index_name(hole);
      if (!name || column.is_row_time()) continue;
      const std::uint64_t seed = value_seed(*name);
      bits.clear();
      for (std::size_t entry = 0; entry < column.entries(); ++entry) {
        bits.push_back(value_bits(seed, column.entry(entry), hole.is_attribute));
      }
      if (shape->event_ids.empty()) {
        for (const std::uint32_t value : bits) keys.push_back(key_of_bits(value, shape->event_id));
      } else {
        for (std::size_t row = 0; row < shape->rows; ++row) {
          keys.push_back(key_of_bits(bits[column.code(row)], shape->event_ids[row]));
        }
      }
    }
  }
  sort_keys(keys, spare_keys);
}

std::string BlockBuilder::State::rows_frame(const Directory& directory) const {
  std::string bytes;
  bytes.reserve(64 + times.size() * 8 + directory.sizes.size() * 3);
  bytes += static_cast<char>(kBlockVersion);
  append_varint(bytes, times.size());
  append_varint(bytes, directory.shapes.size());
  std::vector<std::uint16_t> numbers(used.size());
  std::uint16_t number = 0;
  for (const Shape* shape : directory.shapes) {
    append_varint(bytes, shape->id);
    append_varint(bytes, shape->rows);
    append_varint(bytes, shape->columns.size());
    numbers[shape->index] = number++;
  }
  if (numbers.size() > 1) {
    for (const std::uint16_t shape : row_shapes) bytes += static_cast<char>(numbers[shape]);
  }
  if (numbers.size() > 256) {
    for (const std::uint16_t shape : row_shapes) bytes += static_cast<char>(numbers[shape] >> 8);
  }
  append_times(bytes, times);
  append_varint(bytes, runs.size());
  std::int64_t received = 0;
  for (const Run& run : runs) {
    append_varint(bytes, run.events);
    append_varint(bytes, zigzag(static_cast<std::uint64_t>(run.arrival.received) - static_cast<std::uint64_t>(received)));
    append_varint(bytes, run.arrival.sender);
    received = run.arrival.received;
  }
  append_varint(bytes, qualities.size());
  std::uint32_t row = 0;
  for (const Exception& exception : qualities) {
    append_varint(bytes, exception.row - row);
    bytes += static_cast<char>(exception.quality);
    row = exception.row;
  }
  for (const std::uint64_t size : directory.sizes) append_varint(bytes, size);
  append_varint(bytes, directory.columns_of_frames.size());
  for (const std::uint64_t columns_of_frame : directory.columns_of_frames) append_varint(bytes, columns_of_frame);
  return bytes;
}

/// The columns of the templates, small ones first so that they share frames, and in that order the templates.
void BlockBuilder::State::write_columns(int level, std::vector<std::string>& frames, Directory& directory) {
  struct Part {
    Shape* shape;
    std::size_t begin = 0;
    std::vector<std::uint64_t> sizes;
  };
  std::vector<Part> parts;
  parts.reserve(used.size());
  columns.clear();
  for (Shape* shape : used) {
    Part& part = parts.emplace_back(Part{shape, columns.size(), {}});
    part.sizes.reserve(shape->columns.size());
    std::size_t from = columns.size();
    for (const ColumnBuilder& column : shape->columns) {
      column.write(columns);
      part.sizes.push_back(columns.size() - from);
      from = columns.size();
    }
  }
  const auto size_of = [&](const Part& part) {
    const std::size_t next = static_cast<std::size_t>(&part - parts.data()) + 1;
    return (next < parts.size() ? parts[next].begin : columns.size()) - part.begin;
  };
  std::uint64_t count = 0;
  const auto finish = [&](std::string_view bytes) {
    if (count == 0) return;
    frames.push_back(compressor.compress(bytes, level));
    directory.columns_of_frames.push_back(std::exchange(count, 0));
  };
  const auto enter = [&](const Part& part) {
    directory.shapes.push_back(part.shape);
    directory.sizes.insert(directory.sizes.end(), part.sizes.begin(), part.sizes.end());
  };
  shared.clear();
  for (const Part& part : parts) {
    const std::size_t size = size_of(part);
    if (size >= kFrameBytes / 2) continue;
    enter(part);
    shared.append(columns, part.begin, size);
    count += part.sizes.size();
    if (shared.size() < kFrameBytes) continue;
    finish(shared);
    shared.clear();
  }
  finish(shared);
  const std::string_view all = columns;
  for (const Part& part : parts) {
    if (size_of(part) < kFrameBytes / 2) continue;
    enter(part);
    std::size_t begin = part.begin;
    std::size_t end = begin;
    for (const std::uint64_t size : part.sizes) {
      end += size;
      ++count;
      if (end - begin < kFrameBytes) continue;
      finish(all.substr(begin, end - begin));
      begin = end;
    }
    finish(all.substr(begin, end - begin));
  }
}

EncodedBlock BlockBuilder::encode(int level) {
  State& state = *state_;
  if (events() == 0) base::die("a block without events");
  EncodedBlock block;
  block.frames.emplace_back();
  Directory directory;
  state.write_columns(level, block.frames, directory);
  block.frames[0] = state.compressor.compress(state.rows_frame(directory), level);
  state.summary.events = static_cast<std::uint32_t>(state.times.size());
  state.summary.counts = state.counts();
  block.summary = state.summary;
  state.collect_keys();
  block.keys = state.keys;
  return block;
}

std::size_t EncodedBlock::payload_bytes() const {
  std::size_t size = 0;
  for (const auto& frame : frames) size += frame.size();
  return size;
}

}  // namespace storage
