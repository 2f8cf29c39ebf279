// The templates of a store by the text of their skeletons, and the cutting of events with them.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "events/event.h"
#include "events/skeleton.h"
#include "storage/block.h"

namespace storage {

/// A store has at most so many fine templates, and so many in all: a source can make up as many kinds of events as it likes.
inline constexpr std::size_t kMaxFineTemplates = 8'192;
inline constexpr std::size_t kMaxTemplates = 16'384;
/// Bytes that the skeletons of all templates take in memory, about: beyond a half of them events are cut coarsely, beyond
/// all of them kept whole.
inline constexpr std::size_t kMaxTemplateBytes = 48u << 20;

/// A batch that brings more kinds of events than this that were never seen is cut coarsely from there on.
inline constexpr std::size_t kMaxNewShapes = 1'024;

/// What is committed, for all who cut. Thread-safe.
class TemplateIndex {
 public:
  /// The template that the splitter's last cut has the skeleton of.
  std::optional<Template> find(const events::Splitter& cut) const;
  std::optional<Template> find(std::uint64_t hash, std::string_view text) const;
  void add(std::uint64_t hash, Template shape);

  std::size_t size() const;
  /// Whether there is room for one more template of this grain.
  bool takes(events::Grain grain) const;

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_multimap<std::uint64_t, Template> by_hash_;
  std::size_t bytes_ = 0;
};

/// Events cut into values. The views point into the events.
struct CutBatch {
  static constexpr std::uint32_t kWhole = UINT32_MAX;

  /// A skeleton of the batch. A number of 0 says that the store did not have it yet when it was cut.
  struct Shape {
    std::uint64_t hash = 0;
    Template known;
  };
  struct Cut {
    std::uint32_t shape = kWhole;  ///< index into `shapes`
    std::uint32_t first_value = 0;
    std::uint32_t values = 0;
  };
  std::vector<Shape> shapes;
  std::vector<Cut> events;  ///< one for each event
  std::vector<std::string_view> values;
  std::size_t unknown_shapes = 0;
  std::array<std::uint32_t, 256> last_of_hash{};  ///< by the hash's low byte; where to look in `shapes` first

  std::span<const std::string_view> values_of(const Cut& cut) const {
    return std::span(values).subspan(cut.first_value, cut.values);
  }
};

/// Cuts batches. Keeps its buffers: one thread, one object.
class Cutter {
 public:
  /// Adds the cut of `event`, which must live as long as `batch`, to it.
  void cut(const events::Event& event, const TemplateIndex& index, CutBatch& batch);

 private:
  /// Index of the shape that was last cut; nothing where it is not to be a template.
  std::optional<std::uint32_t> shape_of_cut(events::Grain grain, const TemplateIndex& index, CutBatch& batch);

  events::Splitter splitter_;
};

}  // namespace storage
