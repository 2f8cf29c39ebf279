// Runs a fuzz target without libFuzzer: over each file of its corpus, and over changes of it that are the same in each run,
// so that a failure can be repeated.
//
//   fuzz_NAME PATH… [--mutations N]      a PATH is a file or a folder; N changes of each file, 2000 by default
//
// What was being tried when the target crashed is in crash-input, in the working folder.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

const std::string* current_input = nullptr;

extern "C" void keep_input(int signal_number) {
  const int file = ::open("crash-input", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file >= 0 && current_input != nullptr) {
    [[maybe_unused]] const auto written = ::write(file, current_input->data(), current_input->size());
  }
  ::signal(signal_number, SIG_DFL);
  ::raise(signal_number);
}

void run(const std::string& input) {
  current_input = &input;
  // A copy of exactly this size, so that a sanitizer sees a read behind its end.
  const std::vector<std::uint8_t> exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
  current_input = nullptr;
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Changes an input as a careless or hostile sender might: bits, bytes, cuts, doubled and crossed parts.
class Mutator {
 public:
  Mutator(const std::vector<std::string>& corpus, std::uint32_t seed) : corpus_(corpus), random_(seed) {}

  std::string change(std::string input) {
    const std::size_t times = 1 + below(4);
    for (std::size_t i = 0; i < times; ++i) change_once(input);
    if (input.size() > kMaxSize) input.resize(kMaxSize);
    return input;
  }

 private:
  static constexpr std::size_t kMaxSize = 1 << 20;

  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void change_once(std::string& input) {
    static constexpr std::string_view kTelling[] = {
        "<",    ">",        "&",  "\"",        "'",    "]]>",   "<![CDATA[", "<!--",     "</",   "/>",
        "[",    "]",        "(",  ")",         " or ", " and ", "=",         "!=",       "*",    "/",
        "@",    "0x",       "-1", "\xFF",      "\xFE", "%",     ";",         "\r\n\r\n", "\r\n", "18446744073709551616",
        "&#0;", "&#xD800;", "<?", "<!DOCTYPE", ":"};
    const std::size_t at = below(input.size() + 1);
    const std::size_t length = below(std::min<std::size_t>(input.size() - at, 64) + 1);
    switch (below(9)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 1:
        if (at < input.size()) input[at] = static_cast<char>(random_());
        break;
      case 2:
        input.insert(at, 1, static_cast<char>(random_()));
        break;
      case 3:
        input.erase(at, length);
        break;
      case 4:
        input.resize(at);
        break;
      case 5:
        input.insert(at, input.substr(at, length));
        break;
      case 6:
        input.insert(at, kTelling[below(std::size(kTelling))]);
        break;
      case 7: {
        const std::string& other = corpus_[below(corpus_.size())];
        const std::size_t from = below(other.size() + 1);
        input.insert(at, other.substr(from, below(256)));
        break;
      }
      default: {
        std::string many;
        const std::string piece = input.substr(at, 1 + below(8));
        for (std::size_t i = below(300); i > 0; --i) many += piece;
        input.insert(at, many);
      }
    }
  }

  const std::vector<std::string>& corpus_;
  std::mt19937 random_;
};

}  // namespace

int main(int argc, char** argv) {
  std::size_t mutations = 2000;
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--mutations" && i + 1 < argc) {
      mutations = std::strtoul(argv[++i], nullptr, 10);
    } else if (std::filesystem::is_directory(argument)) {
      for (const auto& entry : std::filesystem::directory_iterator(argument)) files.push_back(entry.path());
    } else {
      files.emplace_back(argument);
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const auto& file : files) corpus.push_back(content_of(file));
  if (corpus.empty()) {
    std::fputs("there is no corpus to replay\n", stderr);
    return 2;
  }
  for (const int signal_number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) ::signal(signal_number, keep_input);
  run("");
  for (std::size_t i = 0; i < corpus.size(); ++i) {
    run(corpus[i]);
    Mutator mutator(corpus, static_cast<std::uint32_t>(i + 1));
    for (std::size_t k = 0; k < mutations; ++k) {
      const std::string input = mutator.change(corpus[i]);
      run(input);
    }
  }
  std::printf("%zu files and %zu changes of each\n", corpus.size(), mutations);
  return 0;
}
