// Vectors of tablet and SSTable metas. Their fields hold some parts as bytes (`x_serialized_hex`),
// some values that are derived from others, and a few names of their own.
#include <string>
#include <string_view>
#include <utility>

#include "format/sstable_meta_codec.h"
#include "format/tablet_meta_codec.h"
#include "format/vector_checks.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

namespace json = boost::json;

bool Has(const json::object& object, std::string_view key) { return object.contains(key); }

// Members that say what other members say too.
bool IsDerived(const json::object& object, std::string_view key) {
  return key == "found_cg_checksum_error" || key == "skip_idx_attr_count" ||
         key == "sstable_count" || key == "serialized_hex" ||
         (key == "compat_mode" && Has(object, "storage_schema_version")) ||
         (key == "length" && Has(object, "rowkey_column_count"));
}

json::value BytesAsNumbers(const json::value& hex) {
  json::array numbers;
  const Result<Bytes> bytes = FromHex(std::string_view(hex.as_string()));
  if (!bytes) return hex;
  for (const std::byte byte : *bytes) numbers.push_back(std::to_integer<unsigned>(byte));
  return numbers;
}

// The fields as our records name them.
json::value Translate(const json::value& value);

json::value TranslateObject(const json::object& object) {
  if (const json::value* hex = object.if_contains("serialized_hex")) return {{"hex", *hex}};
  if (const json::value* first = object.if_contains("first_id")) {
    return {{"ls_id", *first},
            {"file_word", object.at("second_id")},
            {"extent_word", object.at("third_id")}};
  }
  constexpr std::string_view kSerialized = "_serialized_hex";
  const bool is_table_key = Has(object, "column_group_idx") && Has(object, "table_type");
  json::object out;
  for (const auto& [key, member] : object) {
    const std::string_view name(key);
    if (IsDerived(object, name)) continue;
    if (name.ends_with(kSerialized)) {
      out[name.substr(0, name.size() - kSerialized.size())] = json::object{{"hex", member}};
    } else if (is_table_key && (name == "start_scn" || name == "end_scn")) {
      if (!Has(out, "scn_range")) out["scn_range"] = json::object();
      out["scn_range"].get_object()[name] = member;
    } else if (name == "encrypt_key" && Has(object, "rowkey_column_count")) {
      out[name] = BytesAsNumbers(member);
    } else {
      out[name] = Translate(member);
    }
  }
  return out;
}

json::value Translate(const json::value& value) {
  if (const json::object* object = value.if_object()) return TranslateObject(*object);
  if (const json::array* array = value.if_array()) {
    json::array out;
    for (const json::value& item : *array) out.push_back(Translate(item));
    return out;
  }
  return value;
}

// The translated fields without what the dissection shows in another form: parts given by their
// bytes, and the encryption key, which it shows as text.
json::value Comparable(const json::value& value) {
  if (const json::array* array = value.if_array()) {
    json::array out;
    for (const json::value& item : *array) out.push_back(Comparable(item));
    return out;
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return value;
  json::object out;
  for (const auto& [key, member] : *object) {
    const json::object* inner = member.if_object();
    const bool is_bytes = inner != nullptr && Has(*inner, "hex");
    const bool is_key = key == "encrypt_key" && member.is_array();
    if (!is_bytes && !is_key) out[key] = Comparable(member);
  }
  return out;
}

// As CheckRecordVector, after the translation.
template <class R>
Status CheckTranslated(const Vector& vector) {
  const json::value fields = Translate(vector.fields);
  R expected;
  if (Status status = FromJson(fields, expected); !status) return status;
  if (Status status = ExpectBytes(vector, EncodeRecord(expected)); !status) return status;
  Dissection dissection;
  const Result<R> decoded = DecodeRecord<R>(vector.bytes, &dissection);
  if (!decoded) return Fail(decoded.error());
  if (!(*decoded == expected)) {
    return Fail(ErrorCode::kInvalidData, "decoded record differs from the fields");
  }
  if (Status status = ExpectFields(Comparable(fields), ToJson(dissection, "record")); !status) {
    return status;
  }
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

// The parts of the three words, as the vector lists them beside the words.
Status CheckPhysicalId(const Vector& vector) {
  if (Status status = CheckTranslated<BackupPhysicalId>(vector); !status) return status;
  const Result<BackupPhysicalId> id = DecodeIndexRecord<BackupPhysicalId>(vector.bytes);
  if (!id) return Fail(id.error());
  json::object parts = {{"ls_id", id->ls_id.value},
                        {"type", id->type()},
                        {"turn_id", id->turn_id()},
                        {"retry_id", id->retry_id()},
                        {"file_id", id->file_id()},
                        {"reserved", id->reserved()},
                        {"backup_set_id", id->backup_set_id().value},
                        {"offset_div_4096", id->offset() / 4096},
                        {"length_div_4096", id->length() / 4096}};
  json::object listed = vector.fields;
  for (const std::string_view word : {"first_id", "second_id", "third_id"}) listed.erase(word);
  return ExpectFields(listed, parts);
}

}  // namespace

void AddTabletMetaChecks(VectorChecks& checks) {
  checks.Add("ObStorageSchema", CheckTranslated<StorageSchema>);
  checks.Add("ObMigrationTabletParam", CheckTranslated<MigrationTabletParam>);
  checks.Add("ObBackupTabletMeta", CheckTranslated<BackupTabletMeta>);
  checks.Add("ObSSTableBasicMeta", CheckTranslated<SstableBasicMeta>);
  checks.Add("ObMigrationSSTableParam", CheckTranslated<MigrationSstableParam>);
  checks.Add("ObBackupSSTableMeta", CheckTranslated<BackupSstableMeta>);
  checks.Add("ObITable::TableKey", CheckTranslated<TableKey>);
  checks.Add("ObBackupPhysicalID", CheckPhysicalId);
  checks.Add("ObBackupMacroBlockIDPair", CheckTranslated<BackupMacroBlockIdPair>);
  checks.Add("ObBackupMacroBlockIDMappingsMeta", CheckTranslated<BackupMacroBlockIdMappingsMeta>);
}

}  // namespace obbak::format
