// Whatever the bytes are, reading a log keeps its promises: groups lie within the bytes and add up,
// chunks of any size give the same groups as the whole, a continued chain is what a builder would
// have written, and inspection never stumbles.
//
// Input: one byte of options, one that sets the chunk size, then a whole archive file, block file
// or schema_meta file, or bare log bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/bytes.h"
#include "format/data_dict_log.h"
#include "format/decoder.h"
#include "format/log_file_reader.h"
#include "format/log_inspection.h"
#include "format/log_reader.h"
#include "format/schema_meta_file.h"

namespace {

using namespace obbak;
using namespace obbak::format;
using Outcome = LogReader::Outcome;

void Check(bool holds) {
  if (!holds) std::abort();
}

struct Reading {
  std::vector<std::size_t> sizes;
  Outcome end{};
  PalfBaseInfo position;
  bool operator==(const Reading&) const = default;
};

void CheckGroup(const LogGroup& group, ByteView source, Scn& last) {
  Check(group.bytes.data() == source.data() && group.bytes.size() <= source.size());
  std::size_t size = LogGroupEntryHeader::kSize;
  for (const LogEntry& entry : group.entries()) {
    Check(entry.lsn == group.lsn + size);
    Check(!last.IsValid() || entry.scn() > last);
    last = entry.scn();
    size += LogEntryHeader::kSize + entry.payload.size();
  }
  Check(size == group.bytes.size());
  const Inspection inspection = InspectLogGroup(group.bytes, group.lsn);
  Check(!Segments(inspection.dissection).empty());
}

Reading ReadWhole(ByteView log, LogMedium medium) {
  LogReader reader(Lsn{0}, medium);
  Reading reading;
  Scn last;
  while ((reading.end = reader.Next(log, true)) == Outcome::kGroup) {
    CheckGroup(reader.group(), log, last);
    reading.sizes.push_back(reader.group().bytes.size());
    log = log.subspan(reader.group().bytes.size());
  }
  Check(reading.end != Outcome::kNeedMore);
  if (reading.end == Outcome::kDamaged) Check(!reader.error().message().empty());
  reading.position = reader.position();
  return reading;
}

Reading ReadInChunks(ByteView log, LogMedium medium, std::size_t chunk) {
  LogReader reader(Lsn{0}, medium);
  Reading reading;
  std::size_t begin = 0;
  std::size_t end = 0;
  while (true) {
    const ByteView window = log.subspan(begin, end - begin);
    reading.end = reader.Next(window, end == log.size());
    if (reading.end == Outcome::kGroup) {
      reading.sizes.push_back(reader.group().bytes.size());
      begin += reader.group().bytes.size();
    } else if (reading.end == Outcome::kNeedMore) {
      Check(reader.needed() > window.size() && end < log.size());
      end = std::min(log.size(), end + chunk);
    } else {
      break;
    }
  }
  reading.position = reader.position();
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const LogMedium medium = (data[0] & 1) != 0 ? LogMedium::kPreallocated : LogMedium::kAppended;
  const std::size_t chunk = std::size_t{1} + data[1];
  const ByteView bytes = std::as_bytes(std::span(data + 2, size - 2));

  const Reading whole = ReadWhole(bytes, medium);
  Check(whole == ReadInChunks(bytes, medium, chunk));

  if (const auto kind = RecognizeLogFile(bytes)) {
    InspectLogFileHeader(bytes, *kind);
    if (Result<LogFileReader> reader = LogFileReader::Open(bytes, *kind))
      ScanLog(*reader, [](const LogEntrySummary&) {});
  }
  const Inspection inspection = SchemaMetaFile::Inspect(bytes);
  const Result<SchemaMetaFile> file = SchemaMetaFile::Read(bytes);
  Check(file.has_value() == inspection.findings.empty());
  InspectLogGroup(bytes, Lsn{0});
  DictionaryReader dictionary;
  if (dictionary.Add(bytes) && !std::move(dictionary).Finish()) return 0;
  return 0;
}
