// How fast events become blocks and come back, and how small they are, beside zstd of the same text.
//
//   bench_block FILE.gz [--block EVENTS] [--level ZSTD] [--shuffle] [--random EVENTS] [--rounds N]
//
// The events of the file, in their order or shuffled; with --random so many logons of 600 machines with random values
// instead. One line of JSON: microseconds of CPU and bytes, each an event;
// one_hit_us is for opening a block and rebuilding one event of it.

#include "storage/block.h"

#include <zstd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/die.h"
#include "engine/base/iso8601.h"
#include "events/event.h"
#include "events/skeleton.h"
#include "storage/errc.h"
#include "tests/bench/corpus.h"

namespace {

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// The median of several runs: CPU seconds.
double measure(std::size_t rounds, const std::function<void()>& run) {
  std::vector<double> seconds;
  for (std::size_t i = 0; i < rounds; ++i) {
    const double start = cpu_seconds();
    run();
    seconds.push_back(cpu_seconds() - start);
  }
  std::nth_element(seconds.begin(), seconds.begin() + static_cast<std::ptrdiff_t>(rounds / 2), seconds.end());
  return seconds[rounds / 2];
}

struct Options {
  std::string file;
  std::size_t block = 1024;
  int level = 1;
  bool shuffle = false;
  std::size_t random = 0;
  std::size_t rounds = 7;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto number = [&] { return ++i < argc ? std::strtoull(argv[i], nullptr, 10) : 0; };
    if (argument == "--block") {
      options.block = std::clamp<std::size_t>(number(), 1, storage::kMaxBlockEvents);
    } else if (argument == "--level") {
      options.level = static_cast<int>(number());
    } else if (argument == "--shuffle") {
      options.shuffle = true;
    } else if (argument == "--random") {
      options.random = number();
    } else if (argument == "--rounds") {
      options.rounds = std::max<std::size_t>(number(), 1);
    } else {
      options.file = argument;
    }
  }
  if (options.file.empty() && options.random == 0) {
    std::fprintf(stderr,
                 "usage: bench_block FILE.gz [--block EVENTS] [--level ZSTD] [--shuffle] [--random EVENTS] [--rounds N]\n");
    std::exit(2);
  }
  return options;
}

/// Logons as a domain controller sees them: nearly all that can differ does.
std::vector<std::string> random_logons(std::size_t count) {
  std::mt19937_64 random(42);
  const auto below = [&](std::uint64_t limit) { return std::to_string(random() % limit); };
  const auto hex = [&](unsigned digits) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(random()));
    return std::string(text + 16 - digits);
  };
  const auto guid = [&] { return "{" + hex(8) + "-" + hex(4) + "-" + hex(4) + "-" + hex(4) + "-" + hex(12) + "}"; };
  std::vector<std::string> events;
  std::int64_t ns = 1'714'557'600'000'000'000;
  for (std::size_t i = 0; i < count; ++i) {
    ns += static_cast<std::int64_t>(random() % 200'000) * 100;
    const std::string user = "user" + below(5000);
    const std::string machine = "host" + below(600);
    events.push_back(
        "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System><Provider "
        "Name=\"Microsoft-Windows-Security-Auditing\" "
        "Guid=\"{54849625-5478-4994-A5BA-3E3B0328C30D}\"/><EventID>4624</EventID>"
        "<Version>2</Version><Level>0</Level><Task>12544</Task><Opcode>0</Opcode><Keywords>0x8020000000000000</Keywords>"
        "<TimeCreated SystemTime=\"" +
        base::format_utc(base::WallTime(std::chrono::nanoseconds(ns)), 7) + "\"/><EventRecordID>" + below(100'000'000) +
        "</EventRecordID><Correlation ActivityID=\"" + guid() + "\"/><Execution ProcessID=\"" + below(900) +
        "\" ThreadID=\"" + below(9000) + "\"/><Channel>Security</Channel><Computer>" + machine +
        ".corp.example.com</Computer><Security/></System><EventData><Data Name=\"SubjectUserSid\">S-1-5-18</Data><Data "
        "Name=\"SubjectUserName\">" +
        machine +
        "$</Data><Data Name=\"SubjectDomainName\">CORP</Data><Data Name=\"SubjectLogonId\">0x3e7</Data><Data "
        "Name=\"TargetUserSid\">S-1-5-21-1708874808-2135018884-2645922275-" +
        below(5000) + "</Data><Data Name=\"TargetUserName\">" + user +
        "</Data><Data Name=\"TargetDomainName\">CORP</Data><Data Name=\"TargetLogonId\">0x" + hex(8) +
        "</Data><Data Name=\"LogonType\">" + below(11) +
        "</Data><Data Name=\"LogonProcessName\">Kerberos</Data><Data "
        "Name=\"AuthenticationPackageName\">Kerberos</Data><Data "
        "Name=\"WorkstationName\">-</Data><Data Name=\"LogonGuid\">" +
        guid() +
        "</Data><Data Name=\"TransmittedServices\">-</Data><Data Name=\"LmPackageName\">-</Data><Data "
        "Name=\"KeyLength\">0</Data><Data "
        "Name=\"ProcessId\">0x" +
        std::to_string(1 + random() % 9) + hex(3) +
        "</Data><Data Name=\"ProcessName\">C:\\Windows\\System32\\svchost.exe</Data><Data Name=\"IpAddress\">10." +
        below(4) + "." + below(256) + "." + below(256) + "</Data><Data Name=\"IpPort\">" + below(65536) +
        "</Data><Data Name=\"ImpersonationLevel\">%%1833</Data></EventData></Event>");
  }
  return events;
}

class Templates final : public storage::TemplateSource {
 public:
  base::Result<std::shared_ptr<const events::Skeleton>> find(std::uint32_t id) const override {
    if (id == 0 || id > by_id_.size()) return base::make_error(storage::Errc::Corrupt, "no such template");
    return by_id_[id - 1];
  }
  const storage::Template& of(const events::Splitter& splitter) {
    auto& shape = by_hash_[splitter.hash()];
    if (!shape.skeleton) {
      by_id_.push_back(events::Skeleton::parse(splitter.skeleton()).value());
      shape = storage::Template{static_cast<std::uint32_t>(by_id_.size()), by_id_.back()};
    }
    if (!splitter.is(shape.skeleton->text())) base::die("a cut or a block is not what it was made of");
    return shape;
  }

 private:
  std::unordered_map<std::uint64_t, storage::Template> by_hash_;
  std::vector<std::shared_ptr<const events::Skeleton>> by_id_;
};

/// Deliveries of a hundred events from some machines.
storage::BlockBuilder::Arrival arrival_of(std::size_t event) {
  const std::size_t delivery = event / 100;
  return {1'714'557'600'000'000'000 + static_cast<std::int64_t>(delivery) * 1'234'567,
          static_cast<std::uint32_t>(1 + delivery % 16)};
}

struct Cut {
  const storage::Template* shape = nullptr;
  std::vector<std::string_view> values;
  base::WallTime time;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  std::vector<std::string> lines = options.random != 0 ? random_logons(options.random) : bench::read_events(options.file);
  if (options.shuffle) std::shuffle(lines.begin(), lines.end(), std::mt19937_64(7));
  std::vector<events::Event> events;
  double text_bytes = 0;
  for (auto& line : lines) {
    events.push_back(events::Event::parse(std::move(line)).value());
    text_bytes += static_cast<double>(events.back().xml.size());
  }
  const auto count = static_cast<double>(events.size());

  events::Splitter splitter;
  std::uint64_t checksum = 0;
  const double split = measure(options.rounds, [&] {
    for (const auto& event : events) {
      if (!splitter.split(event.xml, events::Grain::Fine)) base::die("a cut or a block is not what it was made of");
      checksum ^= splitter.hash();
    }
  });
  Templates templates;
  std::vector<Cut> cuts;
  for (const auto& event : events) {
    splitter.split(event.xml, events::Grain::Fine);
    cuts.push_back({&templates.of(splitter), {splitter.values().begin(), splitter.values().end()}, event.system.time});
  }
  const double find = measure(options.rounds, [&] {
    for (const auto& event : events) {
      splitter.split(event.xml, events::Grain::Fine);
      checksum += templates.of(splitter).id;
    }
  });

  std::vector<storage::EncodedBlock> blocks;
  storage::BlockBuilder builder;
  double encode = 0;
  const double all = measure(options.rounds, [&] {
    blocks.clear();
    encode = 0;
    for (std::size_t from = 0; from < cuts.size(); from += options.block) {
      builder.begin(from + 1);
      const std::size_t to = std::min(cuts.size(), from + options.block);
      for (std::size_t i = from; i < to; ++i) {
        builder.add(*cuts[i].shape, cuts[i].values, cuts[i].time, arrival_of(i), events::Quality::Good);
      }
      const double start = cpu_seconds();
      blocks.push_back(builder.encode(options.level));
      encode += cpu_seconds() - start;
    }
  });
  double payload = 0;
  double keys = 0;
  double summaries = 0;
  double key_bytes = 0;
  double frames = 0;
  for (const auto& block : blocks) {
    payload += static_cast<double>(block.payload_bytes());
    frames += static_cast<double>(block.frames.size());
    summaries += static_cast<double>(block.summary.encode().size());
    keys += static_cast<double>(block.keys.size());
    key_bytes += static_cast<double>(storage::encode_keys(block.keys).size());
  }

  std::vector<std::string> texts;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i % options.block == 0) texts.emplace_back();
    texts.back() += events[i].xml;
  }
  std::string buffer(ZSTD_compressBound(std::max_element(texts.begin(), texts.end(),
                                                         [](const auto& a, const auto& b) { return a.size() < b.size(); })
                                            ->size()),
                     '\0');
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  double baseline_bytes = 0;
  const double baseline = measure(options.rounds, [&] {
    baseline_bytes = 0;
    for (const auto& text : texts) {
      baseline_bytes +=
          static_cast<double>(ZSTD_compressCCtx(context, buffer.data(), buffer.size(), text.data(), text.size(), 1));
    }
  });
  ZSTD_freeCCtx(context);

  const auto open = [&](const storage::EncodedBlock& block) {
    return storage::Block::open(block.summary, storage::frames_in_memory(block.frames), templates).value();
  };
  const double open_all = measure(options.rounds, [&] {
    for (const auto& block : blocks) checksum += open(block)->rows();
  });
  // One data value of every template that has one, as a scan with a predicate asks.
  std::size_t scanned = 0;
  const double scan = measure(options.rounds, [&] {
    scanned = 0;
    for (const auto& block : blocks) {
      const auto opened = open(block);
      for (std::uint32_t i = 0; i < opened->templates().size(); ++i) {
        const auto& holes = opened->templates()[i].skeleton->holes();
        for (std::uint32_t hole = static_cast<std::uint32_t>(holes.size()); hole-- > 0;) {
          if (!holes[hole].is_data) continue;
          scanned += opened->column(i, hole).value()->rows();
          break;
        }
      }
    }
  });
  const double rebuild = measure(options.rounds, [&] {
    for (const auto& block : blocks) {
      const auto opened = open(block);
      for (std::size_t row = 0; row < opened->rows(); ++row) checksum += opened->xml(row).value().size();
    }
  });
  // As a search for something rare does: a block is opened for the sake of one event.
  const double hit = measure(options.rounds, [&] {
    for (const auto& block : blocks) {
      const auto opened = open(block);
      checksum += opened->xml(opened->rows() / 2).value().size();
    }
  });
  for (std::size_t i = 0; i < events.size(); ++i) {
    static std::unique_ptr<storage::Block> opened;
    if (i % options.block == 0) opened = open(blocks[i / options.block]);
    if (opened->xml(i % options.block).value() != events[i].xml) base::die("a cut or a block is not what it was made of");
  }

  const auto micro = [&](double seconds) { return 1e6 * seconds / count; };
  std::printf(
      "{\"bench\":\"block\",\"events\":%zu,\"event_bytes\":%.0f,\"block_events\":%zu,\"level\":%d,\"split_us\":%.3f,\"split_"
      "and_find_us\":%.3f,"
      "\"add_us\":%.3f,\"encode_us\":%.3f,\"payload_bytes\":%.1f,\"frames_per_block\":%.1f,\"summary_bytes\":%.2f,\"keys\":%"
      ".2f,"
      "\"key_bytes\":%.2f,\"open_us\":%.3f,\"scan_rows_per_s\":%.0f,\"rebuild_us\":%.3f,\"one_hit_us\":%.0f,\"baseline_zstd_"
      "us\":%.3f,"
      "\"baseline_zstd_bytes\":%.1f,\"checksum\":%llu}\n",
      events.size(), text_bytes / count, options.block, options.level, micro(split), micro(find), micro(all - encode),
      micro(encode), payload / count, frames / static_cast<double>(blocks.size()), summaries / count, keys / count,
      key_bytes / count, micro(open_all), static_cast<double>(scanned) / scan, micro(rebuild),
      1e6 * hit / static_cast<double>(blocks.size()), micro(baseline), baseline_bytes / count,
      static_cast<unsigned long long>(checksum));
  return 0;
}
