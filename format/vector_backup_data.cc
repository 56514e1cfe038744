// Vectors of index records and of what stands at both ends of a file.
#include "format/backup_file_headers.h"
#include "format/backup_index_records.h"
#include "format/vector_checks.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

namespace json = boost::json;

// A number alone, with its bits beside it.
Status CheckMacroDataSeq(const Vector& vector) {
  MacroDataSeq expected;
  if (Status status = FromJson(vector.fields.at("macro_data_seq"), expected); !status)
    return status;
  if (Status status = ExpectBytes(vector, EncodeRecord(expected)); !status) return status;
  const Result<MacroDataSeq> decoded = DecodeRecord<MacroDataSeq>(vector.bytes);
  if (!decoded) return Fail(decoded.error());
  const MacroDataSeqParts parts = PartsOf(*decoded);
  if (MacroDataSeqOf(parts) != expected) {
    return Fail(ErrorCode::kInvalidData, "the parts do not make up the number");
  }
  return ExpectFields(vector.fields, json::object{{"macro_data_seq", decoded->value},
                                                  {"data_seq", parts.data_seq},
                                                  {"parallel_idx", parts.parallel_idx},
                                                  {"block_type", parts.block_type},
                                                  {"merge_type", parts.merge_type},
                                                  {"sstable_logic_seq", parts.sstable_logic_seq},
                                                  {"reserved", parts.reserved},
                                                  {"sign", parts.sign ? 1 : 0}});
}

}  // namespace

void AddBackupDataChecks(VectorChecks& checks) {
  checks.Add("ObMacroDataSeq", CheckMacroDataSeq);
  checks.Add("ObLogicMacroBlockId", CheckRecordVector<LogicMacroBlockId>);
  checks.Add("ObBackupFileHeader", CheckRecordVector<BackupFileHeader>);
  checks.Add("ObBackupDataFileTrailer", CheckRecordVector<BackupDataFileTrailer>);
  checks.Add("ObBackupMultiLevelIndexHeader", CheckRecordVector<BackupMultiLevelIndexHeader>);
  checks.Add("ObBackupMultiLevelIndexTrailer", CheckRecordVector<BackupMultiLevelIndexTrailer>);
  checks.Add("ObBackupMacroBlockIndex", CheckRecordVector<BackupMacroBlockIndex>);
  checks.Add("ObBackupMacroRangeIndex", CheckRecordVector<BackupMacroRangeIndex>);
  checks.Add("ObBackupMacroRangeIndexIndex", CheckRecordVector<BackupMacroRangeIndexIndex>);
  checks.Add("ObBackupMetaKey", CheckRecordVector<BackupMetaKey>);
  checks.Add("ObBackupMetaIndex", CheckRecordVector<BackupMetaIndex>);
  checks.Add("ObBackupMetaIndexIndex", CheckRecordVector<BackupMetaIndexIndex>);
  AddTabletMetaChecks(checks);
  AddBackupFileChecks(checks);
}

}  // namespace obbak::format
