#include "format/group_rewrite.h"

#include "format/log_headers.h"

namespace obbak::format {

void MarkRawWrite(std::span<std::byte> group, std::int64_t proposal_id, Lsn committed_end_lsn) {
  const auto stored = group.first<LogGroupEntryHeader::kSize>();
  LogGroupEntryHeader header = LoadGroupHeader(stored);
  header.proposal_id = proposal_id;
  header.committed_end_lsn = committed_end_lsn;
  header.flag |= kLogFlagRawWrite;
  StoreHeader(header, stored);
}

Bytes TruncateGroup(const LogGroup& group, Scn last, std::int64_t accumulated_before) {
  LogGroupEntryHeader header = group.header;
  header.group_size = 0;
  std::int64_t data_checksum = 0;
  for (const LogEntry& entry : group.entries()) {
    if (entry.scn() > last) break;
    header.group_size += static_cast<std::int32_t>(LogEntryHeader::kSize) + entry.header.log_size;
    header.max_scn = entry.scn();
    data_checksum = ChainChecksum(data_checksum, entry.header.data_checksum);
  }
  if (header.group_size == 0) return {};
  if (header.IsPadding()) data_checksum = 0;
  header.accumulated_checksum = ChainChecksum(accumulated_before, data_checksum);
  const ByteView kept =
      group.bytes.first(LogGroupEntryHeader::kSize + static_cast<std::size_t>(header.group_size));
  Bytes bytes(kept.begin(), kept.end());
  StoreHeader(header, std::span(bytes).first<LogGroupEntryHeader::kSize>());
  return bytes;
}

}  // namespace obbak::format
