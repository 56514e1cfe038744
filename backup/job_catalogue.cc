#include "backup/job_catalogue.h"

#include <utility>

#include "backup/catalogue.pb.h"
#include "backup/job_rows.pb.h"
#include "format/record.h"

namespace obbak::backup {
namespace {

constexpr std::string_view kDataDest = "data_dest";
constexpr std::string_view kJobs = "backup_job";
constexpr std::string_view kSets = "backup_set";
constexpr std::string_view kCounters = "backup_counters";

pb::BackupJob RowOf(const BackupJob& job) {
  pb::BackupJob row;
  row.set_job_id(job.job_id);
  row.set_backup_set_id(job.set.value);
  row.set_requested_type(static_cast<std::int32_t>(job.request.type));
  row.set_type(static_cast<std::int32_t>(job.type));
  row.set_plus_archivelog(job.request.plus_archivelog);
  row.set_description(job.request.description);
  row.set_status(static_cast<std::int32_t>(job.status));
  row.set_task(static_cast<std::int32_t>(job.task));
  row.set_start_time(job.start_time.value);
  row.set_end_time(job.end_time.value);
  row.set_result(job.result);
  row.set_comment(job.comment);
  return row;
}

BackupJob JobOf(const pb::BackupJob& row) {
  return {.job_id = row.job_id(),
          .set = {row.backup_set_id()},
          .request = {.type = static_cast<format::BackupType>(row.requested_type()),
                      .plus_archivelog = row.plus_archivelog(),
                      .description = row.description()},
          .type = static_cast<format::BackupType>(row.type()),
          .status = static_cast<JobStatus>(row.status()),
          .task = static_cast<SetTaskStatus>(row.task()),
          .start_time = {row.start_time()},
          .end_time = {row.end_time()},
          .result = row.result(),
          .comment = row.comment()};
}

void PutJob(const BackupJob& job, CatalogueEdit& edit) {
  edit.Put(RowKey(kJobs, {job.job_id}), RowOf(job));
}

Status PutSet(const format::BackupSetFileDesc& set, CatalogueEdit& edit) {
  const Result<Bytes> desc = format::EncodeRecord(set);
  if (!desc) return Fail(desc.error());
  pb::BackupSet row;
  row.set_desc(std::string(AsText(*desc)));
  edit.Put(RowKey(kSets, {set.backup_set_id.value}), row);
  return {};
}

}  // namespace

Result<std::optional<DataDest>> JobCatalogue::data_dest() const {
  const auto row = catalogue_.Get<pb::DataDest>(RowKey(kDataDest));
  if (!row) return Fail(row.error());
  if (!row->has_value()) return std::optional<DataDest>();
  Result<io::BackupDest> dest = io::BackupDest::Parse((*row)->uri());
  if (!dest) return Fail(std::move(dest).error());
  return DataDest{.id = {(*row)->dest_id()}, .dest = *std::move(dest)};
}

io::Task<Status> JobCatalogue::SetDataDest(std::optional<DataDest> dest) {
  CatalogueEdit edit;
  if (dest) {
    pb::DataDest row;
    row.set_dest_id(dest->id.value);
    row.set_uri(dest->dest.ToPersistedStringWithSecrets());
    edit.Put(RowKey(kDataDest), row);
  } else {
    edit.Remove(RowKey(kDataDest));
  }
  co_return co_await catalogue_.Apply(std::move(edit));
}

Result<std::vector<BackupJob>> JobCatalogue::jobs() const {
  const auto rows = catalogue_.List<pb::BackupJob>(RowPrefix(kJobs));
  if (!rows) return Fail(rows.error());
  std::vector<BackupJob> jobs;
  for (const pb::BackupJob& row : *rows) jobs.push_back(JobOf(row));
  return jobs;
}

Result<std::vector<format::BackupSetFileDesc>> JobCatalogue::sets() const {
  const auto rows = catalogue_.List<pb::BackupSet>(RowPrefix(kSets));
  if (!rows) return Fail(rows.error());
  std::vector<format::BackupSetFileDesc> sets;
  for (const pb::BackupSet& row : *rows) {
    auto set = format::DecodeRecord<format::BackupSetFileDesc>(AsByteView(row.desc()));
    if (!set) return Fail(std::move(set).error());
    sets.push_back(*std::move(set));
  }
  return sets;
}

io::Task<Status> JobCatalogue::Accept(BackupJob& job) {
  const auto row = catalogue_.Get<pb::Counters>(RowKey(kCounters));
  if (!row) co_return Fail(row.error());
  pb::Counters counters = row->value_or(pb::Counters());
  job.job_id = counters.job_id();
  job.set = {counters.backup_set_id()};
  counters.set_job_id(counters.job_id() + 1);
  counters.set_backup_set_id(counters.backup_set_id() + 1);
  CatalogueEdit edit;
  edit.Put(RowKey(kCounters), counters);
  PutJob(job, edit);
  co_return co_await catalogue_.Apply(std::move(edit));
}

io::Task<Status> JobCatalogue::Record(BackupJob job, std::optional<format::BackupSetFileDesc> set) {
  CatalogueEdit edit;
  PutJob(job, edit);
  if (set) {
    if (Status status = PutSet(*set, edit); !status) co_return status;
  }
  co_return co_await catalogue_.Apply(std::move(edit));
}

Status JobCatalogue::ForgetSets(format::DestId gone, CatalogueEdit& edit) const {
  Result<std::vector<format::BackupSetFileDesc>> all = sets();
  if (!all) return Fail(std::move(all).error());
  for (format::BackupSetFileDesc& set : *all) {
    if (set.dest_id != gone) continue;
    set.file_status = format::BackupFileStatus::kDeleted;
    if (Status status = PutSet(set, edit); !status) return status;
  }
  return {};
}

}  // namespace obbak::backup
