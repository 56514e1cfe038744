// Files that tests of backup formats share: made by the writers, described by the specification.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "format/backup_data_file.h"
#include "format/backup_index_file.h"
#include "format/backup_inspect.h"
#include "format/random_access.h"
#include "format/tablet_meta.h"

namespace obbak::format::samples {

inline ByteSink AppendTo(Bytes& file) {
  return [&file](ByteView bytes) -> Status {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return {};
  };
}

// Hexadecimal with blanks, bars and line ends between the digits.
inline Bytes Hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != ' ' && c != '|' && c != '\n') digits += c;
  }
  return FromHex(digits).value();
}

inline Bytes Slice(const Bytes& file, std::size_t begin, std::size_t size) {
  return {file.begin() + static_cast<std::ptrdiff_t>(begin),
          file.begin() + static_cast<std::ptrdiff_t>(begin + size)};
}

inline constexpr std::uint64_t kN = 1700000000000000000;
inline constexpr LogicMacroBlockId kExampleId{
    .data_seq = {0}, .logic_version = kN + 1, .tablet_id = 200001, .info = 0};
inline constexpr BackupDataFileId kExampleFile{
    .backup_set_id = {2}, .ls_id = {1003}, .turn_id = 1, .retry_id = 0, .file_id = 0};

// docs/spec/backup-data-files.md §17 F.
Bytes ExampleTabletParam();
// §17 A: one macro block of 64 bytes, one TABLET_META.
Bytes ExampleDataFile();
// §17 B: its macro range index.
Bytes ExampleRangeIndexFile();

// An index file of these entries.
template <class Entry>
Bytes IndexFile(const std::vector<Entry>& entries, IndexOrder order = IndexOrder::kAscending) {
  Bytes file;
  BackupIndexFileWriter<Entry> writer(AppendTo(file), order);
  for (const Entry& entry : entries) EXPECT_TRUE(writer.Append(entry));
  EXPECT_TRUE(writer.Finish());
  return file;
}

// What VerifyBackupFile does not see among all single-bit flips of `file`: "offset 0x1004 bit 3".
inline std::vector<std::string> UnseenBitFlips(BackupFileKind kind, Bytes file) {
  std::vector<std::string> unseen;
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      const std::byte mask{static_cast<std::uint8_t>(1U << bit)};
      file[at] ^= mask;
      if (VerifyBackupFile(kind, RandomAccess::Of(file))) {
        unseen.push_back("offset " + std::to_string(at) + " bit " + std::to_string(bit));
      }
      file[at] ^= mask;
    }
  }
  return unseen;
}

// Every prefix of `file` is refused; longer files are tried at a step.
inline void ExpectEveryTruncationRefused(BackupFileKind kind, const Bytes& file) {
  const std::size_t step = file.size() / 2000 + 1;
  for (std::size_t size = 0; size < file.size(); size += file.size() - size > 300 ? step : 1) {
    const ByteView prefix = ByteView(file).first(size);
    EXPECT_FALSE(VerifyBackupFile(kind, RandomAccess::Of(prefix))) << size;
    EXPECT_TRUE(ForEachBlock(kind, RandomAccess::Of(prefix), {}, [](const InspectedBlock&) {
      return true;
    })) << size;
  }
}

}  // namespace obbak::format::samples
