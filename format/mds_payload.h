// The payload of a multi-data-source node as the record that its type says.
// docs/spec/system-data.md §1.1.
#pragma once

#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "format/backup_set_records.h"
#include "format/decoder.h"
#include "format/mds_records.h"

namespace obbak::format {

// A payload whose record obbak does not read: the dictionary of a DDL transaction, the task of a
// transfer, and types it does not know.
struct OpaqueMdsPayload {
  ByteView bytes;
};

using MdsPayload =
    std::variant<OpaqueMdsPayload, TableLockOp, LsAttr, BatchCreateTabletArg, BatchRemoveTabletArg,
                 DdlBarrierLog, BatchUnbindTabletArg, StandbyUpgrade, TxStartTransferOutInfo,
                 TxStartTransferInInfo, TxFinishTransferOutInfo, TxFinishTransferInInfo,
                 CollectTxCtxInfo, TransferDestPrepareInfo>;

// Decodes the node's data, which an opaque payload borrows. Offsets in errors are those of the
// data.
Result<MdsPayload> DecodeMdsPayload(const TxBufferNode& node);

// The data of a node that carries `record`, one of the alternatives of MdsPayload.
template <class Record>
Result<std::string> EncodeMdsPayload(const Record& record);

// Names the fields of a payload of `type` that fills the rest of `in`, below a node "payload".
// Passes over an opaque one, and over one that does not decode: to the log around it, a payload is
// bytes.
void DissectMdsPayload(Decoder& in, TxDataSourceType type);

// "create tablets 200001, 200002 on LS 1001".
std::string Summary(const TxBufferNode& node);

}  // namespace obbak::format
