#include "restore/tablet_restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "engine/checkpoint.h"
#include "engine/compaction.h"
#include "engine/ddl_payloads.h"
#include "engine/sstable_import.h"
#include "engine/tenant_core.h"
#include "format/macro_block_header.h"

namespace obbak::restore {
namespace {

using format::DataType;
using format::MigrationTabletParam;
using format::TabletId;

// A macro block, and the header and padding of its record.
constexpr std::size_t kRecordBuffer = format::kMacroBlockSize + 2 * io::Disk::kAlignment;
// Index blocks of several hundred entries each.
constexpr std::size_t kIndexCache = std::size_t{16} << 20;
// More tablets at a time don't make small ones any faster.
constexpr std::size_t kMaxWorkers = 16;

std::vector<dest::SetName> NamesOf(const std::vector<format::BackupSetFileDesc>& sets) {
  std::vector<dest::SetName> names;
  for (const format::BackupSetFileDesc& set : sets) names.push_back(dest::NameOf(set));
  return names;
}

std::int64_t SnapshotOf(const BackedUpSstable& sstable) {
  const format::TableKey& key = sstable.meta.sstable_meta.table_key;
  return static_cast<std::int64_t>(key.snapshot_version().value);
}

// The oldest ones, as far as the baseline has all that is in them; as a major compaction does.
void DropCovered(std::int64_t baseline, std::vector<BackedUpSstable>& increments) {
  const auto kept = std::ranges::find_if(increments, [&](const BackedUpSstable& increment) {
    return increment.meta.sstable_meta.basic_meta.max_merged_trans_version > baseline;
  });
  increments.erase(increments.begin(), kept);
}

// The baseline that belongs to the increments must be there, or a newer one.
Status CheckBaseline(const MigrationTabletParam& meta, const std::vector<BackedUpSstable>& majors) {
  const std::int64_t needed = meta.report_status.merge_snapshot_version;
  const bool has_baseline = (meta.table_store_flag.value & MigrationTabletParam::kWithMajorSstable);
  if (majors.empty() && has_baseline) {
    return Fail(ErrorCode::kBackupMajorNotCoverMinor,
                fmt::format("there is no major SSTable; the minor data needs that of {}", needed));
  }
  if (!majors.empty() && has_baseline && SnapshotOf(majors.front()) < needed) {
    return Fail(ErrorCode::kBackupMajorNotCoverMinor,
                fmt::format("the major SSTable is that of {}, the minor data needs that of {}",
                            SnapshotOf(majors.front()), needed));
  }
  return {};
}

// Names the tablet beside a field of its records.
Error OfTablet(const Error& error, TabletId tablet) {
  std::string field = fmt::format("tablet {}", tablet.value);
  if (error.field().starts_with(field)) return error;
  if (!error.field().empty()) field += ", " + error.field();
  Error named(error.code(), error.message());
  if (!error.path().empty()) named = std::move(named).WithPath(error.path());
  if (error.offset()) named = std::move(named).WithOffset(*error.offset());
  if (!error.advice().empty()) named = std::move(named).WithAdvice(error.advice());
  return std::move(named).WithField(std::move(field));
}

}  // namespace

// The data macro blocks of one SSTable.
class TabletRestore::Blocks final : public engine::MacroBlockSource {
 public:
  Blocks(TabletRestore& owner, DataType type, std::vector<format::BackupPhysicalId> places)
      : owner_(&owner), type_(type), places_(std::move(places)) {}

  io::Task<Result<ByteView>> Read(std::size_t index, std::span<std::byte> buffer) override {
    const format::BackupPhysicalId& place = places_[index];
    const format::ByteRange record{static_cast<std::uint64_t>(place.offset()),
                                   static_cast<std::uint64_t>(place.length())};
    Result<ByteView> block =
        co_await owner_->files_.ReadMacroBlock(type_, place.file(), record, buffer);
    if (block) {
      ++owner_->counts_.macro_blocks;
      owner_->counts_.bytes += block->size();
      if (owner_->progress_) owner_->progress_(owner_->counts_);
    }
    co_return block;
  }

  Error Locate(Error error, std::size_t index) const override {
    const format::BackupPhysicalId& place = places_[index];
    // Behind the record's header.
    constexpr std::uint64_t kHeader = 48;
    return owner_->files_.Locate(std::move(error).WithOffset(0), type_, place.file(),
                                 static_cast<std::uint64_t>(place.offset()) + kHeader);
  }

 private:
  TabletRestore* owner_;
  DataType type_;
  std::vector<format::BackupPhysicalId> places_;
};

TabletRestore::TabletRestore(dest::DestStore data, std::vector<format::BackupSetFileDesc> sets,
                             engine::TenantBuilder& builder, std::size_t concurrency,
                             std::function<void(const TabletRestoreCounts&)> progress)
    : last_(sets.back()),
      cache_(kIndexCache),
      files_(data, NamesOf(sets), &cache_),
      set_(data, dest::NameOf(sets.back())),
      builder_(&builder),
      buffers_(builder.core().env.loop, kRecordBuffer, concurrency),
      workers_(std::min(concurrency, kMaxWorkers)),
      progress_(std::move(progress)) {}

io::Task<Status> TabletRestore::OpenIndexes(const std::vector<BackedUpLogStream>& log_streams) {
  for (const BackedUpLogStream& log_stream : log_streams) {
    const format::LsId ls = log_stream.attr.id;
    const std::int64_t turn = ls == format::kSysLsId ? 1 : last_.meta_turn_id;
    auto sys = co_await DataMetas::OfLogStream(set_, ls, turn, files_, cache_);
    if (!sys) co_return Fail(std::move(sys).error());
    sys_[ls] = *std::move(sys);
  }
  auto minor =
      co_await DataMetas::OfTenant(set_, DataType::kMinor, last_.minor_turn_id, files_, cache_);
  if (!minor) co_return Fail(std::move(minor).error());
  minor_ = *std::move(minor);
  auto major =
      co_await DataMetas::OfTenant(set_, DataType::kMajor, last_.major_turn_id, files_, cache_);
  if (!major) co_return Fail(std::move(major).error());
  major_ = *std::move(major);
  co_return Status();
}

io::Task<Status> TabletRestore::Run(std::vector<BackedUpLogStream> log_streams) {
  if (Status status = co_await OpenIndexes(log_streams); !status) co_return status;
  const auto tablets = co_await ReadTablets(set_, last_);
  if (!tablets) co_return Fail(tablets.error());
  for (const BackedUpLogStream& log_stream : log_streams) {
    for (const TabletId id : engine::InnerTablets()) jobs_.push_back({log_stream.attr.id, id});
  }
  for (const TabletId id : *tablets) jobs_.push_back({format::kInvalidLsId, id});
  io::TaskGroup workers(builder_->core().env.loop);
  for (std::size_t i = 0; i < workers_; ++i) workers.Spawn(Work());
  co_await workers.Join();
  builder_->ExpectDropped(std::move(dropped_));
  co_return failed_;
}

io::Task<void> TabletRestore::Work() {
  while (failed_ && next_job_ < jobs_.size()) {
    Status status = co_await Do(jobs_[next_job_++]);
    if (!status && failed_) failed_ = std::move(status);
    counts_.part_done = static_cast<double>(++done_jobs_) / static_cast<double>(jobs_.size());
  }
}

io::Task<Status> TabletRestore::Do(Job job) {
  io::Task<Status> restore =
      engine::IsInnerTablet(job.tablet) ? RestoreInner(job) : RestoreUser(job.tablet);
  Status status = co_await std::move(restore);
  if (status) co_return status;
  co_return Fail(OfTablet(status.error(), job.tablet));
}

io::Task<Status> TabletRestore::RestoreInner(Job job) {
  DataMetas& metas = *sys_.at(job.ls);
  Result<BackedUpTablet> found = co_await metas.Read(job.tablet);
  if (!found) co_return Fail(std::move(found).error());
  if (!found->meta) {
    co_return Fail(
        Error(ErrorCode::kErrUnexpected,
              fmt::format("log stream {} has no inner tablet {}", job.ls.value, job.tablet.value))
            .WithPath(set_.store().FullPathOf(set_.Path(format::PathKind::kBackupSetDir))));
  }
  auto sstables = co_await Import(DataType::kSys, *found->meta, std::move(found->sstables));
  if (!sstables) co_return Fail(metas.Locate(*found, std::move(sstables).error()));
  ++counts_.tablets;
  Status status = builder_->AddTablet(job.ls, *std::move(found->meta), *std::move(sstables));
  if (!status) co_return Fail(metas.Locate(*found, std::move(status).error()));
  co_return status;
}

io::Task<Status> TabletRestore::RestoreUser(TabletId tablet) {
  Result<BackedUpTablet> minor = co_await minor_->Read(tablet);
  if (!minor) co_return Fail(std::move(minor).error());
  // Dropped before its turn came; the log must say so too.
  if (!minor->meta) {
    dropped_.push_back(tablet);
    co_return Status();
  }
  Result<BackedUpTablet> major = co_await major_->Read(tablet);
  if (!major) co_return Fail(std::move(major).error());
  // The same, between the two phases.
  if (!major->meta) {
    dropped_.push_back(tablet);
    major->sstables.clear();
  }
  const auto in_minor = [&](const Error& error) { return Fail(minor_->Locate(*minor, error)); };
  const auto in_major = [&](const Error& error) { return Fail(major_->Locate(*major, error)); };
  MigrationTabletParam meta = *std::move(minor->meta);
  if (major->sstables.size() > 1)
    co_return in_major(Error(ErrorCode::kNotSupported, "the tablet is stored by columns"));
  if (major->meta) {
    Status status = CheckBaseline(meta, major->sstables);
    if (!status) co_return in_minor(status.error());
  }
  const bool has_baseline = !major->sstables.empty();
  if (has_baseline) DropCovered(SnapshotOf(major->sstables.front()), minor->sstables);

  auto sstables = co_await Import(DataType::kMinor, meta, std::move(minor->sstables));
  if (!sstables) co_return in_minor(sstables.error());
  auto baseline = co_await Import(DataType::kMajor, meta, std::move(major->sstables));
  if (!baseline) co_return in_major(baseline.error());
  if (has_baseline) {
    engine::TakeBaseline(*baseline->front(), !sstables->empty(), meta);
    sstables->push_back(baseline->front());
  }
  ++counts_.tablets;
  const format::LsId ls = meta.ls_id;
  Status status = builder_->AddTablet(ls, std::move(meta), *std::move(sstables));
  if (!status) co_return in_minor(status.error());
  co_return status;
}

io::Task<Result<std::vector<TabletRestore::SstablePtr>>> TabletRestore::Import(
    DataType type, const MigrationTabletParam& meta, std::vector<BackedUpSstable> sstables) {
  std::vector<SstablePtr> imported;
  const Result<engine::TabletFormat> format =
      engine::TabletFormat::Of(meta.tablet_id, meta.storage_schema);
  if (!format) co_return Fail(format.error());
  for (BackedUpSstable& sstable : sstables) {
    Blocks blocks(*this, type, std::move(sstable.blocks));
    auto made = co_await engine::ImportSstable(*builder_->core().store, *format,
                                               std::move(sstable.meta), blocks, buffers_);
    if (!made) co_return Fail(std::move(made).error());
    imported.insert(imported.begin(), *std::move(made));
  }
  co_return imported;
}

}  // namespace obbak::restore
