#include "engine/checkpoint.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/compaction.h"
#include "engine/ddl_payloads.h"
#include "format/ls_meta_records.h"
#include "format/record.h"
#include "format/tablet_meta.h"

namespace obbak::engine {
namespace {

using format::Scn;
using SstablePtr = std::shared_ptr<const Sstable>;

io::Task<Status> MakeMajor(TenantCore& core, Tablet& tablet) {
  Result<CompactionResult> result =
      co_await MergeMajor(*core.store, tablet.format(), nullptr, {},
                          tablet.meta().report_status.merge_snapshot_version);
  if (!result) co_return Fail(result.error());
  std::vector<SstablePtr> sstables = tablet.sstables();
  sstables.push_back(result->sstable);
  tablet.ReplaceSstables(*tablet.view(), std::move(sstables));
  co_return Status();
}

// nullptr: there is none.
std::shared_ptr<Tablet> WithoutMajor(const LogStream& stream) {
  const std::vector<std::shared_ptr<Tablet>> tablets = TabletsOf(stream);
  const auto found = std::ranges::find_if(tablets, [](const auto& tablet) {
    return tablet->is_dirty() && MajorOf(*tablet) == nullptr;
  });
  return found == tablets.end() ? nullptr : *found;
}

Result<pb::Tablet> RecordOf(const LogStream& stream, const Tablet& tablet) {
  pb::Tablet record;
  record.set_ls_id(stream.id().value);
  record.set_tablet_id(tablet.id().value);
  const Result<Bytes> meta = format::EncodeMeta(tablet.meta());
  if (!meta) return Fail(meta.error());
  record.set_meta(std::string(AsText(*meta)));
  for (const SstablePtr& sstable : tablet.sstables()) {
    pb::Sstable& entry = *record.add_sstables();
    const Result<Bytes> key = format::EncodeRecord(sstable->key());
    if (!key) return Fail(key.error());
    const Result<Bytes> encoded = sstable->EncodedMeta();
    if (!encoded) return Fail(encoded.error());
    entry.set_table_key(std::string(AsText(*key)));
    entry.set_meta(std::string(AsText(*encoded)));
  }
  return record;
}

// The log stream's record with everything up to `checkpoint` done.
Status AdvanceRecord(LogStream& stream, Scn checkpoint) {
  pb::LogStream& record = stream.mutable_record();
  record.set_clog_checkpoint_scn(checkpoint.value);
  record.set_tablet_change_checkpoint_scn(checkpoint.value);
  const format::Lsn base = stream.clog().LocateCoarsely(checkpoint);
  if (base.value <= record.clog_base_lsn()) return {};
  const Result<format::PalfBaseInfo> info = stream.clog().BaseInfo(base);
  if (!info) return Fail(info.error());
  const Result<Bytes> encoded = format::EncodeRecord(*info);
  if (!encoded) return Fail(encoded.error());
  record.set_clog_base_lsn(base.value);
  record.set_palf_base(std::string(AsText(*encoded)));
  return {};
}

}  // namespace

std::vector<std::shared_ptr<Tablet>> TabletsOf(const LogStream& stream) {
  std::vector<std::shared_ptr<Tablet>> tablets;
  for (const auto& [id, tablet] : stream.tablets()) {
    if (!IsInnerTablet(id) && stream.IsCreationCommitted(id)) tablets.push_back(tablet);
  }
  return tablets;
}

std::vector<SstablePtr> Increments(const Tablet& tablet) {
  std::vector<SstablePtr> increments;
  for (const SstablePtr& sstable : tablet.sstables()) {
    if (!sstable->is_major()) increments.insert(increments.begin(), sstable);
  }
  return increments;
}

SstablePtr MajorOf(const Tablet& tablet) {
  const auto found = std::ranges::find_if(tablet.sstables(),
                                          [](const auto& sstable) { return sstable->is_major(); });
  return found == tablet.sstables().end() ? nullptr : *found;
}

io::Task<Status> FlushOldest(TenantCore& core, std::shared_ptr<Tablet> tablet) {
  const FrozenMemTable frozen = tablet->frozen().front();
  SstablePtr mini;
  if (frozen.memtable->max_commit_version() > 0) {
    const std::unique_ptr<RowIterator> rows = frozen.memtable->Scan({});
    Result<CompactionResult> result = co_await WriteMini(
        *core.store, tablet->format(),
        {.start_scn = tablet->next_mini_start(), .end_scn = tablet->frozen().front().end_scn},
        *rows);
    if (!result) co_return Fail(result.error());
    mini = result->sstable;
  }
  tablet->Flushed(std::move(mini));
  core.RecountMemory();
  co_return Status();
}

void TakeBaseline(const Sstable& major, bool has_increments, format::MigrationTabletParam& meta) {
  const auto version = static_cast<std::int64_t>(major.key().snapshot_version().value);
  meta.snapshot_version = {version};
  meta.multi_version_start = {version};
  meta.report_status = {.merge_snapshot_version = version,
                        .cur_report_version = version,
                        .data_checksum = major.meta().basic_meta.data_checksum,
                        .row_count = major.row_count()};
  if (!has_increments) meta.start_scn = meta.clog_checkpoint_scn;
}

io::Task<Status> MakeMissingMajors(TenantCore& core, LogStream& stream) {
  // One after the other: meanwhile more tablets may come.
  while (const std::shared_ptr<Tablet> tablet = WithoutMajor(stream)) {
    if (Status status = co_await MakeMajor(core, *tablet); !status) co_return status;
  }
  co_return Status();
}

Status AddChanges(LogStream& stream, Scn applied, pb::Edit& edit,
                  std::vector<std::shared_ptr<Tablet>>& dropped) {
  for (const auto& [id, tablet] : stream.tablets()) {
    if (!tablet->is_dirty() || !stream.IsCreationCommitted(id)) continue;
    Result<pb::Tablet> record = RecordOf(stream, *tablet);
    if (!record) return Fail(record.error());
    *edit.add_tablets() = *std::move(record);
    tablet->MarkClean();
  }
  for (std::shared_ptr<Tablet>& tablet : stream.TakeDropped()) {
    pb::TabletAddress& address = *edit.add_removed_tablets();
    address.set_ls_id(stream.id().value);
    address.set_tablet_id(tablet->id().value);
    dropped.push_back(std::move(tablet));
  }
  if (Status status = AdvanceRecord(stream, stream.SafeCheckpoint(applied)); !status) return status;
  *edit.add_log_streams() = stream.record();
  return {};
}

}  // namespace obbak::engine
