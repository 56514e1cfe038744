#include "engine/transfer.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/catalog_rows.h"
#include "engine/ddl.h"
#include "engine/ddl_payloads.h"
#include "engine/maintenance.h"
#include "engine/transaction.h"
#include "format/mds_payload.h"

namespace obbak::engine {
namespace {

using format::LsId;
using format::Scn;
using format::TabletId;
using format::TxDataSourceType;

std::unique_ptr<Transaction> BeginTransfer(TenantCore& core) {
  return std::make_unique<Transaction>(core, core.NewTxId(), core.commits.snapshot());
}

// Registers a node and logs it at once; returns the SCN of its entry.
template <class Payload>
Result<Scn> LogNode(Transaction& tx, LsId ls, TxDataSourceType type, const Payload& payload) {
  Result<std::string> data = format::EncodeMdsPayload(payload);
  if (!data) return Fail(data.error());
  const Result<TxContext*> context = tx.RegisterMultiDataSource(ls, type, *std::move(data));
  if (!context) return Fail(context.error());
  if (Status status = (*context)->LogPending(); !status) return Fail(status.error());
  return (*context)->last_scn();
}

Result<Scn> LogStart(Transaction& tx, const Transfer& transfer, const Tablet& tablet) {
  Result<Scn> logged = LogNode(tx, transfer.source, TxDataSourceType::kStartTransferOutPrepare,
                               StartTransferOutPrepare(transfer));
  if (!logged) return logged;
  const Result<Scn> start =
      LogNode(tx, transfer.source, TxDataSourceType::kStartTransferOutV2,
              StartTransferOut(transfer, /*data_end_scn=*/*logged, /*transfer_epoch=*/1));
  if (!start) return start;
  logged = LogNode(tx, transfer.destination, TxDataSourceType::kTransferDestPrepare,
                   TransferDestPrepare(transfer));
  if (!logged) return logged;
  const auto receive = StartTransferIn(transfer, *start, {tablet.meta()});
  if (!receive) return Fail(receive.error());
  return LogNode(tx, transfer.destination, TxDataSourceType::kStartTransferIn, *receive);
}

io::Task<Status> CommitOf(Transaction& tx, Result<Scn> logged) {
  if (!logged) {
    (void)tx.Rollback();
    co_return Fail(std::move(logged).error());
  }
  const Result<Scn> version = co_await tx.Commit();
  if (!version) co_return Fail(version.error());
  co_return Status();
}

// The second and third transaction.
io::Task<Status> Finish(TenantCore& core, Transfer transfer) {
  LogStream& source = *core.FindStream(transfer.source);
  LogStream& destination = *core.FindStream(transfer.destination);
  const TabletId id = transfer.tablets.front().tablet_id;
  const Scn start = destination.FindTablet(id)->meta().transfer_info.transfer_start_scn;
  if (Status status = co_await Checkpoint(core, destination); !status) co_return status;

  const std::unique_ptr<Transaction> received = BeginTransfer(core);
  Status status = co_await CommitOf(
      *received, LogNode(*received, transfer.destination, TxDataSourceType::kFinishTransferIn,
                         FinishTransferIn(transfer, start)));
  if (!status) co_return status;
  const std::unique_ptr<Transaction> sent = BeginTransfer(core);
  status =
      co_await CommitOf(*sent, LogNode(*sent, transfer.source, TxDataSourceType::kFinishTransferOut,
                                       FinishTransferOut(transfer, core.commits.snapshot())));
  if (!status) co_return status;
  co_return co_await Checkpoint(core, source);
}

Transfer TransferOf(TabletId tablet, LsId source, LsId destination, std::int64_t transfer_seq) {
  return {.source = source,
          .destination = destination,
          .tablets = {{.tablet_id = tablet, .transfer_seq = transfer_seq}},
          .task_id = static_cast<std::int64_t>(tablet.value)};
}

Status CheckMove(const TenantCore& core, TabletId tablet, LsId destination) {
  const auto entry = core.catalog.tablets().find(tablet);
  if (entry == core.catalog.tablets().end()) {
    return Fail(ErrorCode::kEntryNotExist,
                "there is no user tablet " + std::to_string(tablet.value));
  }
  if (destination == format::kSysLsId || core.FindStream(destination) == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                "there is no user log stream " + std::to_string(destination.value));
  }
  if (entry->second.ls_id == destination) {
    return Fail(ErrorCode::kInvalidArgument, "the tablet is on this log stream already");
  }
  return {};
}

}  // namespace

io::Task<Status> MoveTablet(TenantCore& core, TabletId id, LsId destination) {
  const auto lock = co_await core.ddl.Lock();
  if (Status status = core.CheckWritable(); !status) co_return status;
  if (Status status = CheckMove(core, id, destination); !status) co_return status;
  const auto found = core.FindTablet(id);
  if (!found) co_return Fail(found.error());
  const auto& [stream, tablet] = *found;
  LogStream& source = *stream;
  if (Status status = co_await Quiesce(core, source, *tablet); !status) co_return status;
  if (Status status = co_await FlushStream(core, source); !status) co_return status;

  Catalog after = core.catalog;
  TabletEntry entry = after.tablets().at(id);
  const Transfer transfer = TransferOf(id, source.id(), destination, entry.transfer_seq);
  entry.ls_id = destination;
  ++entry.transfer_seq;
  after.PutTablet(id, entry);
  if (Status status = core.ReserveIds(); !status) co_return status;
  const std::unique_ptr<Transaction> tx = BeginTransfer(core);
  const format::Timestamp now{static_cast<std::int64_t>(core.env.clock.NowNs() / 1000)};
  const std::vector<TabletId> moved(1, id);
  Status status = co_await WriteRows(core, *tx, RowsOfTransfer(after, moved, now));
  Result<Scn> logged =
      status ? LogStart(*tx, transfer, *tablet) : Result<Scn>(Fail(std::move(status).error()));
  status = co_await CommitOf(*tx, std::move(logged));
  if (!status) {
    if (Tablet* still = source.FindTablet(id)) still->set_leaving(false);
    co_return status;
  }
  core.catalog = std::move(after);
  co_return co_await Finish(core, transfer);
}

io::Task<Status> FinishTransfers(TenantCore& core) {
  std::vector<Transfer> transfers;
  for (const auto& [id, entry] : core.catalog.tablets()) {
    for (const auto& [ls, stream] : core.streams) {
      if (ls == entry.ls_id || stream->FindTablet(id) == nullptr) continue;
      transfers.push_back(TransferOf(id, ls, entry.ls_id, entry.transfer_seq - 1));
    }
  }
  for (const Transfer& transfer : transfers) {
    if (Status status = co_await Finish(core, transfer); !status) co_return status;
  }
  co_return Status();
}

}  // namespace obbak::engine
