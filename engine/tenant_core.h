// TenantCore: what the parts of an open tenant share. Internal to the engine, but for backup/ and
// restore/, which read it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "engine/block_file.h"
#include "engine/catalog.h"
#include "engine/commit_order.h"
#include "engine/env.h"
#include "engine/log_stream.h"
#include "engine/manifest.h"
#include "engine/micro_block_cache.h"
#include "engine/scn_service.h"
#include "engine/sstable.h"
#include "engine/tenant.h"
#include "engine/tx_context.h"
#include "format/ids.h"
#include "io/buffer_pool.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::engine {

class StandbyReplay;

struct TenantCore {
  TenantCore(Env environment, std::string directory, EngineOptions engine);
  TenantCore(const TenantCore&) = delete;
  TenantCore& operator=(const TenantCore&) = delete;
  ~TenantCore();

  // Paths below the data directory.
  std::string ManifestDir() const { return dir + "/manifest"; }
  std::string BlockFilePath() const { return dir + "/block_file"; }
  std::string ClogDir(format::LsId ls) const;

  LogStreamShared Shared() { return {env, scns, *store, origin, streams}; }
  // nullptr: no such log stream.
  LogStream* FindStream(format::LsId id) const;
  // The log stream and tablet of a partition. kEntryNotExist. On a standby the tablet may have
  // moved since the catalog was read.
  Result<std::pair<LogStream*, Tablet*>> FindTablet(format::TabletId id) const;

  // The first failure that left it unknown what is on disk. Who finds one reports it here.
  void Break(const Error& error);
  // kStateNotMatch-like: the error that broke the tenant, or success.
  Status CheckUsable() const { return failure; }

  // What Tenant::Close promises.
  io::Task<Status> Close();

  // kOpNotAllow on a tenant that writes no logs of its own.
  Status CheckWritable() const;

  // Sees to it that the SCNs and transaction ids used next are below the limits in log stream 1's
  // log (docs/spec/consistency.md §1.2). Fails as CheckWritable does.
  Status ReserveIds();
  // Precondition: ReserveIds.
  format::TxId NewTxId() { return format::TxId{next_tx_id++}; }

  // MemTables of `stream` have grown.
  void AddMemory(LogStream& stream, std::size_t bytes);
  // Counts all MemTables again; some are gone.
  void RecountMemory();

  Env env;
  std::string dir;
  EngineOptions engine;
  TenantOptions options;
  TenantRole role = TenantRole::kPrimary;

  ScnService scns;
  CommitOrder commits;
  TxOrigin origin;

  std::unique_ptr<Manifest> manifest;
  std::unique_ptr<BlockFile> blocks;
  MicroBlockCache cache;
  io::BufferPool scan_buffers;
  std::unique_ptr<SstableStore> store;

  std::map<format::LsId, std::unique_ptr<LogStream>> streams;
  // Of a tenant that is not primary: how far its logs are applied.
  std::unique_ptr<StandbyReplay> replay;
  Catalog catalog;
  format::Scn major_frozen_scn = format::kBaseScn;
  std::int64_t next_tx_id = 1;

  std::size_t memtable_bytes = 0;

  // One schema change, one flush or compaction at a time.
  io::Mutex ddl;
  io::Mutex maintenance;
  // One backup destination is set up at a time.
  io::Mutex destinations;
  // Wakes who waits for room in MemTables, and the background freezer.
  io::WaitQueue memory_freed;
  io::WaitQueue memory_used;
  io::TaskGroup background;
  std::stop_source stop;
  Status failure;
};

}  // namespace obbak::engine
