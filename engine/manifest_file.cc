#include "engine/manifest_file.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <optional>
#include <string_view>

#include "format/le_bytes.h"

namespace obbak::engine {
namespace {

using format::LoadLe;
using format::StoreLe;

constexpr std::string_view kMagic = "OBBAKMAN";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kAlignment = 8;

// Of the fields in a record.
constexpr std::size_t kSequence = 8;
constexpr std::size_t kLength = 16;
constexpr std::size_t kReserved = 20;
constexpr std::size_t kPayload = 24;

constexpr std::string_view kAdvice =
    "the manifest is damaged: nothing was changed; restore the tenant's directory from a copy or "
    "the tenant from a backup";

std::uint64_t Checksum(ByteView record) {
  const ByteView hashed = record.subspan(kSequence);
  return XXH3_64bits(hashed.data(), hashed.size());
}

// The record at `offset`, when there is a whole and sound one.
std::optional<ManifestRecord> RecordAt(ByteView file, std::size_t offset) {
  const ByteView rest = file.subspan(offset);
  if (rest.size() < kPayload) return std::nullopt;
  const auto length = LoadLe<std::uint32_t>(&rest[kLength]);
  if (length > kMaxManifestRecord || ManifestRecordSize(length) > rest.size()) return std::nullopt;
  const ByteView record = rest.first(ManifestRecordSize(length));
  if (LoadLe<std::uint32_t>(&record[kReserved]) != 0 ||
      LoadLe<std::uint64_t>(record.data()) != Checksum(record)) {
    return std::nullopt;
  }
  return ManifestRecord{offset, LoadLe<std::uint64_t>(&record[kSequence]),
                        record.subspan(kPayload, length)};
}

// A sound record behind the damaged one, whose length can't be trusted. `sequence` is the damaged
// record's.
std::optional<ManifestRecord> FindBehind(ByteView file, std::size_t damaged,
                                         std::uint64_t sequence) {
  for (std::size_t at = damaged + kAlignment; at + kPayload <= file.size(); at += kAlignment) {
    // Only so many records fit in between. Without this the scan would hash whatever looks like a
    // length.
    const std::uint64_t records_between = LoadLe<std::uint64_t>(&file[at + kSequence]) - sequence;
    if (records_between == 0 || records_between > (at - damaged) / kPayload) continue;
    if (auto record = RecordAt(file, at)) return record;
  }
  return std::nullopt;
}

Status CheckFileHeader(ByteView file) {
  if (file.size() < kManifestHeaderSize || AsText(file.first(kMagic.size())) != kMagic) {
    return Fail(Error(ErrorCode::kInvalidData, "this is not a manifest")
                    .WithOffset(0)
                    .WithAdvice(std::string(kAdvice)));
  }
  const auto version = LoadLe<std::uint32_t>(&file[8]);
  if (version != kVersion) {
    return Fail(
        Error(ErrorCode::kVersionNotMatch,
              fmt::format("the manifest has version {}, this program knows {}", version, kVersion))
            .WithOffset(8)
            .WithAdvice("use the program that wrote it"));
  }
  if (LoadLe<std::uint32_t>(&file[12]) != 0) {
    return Fail(Error(ErrorCode::kInvalidData, "reserved bytes of the file header are not zero")
                    .WithOffset(12)
                    .WithAdvice(std::string(kAdvice)));
  }
  return {};
}

}  // namespace

Bytes ManifestFileHeader() {
  Bytes header(kManifestHeaderSize);
  std::ranges::copy(AsByteView(kMagic), header.begin());
  StoreLe(&header[8], kVersion);
  return header;
}

std::size_t ManifestRecordSize(std::size_t payload_size) {
  return kPayload + (payload_size + kAlignment - 1) / kAlignment * kAlignment;
}

Bytes EncodeManifestRecord(std::uint64_t sequence, ByteView payload) {
  assert(payload.size() <= kMaxManifestRecord);
  Bytes record(ManifestRecordSize(payload.size()));
  StoreLe(&record[kSequence], sequence);
  StoreLe(&record[kLength], static_cast<std::uint32_t>(payload.size()));
  std::ranges::copy(payload, record.begin() + kPayload);
  StoreLe(record.data(), Checksum(record));
  return record;
}

Result<ManifestRecords> ParseManifestFile(ByteView file) {
  if (Status header = CheckFileHeader(file); !header) return Fail(header.error());

  ManifestRecords found{.records = {}, .end = kManifestHeaderSize};
  while (found.end < file.size()) {
    const std::optional<ManifestRecord> record = RecordAt(file, found.end);
    if (!record) break;
    if (!found.records.empty() && record->sequence != found.records.back().sequence + 1) {
      return Fail(Error(ErrorCode::kInvalidData,
                        fmt::format("record {} follows record {}", record->sequence,
                                    found.records.back().sequence))
                      .WithOffset(found.end)
                      .WithField("sequence")
                      .WithAdvice(std::string(kAdvice)));
    }
    found.records.push_back(*record);
    found.end += ManifestRecordSize(record->payload.size());
  }

  // A file gets its name only when its first record is durable, so that one can't be torn.
  if (found.records.empty()) {
    return Fail(Error(ErrorCode::kChecksumError, "the first record is damaged")
                    .WithOffset(kManifestHeaderSize)
                    .WithAdvice(std::string(kAdvice)));
  }
  if (const auto behind = FindBehind(file, found.end, found.records.back().sequence + 1)) {
    return Fail(Error(ErrorCode::kChecksumError,
                      fmt::format("a record is damaged, and record {} at offset {:#x} behind it is "
                                  "not: this is no interrupted write",
                                  behind->sequence, behind->offset))
                    .WithOffset(found.end)
                    .WithAdvice(std::string(kAdvice)));
  }
  return found;
}

}  // namespace obbak::engine
