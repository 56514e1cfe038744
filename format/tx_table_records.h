// Values of the log stream's inner tablets 49401 (transaction contexts) and 49402 (transaction
// data). docs/spec/system-data.md §3.3.
//
// Their frames have a length of plain form: a varint, not the five bytes of an envelope.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/dissection.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/record_layout.h"
#include "format/tx_ids.h"

namespace obbak::format {

// ObTxData's state.
enum class TxDataState : std::int32_t { kRunning = 0, kCommit = 1, kElrCommit = 2, kAbort = 3 };
constexpr auto EnumNames(TxDataState) {
  return std::to_array<NamedValue<TxDataState>>({{TxDataState::kRunning, "RUNNING"},
                                                 {TxDataState::kCommit, "COMMIT"},
                                                 {TxDataState::kElrCommit, "ELR_COMMIT"},
                                                 {TxDataState::kAbort, "ABORT"}});
}

// ObUndoAction: writes with undo_to < seq <= undo_from do not count.
struct UndoAction {
  TxSeq undo_from;
  TxSeq undo_to;
  bool operator==(const UndoAction&) const = default;
};
BOOST_DESCRIBE_STRUCT(UndoAction, (), (undo_from, undo_to))

// ObTxData: how a transaction ended.
struct TxData {
  static constexpr std::uint64_t kFrameVersion = 1;

  Enveloped<TxId> tx_id;
  TxDataState state = TxDataState::kRunning;
  Scn commit_version{kMaxScn};
  Scn start_scn{kMaxScn};
  Scn end_scn{kMaxScn};
  std::int32_t undo_node_cnt = 0;        // of the list's chunks in memory
  std::vector<UndoAction> undo_actions;  // oldest first
  bool operator==(const TxData&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxData, (),
                      (tx_id, state, commit_version, start_scn, end_scn, undo_node_cnt,
                       undo_actions))

// ObTxCtxTableMeta: which part of which transaction's context a row holds.
struct TxCtxTableMeta {
  static constexpr std::uint64_t kFrameVersion = 0xACAD;

  Enveloped<TxId> tx_id;
  LsId ls_id;
  std::int64_t tx_ctx_serialize_size = 0;
  std::int32_t row_num = 0;
  std::int32_t row_idx = 0;
  std::int32_t version = 0;
  bool operator==(const TxCtxTableMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxCtxTableMeta, (),
                      (tx_id, ls_id, tx_ctx_serialize_size, row_num, row_idx, version))

Bytes EncodeTxTableValue(const TxData& data);
Bytes EncodeTxTableValue(const TxCtxTableMeta& meta);

// The record that fills `value`; `trace` receives its fields below "record".
Result<TxData> DecodeTxData(ByteView value, Dissection* trace = nullptr);
Result<TxCtxTableMeta> DecodeTxCtxTableMeta(ByteView value, Dissection* trace = nullptr);

}  // namespace obbak::format
