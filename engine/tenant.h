// Tenant: the engine's door. See docs/engine.md for an example.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/catalog.h"
#include "engine/cell.h"
#include "engine/clog.h"
#include "engine/env.h"
#include "engine/schema.h"
#include "engine/transaction.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::engine {

struct TenantCore;

// What a tenant may do; share::ObTenantRole.
enum class TenantRole {
  kPrimary,    // everything
  kStandby,    // it was restored: it is read, and follows the logs of the tenant it comes from
  kRestoring,  // it is not complete yet
};

// What a tenant is. Decided when it is created, kept in its manifest.
struct TenantOptions {
  std::int64_t cluster_id = 1;
  std::string cluster_name = "obbak";
  std::uint64_t tenant_id = 1002;
  std::string tenant_name = "obbak";
  std::string time_zone = "+00:00";
  std::string locality = "FULL{1}@zone1";
  std::map<std::string, std::string> parameters;
  // Besides log stream 1: 1001, 1002, ...
  int user_log_streams = 2;
};

// How it runs: may be different whenever it is opened.
struct EngineOptions {
  // MemTables: a log stream is frozen when its MemTables have grown to the trigger; writers wait
  // while all of them together are above the limit.
  std::size_t freeze_trigger = std::size_t{64} << 20;
  std::size_t memstore_limit = std::size_t{512} << 20;
  std::size_t block_cache = std::size_t{128} << 20;
  // Buffers of 2 MiB for scans, compactions and recovery.
  std::size_t scan_buffers = 16;
  std::uint64_t data_file_limit = std::uint64_t{1} << 40;
  // A tablet's mini SSTables are merged into a minor one when there are so many.
  int minor_trigger = 4;
  ClogOptions clog;
  // Freezes, flushes, minor compactions and keep-alive logs happen by themselves.
  bool background = true;
  std::chrono::milliseconds keep_alive_interval{100};
};

struct TabletStatistics {
  format::TabletId tablet;
  format::LsId ls;
  std::size_t memtable_bytes = 0;
  std::size_t sstables = 0;
  std::int64_t sstable_rows = 0;
  std::size_t macro_blocks = 0;
};

struct LogStreamStatistics {
  format::LsId id;
  format::Lsn base_lsn, end_lsn, durable_end_lsn;
  format::Scn max_scn;
  format::Scn checkpoint_scn;
  std::size_t tablets = 0;
  std::size_t open_transactions = 0;
};

struct TenantStatistics {
  std::size_t memtable_bytes = 0;
  std::uint64_t block_slots = 0;
  std::uint64_t used_block_slots = 0;
  std::size_t cache_bytes = 0;
  std::uint64_t cache_hits = 0;
  std::uint64_t cache_misses = 0;
  std::vector<LogStreamStatistics> log_streams;
  std::vector<TabletStatistics> tablets;
};

struct CompactionSummary {
  std::size_t tablets = 0;
  std::uint64_t rows_written = 0;
  std::uint64_t blocks_written = 0;
  std::uint64_t blocks_reused = 0;
};

// All methods belong to the loop of `env`; any number of tasks may use a tenant at the same time.
// A failure of a log or of the manifest ends its work: everything then gives that error until it is
// opened again.
class Tenant {
 public:
  // A new tenant in `dir`, which must not exist or be empty (kEntryExist). Until it is complete the
  // directory is not taken for one.
  static io::Task<Result<std::unique_ptr<Tenant>>> Create(Env env, std::string dir,
                                                          TenantOptions options,
                                                          EngineOptions engine = {});
  // Recovers what was acknowledged, and decides what was not. Errors name the file that is damaged
  // or missing, and nothing is changed then. kStateNotMatch when creation, restore or activation
  // was not finished.
  //
  // A standby is what it was when it was restored or recovered last. It is read as any tenant is;
  // whatever would write to its logs fails with kOpNotAllow.
  static io::Task<Result<std::unique_ptr<Tenant>>> Open(Env env, std::string dir,
                                                        EngineOptions engine = {});
  // What the tenant in `dir` is, without recovering it; fails as Open does. Nobody may have it
  // open.
  static io::Task<Result<TenantOptions>> ReadOptions(Env env, std::string dir);
  Tenant(const Tenant&) = delete;
  Tenant& operator=(const Tenant&) = delete;
  // Precondition: Close() is done, and no transaction or scan lives.
  ~Tenant();

  // Ends the background work. What was committed is durable anyway.
  io::Task<Status> Close();

  const TenantOptions& options() const;
  TenantRole role() const;
  const std::string& dir() const;
  const Catalog& catalog() const;

  // ---- Schema; each is one transaction, logged and durable when it returns.
  io::Task<Status> CreateDatabase(std::string name);
  // `table`: "name" or "database.name". Its tablets go to the user log streams in turn.
  io::Task<Result<TableSchemaPtr>> CreateTable(std::string table, TableDefinition definition);
  io::Task<Status> DropTable(std::string table);
  // Waits for open transactions on the tablet to end, keeps new ones off, and moves it.
  io::Task<Status> MoveTablet(format::TabletId tablet, format::LsId destination);

  // ---- Data
  Result<std::unique_ptr<Transaction>> Begin();
  // What a reader may see now.
  format::Scn snapshot() const;
  // The tenant as it was at `snapshot`. kSnapshotDiscarded when a major compaction has dropped the
  // versions of that time; kInvalidArgument when it is in the future.
  io::Task<Result<std::optional<Row>>> Get(TableSchemaPtr table,
                                           std::span<const format::Datum> rowkey,
                                           format::Scn snapshot);
  Result<std::unique_ptr<TableScan>> Scan(const TableSchemaPtr& table, const KeyRange& range,
                                          Direction direction, format::Scn snapshot);

  // ---- Maintenance

  // Ends all MemTables and flushes them. Returns when everything that was committed before is in
  // SSTables, the checkpoint is in the manifest, and log blocks below it are free.
  io::Task<Status> Flush();
  // Merges each tablet's mini and minor SSTables into one, after a flush.
  io::Task<Result<CompactionSummary>> CompactMinor();
  // A tenant-wide baseline; returns its snapshot.
  io::Task<Result<std::pair<format::Scn, CompactionSummary>>> CompactMajor();

  TenantStatistics Statistics() const;

  // For backup/ and restore/.
  TenantCore& core() { return *core_; }

 private:
  explicit Tenant(std::unique_ptr<TenantCore> core);

  Status CheckSnapshot(format::Scn snapshot) const;

  std::unique_ptr<TenantCore> core_;
};

}  // namespace obbak::engine
