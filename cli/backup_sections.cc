#include "cli/backup_sections.h"

#include <fmt/format.h>

#include <string>

#include "format/backup_enums.h"

namespace obbak::cli {
namespace {

using format::BackupSetFileDesc;
using format::Scn;
using format::Timestamp;

std::optional<std::string> TimeText(Timestamp time) {
  if (time.value == 0) return std::nullopt;
  return ToText(time);
}

std::vector<OutputColumn> SetColumns() {
  return {{"backup_set_id", OutputKind::kInteger},
          {"dest_id", OutputKind::kInteger},
          {"backup_type", OutputKind::kText},
          {"prev_full_backup_set_id", OutputKind::kInteger},
          {"prev_inc_backup_set_id", OutputKind::kInteger},
          {"status", OutputKind::kText},
          {"file_status", OutputKind::kText},
          {"plus_archivelog", OutputKind::kText},
          {"start_timestamp", OutputKind::kText},
          {"end_timestamp", OutputKind::kText},
          {"start_replay_scn", OutputKind::kInteger},
          {"start_replay_scn_display", OutputKind::kText},
          {"consistent_scn", OutputKind::kInteger},
          {"min_restore_scn", OutputKind::kInteger},
          {"min_restore_scn_display", OutputKind::kText},
          {"input_bytes", OutputKind::kInteger},
          {"output_bytes", OutputKind::kInteger},
          {"tablet_count", OutputKind::kInteger},
          {"macro_block_count", OutputKind::kInteger},
          {"file_count", OutputKind::kInteger},
          {"result", OutputKind::kInteger},
          {"path", OutputKind::kText}};
}

OutputRow SetRow(const BackupSetFileDesc& set) {
  const format::BackupStats& stats = set.stats;
  return {std::to_string(set.backup_set_id.value),
          std::to_string(set.dest_id.value),
          std::string(NameOf(set.backup_type.value)),
          std::to_string(set.prev_full_backup_set_id.value),
          std::to_string(set.prev_inc_backup_set_id.value),
          std::string(NameOf(set.status)),
          std::string(NameOf(set.file_status)),
          set.plus_archivelog ? "ON" : "OFF",
          TimeText(set.start_time),
          TimeText(set.end_time),
          std::to_string(set.start_replay_scn.value),
          ToText(set.start_replay_scn),
          std::to_string(set.consistent_scn.value),
          std::to_string(set.min_restore_scn.value),
          ToText(set.min_restore_scn),
          std::to_string(stats.input_bytes),
          std::to_string(stats.output_bytes),
          std::to_string(stats.tablet_count),
          std::to_string(stats.macro_block_count),
          std::to_string(stats.finish_file_count),
          std::to_string(set.result),
          set.backup_path.value};
}

}  // namespace

Section SetSection(const BackupSetFileDesc& set, std::chrono::nanoseconds elapsed) {
  Section section{
      .name = "backup_set", .columns = SetColumns(), .rows = {SetRow(set)}, .single = true};
  section.columns.push_back({"elapsed_seconds", OutputKind::kReal});
  section.rows.front().emplace_back(
      fmt::format("{:.3f}", std::chrono::duration<double>(elapsed).count()));
  return section;
}

Section DestSection(const std::optional<io::BackupDest>& dest) {
  Section section{.name = "destination",
                  .columns = {{"data_backup_dest", OutputKind::kText}},
                  .rows = {OutputRow(1)},
                  .single = true};
  if (dest) section.rows.front()[0] = dest->PathString();
  return section;
}

Section SetsSection(std::span<const BackupSetFileDesc> sets) {
  Section section{.name = "sets", .columns = SetColumns(), .rows = {}};
  for (const BackupSetFileDesc& set : sets) section.rows.push_back(SetRow(set));
  return section;
}

Section JobsSection(std::span<const backup::BackupJob> jobs) {
  Section section{.name = "jobs",
                  .columns = {{"job_id", OutputKind::kInteger},
                              {"backup_set_id", OutputKind::kInteger},
                              {"plus_archivelog", OutputKind::kText},
                              {"backup_type", OutputKind::kText},
                              {"status", OutputKind::kText},
                              {"task_status", OutputKind::kText},
                              {"start_timestamp", OutputKind::kText},
                              {"end_timestamp", OutputKind::kText},
                              {"result", OutputKind::kInteger},
                              {"comment", OutputKind::kText},
                              {"description", OutputKind::kText}},
                  .rows = {}};
  for (const backup::BackupJob& job : jobs) {
    section.rows.push_back({std::to_string(job.job_id), std::to_string(job.set.value),
                            job.request.plus_archivelog ? "ON" : "OFF",
                            std::string(NameOf(job.type)), std::string(backup::ToText(job.status)),
                            std::string(backup::ToText(job.task)), TimeText(job.start_time),
                            TimeText(job.end_time), std::to_string(job.result), job.comment,
                            job.request.description});
  }
  return section;
}

}  // namespace obbak::cli
