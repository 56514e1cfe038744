#include "format/backup_block.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "format/crc32c.h"
#include "format/record.h"

namespace obbak::format {
namespace {

constexpr std::size_t kHeaderSize = BackupCommonHeader::kSize;

// Where in the header a field begins.
enum HeaderOffset : std::size_t {
  kDataType = 0,
  kHeaderVersion = 2,
  kDataVersion = 4,
  kCompressorType = 6,
  kHeaderLength = 8,
  kHeaderChecksum = 10,
  kPadding = 12,
  kDataLength = 16,
  kDataZlength = 24,
  kDataChecksum = 32,
  kAlignLength = 40,
};

using Findings = std::vector<Error>;

void Report(Findings& findings, ErrorCode code, std::string_view field, std::size_t offset,
            std::string message) {
  findings.push_back(
      Error(code, std::move(message)).WithField(std::string(field)).WithOffset(offset));
}

template <class T>
void Expect(Findings& findings, T found, T expected, ErrorCode code, std::string_view field,
            std::size_t offset) {
  if (found == expected) return;
  Report(findings, code, field, offset, fmt::format("is {}, expected {}", found, expected));
}

void CheckAlignment(const BackupCommonHeader& header, BlockPadding padding, Findings& findings) {
  const std::int64_t expected =
      header.data_zlength < 0 ? 0
      : padding == BlockPadding::kNone
          ? 0
          : static_cast<std::int64_t>((kBackupAlignment - (kHeaderSize + static_cast<std::uint64_t>(
                                                                             header.data_zlength)) %
                                                              kBackupAlignment) %
                                      kBackupAlignment);
  Expect(findings, header.align_length, expected, ErrorCode::kInvalidError, "header.align_length",
         kAlignLength);
}

// Everything that the header alone can break, in the reference's order, then the stricter checks.
void CheckHeader(const BackupCommonHeader& header, const BlockSpec& spec, Findings& findings) {
  Expect(findings, header.header_version, BackupCommonHeader::kHeaderVersion,
         ErrorCode::kInvalidError, "header.header_version", kHeaderVersion);
  Expect(findings, header.compressor_type, BackupCommonHeader::kCompressorNone,
         ErrorCode::kInvalidError, "header.compressor_type", kCompressorType);
  Expect(findings, header.data_length, header.data_zlength, ErrorCode::kInvalidError,
         "header.data_length", kDataLength);
  Expect(findings, header.header_length, static_cast<std::int16_t>(kHeaderSize),
         ErrorCode::kInvalidError, "header.header_length", kHeaderLength);
  if (const std::int16_t checksum = header.ComputeChecksum(); checksum != header.header_checksum) {
    Report(findings, ErrorCode::kChecksumError, "header.header_checksum", kHeaderChecksum,
           fmt::format("is {:#06x}, the header's fields give {:#06x}",
                       static_cast<std::uint16_t>(header.header_checksum),
                       static_cast<std::uint16_t>(checksum)));
  }
  if (header.data_type != static_cast<std::uint16_t>(spec.type)) {
    Report(findings, ErrorCode::kInvalidData, "header.data_type", kDataType,
           fmt::format("is {}, expected {} ({})", header.data_type, std::to_underlying(spec.type),
                       NameOf(spec.type)));
  }
  if (header.data_zlength < 0) {
    Report(findings, ErrorCode::kInvalidError, "header.data_zlength", kDataZlength,
           fmt::format("is {}, must not be negative", header.data_zlength));
  }
  CheckAlignment(header, spec.padding, findings);
  Expect(findings, header.data_version, spec.data_version, ErrorCode::kVersionNotMatch,
         "header.data_version", kDataVersion);
  Expect(findings, header.padding, std::uint32_t{0}, ErrorCode::kInvalidError, "header.padding",
         kPadding);
}

void CheckPayload(const BackupCommonHeader& header, ByteView payload, Findings& findings) {
  const std::uint64_t checksum = Crc64(payload);
  if (checksum == static_cast<std::uint64_t>(header.data_checksum)) return;
  Report(findings, ErrorCode::kChecksumError, "header.data_checksum", kDataChecksum,
         fmt::format("is {:#x}, the payload's {} bytes give {:#x}",
                     static_cast<std::uint64_t>(header.data_checksum), payload.size(), checksum));
}

void CheckZeros(ByteView block, std::size_t begin, std::string_view field, Findings& findings) {
  const ByteView zeros = block.subspan(begin);
  const auto bad = std::ranges::find_if(zeros, [](std::byte byte) { return byte != std::byte{0}; });
  if (bad == zeros.end()) return;
  Report(findings, ErrorCode::kInvalidData, field,
         begin + static_cast<std::size_t>(bad - zeros.begin()), "must be zeros");
}

struct Parts {
  BackupCommonHeader header;
  ByteView payload;
  std::size_t payload_end = 0;
};

// All checks of a whole block; none stops another that can still be made.
Parts CheckBlock(ByteView block, const BlockSpec& spec, Dissection* trace, Findings& findings) {
  Parts parts;
  Decoder in(block, trace);
  DecodeField(in, "header", parts.header);
  if (Status status = in.status(); !status) {
    findings.push_back(std::move(status).error());
    return parts;
  }
  CheckHeader(parts.header, spec, findings);
  const std::size_t available = block.size() - kHeaderSize;
  if (parts.header.data_zlength < 0 ||
      static_cast<std::uint64_t>(parts.header.data_zlength) > available) {
    Report(findings, ErrorCode::kInvalidArgument, "header.data_zlength", kDataZlength,
           fmt::format("is {}, the block has {} bytes after the header", parts.header.data_zlength,
                       available));
    parts.payload = block.subspan(kHeaderSize);
    parts.payload_end = block.size();
    return parts;
  }
  parts.payload = block.subspan(kHeaderSize, static_cast<std::size_t>(parts.header.data_zlength));
  parts.payload_end = kHeaderSize + parts.payload.size();
  CheckPayload(parts.header, parts.payload, findings);
  if (const std::size_t size = BlockSize(parts.payload.size(), spec.padding);
      size != block.size()) {
    Report(findings, ErrorCode::kInvalidData, "header.data_zlength", kDataZlength,
           fmt::format("gives a block of {} bytes, this one has {}", size, block.size()));
  }
  CheckZeros(block, parts.payload_end, "padding", findings);
  return parts;
}

}  // namespace

Bytes EncodeBlockHeader(const BlockSpec& spec, std::size_t payload_size, std::uint64_t checksum) {
  const std::size_t zeros = BlockSize(payload_size, spec.padding) - kHeaderSize - payload_size;
  BackupCommonHeader header;
  header.data_type = static_cast<std::uint16_t>(spec.type);
  header.data_version = spec.data_version;
  header.compressor_type = BackupCommonHeader::kCompressorNone;
  header.data_length = static_cast<std::int64_t>(payload_size);
  header.data_zlength = header.data_length;
  header.data_checksum = static_cast<std::int64_t>(checksum);
  header.align_length = static_cast<std::int64_t>(zeros);
  header.header_checksum = header.ComputeChecksum();
  return EncodeRecord(header).value();
}

Bytes EncodeBlock(const BlockSpec& spec, ByteView payload) {
  Bytes block = EncodeBlockHeader(spec, payload.size(), Crc64(payload));
  const std::size_t size = BlockSize(payload.size(), spec.padding);
  block.reserve(size);
  block.insert(block.end(), payload.begin(), payload.end());
  block.resize(size);
  return block;
}

Result<BackupBlock> DecodeBlock(ByteView block, const BlockSpec& spec) {
  Findings findings;
  const Parts parts = CheckBlock(block, spec, nullptr, findings);
  if (!findings.empty()) return Fail(std::move(findings.front()));
  return BackupBlock{.header = parts.header, .payload = parts.payload};
}

Result<BackupCommonHeader> DecodeBlockHeader(ByteView bytes, const BlockSpec& spec) {
  Decoder in(bytes);
  BackupCommonHeader header;
  DecodeField(in, "header", header);
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  Findings findings;
  CheckHeader(header, spec, findings);
  if (!findings.empty()) return Fail(std::move(findings.front()));
  return header;
}

std::uint64_t BlockSizeOf(const BackupCommonHeader& header) {
  return kHeaderSize + static_cast<std::uint64_t>(header.data_zlength) +
         static_cast<std::uint64_t>(header.align_length);
}

void InspectBlock(ByteView block, const BlockSpec& spec, const PayloadInspector& payload,
                  Dissection* trace, std::vector<Error>& findings) {
  const Parts parts = CheckBlock(block, spec, trace, findings);
  if (block.size() < kHeaderSize) return;
  payload(block.first(parts.payload_end), kHeaderSize, trace, findings);
  if (trace != nullptr && parts.payload_end < block.size()) {
    trace->AddFraming("padding", parts.payload_end, block.size(),
                      fmt::format("{} zeros", block.size() - parts.payload_end));
  }
}

}  // namespace obbak::format
