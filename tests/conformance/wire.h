// A part of a case as it goes over the wire, and what came compared with what is wanted.

#pragma once

#include <string>
#include <vector>

#include "engine/http/message.h"
#include "tests/conformance/case_file.h"
#include "tests/conformance/pattern.h"

namespace conformance {

/// The request as it is sent: holes filled, the body in the encoding that the case asks for.
http::Request request_of(const Part& part, const Names& names);

/// What of `response` is not as `wanted` says; names of holes are learnt.
std::vector<std::string> differences(const Part& wanted, const http::Response& response, Names& names);

/// The names of the cases in `folder`, sorted.
std::vector<std::string> case_files(const std::filesystem::path& folder);

/// A name of a case as a test's name may be.
std::string as_test_name(std::string name);

}  // namespace conformance
