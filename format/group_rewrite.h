// What a restored tenant does to the group entries it takes over: rewrites the header, and cuts the
// last one at the restore point. docs/spec/clog-and-archive.md §19.4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "format/ids.h"
#include "format/log_group.h"

namespace obbak::format {

// Marks a group as raw-written by the leader of `proposal_id`. Entries, log_id and checksums stay,
// so the log's chain holds. `group` is a group entry that passed LogReader.
void MarkRawWrite(std::span<std::byte> group, std::int64_t proposal_id, Lsn committed_end_lsn);

// `group` with its entries up to `last` only, sizes and checksums set right; empty when it has no
// such entry. `accumulated_before` is the accumulated checksum of the group before it. A padding
// group stays whole or goes whole.
Bytes TruncateGroup(const LogGroup& group, Scn last, std::int64_t accumulated_before);

}  // namespace obbak::format
