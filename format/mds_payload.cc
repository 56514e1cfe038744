#include "format/mds_payload.h"

#include <fmt/format.h>

#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "format/mds_codec.h"
#include "format/record.h"

namespace obbak::format {
namespace {

// Calls `visit(record)` with a default record of the payload's type; false for an opaque one.
template <class Visitor>
bool VisitPayloadType(TxDataSourceType type, Visitor&& visit) {
  using enum TxDataSourceType;
  switch (type) {
    case kTableLock:
      return visit(TableLockOp{}), true;
    case kLsTable:
      return visit(LsAttr{}), true;
    case kCreateTablet:
      return visit(BatchCreateTabletArg{}), true;
    case kDeleteTablet:
      return visit(BatchRemoveTabletArg{}), true;
    case kDdlBarrier:
      return visit(DdlBarrierLog{}), true;
    case kUnbindTablet:
      return visit(BatchUnbindTabletArg{}), true;
    case kStandbyUpgrade:
      return visit(StandbyUpgrade{}), true;
    case kStartTransferOut:
    case kStartTransferOutPrepare:
    case kStartTransferOutV2:
      return visit(TxStartTransferOutInfo{}), true;
    case kStartTransferIn:
      return visit(TxStartTransferInInfo{}), true;
    case kFinishTransferOut:
      return visit(TxFinishTransferOutInfo{}), true;
    case kFinishTransferIn:
      return visit(TxFinishTransferInInfo{}), true;
    case kTransferMoveTxCtx:
      return visit(CollectTxCtxInfo{}), true;
    case kTransferDestPrepare:
      return visit(TransferDestPrepareInfo{}), true;
    case kDdlTrans:
    case kTransferTask:
    case kBeforeVersion41:
      break;
  }
  return false;
}

// "200001, 200002 and 3 more".
std::string List(const std::vector<TabletId>& tablets) {
  constexpr std::size_t kShown = 4;
  std::string text;
  for (std::size_t i = 0; i < tablets.size() && i < kShown; ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", tablets[i].value);
  }
  if (tablets.size() > kShown) text += fmt::format(" and {} more", tablets.size() - kShown);
  return tablets.empty() ? "none" : text;
}

template <class Infos>
std::string ListTablets(const Infos& infos) {
  std::vector<TabletId> tablets;
  for (const auto& info : infos) tablets.push_back(info.tablet_id);
  return List(tablets);
}

struct SummaryVisitor {
  std::string operator()(const OpaqueMdsPayload& payload) const {
    return fmt::format("{} bytes", payload.bytes.size());
  }
  std::string operator()(const TableLockOp& lock) const {
    return fmt::format("{} {} {} mode {} owner {}", NameOf(lock.op_type.value),
                       NameOf(lock.obj_type.value), lock.obj_id.value,
                       static_cast<int>(lock.lock_mode.value), lock.owner_id);
  }
  std::string operator()(const LsAttr& ls) const {
    return fmt::format("LS {} {}", ls.id.value, NameOf(ls.operation_type));
  }
  std::string operator()(const BatchCreateTabletArg& arg) const {
    std::vector<TabletId> tablets;
    for (const CreateTabletInfo& info : arg.tablets) {
      tablets.insert(tablets.end(), info.tablet_ids.begin(), info.tablet_ids.end());
    }
    return fmt::format("create tablets {} on LS {}", List(tablets), arg.id.value);
  }
  std::string operator()(const BatchRemoveTabletArg& arg) const {
    return fmt::format("delete tablets {} on LS {}", List(arg.tablet_ids), arg.id.value);
  }
  std::string operator()(const DdlBarrierLog& log) const {
    return fmt::format("hidden tablets {} on LS {}", List(log.hidden_tablet_ids), log.ls_id.value);
  }
  std::string operator()(const BatchUnbindTabletArg& arg) const {
    return fmt::format("unbind tablets {} from {} on LS {}", List(arg.hidden_tablet_ids),
                       List(arg.orig_tablet_ids), arg.ls_id.value);
  }
  std::string operator()(const StandbyUpgrade& upgrade) const {
    return "data version " + ToText(upgrade.data_version);
  }
  std::string operator()(const TxStartTransferInInfo& info) const {
    return Transfer(info, ListTablets(info.tablet_meta_list));
  }
  std::string operator()(const CollectTxCtxInfo& info) const {
    return Transfer(info, fmt::format("of {} transactions", info.args.size()));
  }
  std::string operator()(const TransferDestPrepareInfo& info) const { return Transfer(info, ""); }
  std::string operator()(const auto& info) const {
    return Transfer(info, ListTablets(info.tablet_list));
  }

 private:
  static std::string Transfer(const auto& info, std::string_view what) {
    return fmt::format("transfer {}{}from LS {} to LS {}, task {}", what, what.empty() ? "" : " ",
                       info.src_ls_id.value, info.dest_ls_id.value, info.task_id);
  }
};

}  // namespace

void CheckRules(const BatchCreateTabletArg& arg, Rules& rules) {
  rules.Require(arg.id != kInvalidLsId, "id", "must be a log stream");
  rules.Require(arg.major_frozen_scn.IsValid(), "major_frozen_scn", "must be a valid SCN");
  rules.Require(!arg.tablets.empty(), "tablets", "must not be empty");
  rules.Require(!arg.create_tablet_schemas.empty(), "create_tablet_schemas", "must not be empty");
  const auto schemas = static_cast<std::int64_t>(arg.create_tablet_schemas.size());
  for (std::size_t i = 0; i < arg.tablets.size(); ++i) {
    const CreateTabletInfo& info = arg.tablets[i];
    const std::string field = fmt::format("tablets[{}].", i);
    rules.Require(info.data_tablet_id.value != 0, field + "data_tablet_id", "must not be 0");
    rules.Require(info.compat_mode != CompatMode::kInvalid, field + "compat_mode",
                  "must not be -1");
    rules.Require(
        !info.tablet_ids.empty() && info.tablet_ids.size() == info.table_schema_index.size(),
        field + "table_schema_index", "must have one element per tablet, and there must be one");
    for (const TabletId tablet : info.tablet_ids) {
      rules.Require(tablet.value != 0, field + "tablet_ids", "must not hold 0");
    }
    for (const std::int64_t index : info.table_schema_index) {
      rules.Require(index >= 0 && index < schemas, field + "table_schema_index",
                    "must be below the number of schemas");
    }
  }
}

Result<MdsPayload> DecodeMdsPayload(const TxBufferNode& node) {
  const ByteView bytes = AsByteView(node.data);
  MdsPayload payload = OpaqueMdsPayload{bytes};
  Status status;
  VisitPayloadType(node.type, [&]<class R>(R&&) {
    using Payload = std::remove_cvref_t<R>;
    Result<Payload> decoded = DecodeRecord<Payload>(bytes, nullptr, "data");
    if (decoded) {
      payload = std::move(*decoded);
    } else {
      status = Fail(std::move(decoded).error());
    }
  });
  if (!status) return Fail(std::move(status).error());
  return payload;
}

template <class R>
Result<std::string> EncodeMdsPayload(const R& record) {
  if constexpr (requires(Rules rules) { CheckRules(record, rules); }) {
    Rules rules;
    CheckRules(record, rules);
    if (Status status = rules.ToStatus(ErrorCode::kInvalidArgument); !status) {
      return Fail(std::move(status).error());
    }
  }
  const Result<Bytes> bytes = EncodeRecord(record);
  if (!bytes) return Fail(bytes.error());
  return std::string(AsText(*bytes));
}

template Result<std::string> EncodeMdsPayload(const TableLockOp&);
template Result<std::string> EncodeMdsPayload(const LsAttr&);
template Result<std::string> EncodeMdsPayload(const BatchCreateTabletArg&);
template Result<std::string> EncodeMdsPayload(const BatchRemoveTabletArg&);
template Result<std::string> EncodeMdsPayload(const DdlBarrierLog&);
template Result<std::string> EncodeMdsPayload(const BatchUnbindTabletArg&);
template Result<std::string> EncodeMdsPayload(const StandbyUpgrade&);
template Result<std::string> EncodeMdsPayload(const TxStartTransferOutInfo&);
template Result<std::string> EncodeMdsPayload(const TxStartTransferInInfo&);
template Result<std::string> EncodeMdsPayload(const TxFinishTransferOutInfo&);
template Result<std::string> EncodeMdsPayload(const TxFinishTransferInInfo&);
template Result<std::string> EncodeMdsPayload(const CollectTxCtxInfo&);
template Result<std::string> EncodeMdsPayload(const TransferDestPrepareInfo&);

void DissectMdsPayload(Decoder& in, TxDataSourceType type) {
  VisitPayloadType(type, [&]<class R>(R&& record) {
    if (DecodeRecord<std::remove_cvref_t<R>>(in.Rest())) DecodeField(in, "payload", record);
  });
  in.Take(in.remaining());
}

std::string Summary(const TxBufferNode& node) {
  const Result<MdsPayload> payload = DecodeMdsPayload(node);
  std::string name(NameOf(node.type));
  if (name.empty()) name = fmt::format("type {}", static_cast<int>(node.type));
  return fmt::format("{}: {}", name,
                     payload ? std::visit(SummaryVisitor{}, *payload) : payload.error().ToString());
}

}  // namespace obbak::format
