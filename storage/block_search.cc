#include "storage/block_search.h"

#include "storage/block_filter.h"

namespace storage {

using events::Truth;

base::Result<events::Event> read_event(Block& block, std::size_t row) {
  const auto quality = block.quality(row);
  ASSIGN_OR_RETURN(auto xml, block.xml(row));
  if (quality != events::Quality::Raw) {
    if (auto event = events::Event::parse(std::move(xml)); event.ok()) {
      event->quality = quality;
      return event;
    }
    ASSIGN_OR_RETURN(xml, block.xml(row));
  }
  events::Event event;
  event.xml = std::move(xml);
  event.quality = events::Quality::Raw;
  return event;
}

base::Result<Bitmap> select_events_of(OpenBlock& block, std::uint32_t template_index, LogScan& scan,
                                      const SearchPlan& plan) {
  const auto rows = block->rows_of(template_index);
  const auto id = block->templates()[template_index].id;
  const auto answer = scan.decide(id, scan.times());
  if (answer != Truth::Unknown) return Bitmap(rows.size(), answer == Truth::True);
  const auto& shape = scan.shape(id);
  if (shape.formula) return select_rows(*block, template_index, *shape.formula, plan.now());

  Bitmap selected(rows.size());
  for (std::size_t place = 0; place < rows.size(); ++place) {
    if (!scan.in_view(block->record(rows[place]))) continue;
    ASSIGN_OR_RETURN(const auto event, read_event(*block, rows[place]));
    if (plan.selects(event)) selected.set(place);
  }
  return selected;
}

base::Result<Bitmap> select_events(OpenBlock& block, LogScan& scan, const SearchPlan& plan) {
  Bitmap selected(block->rows());
  for (std::uint32_t index = 0; index < block->templates().size(); ++index) {
    ASSIGN_OR_RETURN(const auto of_template, select_events_of(block, index, scan, plan));
    const auto rows = block->rows_of(index);
    for (std::size_t place = 0; place < rows.size(); ++place) {
      if (of_template.test(place) && scan.in_view(block->record(rows[place]))) selected.set(rows[place]);
    }
  }
  return selected;
}

}  // namespace storage
