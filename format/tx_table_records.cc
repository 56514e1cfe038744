#include "format/tx_table_records.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "format/record.h"

namespace obbak::format {
namespace {

// The list of undo actions inside an ObTxData.
constexpr std::uint64_t kUndoListVersion = 1;

// Version, length as a plain varint, what `encode_body` writes.
template <class EncodeBody>
void EncodeFrame(Encoder& out, std::uint64_t version, EncodeBody&& encode_body) {
  Encoder body;
  encode_body(body);
  out.Varint64(version);
  out.Varint64(body.bytes().size());
  out.Raw(body.bytes());
}

// Checks the version and returns the length.
std::uint64_t DecodeFrame(Decoder& in, std::uint64_t version) {
  const std::size_t begin = in.position();
  const std::uint64_t stored = in.Varint64();
  const std::uint64_t length = in.Varint64();
  if (in.ok() && stored != version) {
    in.Fail(ErrorCode::kNotSupported, begin,
            fmt::format("version is {:#x}, expected {:#x}", stored, version));
  }
  if (in.tracing()) in.Frame("frame", begin, fmt::format("version {:#x}", stored));
  return length;
}

// The fields in front of the undo list.
template <class Data, class Visitor>
void VisitHead(Data& data, Visitor&& visitor) {
  VisitFields(data, [&](std::string_view name, auto& field) {
    if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(field)>, std::vector<UndoAction>> &&
                  !std::is_same_v<std::remove_cvref_t<decltype(field)>, std::int32_t>) {
      visitor(name, field);
    }
  });
}

void DecodeBody(Decoder& in, TxData& data) {
  VisitHead(data, [&](std::string_view name, auto& field) {
    if (in.ok()) DecodeField(in, name, field);
  });
  const Decoder::Section list(in, DecodeFrame(in, kUndoListVersion));
  DecodeField(in, "undo_node_cnt", data.undo_node_cnt);
  const Decoder::Scope actions(in, "undo_actions", FieldKind::kArray);
  for (std::int64_t i = 0; list.HasMore(); ++i) {
    DecodeField(in, i, data.undo_actions.emplace_back());
  }
}

void DecodeBody(Decoder& in, TxCtxTableMeta& meta) {
  VisitFields(meta, [&](std::string_view name, auto& field) {
    // Old writers do not know the last field.
    const bool optional = name == "version";
    if (in.ok() && (!optional || in.remaining() > 0)) DecodeField(in, name, field);
  });
}

template <class Value>
Result<Value> DecodeValue(ByteView bytes, Dissection* trace) {
  Decoder in(bytes, trace);
  Value value;
  {
    const Decoder::Scope scope(in, "record", FieldKind::kRecord);
    const Decoder::Section body(in, DecodeFrame(in, Value::kFrameVersion));
    DecodeBody(in, value);
  }
  if (in.ok() && in.remaining() > 0) {
    in.Fail(ErrorCode::kDeserializeError, in.position(), "bytes are left over after the value");
  }
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  return value;
}

}  // namespace

Bytes EncodeTxTableValue(const TxData& data) {
  Encoder out;
  EncodeFrame(out, TxData::kFrameVersion, [&](Encoder& body) {
    VisitHead(data, [&](std::string_view, const auto& field) { EncodeValue(body, field); });
    EncodeFrame(body, kUndoListVersion, [&](Encoder& list) {
      EncodeValue(list, data.undo_node_cnt);
      for (const UndoAction& action : data.undo_actions) EncodeValue(list, action);
    });
  });
  return out.bytes();
}

Bytes EncodeTxTableValue(const TxCtxTableMeta& meta) {
  Encoder out;
  EncodeFrame(out, TxCtxTableMeta::kFrameVersion, [&](Encoder& body) {
    VisitFields(meta, [&](std::string_view, const auto& field) { EncodeValue(body, field); });
  });
  return out.bytes();
}

Result<TxData> DecodeTxData(ByteView value, Dissection* trace) {
  return DecodeValue<TxData>(value, trace);
}

Result<TxCtxTableMeta> DecodeTxCtxTableMeta(ByteView value, Dissection* trace) {
  return DecodeValue<TxCtxTableMeta>(value, trace);
}

}  // namespace obbak::format
