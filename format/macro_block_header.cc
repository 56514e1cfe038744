#include "format/macro_block_header.h"

#include <fmt/format.h>

#include "format/crc32c.h"
#include "format/le_bytes.h"
#include "format/macro_block_check.h"
#include "format/macro_block_codec.h"
#include "format/record.h"

namespace obbak::format {
namespace {

std::unexpected<Error> Damaged(std::size_t offset, std::string_view field, std::string message) {
  return Fail(Error(ErrorCode::kInvalidData, std::move(message))
                  .WithOffset(offset)
                  .WithField(std::string(field)));
}

constexpr std::size_t kSstableHeaderBegin = MacroBlockCommonHeader::kSize;

Status CheckPlaces(const MacroBlockHeaders& headers) {
  const SstableMacroHeader& header = headers.sstable;
  const std::int64_t end =
      std::int64_t{MacroBlockCommonHeader::kSize} + headers.common.payload_size;
  const auto within = [end](std::int64_t offset, std::int64_t size) {
    return offset >= 0 && size >= 0 && offset + size <= end;
  };
  const std::int64_t data_end =
      std::int64_t{header.micro_block_data_offset} + header.micro_block_data_size;
  if (!within(header.micro_block_data_offset, header.micro_block_data_size) ||
      header.occupy_size != data_end) {
    return Damaged(kSstableHeaderBegin + 48, "occupy_size",
                   fmt::format("is {}; {} bytes of micro blocks begin at {}, the block ends at {}",
                               header.occupy_size, header.micro_block_data_size,
                               header.micro_block_data_offset, end));
  }
  // Leaf index and macro meta follow the data without a gap, or are absent.
  const bool has_index = header.idx_block_size != 0;
  const std::int64_t index_end =
      has_index ? std::int64_t{header.idx_block_offset} + header.idx_block_size : data_end;
  if (has_index ? header.idx_block_offset != data_end ||
                      !within(header.idx_block_offset, header.idx_block_size)
                : header.idx_block_offset != 0) {
    return Damaged(kSstableHeaderBegin + 64, "idx_block_offset",
                   fmt::format("{} bytes at {}, the micro blocks end at {}", header.idx_block_size,
                               header.idx_block_offset, data_end));
  }
  const bool has_meta = header.meta_block_size != 0;
  if (has_meta ? header.meta_block_offset != index_end ||
                     !within(header.meta_block_offset, header.meta_block_size)
               : header.meta_block_offset != 0) {
    return Damaged(kSstableHeaderBegin + 72, "meta_block_offset",
                   fmt::format("{} bytes at {}, the leaf index ends at {}", header.meta_block_size,
                               header.meta_block_offset, index_end));
  }
  const std::int64_t meta_end =
      has_meta ? std::int64_t{header.meta_block_offset} + header.meta_block_size : index_end;
  if (meta_end != end) {
    return Damaged(16, "payload_size",
                   fmt::format("the block's parts end at {}, its payload at {}", meta_end, end));
  }
  return {};
}

}  // namespace

namespace {

// Everything in the common header but the checksum; `slot_size`: bytes that the block may have.
Result<MacroBlockCommonHeader> DecodeCommonHeader(ByteView block, std::size_t slot_size) {
  if (block.size() < MacroBlockCommonHeader::kSize) {
    return Damaged(0, "common_header",
                   fmt::format("{} bytes are too few for a macro block", block.size()));
  }
  Result<MacroBlockCommonHeader> read =
      DecodeRecord<MacroBlockCommonHeader>(block.first(MacroBlockCommonHeader::kSize));
  if (!read) return read;
  if (read->header_size != MacroBlockCommonHeader::kSize)
    return Damaged(0, "header_size", fmt::format("is {}, not 24", read->header_size));
  if (read->version != MacroBlockCommonHeader::kVersion)
    return Damaged(4, "version", fmt::format("is {}, not 1", read->version));
  if (read->magic != MacroBlockCommonHeader::kMagic)
    return Damaged(8, "magic", fmt::format("is {}, not 1001", read->magic));
  if (!IsNamed(read->attr))
    return Damaged(12, "attr", fmt::format("is {}, not 0 to 9", static_cast<int>(read->attr)));
  const std::size_t room = slot_size - MacroBlockCommonHeader::kSize;
  if (read->payload_size < 0 || static_cast<std::size_t>(read->payload_size) > room) {
    return Damaged(16, "payload_size",
                   fmt::format("is {}, {} bytes are there", read->payload_size, room));
  }
  return read;
}

Status CheckPayload(const MacroBlockCommonHeader& header, std::uint64_t payload_checksum) {
  const auto checksum = static_cast<std::int32_t>(static_cast<std::uint32_t>(payload_checksum));
  if (checksum == header.payload_checksum) return {};
  return Fail(Error(ErrorCode::kChecksumError,
                    fmt::format("payload checksum is {:#010x}, the header says {:#010x}",
                                static_cast<std::uint32_t>(checksum),
                                static_cast<std::uint32_t>(header.payload_checksum)))
                  .WithOffset(20)
                  .WithField("payload_checksum"));
}

ByteView PayloadOf(ByteView block, const MacroBlockCommonHeader& header) {
  return block.subspan(MacroBlockCommonHeader::kSize,
                       static_cast<std::size_t>(header.payload_size));
}

}  // namespace

Result<MacroBlockCommonHeader> ReadMacroBlockCommonHeader(ByteView block) {
  Result<MacroBlockCommonHeader> header = DecodeCommonHeader(block, block.size());
  if (!header) return header;
  Status status = CheckPayload(*header, Crc64(PayloadOf(block, *header)));
  if (!status) return Fail(std::move(status).error());
  return header;
}

Result<std::size_t> UsedSizeOfMacroBlock(ByteView head) {
  const Result<MacroBlockCommonHeader> header = DecodeCommonHeader(head, kMacroBlockSize);
  if (!header) return Fail(header.error());
  return MacroBlockCommonHeader::kSize + static_cast<std::size_t>(header->payload_size);
}

Result<CheckedMacroBlock> CheckMacroBlock(ByteView block) {
  const Result<MacroBlockCommonHeader> header = DecodeCommonHeader(block, block.size());
  if (!header) return Fail(header.error());
  const ByteView payload = PayloadOf(block, *header);
  const std::uint64_t checksum = Crc64(payload);
  if (Status status = CheckPayload(*header, checksum); !status) {
    return Fail(std::move(status).error());
  }
  const std::uint64_t head = Crc64(block.first(MacroBlockCommonHeader::kSize));
  return CheckedMacroBlock{.used_size = MacroBlockCommonHeader::kSize + payload.size(),
                           .checksum = Crc64Combine(head, checksum, payload.size())};
}

Result<MacroBlockHeaders> ReadMacroBlockHeaders(ByteView block) {
  const Result<MacroBlockCommonHeader> common = ReadMacroBlockCommonHeader(block);
  if (!common) return Fail(common.error());
  if (common->attr != MacroBlockType::kSstableData &&
      common->attr != MacroBlockType::kSstableIndex &&
      common->attr != MacroBlockType::kSstableMacroMeta) {
    return Fail(Error(ErrorCode::kNotSupported,
                      fmt::format("macro blocks of type {} hold no rows", NameOf(common->attr)))
                    .WithOffset(12)
                    .WithField("attr"));
  }
  const ByteView payload =
      block.first(MacroBlockCommonHeader::kSize + static_cast<std::size_t>(common->payload_size));
  Decoder in(payload);
  MacroBlockHeaders headers;
  DecodeMacroBlockHeaders(in, headers);
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  if (Status status = CheckPlaces(headers); !status) return Fail(std::move(status).error());
  return headers;
}

Result<Bytes> EncodeMacroBlockHeaders(const MacroBlockHeaders& headers) {
  Encoder out;
  EncodeValue(out, headers.common);
  EncodeValue(out, headers.sstable);
  for (const ObjMeta& type : headers.column_types) EncodeValue(out, type);
  for (const std::int32_t order : headers.column_orders)
    out.FixedLittleEndian(static_cast<std::uint64_t>(order), 4);
  for (const std::int64_t checksum : headers.column_checksums)
    out.FixedLittleEndian(static_cast<std::uint64_t>(checksum), 8);
  if (headers.has_normal_cg) out.Fixed8(headers.is_normal_cg ? 1 : 0);
  return std::move(out).Finish();
}

}  // namespace obbak::format
