// Everything that a tenant writes passes the strict readers of format/, which name every byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "engine/block_file.h"
#include "engine/clog_test_support.h"
#include "engine/disk_reading_test_support.h"
#include "engine/ledger_test_support.h"
#include "engine/tenant.h"
#include "engine/tenant_core.h"
#include "engine/tenant_test_support.h"
#include "format/log_inspection.h"
#include "format/log_payload.h"
#include "format/macro_block_inspection.h"
#include "format/mds_payload.h"
#include "format/tablet_meta.h"
#include "format/tx_log_block.h"
#include "format/tx_log_inspection.h"
#include "format/vector_record.h"
#include "io/sim_world.h"
#include "io/sync.h"

namespace obbak::engine {
namespace {

using format::LogBaseType;
using io::SimImage;
using io::SimWorld;

EngineOptions Busy() {
  EngineOptions options = SmallEngine();
  options.background = true;
  options.freeze_trigger = 64 << 10;
  options.keep_alive_interval = std::chrono::milliseconds(2);
  options.clog.zero_ahead = 64 << 10;
  return options;
}

io::Task<void> Client(Tenant& tenant, std::int64_t first) {
  io::Random random(static_cast<std::uint64_t>(first));
  for (std::int64_t number = first; number < first + 30; ++number) {
    const auto end = random.OneIn(5) ? Ledger::End::kRollback : Ledger::End::kCommit;
    const auto done = co_await Ledger::Execute(tenant, number, Ledger::Draw(random), end);
    EXPECT_TRUE(done) << done.error().ToString();
  }
}

// Redo that is logged before the transaction ends, and undone in the log too.
io::Task<Status> UndoMuch(Tenant& tenant) {
  const Result<TableDefinition> definition =
      ParseTableDefinition("id bigint primary key, text varbinary(60000)");
  if (!definition) co_return Fail(definition.error());
  const auto table = co_await tenant.CreateTable("texts", *definition);
  if (!table) co_return Fail(table.error());
  auto tx = tenant.Begin();
  if (!tx) co_return Fail(tx.error());
  const Bytes text(50'000, std::byte{'x'});
  const Savepoint savepoint = (*tx)->CreateSavepoint();
  for (std::int64_t id = 0; id < 60; ++id) {
    const std::vector row{format::Datum::Int(id), format::Datum::Of(text)};
    if (Status status = co_await (*tx)->Put(**table, row); !status) co_return status;
    if (id == 40) {
      if (Status status = (*tx)->RollbackTo(savepoint); !status) co_return status;
    }
  }
  const auto version = co_await (*tx)->Commit();
  if (!version) co_return Fail(version.error());
  auto other = tenant.Begin();
  if (!other) co_return Fail(other.error());
  for (std::int64_t id = 100; id < 130; ++id) {
    const std::vector row{format::Datum::Int(id), format::Datum::Of(text)};
    if (Status status = co_await (*other)->Put(**table, row); !status) co_return status;
  }
  co_return (*other)->Rollback();
}

io::Task<Status> Everything(Tenant& tenant, io::Loop& loop) {
  Status status = co_await Ledger::Open(tenant);
  io::TaskGroup clients(loop);
  for (std::int64_t first : {0, 1000}) clients.Spawn(Client(tenant, first));
  if (status) status = co_await tenant.Flush();
  if (status) status = co_await UndoMuch(tenant);
  if (status) status = co_await tenant.CreateDatabase("shop");
  if (status && co_await CreateTestTable(tenant, "shop.orders", 3) == nullptr) {
    status = Fail(ErrorCode::kErrUnexpected, "no table");
  }
  const auto accounts = tenant.catalog().ResolveTable(Ledger::kAccountsName);
  if (status && accounts) {
    const format::TabletId tablet = (*accounts)->tablets().front();
    const format::LsId from = *tenant.catalog().LsOf(tablet);
    status = co_await tenant.MoveTablet(tablet, format::LsId{from.value == 1001 ? 1002 : 1001});
  }
  if (status) {
    const auto minor = co_await tenant.CompactMinor();
    if (!minor) status = Fail(minor.error());
  }
  co_await clients.Join();
  if (status) status = co_await tenant.DropTable("shop.orders");
  if (status) {
    const auto major = co_await tenant.CompactMajor();
    if (!major) status = Fail(major.error());
  }
  if (status) status = co_await tenant.Flush();
  // Long enough for logs that only say that the tenant is alive.
  if (status) status = co_await loop.Sleep(std::chrono::milliseconds(500));
  co_return status;
}

// ---- Logs

// What the logs held.
struct Seen {
  std::set<LogBaseType> services;
  std::set<std::size_t> kinds;  // alternatives of TxLog
  std::set<format::TxDataSourceType> mds;
  std::size_t rows = 0;
};

void ExpectClean(const format::Inspection& inspection, std::size_t size) {
  for (const Error& finding : inspection.findings) ADD_FAILURE() << finding.ToString();
  const Status named = format::ExpectEveryByteNamed(inspection.dissection, size);
  EXPECT_TRUE(named) << named.error().ToString();
}

void CheckNodes(const std::vector<format::TxBufferNode>& nodes, Seen& seen) {
  for (const format::TxBufferNode& node : nodes) {
    seen.mds.insert(node.type);
    const auto payload = format::DecodeMdsPayload(node);
    EXPECT_TRUE(payload) << payload.error().ToString();
  }
}

void CheckTransaction(ByteView block, Seen& seen) {
  for (const format::TxLog& log : TxLogsOf(block)) {
    seen.kinds.insert(log.index());
    if (const auto* mds = std::get_if<format::TxMultiDataSourceLog>(&log)) {
      CheckNodes(mds->data, seen);
    } else if (const auto* commit = std::get_if<format::TxCommitLog>(&log)) {
      CheckNodes(commit->multi_source_data, seen);
    } else if (const auto* abort = std::get_if<format::TxAbortLog>(&log)) {
      CheckNodes(abort->multi_source_data, seen);
    }
  }
  const auto rows = format::RowChangesOf(block);
  ASSERT_OK(rows);
  seen.rows += rows->size();
}

void CheckGroup(const format::LogGroup& group, Seen& seen) {
  ExpectClean(format::InspectLogGroup(group.bytes, group.lsn, format::DissectTxLogBlock),
              group.bytes.size());
  if (group.header.IsPadding()) return;
  for (const format::LogEntry& entry : group.entries()) {
    const auto header = format::LoadBaseHeader(entry.payload);
    ASSERT_OK(header);
    seen.services.insert(header->log_type);
    if (header->log_type == LogBaseType::kTransService) CheckTransaction(entry.payload, seen);
  }
}

// ---- Blocks

// The macro blocks in the file, dropped ones included: they were whole when they were written.
std::size_t CheckBlocks(const Bytes& file) {
  std::size_t blocks = 0;
  for (std::size_t at = format::kMacroBlockSize; at < file.size(); at += format::kMacroBlockSize) {
    const ByteView slot = ByteView(file).subspan(at, format::kMacroBlockSize);
    if (std::ranges::all_of(slot.first(64), [](std::byte byte) { return byte == std::byte{}; })) {
      continue;
    }
    SCOPED_TRACE("slot " + std::to_string(at / format::kMacroBlockSize));
    // Behind a block there may be what an earlier one has left.
    const format::Inspection whole = format::InspectMacroBlock(slot);
    const format::Field* padding = whole.dissection.Find("padding");
    const ByteView block = padding == nullptr ? slot : slot.first(padding->begin);
    ExpectClean(format::InspectMacroBlock(block), block.size());
    ++blocks;
  }
  return blocks;
}

TEST(StrictReading, EverythingThatATenantWritesIsKnownToTheLastByte) {
  SimWorld world(1);
  auto tenant = world.loop().Run(Tenant::Create(EnvOf(world), "/t", {}, Busy()));
  ASSERT_OK(tenant);
  ASSERT_OK(world.loop().Run(Everything(**tenant, world.loop())));

  for (const auto& [address, record] : (*tenant)->core().manifest->state().tablets()) {
    const auto meta = format::DecodeMigrationTabletParam(AsByteView(record.meta()));
    EXPECT_TRUE(meta) << "tablet " << address.second.value << ": " << meta.error().ToString();
  }
  std::vector<format::LsId> streams;
  for (const auto& [ls, stream] : (*tenant)->core().streams) streams.push_back(ls);
  ASSERT_OK(world.loop().Run((*tenant)->Close()));

  Seen seen;
  for (const format::LsId ls : streams) {
    const auto end = ReadClog(world.disk().image(), "/t/clog/" + std::to_string(ls.value),
                              [&](const format::LogGroup& group) { CheckGroup(group, seen); });
    EXPECT_EQ(end, format::LogReader::Outcome::kEnd);
  }
  EXPECT_GT(CheckBlocks(FileOf(world.disk().image(), "/t/block_file")), 10U);

  // All kinds were there.
  for (const auto service : {LogBaseType::kTransService, LogBaseType::kTimestamp,
                             LogBaseType::kTransId, LogBaseType::kKeepAlive}) {
    EXPECT_TRUE(seen.services.contains(service)) << static_cast<int>(service);
  }
  const std::vector<format::TxLog> kinds{
      format::TxRedoLog(),       format::TxRollbackToLog(), format::TxMultiDataSourceLog(),
      format::TxCommitInfoLog(), format::TxPrepareLog(),    format::TxCommitLog(),
      format::TxAbortLog(),      format::TxClearLog()};
  for (const format::TxLog& kind : kinds) {
    EXPECT_TRUE(seen.kinds.contains(kind.index())) << kind.index();
  }
  EXPECT_GT(seen.mds.size(), 8U);
  EXPECT_GT(seen.rows, 200U);
}

}  // namespace
}  // namespace obbak::engine
