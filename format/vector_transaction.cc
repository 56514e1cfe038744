// Vectors of transaction logs, multi-data-source payloads, tablets' MDS state and the values of
// inner tablets.
#include "format/vector_transaction.h"

#include <string>
#include <string_view>
#include <vector>

#include "format/mds_codec.h"
#include "format/tablet_mds_records.h"
#include "format/tx_log_codec.h"
#include "format/tx_table_records.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

namespace json = boost::json;

bool Has(const json::object& object, std::string_view key) { return object.contains(key); }

// Members that are not in the bytes, or say what others say too.
bool IsLeftOut(const json::object& object, std::string_view key, const json::value& value) {
  const bool is_address = key == "scheduler" || key == "proposal_leader";
  return (is_address && value.is_null()) || key == "mds_base_scn" ||
         key == "found_cg_checksum_error" || key == "skip_idx_attr_count" ||
         key == "table_schemas_count" || key == "table_lock_ops_count" ||
         (key == "cluster_version" && Has(object, "app_trace_id_str")) ||
         (key == "compat_mode" && Has(object, "storage_schema_version"));
}

json::value Address(const json::object& object) {
  return {{"version", object.at("family")}, {"w0", object.at("ipv4")}, {"port", object.at("port")}};
}

json::value AutoIncSeq(const json::value& hex) {
  using Seq = Enveloped<std::vector<TabletAutoIncInterval>>;
  const Result<Bytes> bytes = FromHex(std::string_view(hex.as_string()));
  Dissection dissection;
  if (!bytes || !DecodeRecord<Seq>(*bytes, &dissection)) return hex;
  return ToJson(dissection, "record");
}

json::value TranslateObject(const json::object& object) {
  if (Has(object, "family")) return Address(object);
  if (const json::value* hex = object.if_contains("serialized_hex")) return {{"hex", *hex}};
  constexpr std::string_view kSerialized = "_serialized_hex";
  constexpr std::string_view kHex = "_hex";
  json::object out;
  for (const auto& [key, member] : object) {
    const std::string_view name(key);
    if (IsLeftOut(object, name, member)) continue;
    if (const std::size_t dot = name.find('.'); dot != std::string_view::npos) {
      out[name.substr(0, dot)] = json::object{{name.substr(dot + 1), member}};
    } else if (name == "table_lock_max_durable_scn") {
      out["table_lock_info"] = json::object{{"max_durable_scn", member}};
    } else if (name == "auto_inc_seq_serialized_hex") {
      out["auto_inc_seq"] = AutoIncSeq(member);
    } else if (name.ends_with(kSerialized)) {
      out[name.substr(0, name.size() - kSerialized.size())] = json::object{{"hex", member}};
    } else if (name.ends_with(kHex)) {
      out[name.substr(0, name.size() - kHex.size())] = json::object{{"hex", member}};
    } else {
      out[name] = TranslateTransaction(member);
    }
  }
  return out;
}

// Without the parts that are given by their bytes: a dissection shows their fields.
json::value WithoutBytes(const json::value& value) {
  if (const json::array* array = value.if_array()) {
    json::array out;
    for (const json::value& item : *array) out.push_back(WithoutBytes(item));
    return out;
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return value;
  json::object out;
  for (const auto& [key, member] : *object) {
    const json::object* inner = member.if_object();
    if (inner == nullptr || !Has(*inner, "hex")) out[key] = WithoutBytes(member);
  }
  return out;
}

Status ExpectEqual(bool equal, std::string_view what) {
  if (equal) return {};
  return Fail(ErrorCode::kInvalidData, std::string(what) + " differs from the fields");
}

// What the dissection shows, read back as a record: unset members are absent there.
template <class R>
Status ExpectSameRecord(const R& expected, const Dissection& dissection) {
  R shown;
  if (Status status = FromJson(ToJson(dissection, "record"), shown); !status) return status;
  return ExpectEqual(shown == expected, "dissection");
}

template <class R>
struct Decoding {
  Dissection dissection;
  R expected;
};

// fields -> record -> bytes, bytes -> record, and every byte has a name.
template <class R>
Result<Decoding<R>> CheckCoding(const Vector& vector) {
  Decoding<R> decoding;
  if (Status status = FromJson(TranslateTransaction(vector.fields), decoding.expected); !status)
    return Fail(std::move(status).error());
  if (Status status = ExpectBytes(vector, EncodeRecord(decoding.expected)); !status)
    return Fail(std::move(status).error());
  const Result<R> decoded = DecodeRecord<R>(vector.bytes, &decoding.dissection);
  if (!decoded) return Fail(decoded.error());
  if (Status status = ExpectEqual(*decoded == decoding.expected, "decoded record"); !status)
    return Fail(std::move(status).error());
  if (Status status = ExpectEveryByteNamed(decoding.dissection, vector.bytes.size()); !status)
    return Fail(std::move(status).error());
  return decoding;
}

template <class R>
Status CheckRecord(const Vector& vector) {
  const Result<Decoding<R>> decoding = CheckCoding<R>(vector);
  if (!decoding) return Fail(decoding.error());
  return ExpectSameRecord(decoding->expected, decoding->dissection);
}

// A record with objects, whose JSON is not read back.
template <class R>
Status CheckSchemaRecord(const Vector& vector) {
  const Result<Decoding<R>> decoding = CheckCoding<R>(vector);
  if (!decoding) return Fail(decoding.error());
  return ExpectFields(WithoutBytes(TranslateTransaction(vector.fields)),
                      ToJson(decoding->dissection, "record"));
}

Status ExpectChecksum(std::uint32_t stored, std::uint32_t computed) {
  return ExpectEqual(stored == MdsDumpNode::kUnchecked || stored == computed, "checksum");
}

// Besides, the checksums that the vector has.
Status CheckMdsDumpKv(const Vector& vector) {
  if (Status status = CheckRecord<MdsDumpKv>(vector); !status) return status;
  const Result<MdsDumpKv> kv = DecodeRecord<MdsDumpKv>(vector.bytes);
  if (!kv) return Fail(kv.error());
  if (Status status = ExpectChecksum(kv->k.crc_check_number, MdsChecksum(kv->k)); !status)
    return status;
  return ExpectChecksum(kv->v.crc_check_number, MdsChecksum(kv->v));
}

template <class Value>
Status CheckTxTableValue(const Vector& vector,
                         Result<Value> (*decode)(ByteView value, Dissection* trace)) {
  Value expected;
  if (Status status = FromJson(TranslateTransaction(vector.fields), expected); !status)
    return status;
  if (Status status = ExpectBytes(vector, EncodeTxTableValue(expected)); !status) return status;
  Dissection dissection;
  const Result<Value> decoded = decode(vector.bytes, &dissection);
  if (!decoded) return Fail(decoded.error());
  if (Status status = ExpectEqual(*decoded == expected, "decoded value"); !status) return status;
  if (Status status = ExpectSameRecord(expected, dissection); !status) return status;
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

// Fields that a vector does not list are those of a number.
Status CheckObj(const Vector& vector) {
  Obj expected;
  expected.meta = {{}, 5, 63, -1};
  for (const auto& [key, member] : vector.fields) {
    Status status;
    if (key == "type") {
      status = FromJson(member, expected.meta.type);
    } else if (key == "cs_level") {
      status = FromJson(member, expected.meta.cs_level);
    } else if (key == "cs_type") {
      status = FromJson(member, expected.meta.cs_type);
    } else if (key == "scale") {
      status = FromJson(member, expected.meta.scale);
    } else if (key == "varchar") {
      status = FromJson(member, expected.text);
    } else {
      status = FromJson(member, expected.number);
    }
    if (!status) return status;
  }
  if (Status status = ExpectBytes(vector, EncodeRecord(expected)); !status) return status;
  Dissection dissection;
  const Result<Obj> decoded = DecodeRecord<Obj>(vector.bytes, &dissection);
  if (!decoded) return Fail(decoded.error());
  if (Status status = ExpectEqual(*decoded == expected, "decoded object"); !status) return status;
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

Status CheckTxLogHeader(const Vector& vector) {
  std::int64_t expected = 0;
  if (Status status = FromJson(vector.fields.at("tx_log_type"), expected); !status) return status;
  Encoder out;
  EncodeTxLogType(out, TxLogType{expected});
  if (Status status = ExpectBytes(vector, std::move(out).Finish()); !status) return status;
  Dissection dissection;
  Decoder in(vector.bytes, &dissection);
  if (Status status = ExpectEqual(DecodeTxLogType(in) == TxLogType{expected}, "type"); !status)
    return status;
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

}  // namespace

json::value TranslateTransaction(const json::value& fields) {
  if (const json::object* object = fields.if_object()) return TranslateObject(*object);
  if (const json::array* array = fields.if_array()) {
    json::array out;
    for (const json::value& item : *array) out.push_back(TranslateTransaction(item));
    return out;
  }
  return fields;
}

void AddTransactionChecks(VectorChecks& checks) {
  checks.Add("ObObj", CheckObj);
  checks.Add("ObObjMeta", CheckRecordVector<ObjMeta>);
  checks.Add("ObTxLogHeader", CheckTxLogHeader);
  checks.Add("ObTxLogBlockHeader", CheckRecord<TxLogBlockHeader>);
  checks.Add("ObTxActiveInfoLog", CheckRecord<TxActiveInfoLog>);
  checks.Add("ObTxCommitInfoLog", CheckRecord<TxCommitInfoLog>);
  checks.Add("ObTxPrepareLog", CheckRecord<TxPrepareLog>);
  checks.Add("ObTxCommitLog", CheckRecord<TxCommitLog>);
  checks.Add("ObTxAbortLog", CheckRecord<TxAbortLog>);
  checks.Add("ObTxClearLog", CheckRecord<TxClearLog>);
  checks.Add("ObTxRecordLog", CheckRecord<TxRecordLog>);
  checks.Add("ObTxRollbackToLog", CheckRecord<TxRollbackToLog>);
  checks.Add("ObTxStartWorkingLog", CheckRecord<TxStartWorkingLog>);
  checks.Add("ObTxMultiDataSourceLog", CheckRecord<TxMultiDataSourceLog>);
  checks.Add("ObTxBufferNode", CheckRecord<TxBufferNode>);
  checks.Add("ObBatchRemoveTabletArg", CheckRecord<BatchRemoveTabletArg>);
  checks.Add("ObBatchUnbindTabletArg", CheckRecord<BatchUnbindTabletArg>);
  checks.Add("ObCreateTabletInfo", CheckRecord<CreateTabletInfo>);
  checks.Add("ObCreateTabletExtraInfo", CheckRecord<CreateTabletExtraInfo>);
  checks.Add("ObCreateTabletSchema", CheckSchemaRecord<CreateTabletSchema>);
  checks.Add("ObBatchCreateTabletArg", CheckSchemaRecord<BatchCreateTabletArg>);
  checks.Add("ObDDLBarrierLog", CheckRecord<DdlBarrierLog>);
  checks.Add("ObStandbyUpgrade", CheckRecord<StandbyUpgrade>);
  checks.Add("ObTableLockOp", CheckRecord<TableLockOp>);
  checks.Add("ObTransferTabletInfo", CheckRecord<TransferTabletInfo>);
  checks.Add("ObTXStartTransferOutInfo", CheckRecord<TxStartTransferOutInfo>);
  checks.Add("ObTXStartTransferInInfo", CheckSchemaRecord<TxStartTransferInInfo>);
  checks.Add("ObTXFinishTransferOutInfo", CheckRecord<TxFinishTransferOutInfo>);
  checks.Add("ObTXFinishTransferInInfo", CheckRecord<TxFinishTransferInInfo>);
  checks.Add("ObTransferDestPrepareInfo", CheckRecord<TransferDestPrepareInfo>);
  checks.Add("CollectTxCtxInfo", CheckRecord<CollectTxCtxInfo>);
  checks.Add("ObTabletCreateDeleteMdsUserData", CheckRecord<TabletCreateDeleteMdsUserData>);
  checks.Add("ObTabletBindingMdsUserData", CheckRecord<TabletBindingMdsUserData>);
  checks.Add("MdsDumpKV", CheckMdsDumpKv);
  checks.Add("ObTabletFullMemoryMdsData", CheckSchemaRecord<TabletMdsData>);
  checks.Add("ObTxData", [](const Vector& v) { return CheckTxTableValue(v, DecodeTxData); });
  checks.Add("ObTxCtxTableMeta",
             [](const Vector& v) { return CheckTxTableValue(v, DecodeTxCtxTableMeta); });
  AddTxLogBlockChecks(checks);
}

}  // namespace obbak::format
