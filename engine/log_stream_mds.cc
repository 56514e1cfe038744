// LogStream's multi-data-source changes: tablets that come and go. docs/spec/system-data.md §1.
#include <memory>
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
  if (node.type != TxDataSourceType::kCreateTablet) return {};
  const Result<format::MdsPayload> payload = format::DecodeMdsPayload(node);
  if (!payload) return Fail(payload.error());
  return CreateTablets(std::get<format::BatchCreateTabletArg>(*payload), scn);
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

Status LogStream::CommitNode(const TxContext& context, const format::TxBufferNode& node) {
  const Result<format::MdsPayload> payload = format::DecodeMdsPayload(node);
  if (!payload) return Fail(payload.error());
  if (const auto* create = std::get_if<format::BatchCreateTabletArg>(&*payload)) {
    for (const TabletId id : TabletsOf(*create)) {
      const auto creation = creations_.find(id);
      if (creation == creations_.end()) continue;
      Tablet& tablet = *FindTablet(id);
      tablet.mutable_meta().mds_data = CommittedCreation({.tx_id = context.id(),
                                                          .redo_scn = creation->second,
                                                          .commit_scn = context.end_scn(),
                                                          .commit_version = context.commit_version()});
      tablet.mutable_meta().mds_checkpoint_scn = {context.end_scn()};
      tablet.MarkDirty();
      creations_.erase(creation);
    }
  } else if (const auto* remove = std::get_if<format::BatchRemoveTabletArg>(&*payload)) {
    for (const TabletId id : remove->tablet_ids) {
      if (tablets_.erase(id) != 0) dropped_.push_back(id);
    }
  }
  return {};
}

Status LogStream::AbortNode(const format::TxBufferNode& node) {
  if (node.type != TxDataSourceType::kCreateTablet) return {};
  const Result<format::MdsPayload> payload = format::DecodeMdsPayload(node);
  if (!payload) return Fail(payload.error());
  for (const TabletId id : TabletsOf(std::get<format::BatchCreateTabletArg>(*payload))) {
    if (creations_.erase(id) != 0) tablets_.erase(id);
  }
  return {};
}

}  // namespace obbak::engine
