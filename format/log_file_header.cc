#include "format/log_file_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "format/crc32c.h"
#include "format/lsn.h"
#include "format/record.h"

namespace obbak::format {
namespace {

// The last field of every header.
constexpr std::size_t kChecksumSize = sizeof(std::int64_t);

// Crc64 of the fields before the checksum as a little-endian machine holds them; the structs have
// no gaps.
template <class H>
std::int64_t ImageChecksum(const H& header) {
  Encoder image;
  VisitFields(header, [&](std::string_view, const auto& field) {
    PackedCodec<RecordLayout::kPackedLittleEndian>::Encode(image, field);
  });
  const ByteView all = image.bytes();
  return static_cast<std::int64_t>(Crc64(all.first(all.size() - kChecksumSize)));
}

template <class H>
std::int64_t& ChecksumOf(H& header) {
  if constexpr (requires { header.header_checksum; }) {
    return header.header_checksum;
  } else {
    return header.checksum;
  }
}

void RequireBelowLimit(Lsn lsn, std::string_view field, Rules& rules) {
  rules.Require(lsn < kLsnLimit, field, "must be an LSN that a log can reach");
}

}  // namespace

void CheckRules(const LogBlockHeader& header, Rules& rules) {
  rules.Require(header.magic == LogBlockHeader::kMagic, "magic", "must be 0x4942 (IB)");
  rules.Require(header.version == 1, "version", "must be 1");
  rules.Require((header.flag & ~LogBlockHeader::kFlagReused) == 0, "flag", "must be 0 or 1");
  RequireBelowLimit(header.min_lsn, "min_lsn", rules);
  rules.Require(OffsetInBlock(header.min_lsn) == 0 &&
                    static_cast<std::int64_t>(BlockIdOf(header.min_lsn)) == header.curr_block_id,
                "min_lsn", "must be the beginning of block curr_block_id");
  rules.Require(header.min_scn.IsValid(), "min_scn", "must be a valid SCN");
  const bool reused = (header.flag & LogBlockHeader::kFlagReused) != 0;
  rules.Require(reused || header.max_scn == Scn::kInvalidValue, "max_scn",
                "must be invalid unless the block is reused");
}

void CheckRules(const ArchiveFileHeader& header, Rules& rules) {
  rules.Require(header.magic == ArchiveFileHeader::kMagic, "magic", "must be 0x4648 (FH)");
  rules.Require(header.version == 1, "version", "must be 1");
  rules.Require(header.flag == 0, "flag", "must be 0");
  rules.Require(header.unit_size == ArchiveFileHeader::kUnitSize, "unit_size", "must be 16384");
  RequireBelowLimit(header.start_lsn, "start_lsn", rules);
}

void CheckRules(const LsMetaFileHeader& header, Rules& rules) {
  rules.Require(header.magic == LsMetaFileHeader::kMagic, "magic", "must be 0x5348 (SH)");
  rules.Require(header.version == 1, "version", "must be 1");
  rules.Require(header.place_holder == 0, "place_holder", "must be 0");
  rules.Require(header.timestamp.IsValid(), "timestamp", "must be a valid SCN");
  rules.Require(header.data_checksum > 0, "data_checksum", "must be above 0: it is a size");
}

template <class H>
H HeaderArea<H>::Checksummed(H header) {
  ChecksumOf(header) = ImageChecksum(header);
  return header;
}

template <class H>
Result<Bytes> HeaderArea<H>::Write(const H& header) {
  Rules rules;
  CheckRules(header, rules);
  if (Status status = rules.ToStatus(ErrorCode::kInvalidArgument); !status)
    return Fail(std::move(status).error());
  Encoder out;
  EncodeValue(out, Checksummed(header));
  Result<Bytes> area = std::move(out).Finish();
  if (area) area->resize(kLogFileHeaderArea);
  return area;
}

template <class H>
Result<H> HeaderArea<H>::Read(ByteView file) {
  Inspection inspection;
  const std::optional<H> header = Inspect(file, inspection);
  if (!inspection.findings.empty()) return Fail(std::move(inspection.findings.front()));
  return *header;
}

template <class H>
std::optional<H> HeaderArea<H>::Inspect(ByteView file, Inspection& inspection) {
  if (file.size() < kLogFileHeaderArea) {
    inspection.findings.push_back(
        Error(ErrorCode::kInvalidData,
              fmt::format("file of {} bytes is shorter than its {}-byte header area", file.size(),
                          kLogFileHeaderArea))
            .WithOffset(file.size())
            .WithAdvice(file.empty() ? "an empty file is what an interrupted copy leaves" : ""));
  }
  H header;
  Decoder in(file, &inspection.dissection);
  DecodeField(in, "header", header);
  if (!in.ok()) return std::nullopt;
  const auto reserved =
      file.subspan(H::kSize, std::min(file.size(), kLogFileHeaderArea) - H::kSize);
  inspection.dissection.AddFraming("reserved", H::kSize, H::kSize + reserved.size(), "zeros");

  const std::int64_t checksum = ImageChecksum(header);
  if (ChecksumOf(header) != checksum) {
    inspection.findings.push_back(
        Error(ErrorCode::kChecksumError, fmt::format("is {:#x}, the header's fields give {:#x}",
                                                     static_cast<std::uint64_t>(ChecksumOf(header)),
                                                     static_cast<std::uint64_t>(checksum)))
            .WithField(fmt::format("header.{}", H::kChecksumField))
            .WithOffset(H::kSize - kChecksumSize));
  }
  Rules rules;
  CheckRules(header, rules);
  AppendViolations(rules.violations(), "header", ErrorCode::kInvalidData, &inspection.dissection,
                   inspection.findings);
  const auto used = std::ranges::find_if(reserved, [](std::byte b) { return b != std::byte{}; });
  if (used != reserved.end()) {
    inspection.findings.push_back(
        Error(ErrorCode::kInvalidData, "the bytes behind the header must be zero")
            .WithField("reserved")
            .WithOffset(H::kSize + static_cast<std::size_t>(used - reserved.begin())));
  }
  return header;
}

template struct HeaderArea<LogBlockHeader>;
template struct HeaderArea<ArchiveFileHeader>;
template struct HeaderArea<LsMetaFileHeader>;

}  // namespace obbak::format
