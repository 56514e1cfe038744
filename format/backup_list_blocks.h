// The entries of index blocks, for the files that read and write them; see format/record.h.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <vector>

#include "format/backup_data_file.h"
#include "format/record.h"
#include "format/rules.h"

namespace obbak::format {

// Decodes entries up to the end of `in` and checks their rules; at least one, at most
// kIndexEntriesPerBlock.
template <class Entry>
void DecodeEntries(Decoder& in, std::vector<Entry>& entries) {
  const Decoder::Scope scope(in, "entries", FieldKind::kArray);
  do {
    if (entries.size() == kIndexEntriesPerBlock) {
      return in.Fail(ErrorCode::kInvalidData, in.position(),
                     fmt::format("more than {} entries in one block", kIndexEntriesPerBlock));
    }
    const std::size_t begin = in.position();
    DecodeField(in, static_cast<std::int64_t>(entries.size()), entries.emplace_back());
    if (!in.ok()) return;
    Rules rules;
    CheckRules(entries.back(), rules);
    if (const Status status = rules.ToStatus(ErrorCode::kErrUnexpected); !status) {
      return in.Fail(status.error().code(), begin,
                     fmt::format("entry {}: {} {}", entries.size() - 1, status.error().field(),
                                 status.error().message()));
    }
  } while (in.remaining() > 0);
}

}  // namespace obbak::format
