// Passwords as they are kept: scrypt (RFC 7914), with its parameters and its salt beside the hash.

#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace auth {

/// What a hash costs: 128 * r * 2^log2_n bytes of memory, `p` times over.
struct ScryptCost {
  unsigned log2_n = 15;
  unsigned r = 8;
  unsigned p = 3;
  bool operator==(const ScryptCost&) const = default;
};

/// "$scrypt$ln=15,r=8,p=3$SALT$HASH", both in base64, with a fresh salt of 16 bytes. Blocks: 0.1 s or so at the default
/// cost. Errors: std::errc::invalid_argument for a cost that is out of bounds, std::errc::not_enough_memory.
base::Result<std::string> hash_password(std::string_view password, ScryptCost cost = {});

/// A hash of the same form and cost that no password has. Does not block.
std::string hash_of_nobody(ScryptCost cost = {});

/// Whether `password` has that hash. False, too, for a text that is none, or that asks for more than 256 MiB. Takes the same
/// time for every password.
bool verify_password(std::string_view hash, std::string_view password);

}  // namespace auth
