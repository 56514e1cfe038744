// What tests of the tenant share: a small engine, and a table (id bigint primary key, value
// bigint).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/tenant.h"
#include "io/sim_world.h"
#include "io/task.h"

namespace obbak::engine {

inline Env EnvOf(io::SimWorld& world) {
  return {world.loop(), world.disk(), world.clock(), world.random(), {}};
}

// Few device operations: nothing in the background, nothing written ahead.
inline EngineOptions SmallEngine() {
  EngineOptions options;
  options.background = false;
  options.scan_buffers = 4;
  options.block_cache = std::size_t{4} << 20;
  options.clog.zero_ahead = 0;
  options.clog.tail_search = format::kMaxGroupEntrySize;
  return options;
}

// nullptr after a failure.
inline io::Task<TableSchemaPtr> CreateTestTable(Tenant& tenant, std::string name,
                                                std::uint32_t partitions) {
  Result<TableDefinition> definition =
      ParseTableDefinition("id bigint not null, value bigint, primary key (id)");
  if (!definition) co_return nullptr;
  definition->partitions = partitions;
  const auto table = co_await tenant.CreateTable(std::move(name), *std::move(definition));
  if (!table) {
    std::fprintf(stderr, "%s\n", table.error().ToString().c_str());
    co_return nullptr;
  }
  co_return *table;
}

inline io::Task<Status> PutRow(Tenant& tenant, const TableSchema& table, std::int64_t key,
                               std::int64_t value) {
  auto tx = tenant.Begin();
  if (!tx) co_return Fail(tx.error());
  const std::vector<format::Datum> row{format::Datum::Int(key), format::Datum::Int(value)};
  if (Status status = co_await (*tx)->Put(table, row); !status) co_return status;
  const auto version = co_await (*tx)->Commit();
  if (!version) co_return Fail(version.error());
  co_return Status();
}

// {-1: -1} after a failure.
inline io::Task<std::map<std::int64_t, std::int64_t>> ReadAll(Tenant& tenant, TableSchemaPtr table,
                                                              format::Scn snapshot) {
  std::map<std::int64_t, std::int64_t> rows;
  auto scan = tenant.Scan(table, {}, Direction::kForward, snapshot);
  if (!scan) {
    std::fprintf(stderr, "%s\n", scan.error().ToString().c_str());
    co_return std::map<std::int64_t, std::int64_t>{{-1, -1}};
  }
  RowBatch batch = (*scan)->NewBatch();
  for (bool more = true; more;) {
    const Result<bool> fetched = co_await (*scan)->Fetch(batch);
    if (!fetched) {
      std::fprintf(stderr, "%s\n", fetched.error().ToString().c_str());
      co_return std::map<std::int64_t, std::int64_t>{{-1, -1}};
    }
    more = *fetched;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      rows[batch.row(i)[0].AsInt()] = batch.row(i)[1].AsInt();
    }
  }
  co_return rows;
}

}  // namespace obbak::engine
