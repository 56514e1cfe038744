// The bytes of a manifest's file: a checksummed log. Pure functions over spans.
//
// All numbers are little-endian, every record starts at a multiple of 8.
//
//   offset  size  file header
//        0     8  magic "OBBAKMAN"
//        8     4  version, 1
//       12     4  zero
//
//   offset  size  record
//        0     8  XXH3-64 of all that follows
//        8     8  sequence: in the first record any number, then one more than in the record before
//       16     4  length of the payload
//       20     4  zero
//       24     n  payload: pb::Record
//     24+n     p  zeros up to a multiple of 8
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace obbak::engine {

inline constexpr std::size_t kManifestHeaderSize = 16;
// Of a payload. The whole state is one record, so this bounds a tenant too: about 100 000 tablets
// with 10 KiB of metas each. Half of what Protobuf can encode.
inline constexpr std::size_t kMaxManifestRecord = std::size_t{1} << 30;

struct ManifestRecord {
  std::uint64_t offset = 0;  // of its 24-byte header in the file
  std::uint64_t sequence = 0;
  ByteView payload;
};

struct ManifestRecords {
  std::vector<ManifestRecord> records;  // never empty
  // Where the last one ends. What follows up to the end of the file, if anything, is a record whose
  // writing was cut short.
  std::uint64_t end = 0;
};

Bytes ManifestFileHeader();

// Bytes that a record with `payload_size` bytes takes in a file.
std::size_t ManifestRecordSize(std::size_t payload_size);

// A record, to stand at a multiple of 8. Precondition: payload.size() <= kMaxManifestRecord.
Bytes EncodeManifestRecord(std::uint64_t sequence, ByteView payload);

// The records of a file; the payloads point into it.
//
// The tail may be torn: a crash can leave the one record that was being written in any condition.
// Any other damage is an error with offset and advice: kInvalidData (the file header, or sequences
// with a gap), kVersionNotMatch, kChecksumError (the first record, or one with a sound record
// behind it). A flipped bit anywhere gives an error or, in the last record, a torn tail.
Result<ManifestRecords> ParseManifestFile(ByteView file);

}  // namespace obbak::engine
