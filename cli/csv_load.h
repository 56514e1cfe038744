// CsvLoad: the rows of a CSV file into a table, several transactions at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/csv.h"
#include "cli/row_text.h"
#include "engine/cell.h"
#include "engine/schema.h"
#include "engine/tenant.h"
#include "io/loop.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::cli {

struct LoadOptions {
  CsvOptions csv;
  // What the fields are; without them the first record has the columns' names.
  std::vector<std::string> columns;
  // A field that is this, and not in quotes, is NULL.
  std::string null;
  // Whether to go on behind a line that cannot be loaded.
  bool skip_bad_lines = false;
  // A row takes the place of one with its key, or of an earlier line; otherwise that is a bad line.
  bool replace = false;
  std::size_t transaction_rows = 256;
  std::size_t transactions = 8;  // at the same time; at least one per partition
};

struct LoadCounts {
  std::uint64_t rows = 0;
  std::uint64_t bad_lines = 0;
  std::uint64_t transactions = 0;
};

// Lines with the same key are loaded in their order: a key belongs to one of several lanes, and a
// lane has one transaction at a time. For the same reason transactions never conflict, and each is
// in one tablet.
class CsvLoad {
 public:
  // Fills the span, or a part of it; 0 at the end. Called on a worker.
  using Source = std::function<Result<std::size_t>(std::span<char>)>;
  // An Error whose path is "file:line".
  using ReportBadLine = std::function<void(const Error&)>;
  using ReportProgress = std::function<void(const LoadCounts& counts, std::uint64_t bytes)>;

  // All must outlive the load. `file` is its name in errors.
  CsvLoad(engine::Tenant& tenant, io::Loop& loop, engine::TableSchemaPtr table,
          const LoadOptions& options, std::string file, ReportBadLine report,
          ReportProgress progress);

  // Once. When a bad line ends it, the lines that were read before it - and perhaps, when its key
  // was what made it bad, some behind it - are loaded. The error is what hinders every line: of
  // the source, the header, the tenant.
  io::Task<Status> Run(Source source);

  // Ends Run() with kCanceled as soon as nothing is under way.
  void Cancel();

  // Of what is committed.
  const LoadCounts& counts() const { return counts_; }

 private:
  struct PendingRow {
    std::uint64_t line;
    engine::Row row;
  };
  struct Lane {
    std::vector<PendingRow> pending;
    std::vector<PendingRow> committing;
    bool busy = false;
  };

  io::Task<Status> ReadAll(const Source& source);
  // The records that are complete.
  io::Task<Status> TakeRecords();
  io::Task<Status> TakeRecord();
  Result<engine::Row> ParseRecord() const;
  Status TakeHeader();

  Lane& LaneOf(const engine::Row& row);
  // Waits until the lane's last batch is committed.
  io::Task<void> StartBatch(Lane& lane);
  io::Task<void> CommitBatch(Lane& lane);
  io::Task<Status> WriteBatch(const std::vector<PendingRow>& rows);

  void BadLine(std::uint64_t line, Error error);
  bool stopped() const { return failure_ || (counts_.bad_lines > 0 && !options_.skip_bad_lines); }

  engine::Tenant& tenant_;
  io::Loop& loop_;
  engine::TableSchemaPtr table_;
  const LoadOptions& options_;
  std::string file_;
  ReportBadLine report_;
  ReportProgress progress_;

  CsvReader reader_;
  std::optional<RowParser> parser_;
  std::vector<Lane> lanes_;
  std::size_t lanes_per_partition_;
  io::TaskGroup batches_;
  io::WaitQueue lane_is_free_;
  LoadCounts counts_;
  std::uint64_t bytes_ = 0;
  std::optional<Error> failure_;
};

}  // namespace obbak::cli
