#include "format/micro_block_header.h"

#include <fmt/format.h>

#include "format/checksum.h"
#include "format/crc32c.h"
#include "format/le_bytes.h"
#include "format/record.h"

namespace obbak::format {
namespace {

std::unexpected<Error> Damaged(std::size_t offset, std::string_view field, std::string message) {
  return Fail(Error(ErrorCode::kInvalidData, std::move(message))
                  .WithOffset(offset)
                  .WithField(std::string(field)));
}

std::size_t HeaderSize(const MicroBlockHeader& header) {
  return MicroBlockHeader::kSize +
         (header.has_column_checksum() ? std::size_t{header.column_count} * 8 : 0);
}

// Crc64 of the four bytes that stand for a cell's length and kind.
std::uint64_t PackChecksum(std::uint32_t pack) {
  std::array<std::byte, 4> bytes;
  StoreLe(bytes.data(), pack);
  return Crc64(bytes);
}

}  // namespace

std::int16_t MicroBlockHeader::ComputeChecksum(
    std::span<const std::int64_t> column_checksums) const {
  std::uint32_t sum = static_cast<std::uint16_t>(magic) ^ static_cast<std::uint16_t>(version) ^
                      std::uint32_t{static_cast<std::uint8_t>(row_store_type)} ^ opt ^
                      Fold16(std::uint32_t{column_count}) ^
                      Fold16(std::uint32_t{rowkey_column_count}) ^
                      (has_column_checksum() ? 1U : 0U) ^ Fold16(std::uint32_t{opt2}) ^
                      Fold16(std::int64_t{header_size}) ^ Fold16(std::int64_t{row_count}) ^
                      Fold16(std::int64_t{row_offset}) ^ Fold16(std::int64_t{original_length}) ^
                      Fold16(max_merged_trans_version) ^ Fold16(std::int64_t{data_length}) ^
                      Fold16(std::int64_t{data_zlength}) ^ Fold16(data_checksum);
  for (const std::int64_t checksum : column_checksums) sum ^= Fold16(checksum);
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(sum));
}

Result<MicroBlockHeader> ReadMicroBlockHeader(ByteView bytes) {
  if (bytes.size() < MicroBlockHeader::kSize) {
    return Damaged(0, "header", fmt::format("{} bytes are too few for a header", bytes.size()));
  }
  Result<MicroBlockHeader> read =
      DecodeRecord<MicroBlockHeader>(bytes.first(MicroBlockHeader::kSize));
  if (!read) return read;
  const MicroBlockHeader& header = *read;
  if (header.magic != MicroBlockHeader::kMagic)
    return Damaged(0, "magic", fmt::format("is {}, not 1005", header.magic));
  if (header.version < 1 || header.version > MicroBlockHeader::kVersion)
    return Damaged(2, "version", fmt::format("is {}, not 1 or 2", header.version));
  if (header.header_size != HeaderSize(header)) {
    return Damaged(
        4, "header_size",
        fmt::format("is {}, the columns make it {}", header.header_size, HeaderSize(header)));
  }
  if (header.header_size > bytes.size())
    return Damaged(4, "header_size", fmt::format("{} bytes are not there", header.header_size));
  const std::int16_t checksum = header.ComputeChecksum(ReadColumnChecksums(header, bytes));
  if (checksum != header.header_checksum) {
    return Fail(Error(ErrorCode::kChecksumError,
                      fmt::format("is {:#06x}, the header's fields give {:#06x}",
                                  static_cast<std::uint16_t>(header.header_checksum),
                                  static_cast<std::uint16_t>(checksum)))
                    .WithOffset(8)
                    .WithField("header_checksum"));
  }
  if (header.column_count == 0 || header.column_count < header.rowkey_column_count) {
    return Damaged(
        10, "column_count",
        fmt::format("{} columns, {} of them key", header.column_count, header.rowkey_column_count));
  }
  if (header.row_store_type > RowStoreType::kCsEncoding)
    return Damaged(20, "row_store_type",
                   fmt::format("is {}", static_cast<int>(header.row_store_type)));
  if (header.data_length < 0 || header.data_zlength < 0 ||
      header.data_zlength > header.data_length || header.block_size() > bytes.size()) {
    return Damaged(
        40, "data_length",
        fmt::format("{} bytes of payload, {} of them stored; {} are there", header.data_length,
                    header.data_zlength, bytes.size() - header.header_size));
  }
  return read;
}

std::vector<std::int64_t> ReadColumnChecksums(const MicroBlockHeader& header, ByteView bytes) {
  std::vector<std::int64_t> checksums;
  if (!header.has_column_checksum()) return checksums;
  checksums.reserve(header.column_count);
  for (std::size_t i = 0; i < header.column_count; ++i) {
    checksums.push_back(LoadLe<std::int64_t>(bytes.data() + MicroBlockHeader::kSize + 8 * i));
  }
  return checksums;
}

std::uint64_t CellChecksum(const Datum& cell) {
  // What PackChecksum gives for the commonest length and for NULL; a test holds them to it.
  constexpr std::uint64_t kWordSeed = 0xF64463E6;
  constexpr std::uint64_t kNull = 0x82F63B78;
  if (cell.is_word()) return Crc64(cell.bytes(), kWordSeed);
  if (!cell.is_value()) return kNull;
  return Crc64(cell.bytes(), PackChecksum(cell.size()));
}

}  // namespace obbak::format
