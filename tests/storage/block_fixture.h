// Blocks of events given as text, without a store.

#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/base/iso8601.h"
#include "events/event.h"
#include "events/skeleton.h"
#include "storage/block.h"

namespace storage::test {

/// The events of tests/data/windows-events.xmlines.
std::vector<events::Event> real_events();

class Templates final : public TemplateSource {
 public:
  base::Result<std::shared_ptr<const events::Skeleton>> find(std::uint32_t id) const override;
  /// The template of that skeleton, numbered from 1 in the order of first use.
  const Template& of(const std::string& skeleton);

 private:
  std::map<std::string, Template> by_text_;
  std::map<std::uint32_t, std::shared_ptr<const events::Skeleton>> by_id_;
};

struct BlockMaker {
  explicit BlockMaker(std::uint64_t first_record = 1, events::Grain grain_wanted = events::Grain::Fine);

  void add(const events::Event& event, BlockBuilder::Arrival arrival = {}, events::Quality quality = events::Quality::Good);
  void add(const std::string& xml, BlockBuilder::Arrival arrival = {}, events::Quality quality = events::Quality::Good);
  void add_at(const std::string& xml, std::int64_t time);
  void add_whole(const std::string& xml, events::Quality quality, BlockBuilder::Arrival arrival = {});
  void encode() { encoded = builder.encode(1); }
  /// Encodes first where that was not done. `frames_read` hears which frames are read.
  std::unique_ptr<Block> open(std::set<std::uint32_t>* frames_read = nullptr);

  Templates templates;
  BlockBuilder builder;
  EncodedBlock encoded;

 private:
  void add(const std::string& xml, base::WallTime time, BlockBuilder::Arrival arrival, events::Quality quality);

  events::Grain grain_;
  events::Splitter splitter_;
};

}  // namespace storage::test
