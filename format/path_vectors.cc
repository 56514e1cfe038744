#include "format/path_vectors.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <set>
#include <system_error>
#include <utility>

#include "format/backup_path.h"
#include "format/vector_checks.h"

namespace obbak::format {
namespace {

// Reads fields and remembers the first problem, so that a path is described without a check after
// every value.
class FieldReader {
 public:
  explicit FieldReader(const boost::json::object& fields) : fields_(fields) {}

  std::string_view Text(std::string_view name) {
    const boost::json::value* value = Find(name);
    if (value == nullptr) return {};
    if (!value->is_string()) {
      Complain(name, "must be a string");
      return {};
    }
    return value->get_string();
  }

  bool Flag(std::string_view name) {
    const boost::json::value* value = Find(name);
    if (value == nullptr) return false;
    if (!value->is_bool()) Complain(name, "must be true or false");
    return value->is_bool() && value->get_bool();
  }

  // A number, or a string that spells one.
  std::uint64_t Unsigned(std::string_view name) {
    const boost::json::value* value = Find(name);
    if (value == nullptr) return 0;
    if (value->is_uint64()) return value->get_uint64();
    if (value->is_int64() && value->get_int64() >= 0) {
      return static_cast<std::uint64_t>(value->get_int64());
    }
    std::uint64_t number = 0;
    if (value->is_string()) {
      const std::string_view text = value->get_string();
      const char* const text_end = text.data() + text.size();
      const auto [end, error] = std::from_chars(text.data(), text_end, number);
      if (error == std::errc() && end == text_end) return number;
    }
    Complain(name, "must be a number from 0 to 2^64-1");
    return 0;
  }

  std::int64_t Signed(std::string_view name) {
    const std::uint64_t number = Unsigned(name);
    if (number > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
      Complain(name, "must be a number from 0 to 2^63-1");
      return 0;
    }
    return static_cast<std::int64_t>(number);
  }

  TimeTag Time(std::string_view name) {
    return TimeTag::FromScn(Scn{Unsigned(name)}, std::chrono::seconds(0));
  }

  // Out of `words`, its index.
  template <class Enum>
  Enum Word(std::string_view name, std::initializer_list<std::string_view> words) {
    const std::string_view text = Text(name);
    std::size_t index = 0;
    for (const std::string_view word : words) {
      if (word == text) return static_cast<Enum>(index);
      ++index;
    }
    Complain(name, fmt::format("has the unknown value \"{}\"", text));
    return Enum{};
  }

  void Complain(std::string_view name, std::string_view problem) {
    if (status_) {
      status_ = Fail(
          Error(ErrorCode::kInvalidArgument, std::string(problem)).WithField(std::string(name)));
    }
  }

  // The first problem; a field that nobody has read is one too.
  Status Finish() {
    for (const auto& field : fields_) {
      const std::string_view name = field.key();
      if (name != "path" && !read_.contains(name)) Complain(name, "belongs to another function");
    }
    return status_;
  }

 private:
  const boost::json::value* Find(std::string_view name) {
    const boost::json::value* value = fields_.if_contains(name);
    if (value == nullptr) Complain(name, "is missing");
    read_.insert(name);
    return value;
  }

  const boost::json::object& fields_;
  std::set<std::string_view> read_;
  Status status_;
};

// ---- The arguments that groups of functions share ----

BackupPath Plain(FieldReader&, PathKind kind) {
  BackupPath path;
  path.kind = kind;
  return path;
}

BackupPath Turn(FieldReader& fields, PathKind kind) {
  BackupPath path = Plain(fields, kind);
  path.turn = fields.Signed("turn_id");
  return path;
}

DataType ReadDataType(FieldReader& fields) {
  const std::uint64_t number = fields.Unsigned("data_type");
  if (number > static_cast<std::uint64_t>(DataType::kMajor)) {
    fields.Complain("data_type", "must be 0 (sys), 1 (minor) or 2 (major)");
    return DataType::kSys;
  }
  return static_cast<DataType>(number);
}

// The tenant-level directories have a kind of their own for sys data.
BackupPath TenantTurn(FieldReader& fields, PathKind kind, PathKind sys_kind) {
  const DataType data_type = ReadDataType(fields);
  BackupPath path = Turn(fields, data_type == DataType::kSys ? sys_kind : kind);
  path.data_type = data_type;
  return path;
}

BackupPath Set(FieldReader& fields, BackupPath path) {
  path.set.value = fields.Signed("backup_set_id");
  path.set_kind = fields.Word<BackupSetKind>("backup_type", {"full", "incremental"});
  return path;
}

BackupPath Set(FieldReader& fields, PathKind kind) { return Set(fields, Plain(fields, kind)); }

BackupPath Ls(FieldReader& fields, BackupPath path) {
  path.ls.value = fields.Signed("ls_id");
  return path;
}

BackupPath Retry(FieldReader& fields, BackupPath path) {
  path.retry = fields.Signed("retry_id");
  return path;
}

BackupPath File(FieldReader& fields, BackupPath path) {
  path.file = fields.Signed("file_id");
  return path;
}

BackupPath LsData(FieldReader& fields, PathKind kind) {
  BackupPath path = Retry(fields, Ls(fields, Set(fields, Turn(fields, kind))));
  path.data_type = ReadDataType(fields);
  return path;
}

BackupPath TenantIndexPath(FieldReader& fields) {
  return Retry(fields,
               Set(fields, TenantTurn(fields, PathKind::kTenantIndex, PathKind::kSysTenantIndex)));
}

BackupPath MetaIndex(FieldReader& fields, BackupPath path) {
  path.index = fields.Flag("is_sec_meta") ? IndexKind::kSecMeta : IndexKind::kMeta;
  return path;
}

BackupPath Time(FieldReader& fields, BackupPath path, std::string_view field) {
  path.time = fields.Time(field);
  return path;
}

BackupPath EndTime(FieldReader& fields, BackupPath path, std::string_view field) {
  path.end_time = fields.Time(field);
  return path;
}

BackupPath Round(FieldReader& fields, PathKind kind) {
  BackupPath path = Plain(fields, kind);
  path.dest.value = fields.Signed("dest_id");
  path.round.value = fields.Signed("round_id");
  return path;
}

BackupPath Piece(FieldReader& fields, PathKind kind) {
  BackupPath path = Round(fields, kind);
  path.piece.value = fields.Signed("piece_id");
  return path;
}

BackupPath Checkpoint(FieldReader& fields) {
  BackupPath path = Piece(fields, PathKind::kPieceCheckpointInfo);
  if (const std::uint64_t checkpoint = fields.Unsigned("file_id"); checkpoint > 0) {
    path.kind = PathKind::kPieceCheckpointMarker;
    path.scn.value = checkpoint;
  }
  return path;
}

// The only type of log stream metadata there is.
BackupPath SchemaMetaPath(FieldReader& fields, PathKind kind) {
  if (fields.Text("meta_type") != "SCHEMA_META") {
    fields.Complain("meta_type", "must be SCHEMA_META");
  }
  return Ls(fields, Piece(fields, kind));
}

BackupPath SchemaMetaFile(FieldReader& fields) {
  BackupPath path = SchemaMetaPath(fields, PathKind::kSchemaMeta);
  path.scn.value = fields.Unsigned("file_id");
  return path;
}

// ---- The functions ----

// What the root given to a function is.
enum class Root { kDest, kSet };

struct Function {
  std::string_view name;
  Root root;
  BackupPath (*describe)(FieldReader&);
};

using R = FieldReader&;
using K = PathKind;

constexpr Function kFunctions[] = {
    {"get_backup_sets_dir_path", Root::kDest, [](R r) { return Plain(r, K::kBackupSetsDir); }},
    {"get_backup_set_placeholder_start_path", Root::kDest,
     [](R r) { return Set(r, K::kBackupSetStart); }},
    {"get_backup_set_placeholder_end_success_path", Root::kDest,
     [](R r) { return Time(r, Set(r, K::kBackupSetEndSuccess), "min_restore_scn"); }},
    {"get_backup_set_placeholder_end_failed_path", Root::kDest,
     [](R r) { return Time(r, Set(r, K::kBackupSetEndFailed), "min_restore_scn"); }},
    {"get_backup_set_dir_path", Root::kDest, [](R r) { return Set(r, K::kBackupSetDir); }},
    {"get_tenant_backup_set_infos_path", Root::kDest,
     [](R r) { return Set(r, K::kTenantBackupSetInfos); }},
    {"get_backup_set_info_path", Root::kDest, [](R r) { return Set(r, K::kSingleBackupSetInfo); }},
    {"get_diagnose_info_path", Root::kDest, [](R r) { return Set(r, K::kDiagnoseInfo); }},
    {"get_locality_info_path", Root::kDest, [](R r) { return Set(r, K::kLocalityInfo); }},
    {"get_ls_info_dir_path", Root::kDest, [](R r) { return Set(r, K::kInfosDir); }},
    {"get_tenant_meta_info_dir_path", Root::kDest, [](R r) { return Set(r, K::kMetaInfoDir); }},
    {"get_complement_log_dir_path", Root::kDest, [](R r) { return Set(r, K::kComplementLogDir); }},
    {"get_ls_backup_dir_path", Root::kDest, [](R r) { return Ls(r, Set(r, K::kSetLsDir)); }},
    {"get_ls_meta_info_backup_path", Root::kDest,
     [](R r) { return Retry(r, Ls(r, Set(r, Turn(r, K::kLsMetaInfo)))); }},
    {"get_ls_backup_data_dir_path", Root::kDest, [](R r) { return LsData(r, K::kLsDataDir); }},
    {"get_macro_block_backup_path", Root::kDest,
     [](R r) { return File(r, LsData(r, K::kMacroBlockData)); }},
    {"get_ls_macro_range_index_backup_path", Root::kDest,
     [](R r) { return LsData(r, K::kLsIndex); }},
    {"get_ls_meta_index_backup_path", Root::kDest,
     [](R r) { return MetaIndex(r, LsData(r, K::kLsIndex)); }},
    {"get_tenant_macro_range_index_backup_path", Root::kDest,
     [](R r) { return TenantIndexPath(r); }},
    {"get_tenant_meta_index_backup_path", Root::kDest,
     [](R r) { return MetaIndex(r, TenantIndexPath(r)); }},
    {"get_ls_info_data_info_dir_path", Root::kDest,
     [](R r) { return Set(r, TenantTurn(r, K::kDataInfoDir, K::kSysDataInfoDir)); }},

    {"get_backup_set_inner_placeholder", Root::kSet,
     [](R r) {
       return EndTime(r, Time(r, Set(r, K::kBackupSetInnerMark), "replay_scn"), "min_restore_scn");
     }},
    {"get_backup_ls_attr_info_path", Root::kSet, [](R r) { return Turn(r, K::kLsAttrInfo); }},
    {"get_ls_meta_infos_path", Root::kSet, [](R r) { return Plain(r, K::kLsMetaInfos); }},
    {"get_backup_root_key_path", Root::kSet, [](R r) { return Plain(r, K::kRootKey); }},
    {"get_backup_data_meta_tablet_ls_info_path", Root::kSet,
     [](R r) { return Plain(r, K::kMetaTabletLsInfo); }},
    {"get_deleted_tablet_info_path", Root::kSet,
     [](R r) { return Plain(r, K::kDeletedTabletInfo); }},
    {"get_backup_data_tablet_ls_info_path", Root::kSet,
     [](R r) { return TenantTurn(r, K::kTabletLsInfo, K::kSysTabletLsInfo); }},
    {"get_ls_data_tablet_info_path", Root::kSet,
     [](R r) { return File(r, Retry(r, Ls(r, Turn(r, K::kTabletInfo)))); }},

    {"get_rounds_dir_path", Root::kDest, [](R r) { return Plain(r, K::kRoundsDir); }},
    {"get_pieces_dir_path", Root::kDest, [](R r) { return Plain(r, K::kPiecesDir); }},
    {"get_round_start_file_path", Root::kDest, [](R r) { return Round(r, K::kRoundStart); }},
    {"get_round_end_file_path", Root::kDest, [](R r) { return Round(r, K::kRoundEnd); }},
    {"get_piece_start_file_path", Root::kDest,
     [](R r) { return Time(r, Piece(r, K::kPieceStart), "start_scn"); }},
    {"get_piece_end_file_path", Root::kDest,
     [](R r) { return Time(r, Piece(r, K::kPieceEnd), "end_scn"); }},
    {"get_piece_dir_path", Root::kDest, [](R r) { return Piece(r, K::kPieceDir); }},
    {"get_single_piece_file_path", Root::kDest, [](R r) { return Piece(r, K::kSinglePieceInfo); }},
    {"get_piece_checkpoint_dir_path", Root::kDest,
     [](R r) { return Piece(r, K::kPieceCheckpointDir); }},
    {"get_piece_checkpoint_file_path", Root::kDest, [](R r) { return Checkpoint(r); }},
    {"get_piece_inner_placeholder_file_path", Root::kDest,
     [](R r) { return EndTime(r, Time(r, Piece(r, K::kPieceInnerMark), "start_scn"), "end_scn"); }},
    {"get_piece_ls_log_dir_path", Root::kDest, [](R r) { return Ls(r, Piece(r, K::kLsLogDir)); }},
    {"get_ls_file_info_path", Root::kDest, [](R r) { return Ls(r, Piece(r, K::kLsFileInfo)); }},
    {"get_piece_info_file_path", Root::kDest, [](R r) { return Piece(r, K::kPieceFileInfo); }},
    {"get_tenant_archive_piece_infos_file_path", Root::kDest,
     [](R r) { return Piece(r, K::kTenantArchivePieceInfos); }},
    {"get_ls_archive_file_path", Root::kDest,
     [](R r) { return File(r, Ls(r, Piece(r, K::kLogFile))); }},
    {"get_ls_meta_record_prefix", Root::kDest,
     [](R r) { return SchemaMetaPath(r, K::kSchemaMetaDir); }},
    {"get_ls_meta_record_path", Root::kDest, [](R r) { return SchemaMetaFile(r); }},
};

const Function* FindFunction(std::string_view name) {
  constexpr std::string_view kPrefix = "path:";
  if (!name.starts_with(kPrefix)) return nullptr;
  name.remove_prefix(kPrefix.size());
  for (const Function& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

}  // namespace

Result<std::string> PathFromVector(std::string_view function_name,
                                   const boost::json::object& fields) {
  const Function* function = FindFunction(function_name);
  if (function == nullptr) {
    return Fail(ErrorCode::kNotSupported, fmt::format("no path function \"{}\"", function_name));
  }
  FieldReader reader(fields);
  const bool in_set = function->root == Root::kSet;
  const std::string_view root = reader.Text(in_set ? "backup_set_root" : "root");
  const BackupPath path = function->describe(reader);
  if (Status status = reader.Finish(); !status) return Fail(std::move(status).error());
  if (!IsPrintable(path)) {
    return Fail(ErrorCode::kInvalidArgument, "a value can't stand in a path");
  }

  const std::string relative = in_set ? PrintInSet(path) : Print(path);
  Result<std::string> full = JoinRoot(root, relative);
  if (!full) return full;

  // And back. A set's own directory is in its root, under a name that the root's owner chose.
  const std::string printed = Print(path);
  const std::string_view set_dir = std::string_view(printed).substr(0, printed.find('/') + 1);
  const std::string_view tail = std::string_view(*full).substr(full->size() - relative.size());
  const std::string again = in_set ? fmt::format("{}{}", set_dir, tail) : std::string(tail);
  const Result<BackupPath> parsed = ParseBackupPath(again);
  if (!parsed) return Fail(parsed.error());
  if (*parsed != path || Print(*parsed) != printed) {
    return Fail(Error(ErrorCode::kErrUnexpected, "the path reads as something else than it says")
                    .WithPath(*std::move(full)));
  }
  return full;
}

void AddPathChecks(VectorChecks& checks) {
  checks.AddPrefix("path:", [](const Vector& vector) -> Status {
    const Result<std::string> path = PathFromVector(vector.struct_name, vector.fields);
    if (!path) return Fail(path.error());
    const ByteView bytes = AsByteView(*path);
    return ExpectBytes(vector, Bytes(bytes.begin(), bytes.end()));
  });
}

}  // namespace obbak::format
