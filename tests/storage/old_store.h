// Stores as earlier versions have left them.

#pragma once

#include <filesystem>

namespace storage_test {

/// A store of version 1: ForwardedEvents with the records 5 to `events` from another machine, received on two days and with
/// equal record ids (the 100th, if any, is no event); one event of this host in Local; Empty without events.
void make_old_store(const std::filesystem::path& directory, int events);

}  // namespace storage_test
