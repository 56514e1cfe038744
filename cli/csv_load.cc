#include "cli/csv_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/transaction.h"

namespace obbak::cli {
namespace {

using engine::Row;

constexpr std::size_t kChunkSize = std::size_t{1} << 20;

}  // namespace

CsvLoad::CsvLoad(engine::Tenant& tenant, io::Loop& loop, engine::TableSchemaPtr table,
                 const LoadOptions& options, std::string file, ReportBadLine report,
                 ReportProgress progress)
    : tenant_(tenant),
      loop_(loop),
      table_(std::move(table)),
      options_(options),
      file_(std::move(file)),
      report_(std::move(report)),
      progress_(std::move(progress)),
      reader_(options.csv),
      batches_(loop),
      lane_is_free_(loop) {
  const std::size_t partitions = table_->tablets().size();
  lanes_per_partition_ = std::max<std::size_t>(options.transactions / partitions, 1);
  lanes_.resize(partitions * lanes_per_partition_);
}

io::Task<Status> CsvLoad::Run(Source source) {
  Status status;
  if (!options_.columns.empty()) {
    Result<RowParser> parser = RowParser::Create(table_, options_.columns);
    if (!parser) co_return Fail(std::move(parser).error());
    parser_ = *std::move(parser);
  }
  status = co_await ReadAll(source);
  for (Lane& lane : lanes_) co_await StartBatch(lane);
  co_await batches_.Join();
  if (failure_) co_return Fail(*failure_);
  co_return status;
}

void CsvLoad::Cancel() {
  if (!failure_) failure_ = Error(ErrorCode::kCanceled, "the load was interrupted");
}

io::Task<Status> CsvLoad::ReadAll(const Source& source) {
  std::vector<char> chunk(kChunkSize);
  while (!stopped() && !reader_.AtEnd()) {
    const auto read = [&] { return source(chunk); };
    const Result<std::size_t> size = co_await loop_.Offload(read);
    if (!size) co_return Fail(size.error());
    bytes_ += *size;
    if (*size > 0) {
      reader_.Feed(std::string_view(chunk.data(), *size));
    } else {
      reader_.Finish();
    }
    if (Status status = co_await TakeRecords(); !status) co_return status;
    progress_(counts_, bytes_);
  }
  if (!parser_ && !stopped()) {
    co_return Fail(Error(ErrorCode::kInvalidData, "there is no header").WithPath(file_));
  }
  co_return Status();
}

io::Task<Status> CsvLoad::TakeRecords() {
  while (!stopped()) {
    const Result<bool> found = reader_.Next();
    if (!found) {
      BadLine(reader_.line(), found.error());
    } else if (!*found) {
      co_return Status();
    } else if (Status status = co_await TakeRecord(); !status) {
      co_return status;
    }
  }
  co_return Status();
}

io::Task<Status> CsvLoad::TakeRecord() {
  if (!parser_) co_return TakeHeader();
  Result<Row> row = ParseRecord();
  if (!row) {
    BadLine(reader_.line(), row.error());
    co_return Status();
  }
  Lane& lane = LaneOf(*row);
  lane.pending.push_back({reader_.line(), *std::move(row)});
  if (lane.pending.size() >= options_.transaction_rows) co_await StartBatch(lane);
  co_return Status();
}

Status CsvLoad::TakeHeader() {
  std::vector<std::string> names;
  for (const CsvField& field : reader_.fields()) names.emplace_back(field.text);
  Result<RowParser> parser = RowParser::Create(table_, names);
  if (!parser) {
    return Fail(std::move(parser.error())
                    .WithPath(fmt::format("{}:{}", file_, reader_.line()))
                    .WithAdvice("when the file has no header, name its columns with --columns"));
  }
  parser_ = *std::move(parser);
  return {};
}

Result<Row> CsvLoad::ParseRecord() const {
  std::vector<std::optional<std::string_view>> values;
  for (const CsvField& field : reader_.fields()) {
    const bool is_null = !field.quoted && field.text == options_.null;
    values.push_back(is_null ? std::nullopt : std::optional(field.text));
  }
  return parser_->Parse(values);
}

CsvLoad::Lane& CsvLoad::LaneOf(const Row& row) {
  const std::vector<format::Datum> cells = Datums(row);
  const std::span key = std::span(cells).first(table_->rowkey_count());
  // The hash modulo the partitions is the partition; what is left of it tells the lane.
  const std::size_t partition = table_->PartitionOf(key);
  const std::uint64_t rest = table_->RowkeyHash(key) / table_->tablets().size();
  return lanes_[partition * lanes_per_partition_ +
                static_cast<std::size_t>(rest % lanes_per_partition_)];
}

io::Task<void> CsvLoad::StartBatch(Lane& lane) {
  while (lane.busy) co_await lane_is_free_.Wait();
  if (lane.pending.empty() || failure_) co_return;
  lane.busy = true;
  lane.committing = std::exchange(lane.pending, {});
  batches_.Spawn(CommitBatch(lane));
}

io::Task<void> CsvLoad::CommitBatch(Lane& lane) {
  const Status status = co_await WriteBatch(lane.committing);
  if (!status && !failure_) failure_ = status.error();
  lane.committing.clear();
  lane.busy = false;
  lane_is_free_.WakeAll();
}

io::Task<Status> CsvLoad::WriteBatch(const std::vector<PendingRow>& rows) {
  auto tx = tenant_.Begin();
  if (!tx) co_return Fail(tx.error());
  std::uint64_t written = 0;
  for (const PendingRow& pending : rows) {
    const std::vector<format::Datum> cells = Datums(pending.row);
    // Awaited behind the choice: g++ 12 would destroy an awaited branch's error twice.
    auto write = options_.replace ? (*tx)->Put(*table_, cells) : (*tx)->Insert(*table_, cells);
    const Status status = co_await std::move(write);
    if (status) {
      ++written;
    } else if (status.error().code() == ErrorCode::kErrPrimaryKeyDuplicate) {
      BadLine(pending.line, status.error());
    } else {
      co_return status;
    }
  }
  const auto version = co_await (*tx)->Commit();
  if (!version) co_return Fail(version.error());
  counts_.rows += written;
  ++counts_.transactions;
  co_return Status();
}

void CsvLoad::BadLine(std::uint64_t line, Error error) {
  ++counts_.bad_lines;
  report_(std::move(error).WithPath(fmt::format("{}:{}", file_, line)));
}

}  // namespace obbak::cli
