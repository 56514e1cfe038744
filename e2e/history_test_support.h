// A tenant with an archive and backups on a simulated disk, a workload whose every commit is
// recorded, and the judgement whether a restored tenant is what was recorded.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backup/archiver.h"
#include "backup/data_backup.h"
#include "base/result.h"
#include "engine/tenant.h"
#include "engine/tenant_core.h"
#include "engine/tenant_test_support.h"
#include "format/backup_index_file.h"
#include "format/ids.h"
#include "io/directory_medium.h"
#include "io/log_archive_dest.h"
#include "io/medium.h"
#include "io/sim_world.h"
#include "io/sync.h"
#include "restore/restore.h"
#include "restore/restore_plan.h"

namespace obbak::e2e {

using engine::Tenant;
using format::Scn;

using Rows = std::map<std::int64_t, std::int64_t>;

// What was committed, kept outside of the tenant.
class History {
 public:
  // A table was made, or dropped, by a DDL that committed after `before` and up to `after`.
  void Created(const std::string& table, Scn before, Scn after) {
    tables_[table].created = {before, after};
  }
  void Dropped(const std::string& table, Scn before, Scn after) {
    tables_[table].dropped = {before, after};
  }
  // nullopt: the row was deleted.
  void Committed(Scn version, const std::string& table, std::int64_t key,
                 std::optional<std::int64_t> value) {
    tables_[table].rows[key][version] = value;
    versions_.insert(version);
  }

  // What was committed above `scn` was not, as for who was restored to it.
  void ForgetAfter(Scn scn) {
    std::erase_if(versions_, [&](Scn version) { return version > scn; });
    std::erase_if(tables_, [&](const auto& entry) { return entry.second.created.first >= scn; });
    for (auto& [name, table] : tables_) {
      if (table.dropped && table.dropped->first >= scn) table.dropped.reset();
      for (auto& [key, versions] : table.rows) {
        versions.erase(versions.upper_bound(scn), versions.end());
      }
    }
  }

  // Of every transaction that changed rows, ascending.
  const std::set<Scn>& versions() const { return versions_; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, table] : tables_) names.push_back(name);
    return names;
  }

  // Whether the table is there at `scn`; nothing when the DDL's commit may be on either side.
  std::optional<bool> IsThere(const std::string& name, Scn scn) const {
    const Table& table = tables_.at(name);
    if (scn <= table.created.first) return false;
    if (scn < table.created.second) return std::nullopt;
    if (!table.dropped || scn <= table.dropped->first) return true;
    if (scn < table.dropped->second) return std::nullopt;
    return false;
  }
  Rows At(const std::string& name, Scn scn) const {
    Rows rows;
    for (const auto& [key, versions] : tables_.at(name).rows) {
      const auto above = versions.upper_bound(scn);
      if (above == versions.begin()) continue;
      const auto& value = std::prev(above)->second;
      if (value) rows[key] = *value;
    }
    return rows;
  }

 private:
  struct Table {
    std::pair<Scn, Scn> created{format::kMinScn, format::kMinScn};
    std::optional<std::pair<Scn, Scn>> dropped;
    std::map<std::int64_t, std::map<Scn, std::optional<std::int64_t>>> rows;
  };
  std::map<std::string, Table> tables_;
  std::set<Scn> versions_;
};

inline const char* const kSourceDir = "/source";
inline const char* const kDataUri = "file:///data";
inline const char* const kArchiveUri = "file:///archive";

// The source tenant with its services. All of it on the simulated disk of `world`.
class Source {
 public:
  struct Options {
    std::uint64_t tenant_id = 1002;
    std::string dir = kSourceDir;
    int user_log_streams = 2;
    std::chrono::microseconds piece_interval = std::chrono::hours(24);
    std::string binding = "OPTIONAL";
    engine::EngineOptions engine = engine::SmallEngine();
    backup::BackupOptions backup = {};
  };

  Source(io::SimWorld& world, Options options)
      : world_(world),
        options_(std::move(options)),
        media_(io::DirectoryMedia(world.loop(), world.disk())) {}
  ~Source() { Close(); }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  template <class T>
  T Run(io::Task<T> task) {
    return world_.loop().Run(std::move(task));
  }

  Status Create() {
    engine::TenantOptions tenant;
    tenant.tenant_id = options_.tenant_id;
    tenant.tenant_name = "source";
    tenant.user_log_streams = options_.user_log_streams;
    auto created =
        Run(Tenant::Create(engine::EnvOf(world_), options_.dir, tenant, options_.engine));
    if (!created) return Fail(created.error());
    tenant_ = *std::move(created);
    return OpenServices();
  }
  Status Open() {
    auto opened = Run(Tenant::Open(engine::EnvOf(world_), options_.dir, options_.engine));
    if (!opened) return Fail(opened.error());
    tenant_ = *std::move(opened);
    return OpenServices();
  }
  // Errors of closing are those of a disk that is gone.
  Status Close() {
    Status result;
    const auto keep = [&result](Status status) {
      if (result && !status) result = std::move(status);
    };
    backup_.reset();
    if (archiver_ != nullptr) keep(Run(archiver_->Close()));
    archiver_.reset();
    if (tenant_ != nullptr) keep(Run(tenant_->Close()));
    tenant_.reset();
    return result;
  }

  // ARCHIVELOG into `uri`, until DOING.
  Status StartArchive(const std::string& uri = kArchiveUri) {
    const std::string text =
        "LOCATION=" + uri + " BINDING=" + options_.binding +
        " PIECE_SWITCH_INTERVAL=" + io::ExactIntervalText(options_.piece_interval);
    auto dest = io::LogArchiveDest::Parse(text, AnyInterval());
    if (!dest) return Fail(dest.error());
    if (Status status = Run(archiver_->SetDest(*std::move(dest))); !status) return status;
    if (Status status = Run(archiver_->ArchiveLog()); !status) return status;
    return Run(archiver_->AwaitState());
  }
  Status SetDataDest(const std::string& uri = kDataUri) {
    auto dest = io::BackupDest::Parse(uri);
    if (!dest) return Fail(dest.error());
    return Run(backup_->SetDest(*std::move(dest)));
  }
  Result<format::BackupSetFileDesc> Backup(format::BackupType type, bool plus_archivelog = false) {
    return Run(backup_->Run({.type = type, .plus_archivelog = plus_archivelog, .description = {}}));
  }

  static io::PieceSwitchIntervalRange AnyInterval() {
    return {.min = std::chrono::microseconds(1), .max = std::chrono::days(7)};
  }

  io::SimWorld& world() { return world_; }
  Tenant& tenant() { return *tenant_; }
  backup::Archiver& archiver() { return *archiver_; }
  backup::DataBackup& backup() { return *backup_; }
  const io::MediumFactory& media() const { return media_; }

 private:
  Status OpenServices() {
    backup::ArchiveOptions archive;
    archive.lag_target = std::chrono::milliseconds(0);
    archive.piece_interval = AnyInterval();
    archive.background = false;
    auto archiver = Run(backup::Archiver::Open(*tenant_, media_, archive));
    if (!archiver) return Fail(archiver.error());
    archiver_ = *std::move(archiver);
    auto data = Run(backup::DataBackup::Open(*tenant_, *archiver_, media_, options_.backup));
    if (!data) return Fail(data.error());
    backup_ = *std::move(data);
    return {};
  }

  io::SimWorld& world_;
  Options options_;
  io::MediumFactory media_;
  std::unique_ptr<Tenant> tenant_;
  std::unique_ptr<backup::Archiver> archiver_;
  std::unique_ptr<backup::DataBackup> backup_;
};

// Random transactions over several tables, hence log streams, beside each other; and what else
// happens to tables and tablets. Everything that was committed goes to the history.
class Workload {
 public:
  // `tables`: of the history, made before.
  Workload(Source& source, History& history, std::uint64_t seed,
           std::vector<std::string> tables = {})
      : source_(source), history_(history), random_(seed), tables_(std::move(tables)) {}

  Status CreateTable() { return source_.Run(CreateOne()); }
  Status DropTable() { return source_.Run(DropOne()); }
  Status MoveTablet() { return source_.Run(MoveOne()); }
  // `writers` tasks that commit `each` transactions.
  Status Write(int writers, int each) { return source_.Run(WriteBeside(writers, each)); }
  const std::vector<std::string>& tables() const { return tables_; }

  io::Task<Status> CreateOne() {
    std::string name = "t" + std::to_string(next_table_++);
    const Scn before = source_.tenant().snapshot();
    const auto table = co_await engine::CreateTestTable(source_.tenant(), name, 4);
    if (table == nullptr) co_return Fail(ErrorCode::kErrUnexpected, "no table was made");
    history_.Created(name, before, source_.tenant().snapshot());
    tables_.push_back(std::move(name));
    co_return Status();
  }
  io::Task<Status> DropOne() {
    const std::string name = tables_.front();
    tables_.erase(tables_.begin());
    const Scn before = source_.tenant().snapshot();
    Status status = co_await source_.tenant().DropTable(name);
    if (status) history_.Dropped(name, before, source_.tenant().snapshot());
    co_return status;
  }
  io::Task<Status> MoveOne() {
    const auto table =
        source_.tenant().catalog().ResolveTable(tables_[random_.Below(tables_.size())]);
    if (!table) co_return Fail(table.error());
    const auto& tablets = (*table)->tablets();
    const format::TabletId tablet = tablets[random_.Below(tablets.size())];
    const format::LsId from = *source_.tenant().catalog().LsOf(tablet);
    const auto streams =
        static_cast<std::int64_t>(source_.tenant().catalog().log_streams().size()) - 1;
    const format::LsId to{1001 + (from.value - 1000) % streams};
    if (to == from) co_return Status();
    co_return co_await source_.tenant().MoveTablet(tablet, to);
  }
  io::Task<Status> WriteBeside(int writers, int each) {
    io::TaskGroup tasks(source_.world().loop());
    for (int writer = 0; writer < writers; ++writer) tasks.Spawn(Writer(each));
    co_await tasks.Join();
    co_return failure_;
  }

 private:
  io::Task<void> Writer(int count) {
    for (int i = 0; i < count && failure_; ++i) {
      Status status = co_await OneTransaction();
      if (!status && failure_) failure_ = std::move(status);
    }
  }

  io::Task<Status> OneTransaction() {
    auto tx = source_.tenant().Begin();
    if (!tx) co_return Fail(tx.error());
    std::map<std::string, std::map<std::int64_t, std::optional<std::int64_t>>> changes;
    for (std::uint64_t steps = 1 + random_.Below(6); steps > 0; --steps) {
      const std::string name = tables_[random_.Below(tables_.size())];
      const auto table = source_.tenant().catalog().ResolveTable(name);
      if (!table) co_return Fail(table.error());
      const auto key = static_cast<std::int64_t>(random_.Below(60));
      std::optional<std::int64_t> value;
      Status status;
      if (random_.OneIn(4)) {
        const std::vector<format::Datum> rowkey(1, format::Datum::Int(key));
        status = co_await (*tx)->Delete(**table, rowkey);
      } else {
        value = next_value_++;
        const std::vector<format::Datum> row{format::Datum::Int(key), format::Datum::Int(*value)};
        status = co_await (*tx)->Put(**table, row);
      }
      if (!status) {
        Status undone = (*tx)->Rollback();
        const bool is_conflict = status.error().code() == ErrorCode::kTryLockRowConflict ||
                                 status.error().code() == ErrorCode::kTransactionSetViolation;
        co_return is_conflict ? std::move(undone) : std::move(status);
      }
      changes[name][key] = value;
    }
    if (random_.OneIn(8)) co_return (*tx)->Rollback();
    const auto version = co_await (*tx)->Commit();
    if (!version) co_return Fail(version.error());
    for (const auto& [name, rows] : changes) {
      for (const auto& [key, value] : rows) history_.Committed(*version, name, key, value);
    }
    co_return Status();
  }

  Source& source_;
  History& history_;
  io::Random random_;
  std::vector<std::string> tables_;
  int next_table_ = 0;
  std::int64_t next_value_ = 1;
  Status failure_;
};

// The entries of a meta index file for which `keep` holds.
inline Bytes FilteredMetaIndex(
    const Bytes& file, const std::function<bool(const format::BackupMetaIndex& entry)>& keep) {
  Bytes out;
  format::BackupIndexFileWriter<format::BackupMetaIndex> writer([&](ByteView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
    return Status();
  });
  EXPECT_TRUE(format::ForEachIndexEntry<format::BackupMetaIndex>(
      format::RandomAccess::Of(file), [&](const format::BackupMetaIndex& entry) -> Status {
        if (!keep(entry)) return {};
        return writer.Append(entry);
      }));
  EXPECT_TRUE(writer.Finish());
  return out;
}

// ---- Restoring

struct Restored {
  std::unique_ptr<Tenant> tenant;
  restore::RestoreSummary summary;
};

class Restorer {
 public:
  explicit Restorer(io::SimWorld& world)
      : world_(world), media_(io::DirectoryMedia(world.loop(), world.disk())) {}

  Result<restore::RestoreSource> OpenSource(const std::vector<std::string>& uris) {
    std::vector<io::BackupDest> dests;
    for (const std::string& uri : uris) {
      auto dest = io::BackupDest::Parse(uri);
      if (!dest) return Fail(dest.error());
      dests.push_back(*std::move(dest));
    }
    return world_.loop().Run(restore::OpenRestoreSource(std::move(dests), media_));
  }
  Result<restore::RestorePlan> Plan(const restore::RestoreSource& source,
                                    restore::RestorePoint point) {
    return world_.loop().Run(restore::MakeRestorePlan(source, std::move(point)));
  }
  Result<restore::RestoreSummary> Restore(const restore::RestoreSource& source,
                                          restore::RestorePlan plan, const std::string& dir,
                                          restore::ReportRestore report = {}) {
    restore::RestoreOptions options;
    options.dir = dir;
    options.tenant_name = "restored";
    options.engine = engine::SmallEngine();
    return world_.loop().Run(restore::Restore(engine::EnvOf(world_), source, std::move(plan),
                                              options, std::move(report)));
  }
  // Of a restored tenant's directory.
  Result<std::unique_ptr<Tenant>> Open(const std::string& dir) {
    return world_.loop().Run(Tenant::Open(engine::EnvOf(world_), dir, engine::SmallEngine()));
  }
  // All of it, to a point.
  Result<Restored> RestoreTo(restore::RestorePoint point, const std::string& dir,
                             const std::vector<std::string>& uris = {kDataUri, kArchiveUri}) {
    const auto source = OpenSource(uris);
    if (!source) return Fail(source.error());
    auto plan = Plan(*source, std::move(point));
    if (!plan) return Fail(plan.error());
    const auto summary = Restore(*source, *std::move(plan), dir);
    if (!summary) return Fail(summary.error());
    auto tenant = Open(dir);
    if (!tenant) return Fail(tenant.error());
    return Restored{*std::move(tenant), *summary};
  }

 private:
  io::SimWorld& world_;
  io::MediumFactory media_;
};

// Whether `tenant` holds what was committed up to `scn`, and nothing else.
inline void ExpectHistory(io::SimWorld& world, Tenant& tenant, const History& history, Scn scn) {
  for (const std::string& name : history.names()) {
    const std::optional<bool> is_there = history.IsThere(name, scn);
    const auto table = tenant.catalog().ResolveTable(name);
    if (is_there) {
      EXPECT_EQ(table.has_value(), *is_there) << name << " at SCN " << scn.value;
    }
    if (!table || !is_there.value_or(false)) continue;
    const Rows rows = world.loop().Run(engine::ReadAll(tenant, *table, tenant.snapshot()));
    EXPECT_EQ(rows, history.At(name, scn)) << name << " at SCN " << scn.value;
  }
}

// Everything below a directory of the simulated disk is gone.
inline io::Task<Status> RemoveTree(io::Disk& disk, std::string directory) {
  const auto entries = co_await disk.List(directory);
  if (!entries) co_return Fail(entries.error());
  for (const io::DirEntry& entry : *entries) {
    const std::string path = directory + "/" + entry.name;
    Status status;
    if (entry.is_directory) {
      status = co_await RemoveTree(disk, path);
    } else {
      status = co_await disk.Remove(path);
    }
    if (!status) co_return status;
  }
  co_return co_await disk.Remove(directory);
}

}  // namespace obbak::e2e
