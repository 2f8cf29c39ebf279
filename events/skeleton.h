// The shape of an event, apart from its values: what events of one kind share, and all that a store needs to keep once.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "events/event.h"

namespace events {

/// Stands for a value in the text of a skeleton. No XML text can contain it.
inline constexpr char kHole = '\x01';

/// Bounds of what can be cut. What is beyond them is kept whole.
inline constexpr std::size_t kMaxHoles = 1024;
inline constexpr std::size_t kMaxSkeleton = 64u << 10;

/// Which values are cut out.
enum class Grain : std::uint8_t {
  /// All but what tells one kind of event from another: System's Provider (its attributes), EventID (with Qualifiers),
  /// Version,
  /// Level, Task, Opcode, Keywords and Channel stay in the skeleton.
  Fine = 0,
  /// All. For stores that see more kinds of events than are worth a skeleton each.
  Coarse = 1,
};

/// Cuts events into skeleton and values, in one pass over the text. Keeps its buffers and some hundreds of the skeletons it
/// has met (a few megabytes at most), by which it cuts their next events faster: one thread, one object, for long.
///
/// A value is the text of an element that has no child elements (also the empty text of `<a></a>`, not that of `<a/>`), and
/// the value of every attribute but namespace declarations and the Name of a Data. Values are raw: references are not
/// resolved, and joining them with the skeleton gives the same text byte for byte.
class Splitter {
 public:
  Splitter();
  ~Splitter();
  Splitter(Splitter&&) noexcept;
  Splitter& operator=(Splitter&&) noexcept;

  /// False where the text cannot be cut: comments, CDATA, processing instructions, text beside elements that is not white
  /// space, a byte kHole, or more than the bounds above. `xml` is an event that Event::parse() takes; other text gives false
  /// or a useless cut, never a wrong access. `xml` must outlive the use of values().
  bool split(std::string_view xml, Grain grain);

  /// Of the skeleton's text: equal for equal skeletons of the same Grain, on every machine. Different skeletons can share
  /// one: compare with is().
  std::uint64_t hash() const { return hash_; }
  std::span<const std::string_view> values() const { return values_; }
  /// The skeleton's text, with kHole for each value.
  std::string skeleton() const;
  /// Whether skeleton() equals `text`, without making it.
  bool is(std::string_view text) const;

 private:
  struct Known;
  struct Cache;

  bool split_as(const Known& known);
  bool split_by_cache(std::uint64_t place);
  void remember(std::uint64_t place);

  std::string_view xml_;
  std::uint64_t hash_ = 0;
  std::vector<std::string_view> values_;
  std::unique_ptr<Cache> cache_;
};

/// One skeleton, understood. Immutable; shared between threads.
class Skeleton {
 public:
  /// What a value says.
  struct Hole {
    bool is_attribute = false;
    /// The System field that it states; None for all else, and for one that System states twice.
    Field field = Field::None;
    /// Below EventData or UserData.
    bool is_data = false;
    /// The Name of a Data (empty where it has none); else the local name of the element or of the attribute.
    std::string name;
  };

  /// Understands a text that Splitter::skeleton() has made, or that a file holds. Errors: std::errc::invalid_argument where
  /// it is no well-formed Event with a System, or exceeds the bounds.
  static base::Result<std::shared_ptr<const Skeleton>> parse(std::string text);

  const std::string& text() const { return text_; }
  const std::vector<Hole>& holes() const { return holes_; }
  /// The only hole that states `field`, if any.
  std::optional<std::uint32_t> hole_of(Field field) const;
  /// What System says without its holes. `known` has the bits of the fields that the skeleton itself states.
  const System& system() const { return system_; }

  /// Appends the event's text. As many values as holes.
  void join(std::span<const std::string_view> values, std::string& xml) const;
  /// Bytes of the joined text apart from its values.
  std::size_t fixed_size() const { return text_.size() - holes_.size(); }

 private:
  Skeleton() = default;
  std::string text_;
  std::vector<std::uint32_t> pieces_;  ///< where each hole stands in text_
  std::vector<Hole> holes_;
  System system_;
};

}  // namespace events
