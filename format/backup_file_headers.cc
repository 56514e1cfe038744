#include "format/backup_file_headers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "format/checksum.h"
#include "format/record.h"

namespace obbak::format {
namespace {

struct TypeMagic {
  BackupDataFileType type;
  std::int32_t magic;
};
constexpr auto kMagics = std::to_array<TypeMagic>({{BackupDataFileType::kData, 0x0F0F},
                                                   {BackupDataFileType::kMacroRangeIndex, 0x1F1F},
                                                   {BackupDataFileType::kMetaIndex, 0x2F2F}});

// 0 for a type that no file has.
std::int32_t MagicOf(BackupDataFileType type) {
  for (const TypeMagic& entry : kMagics) {
    if (entry.type == type) return entry.magic;
  }
  return 0;
}

std::int16_t& ChecksumField(BackupDataFileTrailer& trailer) { return trailer.trailer_checksum; }
std::int16_t& ChecksumField(BackupMultiLevelIndexTrailer& trailer) { return trailer.checksum; }
constexpr std::string_view ChecksumName(const BackupDataFileTrailer*) {
  return "trailer.trailer_checksum";
}
constexpr std::string_view ChecksumName(const BackupMultiLevelIndexTrailer*) {
  return "trailer.checksum";
}

template <class Padding>
bool IsZero(const Padding& padding) {
  return std::ranges::all_of(padding, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

BackupFileHeader BackupFileHeader::For(BackupDataFileType type) {
  return {.file_type = type, .version = 1, .magic = MagicOf(type), .reserved = 0};
}

void CheckRules(const BackupFileHeader& header, Rules& rules) {
  rules.Require(IsNamed(header.file_type), "file_type", "must be in 0..2");
  rules.Require(header.version == 1, "version", "must be 1");
  rules.Require(header.magic == MagicOf(header.file_type), "magic",
                "must be the magic number of the file type");
  rules.Require(header.reserved == 0, "reserved", "must be 0");
}

Bytes EncodeFileHeaderBlock(BackupDataFileType type) {
  Bytes block = EncodeRecord(BackupFileHeader::For(type)).value();
  block.resize(kFileHeaderBlockSize);
  return block;
}

void InspectFileHeaderBlock(ByteView block, BackupDataFileType type, Dissection* trace,
                            std::vector<Error>& findings) {
  BackupFileHeader header;
  Decoder in(block, trace);
  DecodeField(in, "header", header);
  const ByteView zeros = in.Take(kFileHeaderBlockSize - BackupFileHeader::kSize);
  if (Status status = in.status(); !status) {
    findings.push_back(std::move(status).error());
    return;
  }
  in.Frame("padding", BackupFileHeader::kSize, "zeros");
  Rules rules;
  CheckRules(header, rules);
  rules.Require(header.file_type == type, "file_type", "must be the type that the path says");
  AppendViolations(rules.violations(), "header", ErrorCode::kInvalidData, trace, findings);
  const auto bad = std::ranges::find_if(zeros, [](std::byte byte) { return byte != std::byte{0}; });
  if (bad != zeros.end()) {
    findings.push_back(
        Error(ErrorCode::kInvalidData, "must be zeros")
            .WithField("padding")
            .WithOffset(BackupFileHeader::kSize + static_cast<std::size_t>(bad - zeros.begin())));
  }
}

std::int16_t BackupDataFileTrailer::ComputeChecksum() const {
  std::uint32_t sum = std::uint32_t{data_type} ^ data_version ^ Fold16(padding);
  for (const std::int64_t value :
       {macro_block_count, meta_count, macro_index_offset, macro_index_length, meta_index_offset,
        meta_index_length, offset, length, data_accumulate_checksum}) {
    sum ^= Fold16(value);
  }
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(sum));
}

void CheckRules(const BackupDataFileTrailer& trailer, Rules& rules) {
  rules.Require(trailer.data_type == 0, "data_type", "must be 0");
  rules.Require(trailer.data_version == 0, "data_version", "must be 0");
  rules.Require(trailer.padding == 0, "padding", "must be 0");
  rules.Require(trailer.data_accumulate_checksum == 0, "data_accumulate_checksum", "must be 0");
  rules.Require(IsZero(trailer.tail_padding), "tail_padding", "must be zeros");
  rules.Require(trailer.length == static_cast<std::int64_t>(BackupDataFileTrailer::kSize), "length",
                "must be 88");
  // Small enough that no sum below overflows.
  constexpr std::int64_t kMax = std::int64_t{1} << 60;
  const std::size_t before = rules.violations().size();
  const auto bounded = [&](std::int64_t value, std::string_view field) {
    rules.Require(value >= 0 && value <= kMax, field, "must be in 0..2^60");
  };
  bounded(trailer.macro_index_offset, "macro_index_offset");
  bounded(trailer.macro_index_length, "macro_index_length");
  bounded(trailer.meta_index_offset, "meta_index_offset");
  bounded(trailer.meta_index_length, "meta_index_length");
  bounded(trailer.offset, "offset");
  if (rules.violations().size() > before) return;
  rules.Require(trailer.macro_index_offset >= static_cast<std::int64_t>(kFileHeaderBlockSize) &&
                    trailer.macro_index_offset <= trailer.offset,
                "macro_index_offset", "must lie between the file header and the trailer");
  rules.Require(
      trailer.meta_index_offset - trailer.macro_index_length == trailer.macro_index_offset,
      "meta_index_offset", "must be where the macro index ends");
  rules.Require(trailer.meta_index_length == trailer.offset - trailer.meta_index_offset,
                "meta_index_length", "must reach from meta_index_offset to the trailer");
  rules.Require(trailer.macro_block_count >= 0 &&
                    (trailer.macro_block_count == 0) == (trailer.macro_index_length == 0),
                "macro_block_count", "must be 0 if and only if the macro index is empty");
  rules.Require(
      trailer.meta_count >= 0 && (trailer.meta_count == 0) == (trailer.meta_index_length == 0),
      "meta_count", "must be 0 if and only if the meta index is empty");
}

void CheckRules(const BackupMultiLevelIndexHeader& header, Rules& rules) {
  rules.Require(header.magic == -1, "magic", "must be -1");
  rules.Require(header.index_level >= 0, "index_level", "must not be negative");
}

std::int16_t BackupMultiLevelIndexTrailer::ComputeChecksum() const {
  const std::uint32_t sum = static_cast<std::uint32_t>(file_type) ^
                            static_cast<std::uint32_t>(tree_height) ^ Fold16(last_block_offset) ^
                            Fold16(last_block_length);
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(sum));
}

void CheckRules(const BackupMultiLevelIndexTrailer& trailer, Rules& rules) {
  // 256^8 entries would not fit into any file: a height beyond that is damage.
  constexpr std::int32_t kMaxHeight = 8;
  rules.Require(trailer.file_type == 0, "file_type", "must be 0");
  rules.Require(trailer.tree_height > 0 && trailer.tree_height <= kMaxHeight, "tree_height",
                "must be in 1..8");
  rules.Require(trailer.last_block_offset >= static_cast<std::int64_t>(kFileHeaderBlockSize),
                "last_block_offset", "must not be below 4096");
  constexpr std::int64_t kMax = std::int64_t{1} << 60;
  rules.Require(trailer.last_block_offset <= kMax, "last_block_offset", "must not be above 2^60");
  rules.Require(trailer.last_block_length >= 0 && trailer.last_block_length <= kMax,
                "last_block_length", "must be in 0..2^60");
  rules.Require(IsZero(trailer.padding), "padding", "must be zeros");
}

template <class Trailer>
Trailer InspectTrailer(ByteView bytes, Dissection* trace, std::vector<Error>& findings) {
  Trailer trailer;
  Decoder in(bytes, trace);
  DecodeField(in, "trailer", trailer);
  if (in.ok() && in.remaining() > 0) {
    in.Fail(ErrorCode::kDeserializeError, in.position(), "bytes are left over after the trailer");
  }
  if (Status status = in.status(); !status) {
    findings.push_back(std::move(status).error());
    return trailer;
  }
  const auto stored = static_cast<std::uint16_t>(ChecksumField(trailer));
  const auto computed = static_cast<std::uint16_t>(trailer.ComputeChecksum());
  if (stored != computed) {
    findings.push_back(
        Error(ErrorCode::kChecksumError,
              fmt::format("is {:#06x}, the trailer's fields give {:#06x}", stored, computed))
            .WithField(std::string(ChecksumName(&trailer))));
  }
  Rules rules;
  CheckRules(trailer, rules);
  AppendViolations(rules.violations(), "trailer", ErrorCode::kErrUnexpected, trace, findings);
  return trailer;
}

template <class Trailer>
Bytes EncodeTrailer(Trailer trailer) {
  ChecksumField(trailer) = trailer.ComputeChecksum();
  return EncodeRecord(trailer).value();
}

template <class Trailer>
Result<Trailer> DecodeTrailer(ByteView bytes) {
  std::vector<Error> findings;
  Trailer trailer = InspectTrailer<Trailer>(bytes, nullptr, findings);
  if (!findings.empty()) return Fail(std::move(findings.front()));
  return trailer;
}

template Bytes EncodeTrailer(BackupDataFileTrailer);
template Result<BackupDataFileTrailer> DecodeTrailer(ByteView);
template BackupDataFileTrailer InspectTrailer(ByteView, Dissection*, std::vector<Error>&);
template Bytes EncodeTrailer(BackupMultiLevelIndexTrailer);
template Result<BackupMultiLevelIndexTrailer> DecodeTrailer(ByteView);
template BackupMultiLevelIndexTrailer InspectTrailer(ByteView, Dissection*, std::vector<Error>&);

}  // namespace obbak::format
