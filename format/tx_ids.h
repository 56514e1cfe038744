// Ids of transactions and of the writes inside one. docs/spec/clog-and-archive.md §11.
#pragma once

#include <cstdint>
#include <string>

#include "format/ids.h"

namespace obbak::format {

// transaction::ObTransID: unique in the tenant; 0 in logs that belong to no transaction.
struct TxIdTag : IdTag<std::int64_t, IdEncoding::kVarint64> {};
using TxId = StrongId<TxIdTag>;

// transaction::ObTxSEQ: orders the writes of one transaction. Bit 62 marks the present form: bits
// 61..15 count from 1, bits 14..0 number the branch of a parallel write. 0 is unset.
struct TxSeqTag : IdTag<std::int64_t, IdEncoding::kVarint64> {
  static std::string Text(std::int64_t value);
};
using TxSeq = StrongId<TxSeqTag>;

inline constexpr std::int64_t kTxSeqForm = std::int64_t{1} << 62;
inline constexpr int kTxSeqBranchBits = 15;

// `count` >= 1, below 2^47; `branch` below 2^15.
constexpr TxSeq MakeTxSeq(std::int64_t count, std::int64_t branch = 0) {
  return {kTxSeqForm | count << kTxSeqBranchBits | branch};
}

}  // namespace obbak::format
