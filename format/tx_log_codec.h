// Encoding of transaction logs inside records; see format/record.h. docs/spec/clog-and-archive.md
// §11, §12.
#pragma once

#include <string_view>

#include "format/compat_record.h"
#include "format/mds_payload.h"
#include "format/mutator_codec.h"
#include "format/record.h"
#include "format/tx_log_records.h"

namespace obbak::format {

// The redo: its info, the mutator's size in four bytes, the mutator.
template <>
struct Codec<TxRedoLog> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kMinSize = 6;
  static void Encode(Encoder& out, const TxRedoLog& log) {
    const std::size_t envelope = out.BeginEnvelope(1);
    EncodeValue(out, log.ctx_redo_info);
    out.FixedBigEndian(log.mutator.size(), 4);
    out.Raw(log.mutator);
    out.EndEnvelope(envelope);
  }
  static void Decode(Decoder& in, TxRedoLog& log) {
    const Decoder::Envelope envelope(in, 1);
    if (in.ok()) DecodeField(in, "ctx_redo_info", log.ctx_redo_info);
    const std::uint64_t size = DecodeSize(in);
    if (in.tracing()) {
      const Decoder::Section section(in, size, Decoder::Leftover::kSkip);
      DissectMutator(in);
    } else {
      const Decoder::Scope scope(in, "mutator", FieldKind::kValue);
      log.mutator = in.Take(size);
    }
  }

 private:
  static std::uint64_t DecodeSize(Decoder& in) {
    Decoder::Scope scope(in, "mutator_size", FieldKind::kValue);
    const std::uint64_t size = in.FixedBigEndian(4);
    if (in.tracing()) scope.SetValue(size, {});
    return size;
  }
};

// A dissection shows the fields of the payload inside `data`.
template <>
struct Codec<TxBufferNode> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kMinSize = 6;
  static void Encode(Encoder& out, const TxBufferNode& node) {
    const std::size_t envelope = out.BeginEnvelope(1);
    VisitFields(node, [&](std::string_view, const auto& field) { EncodeValue(out, field); });
    out.EndEnvelope(envelope);
  }
  static void Decode(Decoder& in, TxBufferNode& node) {
    const Decoder::Envelope envelope(in, 1);
    if (envelope.HasMore()) DecodeField(in, "type", node.type);
    if (envelope.HasMore()) DecodeData(in, node);
    if (envelope.HasMore()) DecodeField(in, "register_no", node.register_no);
  }

 private:
  static void DecodeData(Decoder& in, TxBufferNode& node) {
    if (!in.tracing()) return DecodeField(in, "data", node.data);
    Decoder::Scope scope(in, "data", FieldKind::kValue);
    std::size_t begin = in.position();
    const std::uint64_t size = in.Varint64();
    in.Frame("length", begin, fmt::to_string(size));
    begin = in.position();
    {
      const Decoder::Section section(in, size);
      DissectMdsPayload(in, node.type);
    }
    node.data = AsText(in.ReadSince(begin));
    begin = in.position();
    if (in.Fixed8() != 0) {
      in.Fail(ErrorCode::kDeserializeError, begin, "string is not followed by a NUL byte");
    }
    in.Frame("end", begin);
    scope.SetValue(node.data, std::string(NameOf(node.type)));
  }
};

// Header in an envelope, the part behind it.
template <>
struct Codec<TxBigSegmentLog> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kMinSize = 6;
  static void Encode(Encoder& out, const TxBigSegmentLog& log) {
    TxBigSegmentHeader header = log.header;
    header.part_length = log.part.size();
    EncodeValue(out, header);
    out.Raw(log.part);
  }
  static void Decode(Decoder& in, TxBigSegmentLog& log) {
    DecodeField(in, "header", log.header);
    Decoder::Scope scope(in, "part", FieldKind::kValue);
    log.part = in.Take(log.header.part_length);
    if (in.tracing()) scope.SetValue(std::string(AsText(log.part)), {});
  }
};

// The 8 bytes before each log: ObTxLogHeader.
void EncodeTxLogType(Encoder& out, TxLogType type);
TxLogType DecodeTxLogType(Decoder& in);
// Moves behind the body of a log, known or not.
void SkipTxLogBody(Decoder& in, TxLogType type);

// Calls `visit(log)` with a default log of that type; false when obbak does not know the type.
template <class Visitor>
bool VisitTxLogType(TxLogType type, Visitor&& visit) {
  switch (type) {
    case TxLogType::kRedo:
      return visit(TxRedoLog{}), true;
    case TxLogType::kRollbackTo:
      return visit(TxRollbackToLog{}), true;
    case TxLogType::kMultiDataSource:
      return visit(TxMultiDataSourceLog{}), true;
    case TxLogType::kActiveInfo:
      return visit(TxActiveInfoLog{}), true;
    case TxLogType::kRecord:
      return visit(TxRecordLog{}), true;
    case TxLogType::kCommitInfo:
      return visit(TxCommitInfoLog{}), true;
    case TxLogType::kPrepare:
      return visit(TxPrepareLog{}), true;
    case TxLogType::kCommit:
      return visit(TxCommitLog{}), true;
    case TxLogType::kAbort:
      return visit(TxAbortLog{}), true;
    case TxLogType::kClear:
      return visit(TxClearLog{}), true;
    case TxLogType::kStartWorking:
      return visit(TxStartWorkingLog{}), true;
    case TxLogType::kBigSegment:
      return visit(TxBigSegmentLog{}), true;
  }
  return false;
}

}  // namespace obbak::format
