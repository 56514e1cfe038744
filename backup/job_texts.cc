#include "backup/job_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "format/field_types.h"

namespace obbak::backup {
namespace {

constexpr auto kJobTexts =
    std::to_array<format::NamedValue<JobStatus>>({{JobStatus::kInit, "INIT"},
                                                  {JobStatus::kDoing, "DOING"},
                                                  {JobStatus::kCompleted, "COMPLETED"},
                                                  {JobStatus::kFailed, "FAILED"},
                                                  {JobStatus::kCanceling, "CANCELING"},
                                                  {JobStatus::kCanceled, "CANCELED"}});

constexpr auto kTaskTexts = std::to_array<format::NamedValue<SetTaskStatus>>(
    {{SetTaskStatus::kInit, "INIT"},
     {SetTaskStatus::kBackupSysMeta, "BACKUP_SYS_META"},
     {SetTaskStatus::kBackupUserMeta, "BACKUP_USER_META"},
     {SetTaskStatus::kBackupMetaFinish, "BACKUP_META_FINISH"},
     {SetTaskStatus::kBackupDataMinor, "BACKUP_DATA_MINOR"},
     {SetTaskStatus::kBackupDataMajor, "BACKUP_DATA_MAJOR"},
     {SetTaskStatus::kBackupLog, "BACKUP_LOG"},
     {SetTaskStatus::kCompleted, "COMPLETED"},
     {SetTaskStatus::kFailed, "FAILED"},
     {SetTaskStatus::kCanceling, "CANCELING"},
     {SetTaskStatus::kCanceled, "CANCELED"}});

template <class Texts, class Value>
std::string_view TextOf(const Texts& texts, Value value) {
  const auto found = std::ranges::find(texts, value, [](const auto& text) { return text.value; });
  return found == texts.end() ? "INVALID" : found->name;
}

// The server that a comment names: obbak has none, so it is always the same.
constexpr std::string_view kServer = "127.0.0.1:2882";

// "YB427F000001-0005F1F5D2C2E1A8-0-0": port and address of the server, then the job's start.
std::string TraceId(const BackupJob& job) {
  return fmt::format("YB427F000001-{:016X}-0-0", static_cast<std::uint64_t>(job.start_time.value));
}

}  // namespace

std::string_view ToText(JobStatus status) { return TextOf(kJobTexts, status); }
std::string_view ToText(SetTaskStatus status) { return TextOf(kTaskTexts, status); }

std::string FailureComment(const BackupJob& job, const Error& error,
                           std::optional<format::LsId> ls) {
  const std::string result = fmt::format("result: {}({})", static_cast<std::int32_t>(error.code()),
                                         ErrorCodeName(error.code()));
  if (!ls) {
    return fmt::format("(ROOTSERVICE)addr: {}, {}, trace_id: {}", kServer, result, TraceId(job));
  }
  return fmt::format("(SERVER)ls_id: {}, addr: {}, module: BACKUP_DATA, {}, trace_id: {}",
                     ls->value, kServer, result, TraceId(job));
}

}  // namespace obbak::backup
