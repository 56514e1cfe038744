// Backup index files and the records inside them. The first byte chooses; checksums keep damage out
// of the inside of files, so records are also fed alone and files are built from the input.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/bytes.h"
#include "format/backup_index_file.h"
#include "format/backup_index_records.h"
#include "format/backup_inspect.h"

namespace obbak::format {
namespace {

void Require(bool promise) {
  if (!promise) std::abort();
}

// A look-up decodes whole blocks: not every entry of every input gets one.
constexpr int kLookUpEvery = 61;

// Parts cover the file without gap; what verification accepts, the readers read.
template <class Entry>
void InspectFile(BackupFileKind kind, ByteView file) {
  const RandomAccess access = RandomAccess::Of(file);
  const InspectOptions options{.dissect = true, .order = IndexOrder::kAny};
  std::uint64_t at = 0;
  bool clean = true;
  Require(ForEachBlock(kind, access, options, [&](const InspectedBlock& block) {
            Require(block.offset == at);
            at += block.bytes.size();
            clean = clean && block.inspection.findings.empty();
            return true;
          }).has_value());
  Require(at == file.size());
  const bool verified = VerifyBackupFile(kind, access, IndexOrder::kAny).has_value();
  Require(verified == (clean && !file.empty()));
  int count = 0;
  const Status read = ForEachIndexEntry<Entry>(access, [&](const Entry& entry) -> Status {
    if (count++ % kLookUpEvery != 0) return {};
    Require(FindInIndex<Entry>(access, entry.key()).has_value() || !verified);
    return {};
  });
  Require(read.has_value() || !verified);
}

template <class Record>
void RoundTrip(ByteView bytes) {
  Dissection dissection;
  const Result<Record> record = DecodeIndexRecord<Record>(bytes, &dissection);
  if (!record) return;
  const Result<Bytes> again = EncodeIndexRecord(*record);
  Require(again.has_value());
  Require(DecodeIndexRecord<Record>(*again).value() == *record);
}

// Whatever entries the input decodes to and the writer takes can all be found.
void WriteFile(ByteView input) {
  Bytes file;
  BackupIndexFileWriter<BackupMetaIndex> writer([&](ByteView bytes) -> Status {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return {};
  });
  std::vector<BackupMetaIndex> entries;
  std::uint64_t tablet = 0;
  // Enough for three leaves.
  for (const std::byte byte : input.first(std::min<std::size_t>(input.size(), 600))) {
    BackupMetaIndex& entry = entries.emplace_back();
    tablet += 1 + std::to_integer<std::uint64_t>(byte >> 2);
    entry.meta_key = {{tablet}, static_cast<BackupMetaType>(std::to_integer<int>(byte) % 3)};
    entry.ls_id = {1001};
    entry.offset = 4096;
    entry.length = 4096;
    Require(writer.Append(entry).has_value());
  }
  Require(writer.Finish().has_value());
  const RandomAccess access = RandomAccess::Of(file);
  Require(VerifyBackupFile(BackupFileKind::kMetaIndex, access).has_value());
  for (std::size_t i = 0; i < entries.size(); i += kLookUpEvery) {
    Require(FindInIndex<BackupMetaIndex>(access, entries[i].key()).value() == entries[i]);
  }
}

void Run(ByteView input) {
  if (input.empty()) return;
  const int choice = std::to_integer<int>(input[0]) % 8;
  input = input.subspan(1);
  switch (choice) {
    case 0:
      return InspectFile<BackupMacroRangeIndex>(BackupFileKind::kMacroRangeIndex, input);
    case 1:
      return InspectFile<BackupMetaIndex>(BackupFileKind::kMetaIndex, input);
    case 2:
      return RoundTrip<BackupMacroBlockIndex>(input);
    case 3:
      return RoundTrip<BackupMacroRangeIndexIndex>(input);
    case 4:
      return RoundTrip<BackupMetaIndexIndex>(input);
    case 5:
      return RoundTrip<BackupPhysicalId>(input);
    default:
      return WriteFile(input);
  }
}

}  // namespace
}  // namespace obbak::format

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  obbak::format::Run(std::as_bytes(std::span(data, size)));
  return 0;
}
