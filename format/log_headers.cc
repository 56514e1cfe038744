#include "format/log_headers.h"

#include <algorithm>

#include "format/crc32c.h"

namespace obbak::format {
namespace {

template <class T>
void Store(std::byte* at, T value) {
  value = boost::endian::native_to_big(value);
  std::memcpy(at, &value, sizeof(value));
}

}  // namespace

std::int64_t StoreHeader(LogGroupEntryHeader header,
                         std::span<std::byte, LogGroupEntryHeader::kSize> out) {
  header.flag &= ~kLogFlagParity;
  Store(out.data(), header.magic);
  Store(out.data() + 2, header.version);
  Store(out.data() + 4, header.group_size);
  Store(out.data() + 8, header.proposal_id);
  Store(out.data() + 16, header.committed_end_lsn.value);
  Store(out.data() + 24, header.max_scn.value);
  Store(out.data() + 32, header.accumulated_checksum);
  Store(out.data() + 40, header.log_id);
  Store(out.data() + 48, header.flag);
  header.flag |= log_headers_detail::OddBits(GroupHeaderView(out));
  Store(out.data() + 48, header.flag);
  return header.flag;
}

std::int64_t StoreHeader(LogEntryHeader header, std::span<std::byte, LogEntryHeader::kSize> out) {
  header.flag &= ~kLogFlagParity;
  Store(out.data(), header.magic);
  Store(out.data() + 2, header.version);
  Store(out.data() + 4, header.log_size);
  Store(out.data() + 8, header.scn.value);
  Store(out.data() + 16, header.data_checksum);
  Store(out.data() + 24, header.flag);
  header.flag |= log_headers_detail::OddBits(EntryHeaderView(out));
  Store(out.data() + 24, header.flag);
  return header.flag;
}

std::int64_t EntryDataChecksum(ByteView payload, bool padding) {
  if (padding) payload = payload.first(std::min(payload.size(), kPaddingChecksumSize));
  return static_cast<std::int64_t>(Crc64(payload));
}

std::int64_t ChainChecksum(std::int64_t before, std::int64_t value) {
  const std::uint64_t little = boost::endian::native_to_little(static_cast<std::uint64_t>(value));
  return static_cast<std::int64_t>(
      Crc64(std::as_bytes(std::span(&little, 1)), static_cast<std::uint64_t>(before)));
}

}  // namespace obbak::format
