// Commit: how a transaction with parts on one or several log streams is decided.
// docs/spec/clog-and-archive.md §14.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "engine/log_stream.h"
#include "engine/tenant_core.h"
#include "engine/tx_context.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::engine {

// A transaction's part on one log stream.
struct TxPart {
  LogStream* stream;
  TxContext* context;
};

// Commits the parts that have something to commit - one phase for one, two for several, the first
// being the root - and closes all of their contexts. Returns the commit version once the
// transaction is durable and visible. With two phases that is when everybody's prepare log is
// durable: from then on the outcome follows from the logs, and commit and clear logs come in the
// background.
//
// After an error the transaction may or may not be committed; the tenant is broken.
io::Task<Result<format::Scn>> CommitTransaction(TenantCore& core, std::vector<TxPart> parts);

// Undoes the parts, logs that where there are logs, and closes the contexts.
Status AbortTransaction(std::span<const TxPart> parts);

// After replay: decides every transaction whose end is not in the logs, by what the logs of all
// participants say, logs the decision and waits until it is durable. Precondition: every log stream
// is replayed to its end.
io::Task<Status> ResolveTransactions(TenantCore& core);

// The same for readers of a tenant that writes no logs: what ResolveTransactions would commit is
// committed in memory, and its commit log, if it is replayed one day, finds it so. Everything else
// stays undecided. Precondition: all log streams are replayed up to the same SCN.
Status DecideUnlogged(TenantCore& core);

}  // namespace obbak::engine
