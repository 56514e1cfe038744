#include "backup/data_stage.h"

#include <functional>
#include <utility>

#include "backup/backup_scn.h"
#include "backup/index_merge.h"
#include "backup/retry_rules.h"
#include "backup/set_files.h"
#include "dest/set_reader.h"

namespace obbak::backup {

using format::DataType;
using format::LsId;
using format::TabletId;

format::BackupDataTabletToLsDesc DescOf(const TabletMap& map, format::Scn scn) {
  format::BackupDataTabletToLsDesc desc{.backup_scn = scn, .tablet_to_ls = {}};
  for (const auto& [ls, tablets] : map) desc.tablet_to_ls.push_back({ls, tablets});
  return desc;
}

io::Task<Status> DataStage::Run(TabletMap tablets) {
  tablets_ = std::move(tablets);
  for (std::int64_t done = 0; done < turn_;) {
    parts_.phase.moved.clear();
    if (Status status = co_await Persist(&DataStage::OpenReuse); !status) co_return status;
    if (Status status = co_await RunTurn(); !status) co_return status;
    index_retry_ = 0;
    if (Status status = co_await Persist(&DataStage::BuildIndex); !status) co_return status;
    done = turn_;
    if (Status status = co_await Persist(&DataStage::PlanNextTurn); !status) co_return status;
  }
  co_return Status();
}

io::Task<Status> DataStage::Persist(Step step) {
  for (;;) {
    Status status = co_await (this->*step)();
    if (status || !co_await AwaitRetry(status)) co_return status;
  }
}

io::Task<bool> DataStage::AwaitRetry(Status failure) {
  if (!IsRetryable(failure.error().code()) || retries_ >= context_.options.max_retries) {
    co_return false;
  }
  ++retries_;
  co_return (co_await context_.core.env.loop.Sleep(context_.options.retry_delay, context_.stop))
      .has_value();
}

io::Task<Status> DataStage::RunTurn() {
  std::vector<LsId> log_streams;
  for (const auto& [ls, tablets] : tablets_) log_streams.push_back(ls);
  const LsTask task = std::bind_front(&DataStage::RunLs, this);
  std::optional<LsFailure> failure =
      co_await RunLsTasks(context_, parts_.halt, std::move(log_streams), task);
  if (!failure) co_return Status();
  failed_ls_ = failure->ls;
  co_return Fail(std::move(failure->error));
}

io::Task<Status> DataStage::RunLs(LsId ls) {
  for (std::int64_t retry = 0;; ++retry) {
    LsDataTask task{.attempt = {.ls = ls, .type = type_, .turn = turn_, .retry = retry},
                    .tablets = tablets_.at(ls),
                    .consistent_scn = context_.desc.consistent_scn,
                    .finished = parts_.finished};
    const LsDataResult result =
        co_await BackupLsData(context_, std::move(task), *reuse_, parts_.phase);
    // What a failed attempt has completed counts; the next one goes on from there.
    if (result.attempt.files > 0) parts_.finished.push_back(result.attempt);
    if (result.status || !co_await AwaitRetry(result.status)) co_return result.status;
  }
}

io::Task<Status> DataStage::OpenReuse() {
  reuse_ = std::make_unique<MacroReuse>(context_.store, parts_.sets);
  if (type_ != DataType::kMajor) co_return Status();
  if (Status status = co_await AddPrevious(); !status) co_return status;
  if (!last_index_) co_return Status();
  co_return co_await reuse_->AddIndex(*last_index_);
}

io::Task<Status> DataStage::AddPrevious() {
  if (!parts_.previous) co_return Status();
  if (!previous_index_) {
    const dest::SetReader reader(context_.store, dest::NameOf(*parts_.previous));
    Result<format::BackupPath> index = co_await reader.FindTenantIndex(
        DataType::kMajor, format::IndexKind::kMacroRange, parts_.previous->major_turn_id);
    if (!index) co_return Fail(std::move(index).error());
    previous_index_ = *std::move(index);
  }
  co_return co_await reuse_->AddIndex(*previous_index_);
}

io::Task<Status> DataStage::BuildIndex() {
  const std::int64_t retry = index_retry_++;
  Status status =
      co_await WriteTenantIndexes(context_, type_, turn_, retry, parts_.finished, previous_index_);
  if (!status) co_return status;
  last_index_ = context_.Path(format::PathKind::kTenantIndex);
  last_index_->data_type = type_;
  last_index_->index = format::IndexKind::kMacroRange;
  last_index_->turn = turn_;
  last_index_->retry = retry;
  co_return status;
}

io::Task<Status> DataStage::PlanNextTurn() {
  if (parts_.phase.moved.empty()) co_return Status();
  const Result<format::Scn> now = CurrentScn(context_.core);
  if (!now) co_return Fail(now.error());
  const Result<engine::Catalog> catalog = co_await CatalogAt(context_.core, *now);
  if (!catalog) co_return Fail(catalog.error());
  TabletMap next;
  for (const TabletId id : parts_.phase.moved) {
    // Others were dropped.
    const auto place = catalog->tablets().find(id);
    if (place != catalog->tablets().end()) next[place->second.ls_id].push_back(id);
  }
  if (next.empty()) co_return Status();
  Status status = co_await WriteTabletMap(context_, type_, turn_ + 1, DescOf(next, *now));
  if (!status) co_return status;
  ++turn_;
  tablets_ = std::move(next);
  co_return status;
}

}  // namespace obbak::backup
