#include <string>
#include <string_view>

#include "format/vector_checks.h"

namespace obbak::format {
namespace {

constexpr std::string_view kLater[] = {
    "CollectTxCtxInfo",
    "MdsDumpKV",
    "ObBatchCreateTabletArg",
    "ObBatchRemoveTabletArg",
    "ObBatchUnbindTabletArg",
    "ObCreateTabletExtraInfo",
    "ObCreateTabletInfo",
    "ObCreateTabletSchema",
    "ObDDLBarrierLog",
    "ObMemtableMutatorRow",
    "ObMutatorTableLock",
    "ObStandbyUpgrade",
    "ObTXFinishTransferInInfo",
    "ObTXFinishTransferOutInfo",
    "ObTXStartTransferInInfo",
    "ObTXStartTransferOutInfo",
    "ObTableLockOp",
    "ObTabletBindingMdsUserData",
    "ObTabletCreateDeleteMdsUserData",
    "ObTabletFullMemoryMdsData",
    "ObTransferDestPrepareInfo",
    "ObTransferTabletInfo",
    "ObTxAbortLog",
    "ObTxActiveInfoLog",
    "ObTxBufferNode",
    "ObTxClearLog",
    "ObTxCommitInfoLog",
    "ObTxCommitLog",
    "ObTxCtxTableMeta",
    "ObTxData",
    "ObTxLogBlock",
    "ObTxLogBlockHeader",
    "ObTxLogHeader",
    "ObTxMultiDataSourceLog",
    "ObTxPrepareLog",
    "ObTxRecordLog",
    "ObTxRollbackToLog",
    "ObTxStartWorkingLog",
    "memtable_mutator",
};

}  // namespace

void AddTransactionChecks(VectorChecks& checks) {
  for (const std::string_view name : kLater) checks.LeaveForLater(std::string(name));
}

}  // namespace obbak::format
