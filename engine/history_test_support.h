// A tenant with a random history, and what it was at every SCN of it: for tests of whatever takes
// its logs or its backups and claims to have made the same tenant of them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/clog_reader.h"
#include "engine/clog_test_support.h"
#include "engine/ddl.h"
#include "engine/maintenance.h"
#include "engine/standby_replay.h"
#include "engine/tenant.h"
#include "engine/tenant_core.h"
#include "engine/tenant_test_support.h"
#include "format/log_group.h"
#include "io/sim_world.h"
#include "io/sync.h"

namespace obbak::engine {

// A table (id bigint primary key, value bigint) with all versions of its rows.
struct RecordedTable {
  std::string name;
  TableSchemaPtr schema;
  // The commit version of its creation lies in (created.first, created.second]; so does that of its
  // drop.
  std::pair<format::Scn, format::Scn> created;
  std::optional<std::pair<format::Scn, format::Scn>> dropped;
  // Oldest first; none: deleted.
  std::map<std::int64_t, std::map<format::Scn, std::optional<std::int64_t>>> versions;

  std::map<std::int64_t, std::int64_t> At(format::Scn snapshot) const {
    std::map<std::int64_t, std::int64_t> rows;
    for (const auto& [key, history] : versions) {
      const auto later = history.upper_bound(snapshot);
      if (later == history.begin()) continue;
      if (const auto value = std::prev(later)->second) rows[key] = *value;
    }
    return rows;
  }
  // Whether it exists; nothing: that is not known.
  std::optional<bool> Exists(format::Scn snapshot) const {
    if (snapshot <= created.first) return false;
    if (dropped && snapshot >= dropped->second) return false;
    if (snapshot >= created.second && (!dropped || snapshot <= dropped->first)) return true;
    return std::nullopt;
  }
};

// A log stream's log from its begin, group by group.
struct RecordedLog {
  format::LsId ls;
  std::uint64_t group_id = 0;
  format::Scn create_scn;
  std::vector<std::pair<format::Lsn, Bytes>> groups;
};

inline io::Task<Status> ReadLog(Clog& clog, RecordedLog& log) {
  ClogReader reader(clog, format::Lsn{0});
  for (;;) {
    const auto groups = co_await reader.Read();
    if (!groups) co_return Fail(groups.error());
    if (groups->empty()) co_return Status();
    for (const format::LogGroup& group : *groups) {
      log.groups.emplace_back(group.lsn, Bytes(group.bytes.begin(), group.bytes.end()));
    }
  }
}

class RecordedLogs final : public LogGroupSources {
 public:
  explicit RecordedLogs(std::vector<RecordedLog> logs) : logs_(std::move(logs)) {}

  const std::vector<RecordedLog>& logs() const { return logs_; }

  io::Task<Result<std::unique_ptr<LogGroupSource>>> Open(format::LsId ls,
                                                         format::Lsn lsn) override {
    for (const RecordedLog& log : logs_) {
      if (log.ls == ls) co_return std::make_unique<Source>(*this, log, lsn);
    }
    co_return Fail(ErrorCode::kEntryNotExist, "no log of this log stream was recorded");
  }

  // The group that is asked for after `groups` more cannot be read, once.
  void FailAfter(std::uint64_t groups) { fail_after_ = groups; }

  // What of that log stream is in groups above `scn` is not there yet.
  void EndAt(format::LsId ls, format::Scn scn) { ends_[ls] = scn; }
  void EndNowhere() { ends_.clear(); }

  // Of every entry, ascending.
  std::set<format::Scn> EntryScns() const {
    std::set<format::Scn> scns;
    for (const RecordedLog& log : logs_) {
      for (const auto& [lsn, bytes] : log.groups) {
        for (const format::LogEntry& entry : GroupOf(lsn, bytes).entries()) {
          scns.insert(entry.scn());
        }
      }
    }
    return scns;
  }

  static format::LogGroup GroupOf(format::Lsn lsn, ByteView bytes) {
    const auto header = bytes.first<format::LogGroupEntryHeader::kSize>();
    return {lsn, format::LoadGroupHeader(header), bytes};
  }

 private:
  class Source final : public LogGroupSource {
   public:
    Source(RecordedLogs& logs, const RecordedLog& log, format::Lsn lsn) : logs_(&logs), log_(&log) {
      while (next_ < log.groups.size() && log.groups[next_].first < lsn) ++next_;
    }
    io::Task<Result<std::optional<format::LogGroup>>> Next() override {
      if (logs_->fail_after_ && (*logs_->fail_after_)-- == 0) {
        logs_->fail_after_.reset();
        co_return Fail(ErrorCode::kIoError, "the archive cannot be reached");
      }
      if (next_ == log_->groups.size()) co_return std::nullopt;
      const auto& [lsn, bytes] = log_->groups[next_];
      const format::LogGroup group = GroupOf(lsn, bytes);
      const auto end = logs_->ends_.find(log_->ls);
      if (end != logs_->ends_.end() && group.header.max_scn > end->second) co_return std::nullopt;
      ++next_;
      co_return group;
    }

   private:
    RecordedLogs* logs_;
    const RecordedLog* log_;
    std::size_t next_ = 0;
  };

  std::vector<RecordedLog> logs_;
  std::optional<std::uint64_t> fail_after_;
  std::map<format::LsId, format::Scn> ends_;
};

// Lives in a world of its own.
class History {
 public:
  struct Options {
    int log_streams = 2;
    int rounds = 2;
    int transactions = 8;  // of each of three writers in each round
    bool with_majors = false;
    // The tenant loses power between two rounds.
    bool with_crash = false;
  };

  explicit History(std::uint64_t seed) : History(seed, Options()) {}
  History(std::uint64_t seed, Options options)
      : options_(options), seed_(seed), random_(seed * 31 + 7) {
    world_ = std::make_unique<io::SimWorld>(seed);
  }

  // Ends with a tenant that is open, and idle.
  void Make() {
    TenantOptions tenant_options;
    tenant_options.user_log_streams = options_.log_streams;
    auto made = Run(Tenant::Create(EnvOf(*world_), kDir, tenant_options, SmallEngine()));
    ASSERT_OK(made);
    tenant_ = *std::move(made);
    KeepLogs();
    begin_ = tenant_->snapshot();
    for (int i = 0; i < 2; ++i) ASSERT_OK(Run(AddTable()));
    for (int round = 0; round < options_.rounds; ++round) {
      Run(Round());
      ASSERT_OK(failure_);
      if (options_.with_crash && round + 1 < options_.rounds) Crash();
      if (testing::Test::HasFatalFailure()) return;
    }
    Run(LeaveOpen());
    ASSERT_OK(failure_);
    end_ = tenant_->snapshot();
    // So that every log goes on behind the last commit.
    ASSERT_OK(AdvanceLogs(tenant_->core(), tenant_->core().scns.Next()));
    for (const auto& [id, stream] : tenant_->core().streams) {
      ASSERT_OK(Run(stream->clog().WaitDurable(stream->clog().end_lsn())));
    }
  }

  void Close() {
    for (auto& tx : open_) static_cast<void>(tx->Rollback());
    open_.clear();
    ASSERT_OK(Run(tenant_->Close()));
    tenant_.reset();
  }

  io::SimWorld& world() { return *world_; }
  Tenant& tenant() { return *tenant_; }
  const std::vector<std::unique_ptr<RecordedTable>>& tables() const { return tables_; }
  const std::set<format::Scn>& versions() const { return versions_; }
  // The tenant was complete here, and it ended here.
  format::Scn begin() const { return begin_; }
  format::Scn end() const { return end_; }

  std::vector<RecordedLog> ReadLogs() {
    std::vector<RecordedLog> logs;
    for (const auto& [id, entry] : tenant_->catalog().log_streams()) {
      RecordedLog log;
      log.ls = id;
      log.group_id = entry.group_id;
      log.create_scn = entry.create_scn;
      const Status read = Run(ReadLog(tenant_->core().streams.at(id)->clog(), log));
      EXPECT_TRUE(read) << read.error().ToString();
      logs.push_back(std::move(log));
    }
    return logs;
  }

  // What `tenant`, in a world of its own, shows is what this one was at `snapshot`.
  void ExpectSame(io::SimWorld& world, Tenant& tenant, format::Scn snapshot) {
    for (const auto& table : tables_) {
      const auto found = tenant.catalog().FindTable(table->schema->id());
      if (const std::optional<bool> exists = table->Exists(snapshot)) {
        ASSERT_EQ(found != nullptr, *exists) << table->name << " at " << snapshot.value;
      }
      if (found == nullptr) continue;
      ASSERT_EQ(found->spec(), table->schema->spec()) << table->name;
      const auto rows = world.loop().Run(ReadAll(tenant, found, snapshot));
      ASSERT_EQ(rows, table->At(snapshot)) << table->name << " at " << snapshot.value;
    }
    const auto catalog = Run(ReadCatalog(tenant_->core(), snapshot));
    if (!catalog) {
      ASSERT_EQ(catalog.error().code(), ErrorCode::kSnapshotDiscarded)
          << catalog.error().ToString();
      return;
    }
    ASSERT_TRUE(*catalog == tenant.catalog()) << "catalog at " << snapshot.value;
  }

 private:
  static constexpr const char* kDir = "/source";
  static constexpr std::int64_t kKeys = 20;

  template <class T>
  T Run(io::Task<T> task) {
    return world_->loop().Run(std::move(task));
  }

  void KeepLogs() {
    for (const auto& [id, stream] : tenant_->core().streams) stream->KeepLogFrom(format::Lsn{0});
  }

  void Crash() {
    const io::SimImage left = world_->disk().CrashImage(seed_ + 2);
    const std::uint64_t now = world_->clock().NowNs();
    for (auto& tx : open_) static_cast<void>(tx->Rollback());
    open_.clear();
    ASSERT_OK(Run(tenant_->Close()));
    tenant_.reset();
    world_ = std::make_unique<io::SimWorld>(seed_ + 1, left, now);
    auto opened = Run(Tenant::Open(EnvOf(*world_), kDir, SmallEngine()));
    ASSERT_OK(opened);
    tenant_ = *std::move(opened);
    KeepLogs();
  }

  io::Task<void> Round() {
    io::TaskGroup tasks(world_->loop());
    for (int writer = 0; writer < 3; ++writer) tasks.Spawn(Writer());
    tasks.Spawn(Maintainer());
    co_await tasks.Join();
    co_await LeaveOpen();
  }

  void Note(Status status) {
    if (!status && failure_) failure_ = std::move(status);
  }

  io::Task<void> Writer() {
    for (int i = 0; i < options_.transactions && failure_; ++i) Note(co_await OneTransaction());
  }

  io::Task<void> Maintainer() {
    for (int i = 0; i < 5 && failure_; ++i) {
      Note(co_await Maintain());
      co_await Pause();
    }
  }

  // Lets others in between.
  io::Task<void> Pause() {
    static_cast<void>(co_await world_->loop().Sleep(std::chrono::microseconds(random_.Below(400))));
  }

  io::Task<Status> Maintain() {
    switch (random_.Below(8)) {
      case 0:
        return tenant_->Flush();
      case 1:
        return Compact();
      case 2:
        return AddTable();
      case 3:
        return DropTable();
      case 4:
      case 5:
        return LogWhatIsOpen();
      default:
        return Move();
    }
  }

  io::Task<Status> Compact() {
    if (options_.with_majors && random_.OneIn(2)) {
      const auto major = co_await tenant_->CompactMajor();
      co_return major ? Status() : Fail(major.error());
    }
    const auto minor = co_await tenant_->CompactMinor();
    co_return minor ? Status() : Fail(minor.error());
  }

  // As a freeze does.
  io::Task<Status> LogWhatIsOpen() {
    for (const auto& [id, stream] : tenant_->core().streams) {
      if (const auto frozen = stream->Freeze(); !frozen) co_return Fail(frozen.error());
    }
    co_return Status();
  }

  io::Task<Status> Move() {
    const auto streams = static_cast<std::uint64_t>(options_.log_streams);
    std::vector<const RecordedTable*> there = Living();
    if (streams < 2 || there.empty()) return tenant_->Flush();
    const auto& tablets = there[random_.Below(there.size())]->schema->tablets();
    const format::TabletId tablet = tablets[random_.Below(tablets.size())];
    const format::LsId from = *tenant_->catalog().LsOf(tablet);
    const auto next = (static_cast<std::uint64_t>(from.value) - 1000) % streams + 1001;
    return tenant_->MoveTablet(tablet, format::LsId{static_cast<std::int64_t>(next)});
  }

  io::Task<Status> AddTable() {
    auto table = std::make_unique<RecordedTable>();
    table->name = "t" + std::to_string(next_table_++);
    table->created.first = tenant_->snapshot();
    table->schema = co_await CreateTestTable(*tenant_, table->name,
                                             static_cast<std::uint32_t>(1 + random_.Below(4)));
    if (table->schema == nullptr) co_return Fail(ErrorCode::kErrUnexpected, "no table");
    table->created.second = tenant_->snapshot();
    tables_.push_back(std::move(table));
    co_return Status();
  }

  std::vector<const RecordedTable*> Living() const {
    std::vector<const RecordedTable*> living;
    for (const auto& table : tables_) {
      if (!table->dropped) living.push_back(table.get());
    }
    return living;
  }

  io::Task<Status> DropTable() {
    if (Living().size() < 3) co_return Status();
    std::size_t index = random_.Below(tables_.size());
    while (tables_[index]->dropped) index = (index + 1) % tables_.size();
    RecordedTable& table = *tables_[index];
    // Nobody else begins to use it, though writes may still come until it is gone.
    table.dropped.emplace(tenant_->snapshot(), format::Scn{format::Scn::kMaxValue});
    Status status = co_await tenant_->DropTable(table.name);
    table.dropped->second = tenant_->snapshot();
    // Those that were begun before have been committed, or it would not be dropped.
    for (const auto& [key, history] : table.versions) {
      if (!history.empty()) {
        table.dropped->first = std::max(table.dropped->first, history.rbegin()->first);
      }
    }
    co_return status;
  }

  // ---- Transactions

  using Changes = std::map<RecordedTable*, std::map<std::int64_t, std::optional<std::int64_t>>>;

  static bool IsBadLuck(const RecordedTable& table, const Error& error) {
    return table.dropped.has_value() || error.code() == ErrorCode::kTryLockRowConflict ||
           error.code() == ErrorCode::kTransactionSetViolation ||
           error.code() == ErrorCode::kSnapshotDiscarded || error.code() == ErrorCode::kOpNotAllow;
  }

  RecordedTable* AnyTable() {
    std::size_t index = random_.Below(tables_.size());
    while (tables_[index]->dropped) index = (index + 1) % tables_.size();
    return tables_[index].get();
  }

  io::Task<Status> WriteSome(Transaction& tx, Changes& changes) {
    for (std::uint64_t steps = 1 + random_.Below(6); steps > 0; --steps) {
      RecordedTable* table = AnyTable();
      const auto key = static_cast<std::int64_t>(random_.Below(kKeys));
      const bool is_delete = random_.OneIn(4);
      const std::int64_t value = ++next_value_;
      const std::vector<format::Datum> row{format::Datum::Int(key), format::Datum::Int(value)};
      io::Task<Status> write = is_delete ? tx.Delete(*table->schema, std::span(row).first(1))
                                         : tx.Put(*table->schema, row);
      Status status = co_await std::move(write);
      if (!status && !IsBadLuck(*table, status.error())) co_return status;
      if (status) {
        changes[table][key] = is_delete ? std::nullopt : std::optional<std::int64_t>(value);
      }
      if (random_.OneIn(4)) co_await Pause();
    }
    co_return Status();
  }

  io::Task<Status> OneTransaction() {
    auto begun = tenant_->Begin();
    if (!begun) co_return Fail(begun.error());
    const std::unique_ptr<Transaction> tx = *std::move(begun);
    Changes changes;
    Status status = co_await WriteSome(*tx, changes);
    if (status && random_.OneIn(3)) {
      const Savepoint savepoint = tx->CreateSavepoint();
      Changes undone = changes;
      status = co_await WriteSome(*tx, undone);
      if (status) status = tx->RollbackTo(savepoint);
    }
    if (status && random_.OneIn(2)) status = co_await WriteSome(*tx, changes);
    if (!status) {
      static_cast<void>(tx->Rollback());
      co_return status;
    }
    if (random_.OneIn(6)) co_return tx->Rollback();
    const auto version = co_await tx->Commit();
    if (!version) co_return Fail(version.error());
    Record(changes, *version);
    co_return Status();
  }

  void Record(const Changes& changes, format::Scn version) {
    for (const auto& [table, rows] : changes) {
      for (const auto& [key, value] : rows) table->versions[key][version] = value;
      versions_.insert(version);
    }
  }

  // A transaction that has logs, and no end.
  io::Task<void> LeaveOpen() {
    auto begun = tenant_->Begin();
    if (!begun) co_return Note(Fail(begun.error()));
    open_.push_back(*std::move(begun));
    Changes changes;
    Note(co_await WriteSome(*open_.back(), changes));
    Note(co_await LogWhatIsOpen());
    if (options_.with_crash) co_return;
    Note(open_.back()->Rollback());
    open_.pop_back();
  }

  Options options_;
  std::uint64_t seed_;
  io::Random random_;
  std::unique_ptr<io::SimWorld> world_;
  std::unique_ptr<Tenant> tenant_;
  std::vector<std::unique_ptr<RecordedTable>> tables_;
  std::vector<std::unique_ptr<Transaction>> open_;
  int next_table_ = 0;
  std::int64_t next_value_ = 0;
  std::set<format::Scn> versions_;
  format::Scn begin_, end_;
  Status failure_;
};

}  // namespace obbak::engine
