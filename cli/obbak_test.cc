// The commands on tenants, driven as a person would: whole command lines, real files.
#include "cli/obbak.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cli/data_dir.h"
#include "cli/file_descriptor.h"
#include "cli/interruption.h"
#include "cli/obbak_test_support.h"

namespace obbak::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST_F(ObbakTest, RowsAreReadAsTheyWereWritten) {
  CreateAccounts();
  EXPECT_THAT(Out({"put", "accounts", "-7", "a\tb \"c\"", "NULL"}), HasSubstr(" UTC)\n"));
  Out({"put", "accounts", "1", "list", "[1,2]", "--columns", "id,owner,balance", "--null",
       "[1,2]"});
  Out({"put", "accounts", "--columns", "balance,id", "50", "2"});
  Out({"put", "accounts", "3", "", "9007199254740993"});
  EXPECT_EQ(Out({"scan", "accounts"}),
            "id\towner\tbalance\n"
            "-7\t\"a\tb \"\"c\"\"\"\t\n"
            "1\tlist\t\n"
            "2\t\t50\n"
            "3\t\"\"\t9007199254740993\n");
  EXPECT_EQ(Out({"scan", "accounts", "--json", "--from", "2"}),
            "{\"id\": 2, \"owner\": null, \"balance\": 50}\n"
            "{\"id\": 3, \"owner\": \"\", \"balance\": \"9007199254740993\"}\n");
  EXPECT_EQ(Out({"get", "accounts", "-7", "--json"}),
            "{\"id\": -7, \"owner\": \"a\\tb \\\"c\\\"\", \"balance\": null}\n");
  EXPECT_EQ(Run({"scan", "accounts", "--to", "2"}, Terminal::kYes).out,
            "id  owner     balance\n"
            "-7  a\\tb \"c\"     NULL\n"
            " 1  list         NULL\n");
  Out({"delete", "accounts", "1"});
  EXPECT_THAT(Err({"get", "accounts", "1"}), HasSubstr("[OB_ENTRY_NOT_EXIST -4018]"));
  EXPECT_THAT(Err({"delete", "accounts", "1"}), HasSubstr("[OB_ENTRY_NOT_EXIST -4018]"));
}

TEST_F(ObbakTest, ScansInBothDirectionsWithinBoundsAndLimits) {
  Out({"tenant", "create", "shop"});
  Out({"table", "create", "shop.orders", "day date, n int, primary key (day, n)", "--partitions",
       "2", "--create-database"});
  for (const char* day : {"2024-02-28", "2024-02-29"}) {
    for (const char* n : {"1", "2", "3"}) Out({"put", "shop.orders", day, n});
  }
  const auto scan = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"scan", "shop.orders"});
    std::vector<std::string> lines = Lines(Out(options));
    lines.erase(lines.begin());
    return lines;
  };
  EXPECT_THAT(scan({"--from", "2024-02-28,2", "--to", "2024-02-29,2"}),
              ElementsAre("2024-02-28\t2", "2024-02-28\t3", "2024-02-29\t1"));
  EXPECT_THAT(scan({"--to", "2024-02-29", "--reverse", "--limit", "2"}),
              ElementsAre("2024-02-28\t3", "2024-02-28\t2"));
  EXPECT_THAT(scan({"--limit", "0"}), IsEmpty());
  EXPECT_THAT(Err({"scan", "shop.orders", "--from", "1,2,3"}), HasSubstr("--from"));
}

TEST_F(ObbakTest, OldSnapshotsStayReadableUntilAMajorCompaction) {
  CreateAccounts();
  const std::string first = ScnIn(Out({"put", "accounts", "1", "ann", "10"}));
  Out({"flush"});
  const std::string second = ScnIn(Out({"put", "accounts", "1", "bob", "20"}));
  EXPECT_THAT(Out({"compact", "minor"}), HasSubstr("rows"));
  const auto owner_at = [&](const std::string& at) {
    const std::string row = Lines(Out({"get", "accounts", "1", "--at", at})).back();
    return row.substr(2, 3);
  };
  EXPECT_EQ(owner_at(first), "ann");
  EXPECT_EQ(owner_at(second), "bob");
  EXPECT_EQ(owner_at(std::to_string(std::stoull(second) - 1)), "ann");
  EXPECT_THAT(Err({"get", "accounts", "1", "--at", "2000-01-01"}), HasSubstr("2000-01-01"));
  EXPECT_THAT(Err({"get", "accounts", "1", "--at", "4000000000000000000"}),
              HasSubstr("[OB_INVALID_ARGUMENT -4002]"));
  EXPECT_THAT(Err({"get", "accounts", "1", "--at", "yesterday"}), HasSubstr("yesterday"));

  EXPECT_THAT(Out({"compact", "major"}), StartsWith("major compaction at SCN "));
  EXPECT_EQ(Out({"scan", "accounts"}), "id\towner\tbalance\n1\tbob\t20\n");
  EXPECT_THAT(Err({"get", "accounts", "1", "--at", first}),
              HasSubstr("[OB_SNAPSHOT_DISCARDED -4138]"));
}

constexpr std::string_view kBadCsv =
    "id,owner,balance\n"
    "1,ann,10\n"
    "2,\"bob, jr\",x\n"
    "3,\"cid\n"
    "dan\",30\n"
    "1,twice,0\n"
    "4,eve\n"
    "5,,\n";

TEST_F(ObbakTest, LoadReportsBadLinesAndGoesOnWhenAsked) {
  CreateAccounts();
  const std::string csv = Write("a.csv", kBadCsv);
  const CommandResult result =
      Run({"load", "--csv", csv, "--table", "accounts", "--on-error", "skip"});
  EXPECT_EQ(result.status, kSuccess);
  EXPECT_THAT(result.out, StartsWith("3 rows loaded"));
  EXPECT_THAT(result.err, HasSubstr(csv + ":3: field balance: "));
  EXPECT_THAT(result.err, HasSubstr("a.csv:6: "));
  EXPECT_THAT(result.err, HasSubstr("[OB_ERR_PRIMARY_KEY_DUPLICATE -5024]"));
  EXPECT_THAT(result.err, HasSubstr("a.csv:7: 2 values for 3 columns"));
  EXPECT_THAT(result.err, HasSubstr("3 bad lines skipped\n"));
  EXPECT_THAT(result.err, Not(HasSubstr("\r")));
  EXPECT_EQ(Out({"scan", "accounts", "--json"}),
            "{\"id\": 1, \"owner\": \"ann\", \"balance\": 10}\n"
            "{\"id\": 3, \"owner\": \"cid\\ndan\", \"balance\": 30}\n"
            "{\"id\": 5, \"owner\": null, \"balance\": null}\n");
}

TEST_F(ObbakTest, LoadStopsAtABadLineUnlessToldOtherwise) {
  CreateAccounts();
  const CommandResult result =
      Run({"load", "--csv", Write("a.csv", kBadCsv), "--table", "accounts"});
  EXPECT_EQ(result.status, kFailure);
  EXPECT_THAT(result.err, HasSubstr("a.csv:3: "));
  EXPECT_THAT(result.err, Not(HasSubstr("a.csv:6: ")));
  EXPECT_EQ(Out({"scan", "accounts"}), "id\towner\tbalance\n1\tann\t10\n");
}

TEST_F(ObbakTest, LoadReadsWhatScanPrints) {
  CreateAccounts();
  std::string csv = "9;first;1\n";
  for (int id = 0; id < 3000; ++id)
    csv += std::to_string(id) + ";\"o;" + std::to_string(id) + "\";-\n";
  Out({"load", "--csv", Write("a.csv", csv), "--table", "accounts", "--columns", "id,owner,balance",
       "--delimiter", ";", "--null", "-", "--replace", "--transaction-rows", "64"});
  const std::string printed = Out({"scan", "accounts"});
  EXPECT_EQ(Lines(printed).size(), 3001);
  EXPECT_THAT(printed, HasSubstr("\n9\to;9\t\n"));  // the later line

  Out({"table", "create", "copy",
       "id bigint, owner varchar(20), balance bigint, primary key (id)"});
  Out({"load", "--csv", Write("b.csv", printed), "--table", "copy", "--delimiter", "tab"});
  EXPECT_EQ(Out({"scan", "copy"}), printed);
}

TEST_F(ObbakTest, LoadEndsWhenItIsInterruptedWhileItWaitsForInput) {
  CreateAccounts();
  const std::string pipe = (directory_ / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const InterruptionSignals signals;
  // It never writes.
  std::thread writer([&] {
    const FileDescriptor end(::open(pipe.c_str(), O_WRONLY));
    ::kill(::getpid(), SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  });
  const CommandResult result = Run({"load", "--csv", pipe, "--table", "accounts"});
  writer.join();
  EXPECT_EQ(result.status, kFailure);
  EXPECT_THAT(result.err, HasSubstr("the load was interrupted [OB_CANCELED -4072]"));
}

TEST_F(ObbakTest, LoadRefusesAHeaderThatDoesNotFit) {
  CreateAccounts();
  const std::string wrong = Write("a.csv", "id,colour\n1,red\n");
  EXPECT_THAT(Err({"load", "--csv", wrong, "--table", "accounts"}), HasSubstr("a.csv:1: "));
  EXPECT_THAT(Err({"load", "--csv", Write("b.csv", "owner\nann\n"), "--table", "accounts"}),
              HasSubstr("column id"));
  EXPECT_THAT(Err({"load", "--csv", Write("c.csv", ""), "--table", "accounts"}),
              HasSubstr("no header"));
  EXPECT_THAT(Err({"load", "--csv", "/nonexistent", "--table", "accounts"}),
              HasSubstr("[OB_FILE_NOT_EXIST -4027]"));
}

TEST_F(ObbakTest, ShowsTenantsAndTables) {
  EXPECT_THAT(Err({"tenant", "show"}), HasSubstr("obbak tenant create"));
  Out({"tenant", "create", "shop", "--id", "1004", "--parameter", "undo_retention=1800"});
  EXPECT_THAT(Err({"tenant", "create", "shop"}), HasSubstr("[OB_ENTRY_EXIST -4017]"));
  EXPECT_THAT(Err({"tenant", "create", "1x"}), HasSubstr("[OB_INVALID_ARGUMENT -4002]"));
  EXPECT_THAT(Err({"tenant", "create", "other", "--id", "1001"}), HasSubstr("1001"));
  Out({"table", "create", "t", "id int, primary key (id)", "--partitions", "2"});
  EXPECT_THAT(Err({"table", "create", "no.t", "id int, primary key (id)"}),
              HasSubstr("[OB_ENTRY_NOT_EXIST -4018]"));

  const json::value tenant = json::parse(Out({"tenant", "show", "--json"}));
  EXPECT_EQ(tenant.at("tenant").at("id").as_int64(), 1004);
  EXPECT_EQ(tenant.at("tenant").at("undo_retention").as_string(), "1800");
  EXPECT_EQ(tenant.at("log_streams").as_array().size(), 3);
  EXPECT_EQ(tenant.at("tablets").as_array().size(), 2);
  EXPECT_GT(tenant.at("storage").at("memtable_bytes").as_int64(), 0);

  const json::value table = json::parse(Out({"table", "show", "t", "--json"}));
  EXPECT_EQ(table.at("columns").at(0).at("type").as_string(), "int");
  EXPECT_NE(table.at("partitions").at(0).at("log_stream").as_int64(),
            table.at("partitions").at(1).at("log_stream").as_int64());
  EXPECT_THAT(Out({"table", "list"}), HasSubstr("test.t\t"));
  EXPECT_THAT(Out({"table", "list", "--all"}), HasSubstr("__all_"));
  Out({"table", "drop", "t"});
  EXPECT_THAT(Out({"table", "list"}), Not(HasSubstr("test.t\t")));

  Out({"tenant", "create", "other"});
  EXPECT_THAT(Err({"table", "list"}), HasSubstr("--tenant: other, shop"));
  EXPECT_THAT(Err({"--tenant", "third", "table", "list"}), HasSubstr("other, shop"));
  Out({"table", "list", "--tenant", "shop"});
  const std::vector<std::string> tenants = Lines(Out({"tenant", "list"}));
  ASSERT_EQ(tenants.size(), 3);
  EXPECT_THAT(tenants[1], StartsWith("other\t1002\t"));
  EXPECT_THAT(tenants[2], StartsWith("shop\t1004\t"));
}

TEST_F(ObbakTest, OneProcessAtATime) {
  CreateAccounts();
  const Result<TenantLock> lock = TenantLock::Take(DataDir(), "shop");
  ASSERT_TRUE(lock) << lock.error().ToString();
  const std::string error = Err({"scan", "accounts"});
  EXPECT_THAT(error, HasSubstr("in use by process " + std::to_string(::getpid())));
  EXPECT_THAT(error, HasSubstr("[OB_OP_NOT_ALLOW -4179]"));
  EXPECT_THAT(Out({"tenant", "list"}), HasSubstr("in use by process"));
  // Who looks keeps nobody off.
  const auto owner = TenantLock::OwnerOf(DataDir(), "shop");
  ASSERT_TRUE(owner && owner->has_value());
  EXPECT_EQ((*owner)->process, ::getpid());
}

TEST_F(ObbakTest, ALockThatIsGivenBackIsNobodys) {
  CreateAccounts();
  {
    const Result<TenantLock> lock = TenantLock::Take(DataDir(), "shop", "backup");
    ASSERT_TRUE(lock) << lock.error().ToString();
  }
  const auto owner = TenantLock::OwnerOf(DataDir(), "shop");
  ASSERT_TRUE(owner) << owner.error().ToString();
  EXPECT_FALSE(owner->has_value());
  EXPECT_EQ(fs::file_size(DataDir() + "/shop.lock"), 0);
}

TEST_F(ObbakTest, ALagTargetThatMakesNoSenseIsRefused) {
  for (const char* lag : {"abc", "7201s"}) {
    EXPECT_THAT(
        Err({"tenant", "create", "shop", "--parameter", std::string("archive_lag_target=") + lag}),
        HasSubstr("field archive_lag_target"));
  }
  EXPECT_FALSE(fs::exists(DataDir() + "/shop"));
}

TEST_F(ObbakTest, BankChecksItsSumAndGoesOnWhereItWas) {
  Out({"tenant", "create", "shop"});
  for (int round = 0; round < 2; ++round) {
    const json::value report =
        json::parse(Out({"workload", "run", "bank", "--accounts", "20", "--operations", "200",
                         "--users", "8", "--seed", "7", "--json"}));
    const json::value& transfers = report.at("operations").at(0);
    EXPECT_EQ(transfers.at("done").as_int64() + transfers.at("refused").as_int64(), 200);
    EXPECT_EQ(report.at("bank").at("sum").as_int64(), 20'000);
    EXPECT_GE(report.at("bank").at("times_checked").as_int64(), 2);
  }
  const json::value account = json::parse(Out({"get", "bank", "3", "--json"}));
  Out({"put", "bank", "3", std::to_string(account.at("balance").as_int64()),
       std::to_string(account.at("transfers").as_int64() + 1)});
  EXPECT_THAT(Err({"workload", "run", "bank", "--operations", "1"}), HasSubstr("half a transfer"));
}

TEST_F(ObbakTest, YcsbDoesWhatItsMixSays) {
  Out({"tenant", "create", "shop"});
  const auto kinds = [&](const std::string& mix) {
    const json::value report =
        json::parse(Out({"workload", "run", "ycsb", "--mix", mix, "--records", "200",
                         "--operations", "300", "--users", "4", "--seed", "7", "--json"}));
    std::string names;
    std::int64_t done = 0;
    for (const json::value& kind : report.at("operations").as_array()) {
      names += std::string(kind.at("operation").as_string()) + " ";
      done += kind.at("done").as_int64();
    }
    EXPECT_EQ(done, 300);
    return names;
  };
  EXPECT_EQ(kinds("a"), "read update ");
  EXPECT_EQ(kinds("b"), "read update ");
  EXPECT_EQ(kinds("c"), "read ");
  EXPECT_EQ(kinds("f"), "read read-modify-write ");
  EXPECT_EQ(Lines(Out({"scan", "usertable"})).size(), 201);
}

TEST_F(ObbakTest, ExplainsEveryCommand) {
  const std::vector<std::vector<std::string>> commands = {{"tenant", "create"},
                                                          {"tenant", "list"},
                                                          {"tenant", "show"},
                                                          {"table", "create"},
                                                          {"table", "list"},
                                                          {"table", "show"},
                                                          {"table", "drop"},
                                                          {"load"},
                                                          {"get"},
                                                          {"scan"},
                                                          {"put"},
                                                          {"delete"},
                                                          {"flush"},
                                                          {"compact", "minor"},
                                                          {"compact", "major"},
                                                          {"archive", "start"},
                                                          {"archive", "stop"},
                                                          {"archive", "suspend"},
                                                          {"archive", "resume"},
                                                          {"archive", "status"},
                                                          {"backup", "full"},
                                                          {"backup", "incremental"},
                                                          {"backup", "list"},
                                                          {"restore"},
                                                          {"validate"},
                                                          {"tree"},
                                                          {"inspect"},
                                                          {"demo"},
                                                          {"workload", "run", "bank"},
                                                          {"workload", "run", "ycsb"}};
  for (std::vector<std::string> command : commands) {
    std::string name = "  obbak";
    for (const std::string& word : command) name += " " + word;
    if (command[0] == "tenant" && command[1] == "show") name = "  obbak --tenant shop tenant show";
    command.push_back("--help");
    EXPECT_THAT(Out(command), HasSubstr(name)) << command[0];
  }
  EXPECT_EQ(Run({"frobnicate"}).status, kUsage);
  EXPECT_EQ(Run({"load"}).status, kUsage);
  EXPECT_EQ(Run({}).status, kUsage);
  EXPECT_THAT(Out({"--version"}), HasSubstr("1.2.3"));
}

}  // namespace
}  // namespace obbak::cli
