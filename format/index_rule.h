// The `rule` of index file vectors: how entry i was made when the entries are too many to list.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace obbak::format {

// Entry `i` of "entry i: start_key {data_seq 4i, logic_version 17, ...}, end_key same with data_seq
// 4i+3, ..., offset 4096+8192i": names with linear expressions, a quotient or a remainder of i,
// objects in braces, and "same with" for an object that differs in one member from the one before.
Result<boost::json::value> EntryByRule(std::string_view rule, std::uint64_t i);

}  // namespace obbak::format
