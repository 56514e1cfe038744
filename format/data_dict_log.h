// The data dictionary in the log: how metas become log entries of LS 1 and DDL transaction
// payloads. docs/spec/system-data.md §2.2, §2.4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/data_dict_records.h"
#include "format/dissection.h"
#include "format/ids.h"

namespace obbak::format {

class Decoder;

// A server's buffer: the longest payload of a dictionary entry.
inline constexpr std::size_t kDictEntrySize = std::size_t{2} << 20;

// The payloads of the log entries of one dump, in order. `metas`: the tenant, then databases, then
// tables, all at `snapshot_scn`; `now_us` is the hint of the base headers. A meta shares entries
// with others unless it is too large for one, in which case each of its parts has an entry of its
// own. Fails when a meta has no encoding or when not even one byte of a part fits into
// `max_entry_size`.
Result<std::vector<Bytes>> EncodeDictionary(std::span<const DictMeta> metas, Scn snapshot_scn,
                                            std::int64_t now_us,
                                            std::size_t max_entry_size = kDictEntrySize);

// Puts the dictionary together from the entries of a dump.
class DictionaryReader {
 public:
  // The next entry's payload. `trace` receives its fields at the top level: "base_header" and
  // "metas". After a failure the reader is of no further use.
  Status Add(ByteView payload, Dissection* trace = nullptr);
  // The metas of all entries. Fails when the last one is incomplete.
  Result<std::vector<DictMeta>> Finish() &&;

  // Of the first meta; invalid before it.
  Scn snapshot_scn() const { return snapshot_scn_; }

 private:
  std::vector<DictMeta> metas_;
  Scn snapshot_scn_;
  // A meta of which the first parts are there.
  std::optional<DictMetaHeader> open_;
  Bytes parts_;
};

// The payload of a multi-data-source log of type DDL_TRANS: the metas that a DDL has changed.
Result<Bytes> EncodeDdlTrans(std::span<const DictMeta> metas);
// `trace` receives its fields at the top level.
Result<std::vector<DictMeta>> DecodeDdlTrans(ByteView payload, Dissection* trace = nullptr);

// Names every byte of one entry's payload, which fills the rest of `in`, for a dissection of the
// log around it: nodes "base_header" and "metas". Parts of split metas stay bytes. Stops at the
// first damage.
void DissectDictEntry(Decoder& in);

}  // namespace obbak::format
