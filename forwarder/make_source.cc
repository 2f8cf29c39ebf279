#include "forwarder/make_source.h"

#include <utility>

#include "forwarder/file_source.h"
#include "forwarder/journal_source.h"

namespace forwarder {

std::unique_ptr<Source> make_source(const service::SourceSettings& settings, std::string computer, base::BlockingPool& pool,
                                    base::Clock& clock) {
  if (settings.type == "file") {
    FileSourceOptions options;
    options.path_glob = settings.path;
    options.channel = settings.channel;
    options.provider = settings.provider;
    options.computer = std::move(computer);
    options.from_beginning = settings.from_beginning;
    return std::make_unique<FileSource>(std::move(options), pool, clock);
  }
  if (settings.type == "journal") {
    JournalSourceOptions options;
    options.directory = settings.path;
    options.channel = settings.channel;
    options.provider = settings.provider;
    options.computer = std::move(computer);
    options.from_beginning = settings.from_beginning;
    return std::make_unique<JournalSource>(std::move(options), pool, clock);
  }
  return nullptr;
}

}  // namespace forwarder
