#include "storage/block.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "storage/block_format.h"
#include "storage/canonical.h"
#include "storage/column_format.h"
#include "storage/compressed_frame.h"
#include "storage/varint.h"

namespace storage {
namespace {

base::Error damaged(const char* what) {
  return base::make_error(Errc::Corrupt, std::string("a block is damaged: ") + what);
}

/// Events of a template that are rebuilt value by value; where more are wanted, whole columns pay.
constexpr std::uint32_t kFewRows = 2;

class MemoryFrames final : public FrameSource {
 public:
  explicit MemoryFrames(std::span<const std::string> frames) : frames_(frames) {}
  base::Result<std::string> read(std::uint32_t number) override {
    if (number >= frames_.size()) return damaged("it has no such frame");
    return frames_[number];
  }

 private:
  std::span<const std::string> frames_;
};

}  // namespace

std::unique_ptr<FrameSource> frames_in_memory(std::span<const std::string> frames) {
  return std::make_unique<MemoryFrames>(frames);
}

std::string_view Column::value(std::size_t row, std::string& buffer) const {
  switch (kind_) {
    case Kind::Texts:
      return texts_[row];
    case Kind::Dictionary:
      return entries_[codes_[row]];
    case Kind::Decimal:
      buffer.clear();
      append_decimal(buffer, numbers_[row]);
      return buffer;
    case Kind::Hex:
      buffer.clear();
      append_hex(buffer, numbers_[row]);
      return buffer;
    case Kind::Time:
      buffer.clear();
      append_time(buffer, time(row), fraction_digits_);
      return buffer;
  }
  return {};
}

struct Block::State {
  struct Section {
    std::uint32_t frame = 0;
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  struct Stored {
    Column column;
    std::string own_text;
  };
  /// The rows of one template and where its columns are.
  struct Part {
    std::uint32_t first_row = 0;  ///< in rows_by_template
    std::uint32_t rows = 0;
    std::size_t first_section = 0;
    std::size_t columns = 0;
  };
  struct Run {
    std::uint32_t end = 0;  ///< the row behind it
    std::int64_t received = 0;
    std::uint32_t sender = 0;
  };

  base::Result<void> read_templates(ByteReader& reader, const TemplateSource& source);
  bool agrees_with_summary() const;
  base::Result<void> read_template_rows(ByteReader& reader);
  base::Result<void> read_arrivals(ByteReader& reader);
  base::Result<void> read_qualities(ByteReader& reader);
  base::Result<void> read_directory(ByteReader& reader);
  const Run& run_of(std::size_t row) const {
    return *std::upper_bound(runs.begin(), runs.end(), row, [](std::size_t at, const Run& run) { return at < run.end; });
  }
  base::Result<std::string_view> section(const Section& section);
  base::Result<const Column*> column(std::uint32_t template_index, std::uint32_t hole);
  base::Result<std::string_view> value(std::size_t row, std::uint32_t hole);

  BlockSummary summary;
  std::unique_ptr<FrameSource> source;

  std::vector<Template> templates;
  std::vector<Part> parts;
  std::vector<std::uint32_t> template_of;
  std::vector<std::uint32_t> place_of;
  std::vector<std::uint32_t> rows_by_template;
  std::vector<std::int64_t> times;
  std::vector<Run> runs;
  std::vector<std::pair<std::uint32_t, events::Quality>> qualities;

  std::vector<Section> sections;
  std::vector<std::size_t> frame_sizes;  ///< by the directory; the first is the rows' own and not in it
  std::vector<Bytes> frames;
  std::vector<std::unique_ptr<Stored>> columns;  ///< like sections
  std::vector<std::uint32_t> asked;              ///< how many events of each template were rebuilt
  std::vector<std::string> buffers;
  std::vector<std::string_view> values;
};

Block::Block(std::unique_ptr<State> state) : state_(std::move(state)) {}
Block::~Block() = default;

base::Result<void> Block::State::read_templates(ByteReader& reader, const TemplateSource& source_of_templates) {
  const std::uint64_t count = reader.varint(summary.events);
  std::uint32_t first_row = 0;
  std::size_t first_section = 0;
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    Template shape;
    shape.id = static_cast<std::uint32_t>(reader.varint(std::numeric_limits<std::uint32_t>::max()));
    Part part;
    part.rows = static_cast<std::uint32_t>(reader.varint(summary.events - first_row));
    part.columns = static_cast<std::size_t>(reader.varint(events::kMaxHoles));
    if (!reader.ok() || part.rows == 0) return damaged("its templates");
    part.first_row = first_row;
    part.first_section = first_section;
    first_row += part.rows;
    first_section += part.columns;
    if (shape.id != kWholeTemplate) {
      ASSIGN_OR_RETURN(shape.skeleton, source_of_templates.find(shape.id));
    }
    if (part.columns != (shape.skeleton ? shape.skeleton->holes().size() : 1))
      return damaged("a template is not that of its columns");
    templates.push_back(std::move(shape));
    parts.push_back(part);
  }
  if (!reader.ok() || first_row != summary.events) return damaged("its templates");
  if (!agrees_with_summary()) return damaged("its templates are not those of its summary");
  // Each column's size takes at least a byte.
  if (first_section > reader.left()) return damaged("its columns");
  sections.resize(first_section);
  columns.resize(first_section);
  return {};
}

bool Block::State::agrees_with_summary() const {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> here;
  for (std::size_t i = 0; i < parts.size(); ++i) here.emplace_back(templates[i].id, parts[i].rows);
  std::sort(here.begin(), here.end());
  std::vector<std::pair<std::uint32_t, std::uint32_t>> said;
  for (const auto& count : summary.counts) {
    if (said.empty() || said.back().first != count.template_id) said.emplace_back(count.template_id, 0);
    said.back().second += count.events;
  }
  return here == said;
}

base::Result<void> Block::State::read_template_rows(ByteReader& reader) {
  const std::size_t rows = summary.events;
  template_of.assign(rows, 0);
  if (templates.size() > 1) {
    const std::string_view low = reader.bytes(rows);
    const std::string_view high = templates.size() > 256 ? reader.bytes(rows) : std::string_view();
    if (!reader.ok()) return damaged("its rows");
    for (std::size_t row = 0; row < rows; ++row) {
      std::uint32_t index = static_cast<unsigned char>(low[row]);
      if (!high.empty()) index |= static_cast<std::uint32_t>(static_cast<unsigned char>(high[row])) << 8;
      template_of[row] = index;
    }
  }
  std::vector<std::uint32_t> seen(templates.size());
  place_of.resize(rows);
  rows_by_template.resize(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::uint32_t index = template_of[row];
    if (index >= templates.size() || seen[index] == parts[index].rows) return damaged("its rows");
    place_of[row] = seen[index]++;
    rows_by_template[parts[index].first_row + place_of[row]] = static_cast<std::uint32_t>(row);
  }
  return {};
}

base::Result<void> Block::State::read_arrivals(ByteReader& reader) {
  const std::uint64_t count = reader.varint(summary.events);
  runs.reserve(static_cast<std::size_t>(count));
  Run run;
  std::uint64_t received = 0;
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    const std::uint64_t events = reader.varint(summary.events - run.end);
    if (events == 0) return damaged("its arrivals");
    received += unzigzag(reader.varint());
    run.end += static_cast<std::uint32_t>(events);
    run.received = static_cast<std::int64_t>(received);
    run.sender = static_cast<std::uint32_t>(reader.varint(std::numeric_limits<std::uint32_t>::max()));
    runs.push_back(run);
  }
  if (!reader.ok() || run.end != summary.events) return damaged("its arrivals");
  return {};
}

base::Result<void> Block::State::read_qualities(ByteReader& reader) {
  const std::uint64_t count = reader.varint(summary.events);
  std::uint64_t row = 0;
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    const std::uint64_t further = reader.varint(summary.events);
    const std::uint8_t quality = reader.byte();
    row += further;
    if ((i != 0 && further == 0) || row >= summary.events || quality > static_cast<std::uint8_t>(events::Quality::Raw)) {
      return damaged("its qualities");
    }
    qualities.emplace_back(static_cast<std::uint32_t>(row), static_cast<events::Quality>(quality));
  }
  if (!reader.ok()) return damaged("its qualities");
  return {};
}

base::Result<void> Block::State::read_directory(ByteReader& reader) {
  // All columns together are bounded, so that their frames are, however many.
  std::uint64_t left = most_frame_bytes(summary);
  for (auto& section : sections) {
    section.size = static_cast<std::size_t>(reader.varint(left));
    left -= section.size;
  }
  const std::uint64_t count = reader.varint(sections.size());
  frame_sizes.assign(1, 0);
  std::size_t next = 0;
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    const std::uint64_t of_frame = reader.varint(sections.size() - next);
    std::size_t size = 0;
    for (std::uint64_t k = 0; k < of_frame; ++k, ++next) {
      sections[next].frame = static_cast<std::uint32_t>(frame_sizes.size());
      sections[next].begin = size;
      size += sections[next].size;
    }
    frame_sizes.push_back(size);
  }
  if (!reader.done() || next != sections.size()) return damaged("its directory");
  frames.resize(frame_sizes.size());
  return {};
}

base::Result<std::unique_ptr<Block>> Block::open(const BlockSummary& summary, std::unique_ptr<FrameSource> source,
                                                 const TemplateSource& templates) {
  auto state = std::make_unique<State>();
  state->summary = summary;
  state->source = std::move(source);
  if (summary.events == 0 || summary.events > kMaxBlockEvents || summary.text_bytes > kMaxBlockText + kMaxEventText) {
    return damaged("its summary");
  }
  ASSIGN_OR_RETURN(const std::string frame, state->source->read(0));
  ASSIGN_OR_RETURN(const Bytes bytes, decompress(frame, most_frame_bytes(summary)));
  ByteReader reader(bytes.view());
  if (reader.byte() != kBlockVersion) return damaged("its version is not known");
  if (reader.varint() != summary.events) return damaged("it has not as many events as its summary says");
  RETURN_IF_ERROR(state->read_templates(reader, templates));
  RETURN_IF_ERROR(state->read_template_rows(reader));
  state->times.resize(summary.events);
  if (!read_times(reader, state->times)) return damaged("its times");
  const auto [earliest, latest] = std::minmax_element(state->times.begin(), state->times.end());
  if (*earliest < summary.min_time || *latest > summary.max_time) return damaged("its times are not those of its summary");
  RETURN_IF_ERROR(state->read_arrivals(reader));
  RETURN_IF_ERROR(state->read_qualities(reader));
  RETURN_IF_ERROR(state->read_directory(reader));
  return std::unique_ptr<Block>(new Block(std::move(state)));
}

std::size_t Block::rows() const {
  return state_->times.size();
}
std::uint64_t Block::record(std::size_t row) const {
  return state_->summary.first_record + row;
}
std::int64_t Block::time(std::size_t row) const {
  return state_->times[row];
}
std::int64_t Block::received(std::size_t row) const {
  return state_->run_of(row).received;
}
std::uint32_t Block::sender(std::size_t row) const {
  return state_->run_of(row).sender;
}
events::Quality Block::quality(std::size_t row) const {
  const auto& qualities = state_->qualities;
  const auto found = std::lower_bound(qualities.begin(), qualities.end(), row,
                                      [](const auto& exception, std::size_t at) { return exception.first < at; });
  return found != qualities.end() && found->first == row ? found->second : events::Quality::Good;
}

std::span<const Template> Block::templates() const {
  return state_->templates;
}
std::uint32_t Block::template_of(std::size_t row) const {
  return state_->template_of[row];
}
std::uint32_t Block::place_of(std::size_t row) const {
  return state_->place_of[row];
}
std::span<const std::uint32_t> Block::rows_of(std::uint32_t template_index) const {
  const auto& part = state_->parts[template_index];
  return std::span(state_->rows_by_template).subspan(part.first_row, part.rows);
}

base::Result<std::string_view> Block::State::section(const Section& wanted) {
  Bytes& frame = frames[wanted.frame];
  if (!frame.data) {
    ASSIGN_OR_RETURN(const std::string compressed, source->read(wanted.frame));
    ASSIGN_OR_RETURN(Bytes whole, decompress(compressed, frame_sizes[wanted.frame]));
    if (whole.size != frame_sizes[wanted.frame]) return damaged("a frame is not as long as the directory says");
    // Only now: who asks again after the error must not find it.
    frame = std::move(whole);
  }
  return frame.view().substr(wanted.begin, wanted.size);
}

base::Result<const Column*> Block::State::column(std::uint32_t template_index, std::uint32_t hole) {
  const Part& part = parts[template_index];
  const std::size_t number = part.first_section + hole;
  if (columns[number]) return &columns[number]->column;
  ASSIGN_OR_RETURN(const std::string_view bytes, section(sections[number]));
  std::vector<std::int64_t> row_times(part.rows);
  for (std::uint32_t i = 0; i < part.rows; ++i) row_times[i] = times[rows_by_template[part.first_row + i]];
  auto stored = std::make_unique<Stored>();
  ASSIGN_OR_RETURN(DecodedColumn decoded, decode_column(bytes, row_times, stored->own_text));
  Column& column = stored->column;
  column.kind_ = decoded.kind;
  column.fraction_digits_ = decoded.fraction_digits;
  column.rows_ = part.rows;
  column.entries_ = std::move(decoded.entries);
  column.codes_ = std::move(decoded.codes);
  column.numbers_ = std::move(decoded.numbers);
  column.texts_ = std::move(decoded.texts);
  columns[number] = std::move(stored);
  return &columns[number]->column;
}

base::Result<const Column*> Block::column(std::uint32_t template_index, std::uint32_t hole) {
  if (template_index >= state_->parts.size() || hole >= state_->parts[template_index].columns) {
    return damaged("it has no such column");
  }
  return state_->column(template_index, hole);
}

/// The value of one row, without its whole column as long as few rows are asked for.
base::Result<std::string_view> Block::State::value(std::size_t row, std::uint32_t hole) {
  const std::uint32_t index = template_of[row];
  const Part& part = parts[index];
  const std::size_t number = part.first_section + hole;
  std::string& buffer = buffers[hole];
  if (asked[index] <= kFewRows && !columns[number]) {
    ASSIGN_OR_RETURN(const std::string_view bytes, section(sections[number]));
    const auto value = decode_value(bytes, part.rows, place_of[row], times[row], buffer);
    if (!value) return damaged("a column");
    return *value;
  }
  ASSIGN_OR_RETURN(const Column* const whole, column(index, hole));
  return whole->value(place_of[row], buffer);
}

base::Result<std::string> Block::xml(std::size_t row) {
  State& state = *state_;
  const std::uint32_t index = state.template_of[row];
  const std::size_t holes = state.parts[index].columns;
  if (state.buffers.size() < holes) state.buffers.resize(holes);
  state.asked.resize(state.parts.size());
  ++state.asked[index];
  state.values.clear();
  for (std::uint32_t hole = 0; hole < holes; ++hole) {
    ASSIGN_OR_RETURN(const std::string_view value, state.value(row, hole));
    state.values.push_back(value);
  }
  const Template& shape = state.templates[index];
  std::size_t size = 0;
  for (const std::string_view value : state.values) size += value.size();
  if (size > state.summary.text_bytes) return damaged("an event is larger than all are");
  if (!shape.skeleton) return std::string(state.values[0]);
  std::string xml;
  shape.skeleton->join(state.values, xml);
  return xml;
}

}  // namespace storage
