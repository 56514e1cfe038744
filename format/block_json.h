// Rows, micro blocks and macro blocks as the golden vectors write them down.
#pragma once

#include <boost/json.hpp>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "format/index_row.h"
#include "format/macro_block_header.h"
#include "format/macro_block_inspection.h"
#include "format/macro_meta.h"
#include "format/micro_block_reader.h"

namespace obbak::format {

boost::json::object ToJson(const MicroBlockHeader& header,
                           std::span<const std::int64_t> column_checksums);
boost::json::object ToJson(const MacroBlockCommonHeader& header);
// Without the common header.
boost::json::object ToJson(const MacroBlockHeaders& headers);
boost::json::object ToJson(const MacroBlockId& id);
boost::json::object ToJson(const IndexRowHeader& header);
boost::json::object ToJson(const MacroMeta& meta);

// "header" and the first `max_rows` "rows" of an index or meta micro block; of a data micro block
// "header" only.
Result<boost::json::object> MicroBlockToJson(ByteView bytes, const MicroBlockReader& micro,
                                             MicroBlockRole role, std::size_t max_rows);

}  // namespace obbak::format
