// Vectors of the data dictionary: metas, their log entries, DDL transactions and schema_meta files.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "format/data_dict_log.h"
#include "format/data_dict_records.h"
#include "format/log_base_header.h"
#include "format/obj_codec.h"
#include "format/schema_meta_file.h"
#include "format/vector_checks.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

namespace json = boost::json;

// Members that the vectors list but that say what others say, or that are not written.
bool IsDerived(const json::object& object, std::string_view key) {
  const bool of_column =
      object.contains("accuracy") && (key == "length" || key == "precision" || key == "scale");
  return of_column || key == "fulltext_flag" || key == "spatial_flag";
}

json::value WithoutDerived(const json::value& value) {
  if (const json::array* array = value.if_array()) {
    json::array out;
    for (const json::value& item : *array) out.push_back(WithoutDerived(item));
    return out;
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return value;
  json::object out;
  for (const auto& [key, member] : *object) {
    if (!IsDerived(*object, key)) out[key] = WithoutDerived(member);
  }
  return out;
}

// `fields` with the values that they give as bytes replaced by what `decoded` shows at their place,
// which the comparison of bytes has checked.
json::value WithoutBytes(const json::value& fields, const json::value& decoded) {
  if (const json::array* array = fields.if_array()) {
    const json::array* other = decoded.if_array();
    if (other == nullptr || other->size() != array->size()) return fields;
    json::array out;
    for (std::size_t i = 0; i < array->size(); ++i)
      out.push_back(WithoutBytes((*array)[i], (*other)[i]));
    return out;
  }
  const json::object* object = fields.if_object();
  const json::object* other = decoded.if_object();
  if (object == nullptr || other == nullptr) return fields;
  if (object->size() == 1 && object->contains("hex")) return decoded;
  json::object out;
  for (const auto& [key, member] : *object) {
    const json::value* found = other->if_contains(key);
    out[key] = found == nullptr ? member : WithoutBytes(member, *found);
  }
  return out;
}

template <class R>
Status CheckDictRecord(const Vector& vector) {
  const json::value fields = WriteOutShorthands(WithoutDerived(vector.fields));
  R expected;
  if (Status status = FromJson(fields, expected); !status) return status;
  if (Status status = ExpectBytes(vector, EncodeRecord(expected)); !status) return status;
  Dissection dissection;
  const Result<R> decoded = DecodeRecord<R>(vector.bytes, &dissection);
  if (!decoded) return Fail(decoded.error());
  if (!(*decoded == expected))
    return Fail(ErrorCode::kInvalidData, "decoded record differs from the fields");
  const json::value shown = ToJson(dissection, "record");
  if (Status status = ExpectFields(WithoutBytes(fields, shown), shown); !status) return status;
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

// A record of one member, whose parts the vector may list too.
struct BareAccuracy {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  Accuracy accuracy;
  bool operator==(const BareAccuracy&) const = default;
};
BOOST_DESCRIBE_STRUCT(BareAccuracy, (), (accuracy))

struct BareTableMode {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  std::int32_t mode = 0;
  bool operator==(const BareTableMode&) const = default;
};
BOOST_DESCRIBE_STRUCT(BareTableMode, (), (mode))

Status CheckAccuracy(const Vector& vector) {
  if (Status status = CheckDictRecord<BareAccuracy>(vector); !status) return status;
  const Result<BareAccuracy> decoded = DecodeRecord<BareAccuracy>(vector.bytes);
  if (!decoded) return Fail(decoded.error());
  const Accuracy accuracy = decoded->accuracy;
  const std::int32_t length = LengthOf(accuracy);
  const std::int16_t precision = PrecisionOf(accuracy);
  const std::int16_t scale = ScaleOf(accuracy);
  if (MakeAccuracy(length, precision, scale) != accuracy)
    return Fail(ErrorCode::kInvalidData, "the parts do not make up the word");
  return ExpectFields(vector.fields, json::object{{"accuracy", JsonNumber(accuracy.value)},
                                                  {"length", length},
                                                  {"precision", precision},
                                                  {"scale", scale}});
}

template <class Meta>
Result<DictMeta> MetaFromJson(const json::value& fields) {
  Meta meta;
  if (Status status = FromJson(fields, meta); !status) return Fail(std::move(status).error());
  return meta;
}

// A meta whose type shows in its fields.
Result<DictMeta> MetaOf(const json::value& value) {
  const json::value fields = WriteOutShorthands(WithoutDerived(value));
  const json::object& object = fields.as_object();
  if (object.contains("table_id")) return MetaFromJson<DictTableMeta>(fields);
  if (object.contains("database_id")) return MetaFromJson<DictDatabaseMeta>(fields);
  return MetaFromJson<DictTenantMeta>(fields);
}

// The metas of an array; `member` is the key under which each element has its meta, if any.
Result<std::vector<DictMeta>> MetasOf(const json::value& array, std::string_view member) {
  std::vector<DictMeta> metas;
  for (const json::value& element : array.as_array()) {
    Result<DictMeta> meta = MetaOf(member.empty() ? element : element.at(member));
    if (!meta) return Fail(std::move(meta).error());
    metas.push_back(std::move(*meta));
  }
  return metas;
}

Status CheckEntry(const Vector& vector) {
  const Result<std::vector<DictMeta>> metas =
      MetasOf(vector.fields.at("metas_of_the_dump"), "meta");
  if (!metas) return Fail(metas.error());
  LogBaseHeader base_header;
  Scn snapshot_scn;
  std::uint64_t buffer_size = 0;
  std::size_t entry = 0;
  std::size_t count = 0;
  for (Status status :
       {FromJson(vector.fields.at("base_header"), base_header),
        FromJson(vector.fields.at("snapshot_scn"), snapshot_scn),
        FromJson(vector.fields.at("buffer_size"), buffer_size),
        FromJson(vector.fields.at("entry"), entry), FromJson(vector.fields.at("entries"), count)}) {
    if (!status) return status;
  }
  const Result<std::vector<Bytes>> entries =
      EncodeDictionary(*metas, snapshot_scn, base_header.replay_hint, buffer_size);
  if (!entries) return Fail(entries.error());
  if (entries->size() != count || entry >= count)
    return Fail(ErrorCode::kInvalidData, "the dump has another number of entries");
  if (Status status = ExpectBytes(vector, (*entries)[entry]); !status) return status;

  DictionaryReader reader;
  for (const Bytes& payload : *entries) {
    if (Status status = reader.Add(payload); !status) return status;
  }
  if (reader.snapshot_scn() != snapshot_scn)
    return Fail(ErrorCode::kInvalidData, "another snapshot SCN was read");
  const Result<std::vector<DictMeta>> read = std::move(reader).Finish();
  if (!read) return Fail(read.error());
  if (*read != *metas) return Fail(ErrorCode::kInvalidData, "other metas were read");
  Dissection dissection;
  Decoder in(vector.bytes, &dissection);
  DissectDictEntry(in);
  if (!in.ok()) return in.status();
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

Status CheckDdlTrans(const Vector& vector) {
  const Result<std::vector<DictMeta>> metas = MetasOf(vector.fields.at("metas"), {});
  if (!metas) return Fail(metas.error());
  if (Status status = ExpectBytes(vector, EncodeDdlTrans(*metas)); !status) return status;
  Dissection dissection;
  const Result<std::vector<DictMeta>> read = DecodeDdlTrans(vector.bytes, &dissection);
  if (!read) return Fail(read.error());
  if (*read != *metas) return Fail(ErrorCode::kInvalidData, "other metas were read");
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

Result<DataDictMetaInfo> MetaInfoOf(const json::object& fields) {
  DataDictMetaInfo info;
  for (Status status : {FromJson(fields.at("tenant_id"), info.tenant_id),
                        FromJson(fields.at("items"), info.items)}) {
    if (!status) return Fail(std::move(status).error());
  }
  return info;
}

Status CheckMetaInfo(const Vector& vector) {
  const Result<DataDictMetaInfo> info = MetaInfoOf(vector.fields);
  if (!info) return Fail(info.error());
  if (Status status = ExpectBytes(vector, EncodeDataDictMetaInfo(*info)); !status) return status;
  const Result<DataDictMetaInfo> decoded = DecodeDataDictMetaInfo(vector.bytes);
  if (!decoded) return Fail(decoded.error());
  if (!(*decoded == *info)) return Fail(ErrorCode::kInvalidData, "other items were read");
  return {};
}

Status CheckSchemaMetaFile(const Vector& vector) {
  const json::object& body = vector.fields.at("body").as_object();
  const Result<DataDictMetaInfo> info = MetaInfoOf(body);
  if (!info) return Fail(info.error());
  SchemaMetaFile file{.timestamp = {}, .body = *info};
  if (Status status = FromJson(vector.fields.at("timestamp"), file.timestamp); !status)
    return status;
  if (Status status = ExpectBytes(vector, file.Write()); !status) return status;
  const Result<SchemaMetaFile> read = SchemaMetaFile::Read(vector.bytes);
  if (!read) return Fail(read.error());
  if (!(*read == file)) return Fail(ErrorCode::kInvalidData, "another file was read");
  const Inspection inspection = SchemaMetaFile::Inspect(vector.bytes);
  if (Status status = ExpectFields(body, ToJson(inspection.dissection, "body")); !status)
    return status;
  return ExpectEveryByteNamed(inspection.dissection, vector.bytes.size());
}

}  // namespace

void AddDataDictChecks(VectorChecks& checks) {
  checks.Add("ObDictMetaHeader", CheckDictRecord<DictMetaHeader>);
  checks.Add("ObDictTenantMeta", CheckDictRecord<DictTenantMeta>);
  checks.Add("ObDictDatabaseMeta", CheckDictRecord<DictDatabaseMeta>);
  checks.Add("ObDictTableMeta", CheckDictRecord<DictTableMeta>);
  checks.Add("ObDictColumnMeta", CheckDictRecord<DictColumnMeta>);
  checks.Add("ObRowkeyColumn", CheckDictRecord<DictKeyColumn>);
  checks.Add("ObIndexColumn", CheckDictRecord<DictKeyColumn>);
  checks.Add("ObTableMode", CheckDictRecord<BareTableMode>);
  checks.Add("ObAccuracy", CheckAccuracy);
  checks.Add("data_dict_log_entry", CheckEntry);
  checks.Add("DDL_TRANS_payload", CheckDdlTrans);
  checks.Add("ObDataDictMetaInfo", CheckMetaInfo);
  checks.Add("file:schema_meta", CheckSchemaMetaFile);
}

}  // namespace obbak::format
