// Any bytes as a block: its summary, its templates, its frames, its keys. What can be read must come out the same when it is
// written again.
//
// The input: a varint with the size of the summary, the summary, and the frames *uncompressed*, as pack_frames() joins them;
// they are compressed here, for no change of the input would otherwise come past the checksums.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "events/skeleton.h"
#include "storage/block.h"
#include "storage/block_filter.h"
#include "storage/compressed_frame.h"
#include "storage/value_key.h"
#include "storage/varint.h"

namespace {

void check(bool claim) {
  if (!claim) std::abort();
}

/// Templates of one to eight holes, by their number.
class Templates final : public storage::TemplateSource {
 public:
  Templates() {
    for (int holes = 1; holes <= 8; ++holes) {
      std::string text = "<Event><System><TimeCreated SystemTime='\x01'/></System><EventData>";
      for (int i = 1; i < holes; ++i) text += "<Data Name='d" + std::to_string(i) + "'>\x01</Data>";
      skeletons_.push_back(events::Skeleton::parse(text + (holes == 1 ? "<Data/>" : "") + "</EventData></Event>").value());
    }
  }
  base::Result<std::shared_ptr<const events::Skeleton>> find(std::uint32_t id) const override {
    return skeletons_[id % skeletons_.size()];
  }

 private:
  std::vector<std::shared_ptr<const events::Skeleton>> skeletons_;
};

/// Every test of every column: the answer to a question may be wrong where a column lies, but there is one.
void ask(storage::Block& block) {
  using Op = events::ValueTest::Op;
  for (std::uint32_t index = 0; index < block.templates().size(); ++index) {
    const auto& skeleton = block.templates()[index].skeleton;
    if (!skeleton) continue;
    events::Formula formula;
    std::vector<std::uint32_t> parts;
    for (std::uint32_t hole = 0; hole < skeleton->holes().size(); ++hole) {
      for (const Op op : {Op::Compare, Op::Band, Op::BandValues, Op::TimeDiff, Op::Contains, Op::HasWord}) {
        for (const char* constant : {"5", "0x20", "1.5", "true", "x", "2024-05-01T10:00:00Z"}) {
          events::ValueTest test;
          test.op = op;
          test.hole = hole;
          test.other_hole = 0;
          test.bits = 3;
          test.comparison = hole % 2 == 0 ? events::Comparison::LessOrEqual : events::Comparison::Equal;
          test.constant = events::Constant::of(constant);
          parts.push_back(formula.add_test(test));
        }
      }
    }
    formula.finish(formula.add_and({formula.add_or(parts), formula.add_not(formula.add_and(parts))}));
    const auto selected = storage::select_rows(block, index, formula, {});
    check(!selected.ok() || selected->size() == block.rows_of(index).size());
  }
}

void read_block(std::string_view bytes) {
  static const Templates templates;
  storage::ByteReader reader(bytes);
  const auto summary = storage::BlockSummary::decode(reader.bytes(reader.varint()));
  if (!summary.ok()) return;
  auto frames = storage::unpack_frames(reader.bytes(reader.left()));
  if (!frames.ok()) return;
  storage::Compressor compressor;
  for (auto& frame : *frames) frame = compressor.compress(frame, 1);
  const auto block = storage::Block::open(*summary, storage::frames_in_memory(*frames), templates);
  if (!block.ok()) return;
  ask(**block);
  storage::BlockBuilder builder;
  builder.begin(summary->first_record);
  std::vector<std::string> texts;
  std::vector<std::string> buffers(events::kMaxHoles);
  for (std::size_t row = 0; row < (*block)->rows(); ++row) {
    auto xml = (*block)->xml(row);
    if (!xml.ok()) return;
    const std::uint32_t index = (*block)->template_of(row);
    const storage::Template& shape = (*block)->templates()[index];
    const base::WallTime time{std::chrono::nanoseconds((*block)->time(row))};
    const storage::BlockBuilder::Arrival arrival{(*block)->received(row), (*block)->sender(row)};
    if (shape.skeleton) {
      std::vector<std::string_view> values;
      for (std::uint32_t hole = 0; hole < shape.skeleton->holes().size(); ++hole) {
        const auto column = (*block)->column(index, hole);
        // A single event is rebuilt without a look at all of its columns.
        if (!column.ok()) return;
        values.push_back((*column)->value((*block)->place_of(row), buffers[hole]));
      }
      builder.add(shape, values, time, arrival, (*block)->quality(row));
    } else {
      builder.add_whole(*xml, time, arrival, (*block)->quality(row));
    }
    texts.push_back(std::move(*xml));
    if (builder.full()) break;
  }
  const storage::EncodedBlock encoded = builder.encode(1);
  const auto again = storage::Block::open(encoded.summary, storage::frames_in_memory(encoded.frames), templates);
  check(again.ok());
  for (std::size_t row = 0; row < texts.size(); ++row) {
    check((*again)->xml(row).value() == texts[row]);
    check((*again)->time(row) == (*block)->time(row) && (*again)->received(row) == (*block)->received(row));
    check((*again)->sender(row) == (*block)->sender(row) && (*again)->quality(row) == (*block)->quality(row));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_block(bytes);
  if (const auto keys = storage::decode_keys(bytes); keys.ok()) {
    check(storage::decode_keys(storage::encode_keys(*keys)).value() == *keys);
  }
  if (const auto summary = storage::BlockSummary::decode(bytes); summary.ok()) {
    check(storage::BlockSummary::decode(summary->encode())->counts == summary->counts);
  }
  if (const auto frames = storage::unpack_frames(bytes); frames.ok())
    check(storage::unpack_frames(storage::pack_frames(*frames)).value() == *frames);
  return 0;
}
