// A block: some hundreds or thousands of consecutive events of one log, taken apart by skeletons into compressed columns.
//
// Format: docs/storage-format.md. The bytes of a block are not trusted: decoding is bounded and never fails worse than
// Errc::Corrupt.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "events/event.h"
#include "events/formula.h"
#include "events/skeleton.h"
#include "storage/bitmap.h"
#include "storage/errc.h"
#include "storage/value_key.h"

namespace storage {

/// Events of one block at most, and bytes of their text after which no more are added.
inline constexpr std::size_t kMaxBlockEvents = 4096;
inline constexpr std::size_t kMaxBlockText = 8u << 20;
/// Bytes of the text of one event: what is larger cannot be stored.
inline constexpr std::size_t kMaxEventText = 64u << 20;

/// A skeleton and the number that blocks know it by: given by the store's catalogue, the same in all its files.
struct Template {
  std::uint32_t id = 0;
  std::shared_ptr<const events::Skeleton> skeleton;
};

/// Number of the "template" of events that are kept whole: a single hole, no System.
inline constexpr std::uint32_t kWholeTemplate = 0;

/// Where a block gets its templates from. Thread-safe.
class TemplateSource {
 public:
  virtual ~TemplateSource() = default;
  /// Errors: Errc::Corrupt where there is none of that number.
  virtual base::Result<std::shared_ptr<const events::Skeleton>> find(std::uint32_t id) const = 0;
};

/// What is known of a block without opening it.
struct BlockSummary {
  std::uint64_t first_record = 0;
  std::uint32_t events = 0;   ///< their records follow each other
  std::int64_t min_time = 0;  ///< of the events' own times, ns since 1970
  std::int64_t max_time = 0;
  std::int64_t min_received = 0;
  std::int64_t max_received = 0;
  std::uint64_t text_bytes = 0;  ///< of the events' XML

  /// How many events of which template (kWholeTemplate for whole ones) lie in which UTC hour of their own time. Sorted by
  /// template, then hour.
  struct Count {
    std::uint32_t template_id = 0;
    std::int32_t hour = 0;  ///< whole hours since 1970, rounded down
    std::uint32_t events = 0;
    bool operator==(const Count&) const = default;
  };
  std::vector<Count> counts;

  std::uint64_t last_record() const { return first_record + events - 1; }

  /// To and from bytes (varints); without first_record and events it would be of no use, so they are in it.
  std::string encode() const;
  static base::Result<BlockSummary> decode(std::string_view bytes);
};

/// A finished block. frames[0] tells of the rows (template, time, reception, sender, quality) and where the columns are; the
/// others hold the columns of one large or several small templates each. Each is one zstd frame.
struct EncodedBlock {
  BlockSummary summary;
  std::vector<std::string> frames;
  std::vector<ValueKey> keys;  ///< sorted, each once

  std::size_t payload_bytes() const;
};

/// The frames of a block as one blob, as the catalogue keeps them, and back. Errors: Errc::Corrupt.
std::string pack_frames(std::span<const std::string> frames);
base::Result<std::vector<std::string>> unpack_frames(std::string_view blob);

/// Collects events and encodes them. Keeps its buffers for the next block. One thread.
class BlockBuilder {
 public:
  /// How a row came to be here.
  struct Arrival {
    std::int64_t received = 0;  ///< ns since 1970
    std::uint32_t sender = 0;   ///< a row of `senders`; 0 is this host
  };

  /// The first row gets `first_record`. Drops what was there.
  void begin(std::uint64_t first_record);
  /// Adds an event that was cut with `shape`: as many values as holes; the views must live until encode() (or be copied by
  /// the builder, which is free to). `time` as in the event's System. The text is at most kMaxEventText, here and below.
  void add(const Template& shape, std::span<const std::string_view> values, base::WallTime time, Arrival arrival,
           events::Quality quality);
  /// Adds an event that is kept whole.
  void add_whole(std::string_view xml, base::WallTime time, Arrival arrival, events::Quality quality);

  std::size_t events() const;
  std::size_t text_bytes() const;
  bool full() const { return events() >= kMaxBlockEvents || text_bytes() >= kMaxBlockText; }

  /// `level` is zstd's: 1 on the way in, 3 to 6 where there is time. With at least one event. Once for each begin().
  EncodedBlock encode(int level);

  BlockBuilder();
  ~BlockBuilder();
  BlockBuilder(const BlockBuilder&) = delete;
  BlockBuilder& operator=(const BlockBuilder&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Where the frames of one block are read from: a row of a file, a blob in memory.
class FrameSource {
 public:
  virtual ~FrameSource() = default;
  /// The bytes of frame `number`. Errors: Errc::Corrupt where there is none; Errc::Io.
  virtual base::Result<std::string> read(std::uint32_t number) = 0;
};
/// Frames that are at hand; they must outlive it.
std::unique_ptr<FrameSource> frames_in_memory(std::span<const std::string> frames);

/// The values of one hole in all rows of one template, in the form in which they are kept: a test that is asked of the
/// entries of a dictionary, or of numbers, need not look at each text. Valid as long as its Block.
class Column {
 public:
  enum class Kind : std::uint8_t {
    Texts,       ///< text(row)
    Dictionary,  ///< entries()[code(row)]; a column of one value is a dictionary of one entry
    Decimal,     ///< number(row) in decimal digits without leading zeros
    Hex,         ///< number(row) as "0x" and small hexadecimal digits without leading zeros
    Time,        ///< time(row) as "YYYY-MM-DDTHH:MM:SS[.f…]Z" with a fixed number of fraction digits, at most 9
  };
  Kind kind() const { return kind_; }
  std::size_t rows() const { return rows_; }

  std::span<const std::string_view> entries() const { return entries_; }
  std::uint32_t code(std::size_t row) const { return codes_[row]; }
  std::uint64_t number(std::size_t row) const { return numbers_[row]; }
  std::int64_t time(std::size_t row) const { return static_cast<std::int64_t>(numbers_[row]); }  ///< ns since 1970
  std::string_view text(std::size_t row) const { return texts_[row]; }

  /// The raw value, whatever the kind. `buffer` may be used for it.
  std::string_view value(std::size_t row, std::string& buffer) const;

 private:
  friend class Block;
  Kind kind_ = Kind::Texts;
  std::uint8_t fraction_digits_ = 0;
  std::size_t rows_ = 0;
  std::vector<std::string_view> entries_;
  std::vector<std::uint32_t> codes_;
  std::vector<std::uint64_t> numbers_;
  std::vector<std::string_view> texts_;
};

/// An opened block. Reads and decodes what is asked for, when it is asked for, and keeps it. One thread.
class Block {
 public:
  /// Reads frame 0. `summary` is the block's, `source` and `templates` are used as long as the block lives. Errors:
  /// Errc::Corrupt, also where frame and summary do not agree; those of `source`.
  static base::Result<std::unique_ptr<Block>> open(const BlockSummary& summary, std::unique_ptr<FrameSource> source,
                                                   const TemplateSource& templates);
  ~Block();

  std::size_t rows() const;
  std::uint64_t record(std::size_t row) const;
  std::int64_t time(std::size_t row) const;      ///< ns since 1970
  std::int64_t received(std::size_t row) const;  ///< ns since 1970
  std::uint32_t sender(std::size_t row) const;
  events::Quality quality(std::size_t row) const;

  /// The templates of the block, in a fixed order; kWholeTemplate has no skeleton.
  std::span<const Template> templates() const;
  /// Index into templates() of a row, and the row's place among the rows of that template.
  std::uint32_t template_of(std::size_t row) const;
  std::uint32_t place_of(std::size_t row) const;
  /// All rows of a template, rising.
  std::span<const std::uint32_t> rows_of(std::uint32_t template_index) const;

  /// A column of a template; decoded on first use. Errors: Errc::Corrupt, those of the source.
  base::Result<const Column*> column(std::uint32_t template_index, std::uint32_t hole);

  /// The event's text, byte for byte as it was added.
  base::Result<std::string> xml(std::size_t row);

 private:
  struct State;
  explicit Block(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace storage
