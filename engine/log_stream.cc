#include "engine/log_stream.h"

#include <algorithm>
#include <utility>

#include "format/tx_log_block.h"

namespace obbak::engine {

using format::Scn;

LogStream::LogStream(const LogStreamShared& shared, pb::LogStream record)
    : shared_(shared), id_{record.ls_id()}, record_(std::move(record)), decided_(shared.env.loop) {}

LogStream::~LogStream() = default;

Result<Clog::Appended> LogStream::Append(ByteView payload) {
  Result<Clog::Appended> appended = clog_->Append(shared_.scns.Next(), payload);
  if (appended) shared_.scns.Observe(appended->scn);
  return appended;
}

Status LogStream::StartWorking() {
  const Result<Bytes> payload = format::TxLogBlockBuilder::StartWorking(id_);
  if (!payload) return Fail(payload.error());
  const Result<Clog::Appended> appended = clog_->Append(format::kMinScn, *payload);
  if (!appended) return Fail(appended.error());
  shared_.scns.Observe(appended->scn);
  return {};
}

void LogStream::AddTablet(std::shared_ptr<Tablet> tablet) {
  const format::TabletId id = tablet->id();
  tablets_.insert_or_assign(id, std::move(tablet));
}

Tablet* LogStream::FindTablet(format::TabletId id) const {
  const auto found = tablets_.find(id);
  return found == tablets_.end() ? nullptr : found->second.get();
}

std::size_t LogStream::memtable_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [id, tablet] : tablets_) bytes += tablet->memtable_bytes();
  return bytes;
}

TxContext& LogStream::OpenContext(format::TxId tx, Scn snapshot) {
  std::unique_ptr<TxContext>& context = contexts_[tx.value];
  if (context == nullptr) {
    context = std::make_unique<TxContext>(id_, tx, snapshot, shared_.origin, *this);
  }
  return *context;
}

TxContext* LogStream::FindContext(format::TxId tx) const {
  const auto found = contexts_.find(tx.value);
  return found == contexts_.end() ? nullptr : found->second.get();
}

void LogStream::CloseContext(TxContext& context) {
  contexts_.erase(context.id().value);
  decided_.WakeAll();
}

Result<Scn> LogStream::Freeze() {
  for (const auto& [id, context] : contexts_) {
    if (context->state() != TxContext::State::kActive) continue;
    if (Status status = context->LogPending(); !status) return Fail(std::move(status).error());
  }
  const Scn end = clog_->max_scn();
  FreezeAt(end);
  return end;
}

void LogStream::FreezeAt(Scn end) {
  for (const auto& [id, tablet] : tablets_) tablet->Freeze(end);
  active_bytes_ = 0;
}

Scn LogStream::SafeCheckpoint(Scn applied) {
  Scn checkpoint = applied;
  for (const auto& [id, tablet] : tablets_) {
    checkpoint = std::min(checkpoint, tablet->checkpoint_scn());
  }
  for (const auto& [id, context] : contexts_) {
    if (context->has_logs()) {
      checkpoint = std::min(checkpoint, Scn{context->first_scn().value - 1});
    }
  }
  return std::max(checkpoint, Scn{record_.clog_checkpoint_scn()});
}

}  // namespace obbak::engine
