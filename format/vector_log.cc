// Vectors of the log: headers, group entries, and the logs that belong to no transaction.
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "format/group_entry_builder.h"
#include "format/log_base_header.h"
#include "format/log_file_header.h"
#include "format/log_headers.h"
#include "format/log_payload.h"
#include "format/log_reader.h"
#include "format/vector_checks.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

namespace json = boost::json;

Result<Bytes> PayloadOf(const json::object& entry) {
  const json::value* hex = entry.if_contains("payload_hex");
  if (hex == nullptr || !hex->is_string())
    return Fail(ErrorCode::kInvalidArgument, "the vector has no payload_hex");
  return FromHex(std::string_view(hex->get_string()));
}

// What the fast paths do with a header must be what its description says.
template <class H, class Load>
Status CheckHeaderVector(const json::object& fields, ByteView bytes, Load load) {
  if (Status status = CheckRecordVector<H>({{}, fields, bytes}); !status) return status;
  const auto view = bytes.first<H::kSize>();
  const H header = load(view);
  H described;
  if (Status status = FromJson(json::value(fields), described); !status) return status;
  if (!(header == described))
    return Fail(ErrorCode::kInvalidData, "the fast decoder gives other fields");
  Bytes stored(H::kSize);
  StoreHeader(header, std::span(stored).template first<H::kSize>());
  return HasEvenParity(view) ? ExpectBytes({{}, fields, view}, stored)
                             : Fail(ErrorCode::kChecksumError, "odd parity");
}

Status CheckLogEntryHeader(const Vector& vector) {
  const json::object& fields = vector.fields.at("header").as_object();
  if (Status status = CheckHeaderVector<LogEntryHeader>(fields, vector.bytes, LoadEntryHeader);
      !status)
    return status;
  const Result<Bytes> payload = PayloadOf(vector.fields);
  if (!payload) return Fail(payload.error());
  const LogEntryHeader header = LoadEntryHeader(vector.bytes.first<LogEntryHeader::kSize>());
  if (EntryDataChecksum(*payload, header.IsPadding()) != header.data_checksum)
    return Fail(ErrorCode::kChecksumError, "another payload checksum");
  return {};
}

// The log position that the vector's group follows.
Result<PalfBaseInfo> PositionBefore(const json::object& fields) {
  LogGroupEntryHeader header;
  if (Status status = FromJson(fields.at("group_header"), header); !status)
    return Fail(status.error());
  const Result<std::uint64_t> before = IntegerFromJson(fields.at("accumulated_checksum_before"));
  if (!before) return Fail(before.error());
  PalfBaseInfo position;
  position.curr_lsn = header.committed_end_lsn;
  position.prev_log_info.log_id = header.log_id - 1;
  position.prev_log_info.accum_checksum = static_cast<std::int64_t>(*before);
  return position;
}

// The reader accepts the group and names its header.
Status CheckReading(const Vector& vector, const PalfBaseInfo& position) {
  LogReader reader(position, LogMedium::kAppended);
  if (reader.Next(vector.bytes, true) != LogReader::Outcome::kGroup) return Fail(reader.error());
  if (reader.group().bytes.size() != vector.bytes.size())
    return Fail(ErrorCode::kInvalidData, "the group ends early");
  return CheckHeaderVector<LogGroupEntryHeader>(vector.fields.at("group_header").as_object(),
                                                vector.bytes.first(LogGroupEntryHeader::kSize),
                                                LoadGroupHeader);
}

// Our bytes with the flag bit of a restored tenant, which the builder never sets.
Bytes WithFlag(ByteView group, const LogGroupEntryHeader& header) {
  Bytes bytes(group.begin(), group.end());
  const auto view = std::span(bytes).first<LogGroupEntryHeader::kSize>();
  LogGroupEntryHeader ours = LoadGroupHeader(view);
  ours.flag |= header.flag & kLogFlagRawWrite;
  StoreHeader(ours, view);
  return bytes;
}

Status CheckLogGroupEntry(const Vector& vector) {
  const Result<PalfBaseInfo> position = PositionBefore(vector.fields);
  if (!position) return Fail(position.error());
  LogGroupEntryHeader header;
  if (Status status = FromJson(vector.fields.at("group_header"), header); !status) return status;
  GroupEntryBuilder builder(*position, header.proposal_id);
  for (const json::value& entry : vector.fields.at("entries").as_array()) {
    const Result<Bytes> payload = PayloadOf(entry.as_object());
    if (!payload) return Fail(payload.error());
    LogEntryHeader entry_header;
    if (Status status = FromJson(entry.at("header"), entry_header); !status) return status;
    if (const auto appended = builder.Append(entry_header.scn, *payload); !appended)
      return Fail(appended.error());
  }
  const ByteView built = builder.Seal(header.committed_end_lsn);
  if (Status status = ExpectBytes(vector, WithFlag(built, header)); !status) return status;
  return CheckReading(vector, *position);
}

// The builder pads up to the end of a block only: it is shown one that ends with the vector.
Status CheckPaddingGroup(const Vector& vector) {
  const Result<PalfBaseInfo> position = PositionBefore(vector.fields);
  if (!position) return Fail(position.error());
  LogGroupEntryHeader header;
  LogEntryHeader entry;
  if (Status status = FromJson(vector.fields.at("group_header"), header); !status) return status;
  if (Status status = FromJson(vector.fields.at("padding_entry_header"), entry); !status)
    return status;
  PalfBaseInfo moved = *position;
  moved.prev_log_info.scn = Scn{entry.scn.value - 1};
  moved.curr_lsn = Lsn{kPalfBlockSize - vector.bytes.size()};
  GroupEntryBuilder builder(moved, header.proposal_id);
  const Result<ByteView> padding = builder.Pad(header.committed_end_lsn);
  if (!padding) return Fail(padding.error());
  if (Status status = ExpectBytes(vector, Bytes(padding->begin(), padding->end())); !status)
    return status;
  const ByteView in_entry = vector.bytes.subspan(LogGroupEntryHeader::kSize);
  if (Status status =
          CheckHeaderVector<LogEntryHeader>(vector.fields.at("padding_entry_header").as_object(),
                                            in_entry.first(LogEntryHeader::kSize), LoadEntryHeader);
      !status)
    return status;
  const ByteView base_header = in_entry.subspan(LogEntryHeader::kSize, LogBaseHeader::kSize);
  if (Status status = CheckRecordVector<LogBaseHeader>(
          {{}, vector.fields.at("padding_base_header").as_object(), base_header});
      !status)
    return status;
  return CheckReading(vector, *position);
}

// A packed header with a checksum, whose writer computes it.
template <class H>
Status CheckFileHeader(const Vector& vector) {
  if (Status status = CheckRecordVector<H>(vector); !status) return status;
  const Result<H> header = DecodeRecord<H>(vector.bytes);
  if (!header) return Fail(header.error());
  if (!(HeaderArea<H>::Checksummed(*header) == *header))
    return Fail(ErrorCode::kChecksumError, "another header checksum");
  return {};
}

Status CheckBaseHeader(const Vector& vector) {
  if (Status status = CheckRecordVector<LogBaseHeader>(vector); !status) return status;
  const Result<LogBaseHeader> header = LoadBaseHeader(vector.bytes);
  if (!header) return Fail(header.error());
  const auto stored = StoreBaseHeader(*header);
  return ExpectBytes(vector, Bytes(stored.begin(), stored.end()));
}

// A whole payload. The vectors of GC_LS list the body's fields beside the base header.
template <class Body>
Status CheckPayload(const Vector& vector) {
  json::object fields = vector.fields;
  if (!fields.contains("body")) {
    json::object body = fields;
    body.erase("base_header");
    fields = {{"base_header", fields.at("base_header")}, {"body", body}};
  }
  LogPayload<Body> log;
  if (Status status = FromJson(fields.at("base_header"), log.base_header); !status) return status;
  if (Status status = FromJson(fields.at("body"), log.body); !status) return status;
  if (Status status = ExpectBytes(vector, log.Encode()); !status) return status;
  Dissection dissection;
  const Result<LogPayload<Body>> decoded = LogPayload<Body>::Decode(vector.bytes, &dissection);
  if (!decoded) return Fail(decoded.error());
  if (!(*decoded == log))
    return Fail(ErrorCode::kInvalidData, "decoded log differs from the fields");
  if (Status status = ExpectFields(fields, ToJson(dissection)); !status) return status;
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

}  // namespace

void AddLogChecks(VectorChecks& checks) {
  checks.Add("LogEntryHeader", CheckLogEntryHeader);
  checks.Add("LogGroupEntry", CheckLogGroupEntry);
  checks.Add("LogGroupEntry:padding", CheckPaddingGroup);
  checks.Add("LogBlockHeader", CheckFileHeader<LogBlockHeader>);
  checks.Add("ObArchiveFileHeader", CheckFileHeader<ArchiveFileHeader>);
  checks.Add("ObLSMetaFileHeader", CheckFileHeader<LsMetaFileHeader>);
  checks.Add("ObLogBaseHeader", CheckBaseHeader);
  checks.Add("log:KEEP_ALIVE", CheckPayload<KeepAliveLogBody>);
  checks.Add("log:ID_SERVICE", CheckPayload<PresistIdLog>);
  checks.Add("log:GC_LS", CheckPayload<GcLsLog>);
  AddDataDictChecks(checks);
}

}  // namespace obbak::format
