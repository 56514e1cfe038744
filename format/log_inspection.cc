#include "format/log_inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "format/data_dict_log.h"
#include "format/log_file_header.h"
#include "format/log_headers.h"
#include "format/log_payload.h"
#include "format/record.h"

namespace obbak::format {
namespace {

// Walks the bytes of one group, as far as they can be followed.
class GroupDissector {
 public:
  GroupDissector(ByteView group, const PayloadDissector& transaction, Inspection& inspection)
      : group_(group), transaction_(transaction), inspection_(inspection) {}

  void Dissect() {
    LogGroupEntryHeader header;
    if (!DecodeHeader("group_header", header)) return;
    if (header.group_size >= 0) {
      const std::size_t size = at_ + static_cast<std::size_t>(header.group_size);
      group_ = group_.first(std::min(group_.size(), size));
    }
    Dissection& trace = inspection_.dissection;
    const std::size_t entries = trace.Open("entries", FieldKind::kArray, at_);
    for (index_ = 0; at_ < group_.size() && DissectEntry(); ++index_) {
    }
    if (at_ < group_.size()) {
      trace.AddFraming("damaged", at_, group_.size(), "no entry could be told from these bytes");
      at_ = group_.size();
    }
    trace.Close(entries, at_);
  }

 private:
  template <class H>
  bool DecodeHeader(std::string_view name, H& header) {
    Decoder in(group_, &inspection_.dissection, at_);
    DecodeField(in, name, header);
    if (!in.ok()) {
      AddFinding(in.status().error());
      return false;
    }
    at_ = in.position();
    return true;
  }

  // False when the next entry's place is unknown.
  bool DissectEntry() {
    Dissection& trace = inspection_.dissection;
    const std::size_t node = trace.Open(fmt::format("[{}]", index_), FieldKind::kRecord, at_);
    LogEntryHeader header;
    const bool decoded = DecodeHeader("header", header);
    const bool fits = decoded && header.log_size > 0 &&
                      static_cast<std::size_t>(header.log_size) <= group_.size() - at_;
    if (fits) DissectPayload(header);
    trace.Close(node, at_, !fits);
    return fits;
  }

  void DissectPayload(const LogEntryHeader& header) {
    Dissection& trace = inspection_.dissection;
    const std::size_t end = at_ + static_cast<std::size_t>(header.log_size);
    const std::size_t node = trace.Open("payload", FieldKind::kRecord, at_);
    const ByteView payload = group_.subspan(at_, end - at_);
    if (header.IsPadding()) {
      DissectPadding(end);
    } else {
      Decoder in(group_.first(end), &trace, at_);
      DissectLog(in, payload);
      if (!in.ok()) AddFinding(Below(in.status().error(), "payload"));
    }
    trace.Close(node, end);
    at_ = end;
  }

  void DissectLog(Decoder& in, ByteView payload) {
    const Result<LogBaseHeader> base_header = LoadBaseHeader(payload);
    if (!base_header) {
      in.Take(payload.size());
      in.Frame("bytes", at_, "no base header begins here");
      Error error = base_header.error();
      AddFinding(Below(std::move(error).WithOffset(at_), "payload"));
      return;
    }
    const LogBaseType type = base_header->log_type;
    if (type == LogBaseType::kTransService && transaction_) return transaction_(in);
    if (type == LogBaseType::kDataDict) return DissectDictEntry(in);
    DissectLogPayload(in, type);
  }

  void DissectPadding(std::size_t end) {
    Decoder in(group_.first(end), &inspection_.dissection, at_);
    LogBaseHeader base_header;
    DecodeField(in, "base_header", base_header);
    if (!in.ok()) return AddFinding(Below(in.status().error(), "payload"));
    const std::size_t begin = in.position();
    const ByteView zeros = in.Take(in.remaining());
    in.Frame("padding", begin, "zeros up to the end of the block");
    const auto used =
        std::ranges::find_if(zeros, [](std::byte byte) { return byte != std::byte{}; });
    if (used == zeros.end()) return;
    AddFinding(Below(Error(ErrorCode::kInvalidData, "padding must be zero; no checksum covers it")
                         .WithOffset(begin + static_cast<std::size_t>(used - zeros.begin()))
                         .WithField("padding"),
                     "payload"));
  }

  // The error with its field below that part of the current entry.
  Error Below(const Error& error, std::string_view part) const {
    std::string field = fmt::format("entries[{}].{}", index_, part);
    if (!error.field().empty()) field += "." + error.field();
    Error moved = Error(error.code(), error.message()).WithField(std::move(field));
    if (error.offset()) moved = std::move(moved).WithOffset(*error.offset());
    return moved;
  }
  void AddFinding(Error error) { inspection_.findings.push_back(std::move(error)); }

  ByteView group_;
  const PayloadDissector& transaction_;
  Inspection& inspection_;
  std::size_t at_ = 0;
  std::size_t index_ = 0;
};

}  // namespace

LogScan ScanLog(LogFileReader& reader,
                const std::function<void(const LogEntrySummary& entry)>& visit) {
  LogScan scan;
  while ((scan.end = reader.Next()) == LogReader::Outcome::kGroup) {
    const LogGroup& group = reader.group();
    ++scan.groups;
    if (group.header.IsPadding()) scan.padding_bytes += group.bytes.size();
    std::size_t index = 0;
    for (const LogEntry& entry : group.entries()) {
      ++scan.entries;
      const Result<LogBaseHeader> base_header = LoadBaseHeader(entry.payload);
      visit({.group = group,
             .index = index++,
             .entry = entry,
             .base_header = base_header ? std::optional(*base_header) : std::nullopt});
    }
  }
  if (scan.end != LogReader::Outcome::kEnd) scan.error = reader.error();
  scan.position = reader.position();
  scan.offset = reader.offset();
  return scan;
}

Inspection InspectLogFileHeader(ByteView file, LogFileKind kind) {
  Inspection inspection;
  if (kind == LogFileKind::kArchive) {
    HeaderArea<ArchiveFileHeader>::Inspect(file, inspection);
  } else {
    HeaderArea<LogBlockHeader>::Inspect(file, inspection);
  }
  return inspection;
}

Inspection InspectLogGroup(ByteView group, Lsn lsn, const PayloadDissector& transaction) {
  Inspection inspection;
  LogReader reader(lsn, LogMedium::kAppended);
  if (reader.Next(group, true) != LogReader::Outcome::kGroup && !group.empty())
    inspection.findings.push_back(reader.error());
  GroupDissector(group, transaction, inspection).Dissect();
  return inspection;
}

}  // namespace obbak::format
