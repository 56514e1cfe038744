#include "cli/demo_source.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <stop_token>
#include <utility>

#include "backup/data_backup.h"
#include "cli/demo_unicode.h"
#include "cli/progress.h"
#include "cli/scn_text.h"
#include "cli/workload_bank.h"
#include "cli/workload_run.h"
#include "io/sync.h"

namespace obbak::cli {
namespace {

using backup::DataBackup;
using engine::BankWorkload;
using format::BackupType;
using format::Scn;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kPieceInterval{2};
constexpr std::size_t kUsers = 4;
// How long the bank works with nothing else going on.
constexpr milliseconds kWork{1500};

std::string Bytes(std::int64_t bytes) { return ShortBytes(static_cast<double>(bytes)); }

// The bank's users, who work beside everything else until they are stopped.
class BankUsers {
 public:
  BankUsers(TenantSession& session, const BankWorkload& bank)
      : session_(session),
        workload_(MakeBank(bank, session.tenant, session.world.random())),
        working_(session.world.loop()) {}

  void Start() { working_.Spawn(Work()); }
  // What they did. Fails when a sum was wrong.
  io::Task<Result<RunReport>> Stop() {
    stop_.request_stop();
    co_await working_.Join();
    co_return std::move(report_);
  }

 private:
  io::Task<void> Work() {
    io::Loop& loop = session_.world.loop();
    RunLimits limits;
    limits.users = kUsers;
    limits.stop = stop_.get_token();
    limits.seed = session_.world.random().Next();
    // Who tells the story shows how far it is.
    const Console quiet{.out = {}, .err = {}};
    Progress progress(quiet, [&loop] { return loop.SteadyNow(); }, "transfers");
    report_ = co_await RunWorkload(loop, workload_, limits, progress);
  }

  TenantSession& session_;
  Workload workload_;
  std::stop_source stop_;
  io::TaskGroup working_;
  Result<RunReport> report_;
};

// The steps, in their order.
class Source {
 public:
  Source(const DemoPlaces& places, const SourcePlan& plan, TenantSession& session, DemoSteps& steps,
         SourceRecord& record)
      : places_(places), plan_(plan), session_(session), steps_(steps), record_(record) {}

  io::Task<Status> Tell() {
    if (Status done = co_await StartArchive(); !done) co_return done;
    if (Status done = co_await Load(); !done) co_return done;
    Result<BankWorkload> bank = co_await BankWorkload::Open(tenant(), plan_.bank);
    if (!bank) co_return Fail(bank.error());
    bank->RecordTo([this](const engine::BankTransfer& transfer, Scn version) {
      record_.journal.Add(transfer, version);
    });
    BankUsers users(session_, *bank);
    users.Start();
    Status worked = co_await WorkAndBackUp();
    Result<RunReport> report = co_await users.Stop();
    if (!worked) co_return worked;
    if (!report) co_return Fail(report.error());
    PrintBank(*report);
    co_return co_await Remember(*bank);
  }

 private:
  engine::Tenant& tenant() { return session_.tenant; }
  void Begin(std::string what) { steps_.Begin(session_.world.loop(), std::move(what)); }

  io::Task<Status> StartArchive() {
    Begin(fmt::format("archive its logs, a piece every {} s", kPieceInterval.count()));
    io::LogArchiveDest dest{.location = places_.archive};
    dest.piece_switch_interval = kPieceInterval;
    backup::Archiver& archiver = *session_.archiver;
    if (Status set = co_await archiver.SetDest(std::move(dest)); !set) co_return set;
    if (Status on = co_await archiver.ArchiveLog(); !on) co_return on;
    if (Status doing = co_await archiver.AwaitState(); !doing) co_return doing;
    const auto round = archiver.DoingRound();
    if (!round) co_return Fail(round.error());
    steps_.End(fmt::format("round {} from {}", round->round.value, ToText(round->start_scn)));
    co_return Status();
  }

  io::Task<Status> Load() {
    Begin("load the Unicode Character Database");
    const auto load =
        co_await LoadUnicode(tenant(), session_.world.loop(), plan_.unicode_data, plan_.rows);
    if (!load) co_return Fail(load.error());
    steps_.End(fmt::format("{} rows in {} transactions, {} rows/s", load->rows, load->transactions,
                           steps_.RateOf(load->rows)));
    co_return Status();
  }

  // Beside it, money moves.
  io::Task<Status> WorkAndBackUp() {
    Status opened_bank = co_await LetWork("a bank opens: money moves from here on");
    if (!opened_bank) co_return opened_bank;
    if (Status done = co_await CompactMajor("a first baseline of it all"); !done) co_return done;
    auto opened = co_await DataBackup::Open(tenant(), *session_.archiver, session_.world.media());
    if (!opened) co_return Fail(opened.error());
    DataBackup& backup = **opened;
    if (Status set = co_await backup.SetDest(places_.backup); !set) co_return set;
    if (Status done = co_await BackUp(backup, BackupType::kFull); !done) co_return done;
    if (Status done = co_await Remark(); !done) co_return done;
    if (Status done = co_await CompactMinor(); !done) co_return done;
    if (Status done = co_await CompactMajor("major compaction: a new baseline"); !done) {
      co_return done;
    }
    if (Status done = co_await BackUp(backup, BackupType::kInc); !done) co_return done;
    if (Status done = co_await LetWork("more work"); !done) co_return done;
    if (Status done = co_await Accident(); !done) co_return done;
    co_return co_await LetWork("nobody notices yet");
  }

  io::Task<Status> LetWork(std::string what) {
    Begin(std::move(what));
    const std::size_t before = record_.journal.size();
    Status slept = co_await session_.world.loop().Sleep(kWork);
    const std::size_t done = record_.journal.size() - before;
    steps_.End(fmt::format("{} transfers, {}/s", done, steps_.RateOf(done)));
    co_return slept;
  }

  io::Task<Status> BackUp(DataBackup& backup, BackupType type) {
    Begin(type == BackupType::kFull ? "full backup, while the bank works" : "incremental backup");
    const std::size_t before = record_.journal.size();
    backup::BackupRequest request;
    request.type = type;
    const auto set = co_await backup.Run(std::move(request));
    if (!set) co_return Fail(set.error());
    const format::BackupStats& stats = set->stats;
    steps_.End(fmt::format(
        "set {}: {} of {} copied, {} macro blocks, {}B/s; {} transfers meanwhile",
        set->backup_set_id.value, Bytes(stats.output_bytes), Bytes(stats.input_bytes),
        stats.macro_block_count, steps_.RateOf(static_cast<std::uint64_t>(stats.output_bytes)),
        record_.journal.size() - before));
    co_return Status();
  }

  io::Task<Status> Remark() {
    Begin("a remark on one character");
    const Result<Scn> version = co_await RemarkOnCharacter(tenant());
    if (!version) co_return Fail(version.error());
    steps_.End(fmt::format("committed at {}", ToText(*version)));
    co_return Status();
  }

  io::Task<Status> CompactMinor() {
    Begin("minor compaction: increments are merged");
    const auto summary = co_await tenant().CompactMinor();
    if (!summary) co_return Fail(summary.error());
    steps_.End(fmt::format("{} rows, {} macro blocks written", summary->rows_written,
                           summary->blocks_written));
    co_return Status();
  }

  io::Task<Status> CompactMajor(std::string what) {
    Begin(std::move(what));
    const auto done = co_await tenant().CompactMajor();
    if (!done) co_return Fail(done.error());
    steps_.End(fmt::format("{} macro blocks written, {} reused", done->second.blocks_written,
                           done->second.blocks_reused));
    co_return Status();
  }

  io::Task<Status> Accident() {
    Begin(fmt::format("the accident: DELETE FROM {}", kUnicodeTable));
    const Result<Wipe> wipe = co_await WipeUnicode(tenant());
    if (!wipe) co_return Fail(wipe.error());
    record_.accident = wipe->version;
    record_.target = Scn{wipe->version.value - 1};
    record_.wiped_rows = wipe->rows;
    steps_.End(fmt::format("{} rows are gone, at SCN {}", wipe->rows, wipe->version.value));
    co_return Status();
  }

  void PrintBank(const RunReport& report) {
    const KindReport& transfers = report.kinds.front();
    const double seconds = std::chrono::duration<double>(report.elapsed).count();
    session_.console.out(fmt::format(
        "     the bank closes: {} transfers in {}, {}/s, half of them below {:.1f} ms; its sum was "
        "checked {} times\n",
        transfers.done, ShortDuration(report.elapsed),
        ShortNumber(static_cast<double>(transfers.done) / seconds),
        std::chrono::duration<double, std::milli>(transfers.latency.Quantile(0.5)).count(),
        report.checks));
  }

  // What the tenant was just before the accident, by its own old versions; and the logs' end.
  io::Task<Status> Remember(const BankWorkload& bank) {
    Begin("archive the rest of the logs");
    if (Status done = co_await session_.archiver->CatchUp(); !done) co_return done;
    const auto round = session_.archiver->DoingRound();
    if (!round) co_return Fail(round.error());
    steps_.End(fmt::format("{} in {} pieces", Bytes(round->bytes),
                           session_.archiver->status().pieces.size()));
    Result<TenantDigest> digest = co_await DigestTenant(tenant(), record_.target);
    if (!digest) co_return Fail(digest.error());
    record_.digest = *std::move(digest);
    const auto totals = co_await bank.Totals(record_.target);
    if (!totals) co_return Fail(totals.error());
    record_.totals = *totals;
    co_return Status();
  }

  const DemoPlaces& places_;
  const SourcePlan& plan_;
  TenantSession& session_;
  DemoSteps& steps_;
  SourceRecord& record_;
};

}  // namespace

io::Task<Status> TellSource(const DemoPlaces& places, const SourcePlan& plan,
                            TenantSession& session, DemoSteps& steps, SourceRecord& record) {
  Source source(places, plan, session, steps, record);
  co_return co_await source.Tell();
}

backup::ArchiveOptions DemoArchiveOptions() {
  backup::ArchiveOptions options;
  options.lag_target = milliseconds(200);
  options.checkpoint_interval = milliseconds(500);
  options.piece_interval.min = kPieceInterval;
  return options;
}

}  // namespace obbak::cli
