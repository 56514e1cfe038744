#include "engine/commit.h"

#include <algorithm>
#include <map>
#include <utility>

#include "format/tx_log_records.h"

namespace obbak::engine {
namespace {

using format::LsId;
using format::Scn;

io::Task<Status> WaitDurable(std::span<const TxPart> parts) {
  for (const TxPart& part : parts) {
    Status status = co_await part.stream->clog().WaitDurable(part.context->end_lsn());
    if (!status) co_return status;
  }
  co_return Status();
}

std::vector<format::LsLogInfo> PreparesOf(std::span<const TxPart> parts) {
  std::vector<format::LsLogInfo> prepares;
  for (const TxPart& part : parts) {
    prepares.push_back({part.stream->id(), part.context->prepare_lsn()});
  }
  return prepares;
}

// The transaction is decided: logs commits where they are missing, and the rows get their version.
Status DecideCommit(std::span<const TxPart> parts, Scn version,
                    std::span<const format::LsLogInfo> prepares) {
  for (const TxPart& part : parts) {
    if (part.context->state() == TxContext::State::kCommitted) continue;
    if (Status status = part.context->LogCommit(version, prepares); !status) return status;
    part.context->CommitWrites(version);
    if (Status status = part.stream->TakeEffect(*part.context); !status) return status;
  }
  return {};
}

void Close(std::span<const TxPart> parts) {
  for (const TxPart& part : parts) part.stream->CloseContext(*part.context);
}

// Third phase: once every commit log is durable, none of the participants needs the others' logs.
io::Task<Status> Clear(std::span<const TxPart> parts) {
  if (Status status = co_await WaitDurable(parts); !status) co_return status;
  for (const TxPart& part : parts) {
    if (Status status = part.context->LogClear(); !status) co_return status;
  }
  Close(parts);
  co_return Status();
}

io::Task<void> ClearInBackground(TenantCore& core, std::vector<TxPart> parts) {
  if (Status status = co_await Clear(parts); !status) core.Break(status.error());
}

io::Task<Result<Scn>> CommitOnePhase(TenantCore& core, TxPart part) {
  TxContext& context = *part.context;
  const Result<Scn> version = context.LogCommit();
  if (!version) co_return version;
  core.commits.Undecided(*version);
  Status status = co_await part.stream->clog().WaitDurable(context.end_lsn());
  if (!status) co_return Fail(std::move(status).error());
  context.CommitWrites(*version);
  status = part.stream->TakeEffect(context);
  if (!status) co_return Fail(std::move(status).error());
  part.stream->CloseContext(context);
  core.commits.Decided(*version);
  co_return *version;
}

io::Task<Result<Scn>> CommitTwoPhases(TenantCore& core, std::vector<TxPart> parts) {
  std::vector<LsId> participants;
  for (const TxPart& part : parts) participants.push_back(part.stream->id());
  Scn version{0};
  for (const TxPart& part : parts) {
    Status status = part.context->LogPrepare(participants.front(), participants);
    if (!status) co_return Fail(std::move(status).error());
    version = std::max(version, part.context->prepare_scn());
  }
  core.commits.Undecided(version);
  Status status = co_await WaitDurable(parts);
  if (status) status = DecideCommit(parts, version, PreparesOf(parts));
  if (!status) co_return Fail(std::move(status).error());
  core.commits.Decided(version);
  core.background.Spawn(ClearInBackground(core, std::move(parts)));
  co_return version;
}

// ---- After replay

// Everything the logs have of one transaction that is not over.
struct Undecided {
  std::vector<TxPart> parts;

  const TxContext* Committed() const {
    const auto found = std::ranges::find_if(parts, [](const TxPart& part) {
      return part.context->state() == TxContext::State::kCommitted;
    });
    return found == parts.end() ? nullptr : found->context;
  }
  const TxContext* On(LsId ls) const {
    const auto found =
        std::ranges::find_if(parts, [&](const TxPart& part) { return part.stream->id() == ls; });
    return found == parts.end() ? nullptr : found->context;
  }
  // Whether the root and everybody it lists is prepared.
  bool IsPrepared() const {
    const auto is_prepared = [&](LsId ls) {
      const TxContext* context = On(ls);
      return context != nullptr && context->state() == TxContext::State::kPrepared;
    };
    const TxContext* root = On(parts.front().context->upstream());
    return root != nullptr && !root->participants().empty() &&
           std::ranges::all_of(root->participants(), is_prepared);
  }
  bool IsSureToCommit() const { return Committed() != nullptr || IsPrepared(); }
  // Precondition: IsSureToCommit().
  Scn CommitVersion() const {
    if (const TxContext* committed = Committed()) return committed->commit_version();
    Scn version{0};
    for (const TxPart& part : parts) version = std::max(version, part.context->prepare_scn());
    return version;
  }
};

std::map<std::int64_t, Undecided> UndecidedTransactions(const TenantCore& core) {
  std::map<std::int64_t, Undecided> transactions;
  for (const auto& [ls, stream] : core.streams) {
    for (const auto& [tx, context] : stream->contexts()) {
      transactions[tx].parts.push_back({stream.get(), context.get()});
    }
  }
  return transactions;
}

Status ResolveCommit(const Undecided& transaction) {
  const TxContext* committed = transaction.Committed();
  // A copy: the contexts change.
  const std::vector<format::LsLogInfo> prepares =
      committed == nullptr ? PreparesOf(transaction.parts) : committed->prepares();
  return DecideCommit(transaction.parts, transaction.CommitVersion(), prepares);
}

}  // namespace

io::Task<Result<Scn>> CommitTransaction(TenantCore& core, std::vector<TxPart> parts) {
  std::erase_if(parts, [](const TxPart& part) {
    if (part.context->has_work()) return false;
    part.stream->CloseContext(*part.context);
    return true;
  });
  if (parts.empty()) co_return core.commits.snapshot();
  io::Task<Result<Scn>> commit = parts.size() == 1 ? CommitOnePhase(core, parts.front())
                                                   : CommitTwoPhases(core, std::move(parts));
  const Result<Scn> version = co_await std::move(commit);
  if (!version) {
    core.Break(version.error());
    co_return version;
  }
  Status status = co_await core.commits.AwaitVisible(*version);
  if (!status) co_return Fail(std::move(status).error());
  co_return version;
}

Status AbortTransaction(std::span<const TxPart> parts) {
  Status result;
  for (const TxPart& part : parts) {
    Status status = part.context->Abort();
    if (status) status = part.stream->TakeEffect(*part.context);
    if (!status && result) result = std::move(status);
    part.stream->CloseContext(*part.context);
  }
  return result;
}

io::Task<Status> ResolveTransactions(TenantCore& core) {
  for (const auto& [tx, transaction] : UndecidedTransactions(core)) {
    if (!transaction.IsSureToCommit()) {
      if (Status status = AbortTransaction(transaction.parts); !status) co_return status;
      continue;
    }
    if (Status status = ResolveCommit(transaction); !status) co_return status;
    if (Status status = co_await Clear(transaction.parts); !status) co_return status;
  }
  for (const auto& [ls, stream] : core.streams) {
    Status status = co_await stream->clog().WaitDurable(stream->clog().end_lsn());
    if (!status) co_return status;
  }
  co_return Status();
}

Status DecideUnlogged(TenantCore& core) {
  for (const auto& [tx, transaction] : UndecidedTransactions(core)) {
    if (!transaction.IsSureToCommit()) continue;
    const Scn version = transaction.CommitVersion();
    for (const TxPart& part : transaction.parts) {
      if (part.context->state() == TxContext::State::kCommitted) continue;
      part.context->DecideCommit(version);
      if (Status status = part.stream->TakeEffect(*part.context); !status) return status;
    }
  }
  return {};
}

}  // namespace obbak::engine
