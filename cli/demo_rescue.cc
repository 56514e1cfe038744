#include "cli/demo_rescue.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "cli/demo_unicode.h"
#include "cli/progress.h"
#include "cli/restore_source_row.h"
#include "cli/timeline.h"
#include "format/backup_enums.h"
#include "restore/restore.h"
#include "restore/restore_plan.h"

namespace obbak::cli {
namespace {

using format::Scn;
using restore::RestoreSummary;
using restore::ValidationReport;

constexpr std::uint64_t kTenantId = 1004;

io::Task<Result<RestoreSummary>> RestoreTo(const DemoPlaces& places, std::string dir,
                                           std::string name, Scn target, HostWorld& world) {
  const std::vector<io::BackupDest> dests{places.backup, places.archive};
  const auto source = co_await restore::OpenRestoreSource(dests, world.media());
  if (!source) co_return Fail(source.error());
  restore::RestorePoint point;
  point.scn = target;
  const auto plan = co_await restore::MakeRestorePlan(*source, point);
  if (!plan) co_return Fail(plan.error());
  restore::RestoreOptions options;
  options.dir = std::move(dir);
  options.tenant_name = std::move(name);
  options.tenant_id = kTenantId;
  options.rows.insert(RestoreSourceRow(dests));
  co_return co_await restore::Restore(world.env(), *source, *plan, options);
}

// The lines of the proof.
class Proof {
 public:
  explicit Proof(const Console& console) : console_(console) {}

  void Line(const std::string& what, const std::string& is, bool holds) {
    console_.out(fmt::format("     {:<6}  {:<34}  {}\n", holds ? "proved" : "FAILED", what, is));
    if (!holds && failed_.empty()) failed_ = what;
  }
  Status verdict() const {
    if (failed_.empty()) return {};
    return Fail(ErrorCode::kInvalidData, fmt::format("the proof has failed: {}", failed_));
  }

 private:
  const Console& console_;
  std::string failed_;
};

void CompareDigests(const TenantDigest& expected, const TenantDigest& is, Proof& proof) {
  for (const auto& [table, digest] : expected) {
    const auto found = is.find(table);
    const bool same = found != is.end() && found->second == digest;
    proof.Line(fmt::format("{} is the same", table),
               same ? fmt::format("{} rows, XXH3 {}", digest.rows, digest.ToText())
                    : fmt::format("{} rows, expected {}",
                                  found == is.end() ? 0 : found->second.rows, digest.rows),
               same);
  }
  proof.Line("there is no other table", fmt::format("{} tables", is.size()),
             is.size() == expected.size());
}

std::uint64_t RowsOf(const TenantDigest& digest, std::string_view table) {
  const auto found = digest.find(fmt::format("test.{}", table));
  return found == digest.end() ? 0 : found->second.rows;
}

}  // namespace

Status Rescue(const DemoPlaces& places, const std::string& name, const SourceRecord& record,
              HostWorld& world, const Console& console, DemoSteps& steps) {
  const Result<TenantLock> lock = LockNewTenant({places.data_dir, name}, "restore");
  if (!lock) return Fail(lock.error());
  steps.Begin(world.loop(), "restore to 1 ns before the accident");
  const Result<RestoreSummary> summary = world.loop().Run(
      RestoreTo(places, TenantDir(places.data_dir, name), name, record.target, world));
  if (!summary) return Fail(summary.error());
  steps.End(fmt::format("{} tablets, {} macro blocks, {} of data; {} of logs with {} entries",
                        summary->tablets, summary->macro_blocks,
                        ShortBytes(static_cast<double>(summary->data_bytes)),
                        ShortBytes(static_cast<double>(summary->log_bytes)), summary->log_entries));
  console.out(fmt::format("\nTenant {}, restored to SCN {}, and what is known of that moment:\n",
                          name, record.target.value));
  return {};
}

io::Task<Status> ProveRescue(const SourceRecord& record, TenantSession& session) {
  Proof proof(session.console);
  const Scn snapshot = session.tenant.snapshot();
  proof.Line("it stands at the SCN asked for", ToText(snapshot), snapshot == record.target);
  const auto digest = co_await DigestTenant(session.tenant, snapshot);
  if (!digest) co_return Fail(digest.error());
  CompareDigests(record.digest, *digest, proof);
  const std::uint64_t rows = RowsOf(*digest, kUnicodeTable);
  proof.Line("the deleted rows are back", fmt::format("{} rows", rows), rows == record.wiped_rows);

  engine::BankParameters parameters;
  const auto bank = co_await engine::BankWorkload::Open(session.tenant, parameters);
  if (!bank) co_return Fail(bank.error());
  const auto totals = co_await bank->Totals(snapshot);
  if (!totals) co_return Fail(totals.error());
  proof.Line("the bank's sum is right",
             fmt::format("{} in {} accounts", totals->balance, totals->accounts),
             *totals == record.totals &&
                 totals->balance == parameters.accounts * parameters.initial_balance);
  const Status compared = co_await record.journal.Compare(session.tenant, snapshot);
  const std::size_t before = record.journal.CountUpTo(snapshot);
  proof.Line("every account is as recorded",
             compared ? fmt::format("{} transfers are in it, the {} later ones are not", before,
                                    record.journal.size() - before)
                      : compared.error().message(),
             compared.has_value());
  co_return proof.verdict();
}

Result<ValidationReport> ValidateDemo(const DemoPlaces& places, HostWorld& world,
                                      DemoSteps& steps) {
  steps.Begin(world.loop(), "validate both destinations, every byte");
  const io::MediumFactory media = world.media();
  const auto data = media(places.backup);
  if (!data) return Fail(data.error());
  const auto archive = media(places.archive);
  if (!archive) return Fail(archive.error());
  Result<ValidationReport> report =
      world.loop().Run(restore::Validate(world.loop(), {data->get(), archive->get()}));
  if (!report) return report;
  steps.End(fmt::format("{} files, {}, {}B/s, {} findings", report->files,
                        ShortBytes(static_cast<double>(report->bytes)), steps.RateOf(report->bytes),
                        report->findings.size()));
  if (!report->findings.empty()) return Fail(report->findings.front().error);
  return report;
}

std::string TimelineText(const ValidationReport& report, const SourceRecord& record) {
  if (report.pieces.empty()) return {};
  const Scn from = report.pieces.front().attr.start_scn;
  const Scn to = report.pieces.back().attr.checkpoint_scn;
  if (from >= to) return {};
  Timeline timeline(from, to);
  std::vector<Timeline::Span> pieces;
  for (const restore::ValidatedPiece& piece : report.pieces) {
    const format::TenantArchivePieceAttr& attr = piece.attr;
    const bool is_frozen = attr.status.value == format::ArchivePieceStatus::kFrozen;
    pieces.push_back({attr.start_scn, is_frozen ? attr.end_scn : attr.checkpoint_scn,
                      fmt::format("piece {}", attr.key.piece_id.value)});
  }
  timeline.AddSpans("archive", pieces, "─");
  for (const restore::ValidatedSet& set : report.sets) {
    const std::string name =
        fmt::format("set {} {}", set.desc.backup_set_id.value, NameOf(set.desc.backup_type.value));
    const Scn begin{static_cast<std::uint64_t>(set.desc.start_time.value) * 1000};
    timeline.AddSpans(name, {{begin, set.desc.min_restore_scn, ""}}, "─");
  }
  std::vector<Timeline::Span> windows;
  for (const restore::Window& window : report.windows) {
    windows.push_back({window.from, window.to, fmt::format(" from set {} ", window.set.value)});
  }
  timeline.AddSpans("restorable", windows, "━");
  timeline.AddMark("accident", record.accident, "×", "DELETE");
  timeline.AddMark("restored to", record.target, "▲", "1 ns before it");
  return timeline.ToText();
}

}  // namespace obbak::cli
