// The first half of the demonstration: a tenant works, is archived and backed up, and then has an
// accident.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/bank_journal.h"
#include "cli/demo_steps.h"
#include "cli/table_digest.h"
#include "cli/tenant_session.h"
#include "engine/bank_workload.h"
#include "format/ids.h"
#include "io/backup_dest.h"
#include "io/task.h"

namespace obbak::cli {

struct DemoPlaces {
  std::string data_dir;  // of the tenants
  io::BackupDest backup;
  io::BackupDest archive;
};

struct SourcePlan {
  std::string unicode_data;
  std::optional<std::uint64_t> rows;
  engine::BankParameters bank;
};

// What is known of the tenant when it has ended, beside what its backups say.
struct SourceRecord {
  explicit SourceRecord(const engine::BankParameters& bank) : journal(bank) {}

  BankJournal journal;
  format::Scn accident;  // version of the DELETE
  format::Scn target;    // just before it
  std::uint64_t wiped_rows = 0;
  TenantDigest digest;        // at the target
  engine::BankTotals totals;  // at the target
};

// Runs on a new, open tenant. Its archive is complete when this returns.
io::Task<Status> TellSource(const DemoPlaces& places, const SourcePlan& plan,
                            TenantSession& session, DemoSteps& steps, SourceRecord& record);

// How the tenant's archiver works, so that there is something to see in less than a minute.
backup::ArchiveOptions DemoArchiveOptions();

}  // namespace obbak::cli
