#include "format/sample_log.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "format/backup_path.h"
#include "format/data_dict_log.h"
#include "format/flat_row.h"
#include "format/group_entry_builder.h"
#include "format/log_file_header.h"
#include "format/log_payload.h"
#include "format/mds_payload.h"
#include "format/mutator.h"
#include "format/sample_sstable.h"
#include "format/sample_tenant.h"
#include "format/tx_log_block.h"

namespace obbak::format {
namespace {

using namespace sample;

constexpr Addr kServer{.version = AddrVersion::kIpv4, .w0 = 0x7F000001, .port = 2882};
constexpr std::int64_t kProposalId = 1;
constexpr std::uint64_t kDatabaseId = 500'001;

// Collects groups; the first error stays.
class LogWriter {
 public:
  LogWriter(LsId ls, const PalfBaseInfo& start) : builder_(start, kProposalId) {
    log_.ls = ls;
    log_.start = start;
  }

  GroupEntryBuilder::Appended Append(Scn scn, const Result<Bytes>& payload) {
    if (!payload) return Fails(payload.error());
    if (builder_.RoomFor(payload->size()) == GroupEntryBuilder::Room::kPadFirst) {
      Result<ByteView> padding = builder_.Pad(builder_.position().curr_lsn);
      if (!padding) return Fails(padding.error());
      Write(*padding);
    }
    const Result<GroupEntryBuilder::Appended> appended = builder_.Append(scn, *payload);
    if (!appended) return Fails(appended.error());
    if (!log_.first_scn.IsValid()) log_.first_scn = appended->scn;
    return *appended;
  }
  // Ends the group.
  void Seal() {
    if (builder_.has_entries()) Write(builder_.Seal(builder_.position().curr_lsn));
  }
  // A group of one entry.
  GroupEntryBuilder::Appended Log(Scn scn, const Result<Bytes>& payload) {
    const GroupEntryBuilder::Appended appended = Append(scn, payload);
    Seal();
    return appended;
  }

  Lsn end_lsn() const { return builder_.end_lsn(); }
  SampleLog& log() { return log_; }
  Result<SampleLog> Finish() && {
    if (error_) return Fail(std::move(*error_));
    return std::move(log_);
  }

 private:
  GroupEntryBuilder::Appended Fails(const Error& error) {
    if (!error_) error_ = error;
    return {};
  }
  void Write(ByteView group) { log_.bytes.insert(log_.bytes.end(), group.begin(), group.end()); }

  GroupEntryBuilder builder_;
  SampleLog log_;
  std::optional<Error> error_;
};

Result<Bytes> Block(std::int64_t tx_id, std::int64_t log_entry_no, const std::vector<TxLog>& logs) {
  TxLogBlockHeader header;
  header.org_cluster_id = 1;
  header.tx_id = {{tx_id}};
  header.scheduler = kServer;
  header.log_entry_no = {log_entry_no};
  header.cluster_version = kDataVersion4301;
  TxLogBlockBuilder builder(header);
  for (const TxLog& log : logs) builder.Add(log);
  return std::move(builder).Finish();
}

// The change of one row of table accounts.
void AddChange(MutatorBuilder& mutator, DmlFlag dml, std::int64_t account, std::int64_t seq) {
  const Bytes key = EncodeRowkeyObjects(std::vector{IntObj(account)});
  const std::string owner = SampleOwner(account);
  const std::array cells = {Datum::Int(account), Datum::Of(AsByteView(owner)),
                            Datum::Int(SampleBalance(account))};
  Bytes image(MaxFlatRowSize(cells));
  const RowFlags flags{.dml = static_cast<DmlFlag>(dml)};
  image.resize(WriteFlatRow({flags, cells}, 1, image));
  MemtableMutatorRow row;
  row.rowkey = {1, key};
  row.table_version = kSchemaVersion;
  row.dml_flag = {dml};
  row.new_row = {image};
  row.acc_checksum = AccumulateRowChecksum(0, dml, image);
  row.seq_no = MakeTxSeq(seq);
  row.column_cnt = 3;
  mutator.Add(kTablet, row);
}

// A redo of some rows, and a table lock before them.
Result<Bytes> Changes(DmlFlag dml, std::int64_t first_account, std::int64_t count) {
  MutatorBuilder mutator;
  MutatorTableLock lock;
  lock.obj_type = {LockObjType::kTable};
  lock.obj_id = {kTableId};
  lock.mode = {LockMode::kRowExclusive};
  lock.lock_type = {LockOpType::kInTransDml};
  lock.seq_no = MakeTxSeq(1);
  lock.create_timestamp = MicrosAfter(21);
  lock.create_schema_version = kSchemaVersion;
  mutator.Add(lock);
  for (std::int64_t i = 0; i < count; ++i) AddChange(mutator, dml, first_account + i, 2 + i);
  return std::move(mutator).Finish();
}

Result<Bytes> KeepAlive(LsId ls, Scn min_start) {
  return KeepAliveLog(ls,
                      {.min_start_scn = min_start, .min_start_status = MinStartScnStatus::kNoCtx})
      .Encode();
}

// A new leader's first log, and that nothing goes on.
void LogBeginning(LogWriter& writer, LsId ls) {
  writer.Log(After(1), TxLogBlockBuilder::StartWorking(ls));
  writer.Log(After(2), KeepAlive(ls, After(2)));
}

TxCommitInfoLog CommitInfo(std::vector<LsId> participants) {
  TxCommitInfoLog info;
  info.scheduler = kServer;
  info.participants = std::move(participants);
  return info;
}
// In the block of the COMMIT_INFO.
TxCommitLog LocalCommit() {
  TxCommitLog commit;
  commit.trans_type = TransType::kSp;
  commit.prev_log_type = {PrevLogType::kSelf};
  return commit;
}

void LogCreateTablet(LogWriter& writer, Scn scn) {
  BatchCreateTabletArg arg;
  arg.id = kUserLsId;
  arg.major_frozen_scn = kBaseScn;
  arg.tablets.push_back({.tablet_ids = {kTablet},
                         .data_tablet_id = kTablet,
                         .table_schema_index = {0},
                         .compat_mode = CompatMode::kMysql,
                         .is_create_bind_hidden_tablets = false});
  arg.need_check_tablet_cnt = true;
  arg.is_old_mds = false;
  CreateTabletSchema& schema = arg.create_tablet_schemas.emplace_back();
  schema.storage_schema = SampleStorageSchema();
  schema.table_id = kTableId;
  arg.tablet_extra_infos.emplace_back().tenant_data_version = kDataVersion4301;
  Result<std::string> data = EncodeMdsPayload(arg);
  if (!data) {
    writer.Log(scn, Fail(data.error()));
    return;
  }
  const TxBufferNode node{TxDataSourceType::kCreateTablet, *std::move(data), 1};
  TxCommitLog commit = LocalCommit();
  commit.multi_source_data = {node};
  writer.Log(scn, Block(100'001, 0,
                        {TxMultiDataSourceLog{.data = {node}}, CommitInfo({kUserLsId}), commit}));
}

// Rows of one log stream, committed by one log entry.
void LogLocalCommit(LogWriter& writer, Scn scn) {
  const Result<Bytes> redo = Changes(DmlFlag::kInsert, 1, kAccounts);
  if (!redo) {
    writer.Log(scn, redo);
    return;
  }
  writer.Log(scn,
             Block(100'002, 0, {TxRedoLog{{}, *redo}, CommitInfo({kUserLsId}), LocalCommit()}));
}

// A participant of a two-phase commit: redo, commit info, prepare, commit and clear one by one.
// `scn` is its prepare version and so the transaction's.
void LogTwoPhaseCommit(LogWriter& writer, Scn scn) {
  const Result<Bytes> redo = Changes(DmlFlag::kUpdate, kFirstUpdated, kUpdated);
  if (!redo) {
    writer.Log(scn, redo);
    return;
  }
  constexpr std::int64_t kTx = 100'003;
  const auto before = [&](std::uint64_t steps) { return Scn{scn.value - steps * 1'000'000}; };
  const auto first = writer.Log(before(2), Block(kTx, 0, {TxRedoLog{{}, *redo}}));
  TxCommitInfoLog info = CommitInfo({kSysLsId, kUserLsId});
  info.upstream = kSysLsId;
  info.redo_lsns = {first.lsn};
  const auto info_at = writer.Log(before(1), Block(kTx, 1, {info}));
  TxPrepareLog prepare;
  prepare.prev_lsn = info_at.lsn;
  prepare.prev_log_type = {PrevLogType::kCommitInfo};
  const auto prepare_at = writer.Log(scn, Block(kTx, 2, {prepare}));
  TxCommitLog commit;
  commit.commit_version = prepare_at.scn;
  commit.trans_type = TransType::kDist;
  commit.tx_data_backup = {first.scn};
  commit.prev_lsn = prepare_at.lsn;
  commit.ls_log_info_arr = {{kUserLsId, prepare_at.lsn}};
  commit.prev_log_type = {PrevLogType::kPrepare};
  writer.Log(scn, Block(kTx, 3, {commit}));
  writer.Log(scn, Block(kTx, 4, {TxClearLog{}}));
}

// Two entries in one group: a statement that was undone, then the whole transaction.
void LogAbort(LogWriter& writer, Scn scn) {
  const Result<Bytes> redo = Changes(DmlFlag::kDelete, 1, 1);
  if (!redo) {
    writer.Log(scn, redo);
    return;
  }
  TxActiveInfoLog active;
  active.scheduler = kServer;
  active.trans_type = TransType::kSp;
  active.session_id = 3'221'487'617;
  const auto first = writer.Append(scn, Block(100'004, 0, {TxRedoLog{{}, *redo}, active}));
  TxAbortLog abort;
  abort.tx_data_backup = {first.scn};
  writer.Append(
      scn, Block(100'004, 1, {TxRollbackToLog{.from = MakeTxSeq(2), .to = MakeTxSeq(1)}, abort}));
  writer.Seal();
}

Result<SampleLog> UserLog() {
  PalfBaseInfo start;
  start.prev_log_info.scn = CreateScn(kUserLsId);
  LogWriter writer(kUserLsId, start);
  LogBeginning(writer, kUserLsId);
  LogCreateTablet(writer, kTabletScn);
  LogLocalCommit(writer, kInsertScn);
  LogTwoPhaseCommit(writer, kUpdateScn);
  LogAbort(writer, After(25));
  writer.Log(After(30), KeepAlive(kUserLsId, After(30)));
  return std::move(writer).Finish();
}

std::vector<DictMeta> Dictionary() {
  DictTenantMeta tenant;
  tenant.schema_version = kSchemaVersion;
  tenant.tenant_name = "mysql";
  tenant.ls_arr = {kSysLsId, kUserLsId};
  DictDatabaseMeta database;
  database.database_id = kDatabaseId;
  database.schema_version = kSchemaVersion;
  database.database_name = "test";
  DictTableMeta table;
  table.database_id = kDatabaseId;
  table.table_id = kTableId;
  table.schema_version = kSchemaVersion;
  table.table_name = "accounts";
  table.tablet_id_arr = {kTablet};
  table.max_used_column_id = 18;
  table.column_id_arr_order_by_table_def = {16, 17, 18};
  return {tenant, database, table};
}

Result<SampleLog> SysLog() {
  PalfBaseInfo start;
  start.prev_log_info.scn = CreateScn(kSysLsId);
  LogWriter writer(kSysLsId, start);
  LogBeginning(writer, kSysLsId);
  writer.Append(
      After(3),
      IdServiceLog(LogBaseType::kTimestamp, static_cast<std::int64_t>(After(12).value)).Encode());
  writer.Append(After(3), IdServiceLog(LogBaseType::kTransId, 1'000'001).Encode());
  writer.Seal();
  const Lsn begin = writer.end_lsn();
  const Result<std::vector<Bytes>> entries =
      EncodeDictionary(Dictionary(), After(29), MicrosAfter(30).value, 200);
  if (!entries) return Fail(entries.error());
  Scn last;
  for (const Bytes& entry : *entries) last = writer.Append(After(30), entry).scn;
  writer.Seal();
  writer.log().dictionary.push_back({.snapshot_scn = After(29),
                                     .start_lsn = begin.value + LogGroupEntryHeader::kSize,
                                     .end_lsn = writer.end_lsn().value,
                                     .end_scn = last});
  writer.Log(After(31), GcLog(GcLsLogType::kBlockTabletTransferIn, MicrosAfter(31).value).Encode());
  return std::move(writer).Finish();
}

// Across the end of a block.
Result<SampleLog> ThirdPieceLog() {
  PalfBaseInfo start;
  start.curr_lsn = kThirdPieceStartLsn;
  start.prev_log_info = {.log_id = 70'000, .scn = PieceStart(3), .accum_checksum = 0x1234'5678};
  LogWriter writer(kUserLsId, start);
  const auto at = [](std::uint64_t seconds) {
    return Scn{PieceStart(3).value + seconds * kSecond};
  };
  writer.Log(at(1), KeepAlive(kUserLsId, at(1)));
  const Result<Bytes> redo = Changes(DmlFlag::kInsert, 1'000, 60);
  if (!redo) return Fail(redo.error());
  writer.Log(at(2),
             Block(100'900, 0, {TxRedoLog{{}, *redo}, CommitInfo({kUserLsId}), LocalCommit()}));
  writer.Log(at(3), KeepAlive(kUserLsId, at(3)));
  return std::move(writer).Finish();
}

Result<Bytes> WithLog(Result<Bytes> header_area, ByteView log) {
  if (header_area) header_area->insert(header_area->end(), log.begin(), log.end());
  return header_area;
}

Result<Bytes> ArchiveFile(const SampleLog& log, Lsn begin, Lsn end) {
  return WithLog(HeaderArea<ArchiveFileHeader>::Write({.start_lsn = begin}),
                 ByteView(log.bytes).subspan(begin - log.start.curr_lsn, end - begin));
}

// The log and some of the zeros behind it.
Result<Bytes> BlockFile(const SampleLog& log) {
  constexpr std::size_t kZeros = 256;
  Result<Bytes> file = WithLog(HeaderArea<LogBlockHeader>::Write({.min_lsn = log.start.curr_lsn,
                                                                  .min_scn = log.first_scn,
                                                                  .curr_block_id = 0,
                                                                  .palf_id = log.ls.value}),
                               log.bytes);
  if (file) file->resize(file->size() + kZeros);
  return file;
}

BackupPath ArchivePath(PathKind kind, std::int64_t piece, LsId ls) {
  return {.kind = kind, .ls = ls, .dest = kArchiveDest, .round = kRound, .piece = PieceId{piece}};
}

class Files {
 public:
  void Add(std::string path, Result<Bytes> bytes) {
    if (bytes) {
      files_.push_back({std::move(path), std::move(*bytes)});
    } else if (!error_) {
      error_ = std::move(bytes).error().WithPath(path);
    }
  }
  Result<std::vector<SampleFile>> Finish() && {
    if (error_) return Fail(std::move(*error_));
    return std::move(files_);
  }

 private:
  std::vector<SampleFile> files_;
  std::optional<Error> error_;
};

}  // namespace

Result<SampleLog> BuildSampleLog(LsId ls) { return ls == kSysLsId ? SysLog() : UserLog(); }

Result<std::vector<SampleFile>> SampleLogFiles() {
  Files files;
  for (const LsId ls : {kSysLsId, kUserLsId}) {
    const Result<SampleLog> log = BuildSampleLog(ls);
    if (!log) return Fail(log.error());
    files.Add(fmt::format("engine/clog/{}/0", ls.value), BlockFile(*log));
    BackupPath path = ArchivePath(PathKind::kLogFile, 1, ls);
    path.file = 1;
    files.Add("log_archive_dest_stopped/" + Print(path),
              ArchiveFile(*log, Lsn{0}, Lsn{log->bytes.size()}));
    if (log->dictionary.empty()) continue;
    path = ArchivePath(PathKind::kSchemaMeta, 1, ls);
    path.scn = log->dictionary.front().snapshot_scn;
    files.Add("log_archive_dest_stopped/" + Print(path),
              SchemaMetaFile{path.scn, {kTenant, log->dictionary}}.Write());
  }
  const Result<SampleLog> third = ThirdPieceLog();
  if (!third) return Fail(third.error());
  BackupPath path = ArchivePath(PathKind::kLogFile, 3, kUserLsId);
  path.file = 1;
  files.Add("log_archive_dest/" + Print(path),
            ArchiveFile(*third, kThirdPieceStartLsn, BlockStart(1)));
  path.file = 2;
  files.Add("log_archive_dest/" + Print(path),
            ArchiveFile(*third, BlockStart(1), kThirdPieceStartLsn + third->bytes.size()));
  return std::move(files).Finish();
}

}  // namespace obbak::format
