// Text in the shape of `ob_admin dump_backup`: docs/spec/user-surface.md §4.1, §4.2.
#pragma once

#include <string>
#include <string_view>

#include "format/dissection.h"

namespace obbak::cli {

// The blocks of a metadata file whose record is `record`: the common header, then the record under
// ob_admin's titles and labels. What ob_admin leaves out follows in the same block under its own
// name; values whose number hides a word, a time or a release carry it in parentheses.
std::string DumpText(std::string_view record, const format::Dissection& dissection);

// One block of a data, index or log file in the same shape: the common header if the block has one,
// then each other top-level node with all its fields, under `title` or, where there are several,
// under its own name.
std::string DumpBlockText(std::string_view title, const format::Dissection& dissection);

// The headers of a macro block, the rows left out: its common header, its SSTable header, and those
// of its micro blocks.
std::string DumpHeadersText(const format::Dissection& dissection);

}  // namespace obbak::cli
