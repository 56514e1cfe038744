#include "engine/dictionary_dump.h"

#include <memory>
#include <utility>
#include <vector>

#include "engine/catalog_rows.h"
#include "engine/ddl.h"
#include "engine/ddl_payloads.h"
#include "engine/transaction.h"
#include "format/data_dict_log.h"

namespace obbak::engine {
namespace {

// One after the other, and nobody else in between.
Result<DictionaryDump> AppendAll(LogStream& sys, const std::vector<Bytes>& entries,
                                 format::Scn snapshot) {
  DictionaryDump dump;
  dump.snapshot_scn = snapshot;
  dump.start_lsn = format::kInvalidLsn;
  for (const Bytes& entry : entries) {
    const Result<Clog::Appended> appended = sys.Append(entry);
    if (!appended) return Fail(appended.error());
    if (dump.start_lsn == format::kInvalidLsn) dump.start_lsn = appended->lsn;
    dump.end_lsn = appended->end_lsn;
    dump.end_scn = appended->scn;
  }
  return dump;
}

io::Task<Status> RecordDump(TenantCore& core, const DictionaryDump& dump, format::Timestamp now) {
  if (Status status = core.ReserveIds(); !status) co_return status;
  const std::unique_ptr<Transaction> tx =
      std::make_unique<Transaction>(core, core.NewTxId(), core.commits.snapshot());
  const DataDictionaryInLogRow row{.snapshot_scn = dump.snapshot_scn.value,
                                   .start_lsn = dump.start_lsn.value,
                                   .end_lsn = dump.end_lsn.value};
  if (Status status = co_await WriteRows(core, *tx, RowsOfDictionary(row, now)); !status) {
    (void)tx->Rollback();
    co_return status;
  }
  const Result<format::Scn> version = co_await tx->Commit();
  if (!version) co_return Fail(version.error());
  co_return Status();
}

}  // namespace

io::Task<Result<DictionaryDump>> DumpDictionary(TenantCore& core) {
  // So that no schema change is half done at the snapshot.
  const auto lock = co_await core.ddl.Lock();
  LogStream& sys = *core.streams.at(format::kSysLsId);
  Status ready = co_await sys.clog().AwaitRoom();
  if (ready) ready = core.CheckWritable();
  if (ready) ready = core.ReserveIds();
  if (!ready) co_return Fail(std::move(ready).error());
  const format::Scn snapshot = core.scns.Next();
  const format::Timestamp now{static_cast<std::int64_t>(core.env.clock.NowNs() / 1000)};
  const Result<std::vector<Bytes>> entries = format::EncodeDictionary(
      DictionaryOf(core.catalog, {.name = core.options.tenant_name}), snapshot, now.value);
  if (!entries) co_return Fail(entries.error());
  Result<DictionaryDump> dump = AppendAll(sys, *entries, snapshot);
  if (!dump) co_return dump;
  if (Status status = co_await sys.clog().WaitDurable(dump->end_lsn); !status) {
    core.Break(status.error());
    co_return Fail(std::move(status).error());
  }
  if (Status status = co_await RecordDump(core, *dump, now); !status) {
    co_return Fail(std::move(status).error());
  }
  co_return dump;
}

}  // namespace obbak::engine
