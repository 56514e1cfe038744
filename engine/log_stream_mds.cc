// LogStream's multi-data-source changes: tablets that come and go. docs/spec/system-data.md §1.
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/ddl_payloads.h"
#include "engine/log_stream.h"
#include "format/mds_payload.h"

namespace obbak::engine {
namespace {

using format::Scn;
using format::TabletId;
using format::TxDataSourceType;

std::vector<TabletId> TabletsOf(const format::BatchCreateTabletArg& arg) {
  std::vector<TabletId> tablets;
  for (const format::CreateTabletInfo& info : arg.tablets) {
    tablets.insert(tablets.end(), info.tablet_ids.begin(), info.tablet_ids.end());
  }
  return tablets;
}

}  // namespace

Status LogStream::OnMdsLogged(format::TxId, const format::TxBufferNode& node, Scn scn) {
  if (node.type != TxDataSourceType::kCreateTablet &&
      node.type != TxDataSourceType::kStartTransferIn) {
    return {};
  }
  const Result<format::MdsPayload> payload = format::DecodeMdsPayload(node);
  if (!payload) return Fail(payload.error());
  if (const auto* create = std::get_if<format::BatchCreateTabletArg>(&*payload)) {
    return CreateTablets(*create, scn);
  }
  return ReceiveTablets(std::get<format::TxStartTransferInInfo>(*payload), scn);
}

Status LogStream::CreateTablets(const format::BatchCreateTabletArg& arg, Scn scn) {
  for (const format::CreateTabletInfo& info : arg.tablets) {
    for (std::size_t i = 0; i < info.tablet_ids.size(); ++i) {
      const TabletId id = info.tablet_ids[i];
      // At replay: it was in the manifest already.
      if (FindTablet(id) != nullptr) continue;
      const auto schema = static_cast<std::size_t>(info.table_schema_index[i]);
      Result<std::shared_ptr<Tablet>> tablet =
          Tablet::Create(FreshTablet(arg.create_tablet_schemas[schema].storage_schema, id_, id, scn,
                                     arg.major_frozen_scn),
                         {});
      if (!tablet) return Fail(tablet.error());
      AddTablet(*std::move(tablet));
      creations_[id] = scn;
    }
  }
  return {};
}

Status LogStream::TakeEffect(TxContext& context) {
  for (const format::TxBufferNode& node : context.mds()) {
    const Status status = context.state() == TxContext::State::kCommitted
                              ? CommitNode(context, node)
                              : AbortNode(node);
    if (!status) return status;
  }
  return {};
}

Status LogStream::ReceiveTablets(const format::TxStartTransferInInfo& info, Scn scn) {
  for (const format::MigrationTabletParam& meta : info.tablet_meta_list) {
    if (FindTablet(meta.tablet_id) != nullptr) continue;
    Result<std::shared_ptr<Tablet>> tablet = Tablet::Create(meta, {});
    if (!tablet) return Fail(tablet.error());
    // All redo before the transfer is in the SSTables that come with it.
    (*tablet)->mutable_meta().clog_checkpoint_scn = {info.start_scn};
    AddTablet(*std::move(tablet));
    creations_[meta.tablet_id] = scn;
    arrivals_.push_back({meta.tablet_id, info.src_ls_id});
  }
  return {};
}

namespace {

// What the meta says of SSTables: a compaction may have changed them since the transfer's log.
void TakeStorageState(const format::MigrationTabletParam& from, format::MigrationTabletParam& to) {
  to.transfer_info.has_transfer_table = false;
  to.start_scn = from.start_scn;
  to.snapshot_version = from.snapshot_version;
  to.multi_version_start = from.multi_version_start;
  to.report_status = from.report_status;
}

// Who makes a log stream has it before the log says so, and nobody can replay the log of another.
Status CheckCreation(const format::LsAttr& attr, bool is_there) {
  if (is_there || attr.operation_type != format::LsOperationType::kCreateEnd) return {};
  return Fail(ErrorCode::kNotSupported,
              "log stream " + std::to_string(attr.id.value) +
                  " was created after the backup: only the log knows of it");
}

}  // namespace

Status LogStream::FinishReceiving(const TxContext& context,
                                  const format::TxStartTransferInInfo& info) {
  for (const format::MigrationTabletParam& meta : info.tablet_meta_list) {
    const auto creation = creations_.find(meta.tablet_id);
    if (creation == creations_.end()) continue;
    Tablet& tablet = *FindTablet(meta.tablet_id);
    const auto source = shared_.streams.find(info.src_ls_id);
    const Tablet* from =
        source == shared_.streams.end() ? nullptr : source->second->FindTablet(meta.tablet_id);
    // At replay the source may have forgotten the tablet, because it has left this log stream too;
    // the log says so further on.
    if (from != nullptr) {
      tablet.ReplaceSstables(*tablet.view(), from->sstables());
      TakeStorageState(from->meta(), tablet.mutable_meta());
    }
    Status status = SetTabletStatus({.status = format::TabletStatus::kTransferIn,
                                     .cause = format::TabletMdsUserDataType::kStartTransferIn,
                                     .transfer_ls = info.src_ls_id,
                                     .transfer_scn = info.start_scn,
                                     .tx_id = context.id(),
                                     .redo_scn = creation->second,
                                     .commit_scn = context.end_scn(),
                                     .commit_version = context.commit_version()},
                                    tablet.mutable_meta());
    if (!status) return status;
    tablet.MarkDirty();
    creations_.erase(creation);
    std::erase_if(arrivals_, [&](const Arrival& arrival) { return arrival.tablet == tablet.id(); });
  }
  return {};
}

Status LogStream::CommitNode(const TxContext& context, const format::TxBufferNode& node) {
  const Result<format::MdsPayload> payload = format::DecodeMdsPayload(node);
  if (!payload) return Fail(payload.error());
  if (const auto* create = std::get_if<format::BatchCreateTabletArg>(&*payload)) {
    for (const TabletId id : TabletsOf(*create)) {
      const auto creation = creations_.find(id);
      if (creation == creations_.end()) continue;
      Tablet& tablet = *FindTablet(id);
      tablet.mutable_meta().mds_data =
          CommittedCreation({.tx_id = context.id(),
                             .redo_scn = creation->second,
                             .commit_scn = context.end_scn(),
                             .commit_version = context.commit_version()});
      tablet.mutable_meta().mds_checkpoint_scn = {context.end_scn()};
      tablet.MarkDirty();
      creations_.erase(creation);
    }
  } else if (const auto* remove = std::get_if<format::BatchRemoveTabletArg>(&*payload)) {
    for (const TabletId id : remove->tablet_ids) Drop(id, context.end_scn());
  } else if (const auto* ls = std::get_if<format::LsAttr>(&*payload)) {
    return CheckCreation(*ls, shared_.streams.contains(ls->id));
  } else if (const auto* receive = std::get_if<format::TxStartTransferInInfo>(&*payload)) {
    return FinishReceiving(context, *receive);
  } else if (const auto* sent = std::get_if<format::TxFinishTransferOutInfo>(&*payload)) {
    for (const format::TransferTabletInfo& info : sent->tablet_list) {
      Drop(info.tablet_id, context.end_scn());
    }
  } else if (const auto* send = std::get_if<format::TxStartTransferOutInfo>(&*payload)) {
    for (const format::TransferTabletInfo& info : send->tablet_list) {
      Tablet* tablet = FindUnchanged(info.tablet_id, context.end_scn());
      if (tablet != nullptr) tablet->set_leaving(true);
    }
  } else if (const auto* received = std::get_if<format::TxFinishTransferInInfo>(&*payload)) {
    for (const format::TransferTabletInfo& info : received->tablet_list) {
      Tablet* tablet = FindUnchanged(info.tablet_id, context.end_scn());
      if (tablet == nullptr) continue;
      Status status = SetTabletStatus({.status = format::TabletStatus::kNormal,
                                       .cause = format::TabletMdsUserDataType::kFinishTransferIn,
                                       .transfer_ls = received->src_ls_id,
                                       .transfer_scn = context.first_scn(),
                                       .tx_id = context.id(),
                                       .redo_scn = context.first_scn(),
                                       .commit_scn = context.end_scn(),
                                       .commit_version = context.commit_version()},
                                      tablet->mutable_meta());
      if (!status) return status;
      tablet->MarkDirty();
    }
  }
  return {};
}

Tablet* LogStream::FindUnchanged(TabletId id, Scn commit_scn) const {
  Tablet* tablet = FindTablet(id);
  const bool is_older = tablet != nullptr && tablet->meta().mds_checkpoint_scn.value < commit_scn;
  return is_older ? tablet : nullptr;
}

void LogStream::Drop(TabletId id, Scn commit_scn) {
  if (FindUnchanged(id, commit_scn) == nullptr) return;
  dropped_.push_back(std::move(tablets_.extract(id).mapped()));
}

Status LogStream::AbortNode(const format::TxBufferNode& node) {
  const Result<format::MdsPayload> payload = format::DecodeMdsPayload(node);
  if (!payload) return Fail(payload.error());
  std::vector<TabletId> tablets;
  if (const auto* create = std::get_if<format::BatchCreateTabletArg>(&*payload)) {
    tablets = TabletsOf(*create);
  } else if (const auto* receive = std::get_if<format::TxStartTransferInInfo>(&*payload)) {
    for (const auto& meta : receive->tablet_meta_list) tablets.push_back(meta.tablet_id);
  }
  for (const TabletId id : tablets) {
    if (creations_.erase(id) != 0) tablets_.erase(id);
    std::erase_if(arrivals_, [&](const Arrival& arrival) { return arrival.tablet == id; });
  }
  return {};
}

}  // namespace obbak::engine
