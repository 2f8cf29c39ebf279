// SLDC, the compression of deliveries, beside zlib on the same data: decoding and encoding.
//
//   bench_sldc --events FILE.gz [--batch-bytes 500000] [--level 6] [--seconds 0.5] [--rounds 7]
//
// The data are bodies as machines send them: event XML in UTF-16 up to the size of an envelope. Both take turns, round by
// round, on one thread; the figures are medians of the rounds, in megabytes a second of expanded data. Prints one line of
// JSON.

#include "engine/wsman/sldc.h"

#include <zlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "engine/wsman/envelope.h"
#include "tests/bench/corpus.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string events;
  std::size_t batch_bytes = 500'000;
  int level = 6;
  double seconds = 0.5;
  std::size_t rounds = 7;
};

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "bench_sldc: %s\n", text.c_str());
  std::exit(1);
}

std::vector<std::string> make_bodies(const Options& options) {
  std::vector<std::string> bodies;
  std::string text;
  const auto finish = [&] {
    if (!text.empty()) bodies.push_back(wsman::encode_text("<w:Events>" + text + "</w:Events>", wsman::Charset::Utf16));
    text.clear();
  };
  for (const std::string& event : bench::read_events(options.events)) {
    if (2 * (text.size() + event.size()) > options.batch_bytes) finish();
    if (bodies.size() == 32) return bodies;
    text += "<w:Event Action=\"http://schemas.dmtf.org/wbem/wsman/1/wsman/Event\"><![CDATA[" + event + "]]></w:Event>";
  }
  finish();
  return bodies;
}

std::string deflated(const std::string& bytes, int level) {
  uLongf size = ::compressBound(static_cast<uLong>(bytes.size()));
  std::string out(size, '\0');
  if (::compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                  static_cast<uLong>(bytes.size()), level) != Z_OK) {
    fail("zlib cannot compress");
  }
  out.resize(size);
  return out;
}

std::string inflated(const std::string& bytes, std::size_t size) {
  std::string out(size, '\0');
  uLongf got = static_cast<uLongf>(size);
  if (::uncompress(reinterpret_cast<Bytef*>(out.data()), &got, reinterpret_cast<const Bytef*>(bytes.data()),
                   static_cast<uLong>(bytes.size())) != Z_OK) {
    fail("zlib cannot expand");
  }
  out.resize(got);
  return out;
}

/// Megabytes a second of `expanded` octets a pass, over so many seconds at least.
template <typename Pass>
double speed(double seconds, std::size_t expanded, Pass pass) {
  const auto begin = Clock::now();
  std::size_t passes = 0;
  std::chrono::duration<double> took{};
  do {
    pass();
    ++passes;
    took = Clock::now() - begin;
  } while (took.count() < seconds);
  return static_cast<double>(passes * expanded) / took.count() / 1e6;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures SLDC beside zlib.");
  app.add_option("--events", options.events, "Event XML, one a line, .gz or plain")->required();
  app.add_option("--batch-bytes", options.batch_bytes, "Of one body, expanded")->check(CLI::Range(1'000, 16'000'000));
  app.add_option("--level", options.level, "Of zlib")->check(CLI::Range(1, 9));
  app.add_option("--seconds", options.seconds, "Length of one turn")->check(CLI::Range(0.01, 60.0));
  app.add_option("--rounds", options.rounds, "Rounds, of which the median counts")->check(CLI::Range(1, 1000));
  CLI11_PARSE(app, argc, argv);

  const std::vector<std::string> bodies = make_bodies(options);
  std::vector<std::string> sldc;
  std::vector<std::string> zlib;
  std::size_t expanded = 0;
  std::size_t sldc_bytes = 0;
  std::size_t zlib_bytes = 0;
  for (const std::string& body : bodies) {
    sldc.push_back(wsman::sldc_compress(body));
    zlib.push_back(deflated(body, options.level));
    expanded += body.size();
    sldc_bytes += sldc.back().size();
    zlib_bytes += zlib.back().size();
    const auto back = wsman::sldc_decompress(sldc.back(), body.size());
    if (!back.ok() || *back != body || inflated(zlib.back(), body.size()) != body) fail("the data did not come back");
  }
  if (expanded == 0) fail("no events");

  // What nobody looks at would be optimised away.
  std::size_t seen = 0;
  std::vector<double> sldc_decode, zlib_decode, sldc_encode, zlib_encode, ratio;
  for (std::size_t round = 0; round < options.rounds; ++round) {
    sldc_decode.push_back(speed(options.seconds, expanded, [&] {
      for (std::size_t i = 0; i < sldc.size(); ++i) seen += wsman::sldc_decompress(sldc[i], bodies[i].size())->size();
    }));
    zlib_decode.push_back(speed(options.seconds, expanded, [&] {
      for (std::size_t i = 0; i < zlib.size(); ++i) seen += inflated(zlib[i], bodies[i].size()).size();
    }));
    ratio.push_back(sldc_decode.back() / zlib_decode.back());
    sldc_encode.push_back(speed(options.seconds, expanded, [&] {
      for (const std::string& body : bodies) seen += wsman::sldc_compress(body).size();
    }));
    zlib_encode.push_back(speed(options.seconds, expanded, [&] {
      for (const std::string& body : bodies) seen += deflated(body, options.level).size();
    }));
  }
  if (seen == 0) fail("nothing was measured");
  std::printf(
      "{\"bench\":\"sldc\",\"bodies\":%zu,\"bytes\":%zu,\"sldc\":{\"decode_mb_per_s\":%.0f,\"encode_mb_per_s\":%.0f,"
      "\"share\":%.3f},\"zlib\":{\"level\":%d,\"decode_mb_per_s\":%.0f,\"encode_mb_per_s\":%.0f,\"share\":%.3f},"
      "\"decode_ratio\":%.2f}\n",
      bodies.size(), expanded, median(sldc_decode), median(sldc_encode),
      static_cast<double>(sldc_bytes) / static_cast<double>(expanded), options.level, median(zlib_decode),
      median(zlib_encode), static_cast<double>(zlib_bytes) / static_cast<double>(expanded), median(ratio));
  return 0;
}
