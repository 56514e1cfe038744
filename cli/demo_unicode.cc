#include "cli/demo_unicode.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "cli/csv_load.h"
#include "cli/file_descriptor.h"
#include "engine/sql_type.h"
#include "engine/transaction.h"
#include "io/disk.h"

namespace obbak::cli {
namespace {

using engine::TableSchemaPtr;

// UAX #44, 4.1: what stands between the semicolons.
constexpr std::string_view kDefinition =
    "code varchar(6), name varchar(128), general_category varchar(2), combining_class int, "
    "bidi_class varchar(3), decomposition varchar(256), decimal_digit int, digit int, "
    "numeric_value varchar(32), bidi_mirrored varchar(1), unicode_1_name varchar(128), "
    "iso_comment varchar(128), uppercase varchar(6), lowercase varchar(6), titlecase varchar(6), "
    "primary key (code)";
constexpr std::string_view kRemarkColumn = "iso_comment";
constexpr std::uint32_t kPartitions = 8;

// The file's bytes, up to the end of a line.
class FirstLines {
 public:
  FirstLines(FileDescriptor file, std::string name, std::optional<std::uint64_t> lines)
      : file_(std::move(file)), name_(std::move(name)), left_(lines) {}

  Result<std::size_t> Read(std::span<char> out) {
    if (left_ == 0) return 0;
    const ssize_t size = ::read(file_.number(), out.data(), out.size());
    if (size < 0) return Fail(io::ErrnoError(errno, "read", name_));
    return Cut(std::string_view(out.data(), static_cast<std::size_t>(size)));
  }

 private:
  // How many bytes of `text` belong to lines that are wanted.
  std::size_t Cut(std::string_view text) {
    if (!left_) return text.size();
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n' && --*left_ == 0) return i + 1;
    }
    return text.size();
  }

  FileDescriptor file_;
  std::string name_;
  std::optional<std::uint64_t> left_;
};

Result<FileDescriptor> OpenFile(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file) return file;
  Error error = io::ErrnoError(errno, "open", path);
  return Fail(
      std::move(error).WithAdvice("install the Debian package unicode-data, or name a copy of "
                                  "UnicodeData.txt with --unicode-data"));
}

io::Task<Result<TableSchemaPtr>> CreateTable(engine::Tenant& tenant) {
  Result<engine::TableDefinition> definition = engine::ParseTableDefinition(kDefinition);
  if (!definition) co_return Fail(definition.error());
  definition->partitions = kPartitions;
  std::string name(kUnicodeTable);
  co_return co_await tenant.CreateTable(std::move(name), *std::move(definition));
}

LoadOptions OptionsFor(const engine::TableSchema& table) {
  LoadOptions options;
  options.csv.delimiter = ';';
  for (const engine::ColumnSchema& column : table.columns()) options.columns.push_back(column.name);
  return options;
}

// Where a column is in a stored row.
std::size_t PlaceOf(const engine::TableSchema& table, std::string_view column) {
  std::size_t place = 0;
  while (table.stored_column(place).name != column) ++place;
  return place;
}

}  // namespace

io::Task<Result<UnicodeLoad>> LoadUnicode(engine::Tenant& tenant, io::Loop& loop, std::string file,
                                          std::optional<std::uint64_t> rows) {
  Result<FileDescriptor> opened = OpenFile(file);
  if (!opened) co_return Fail(opened.error());
  const Result<TableSchemaPtr> table = co_await CreateTable(tenant);
  if (!table) co_return Fail(table.error());
  FirstLines lines(*std::move(opened), file, rows);
  std::optional<Error> bad_line;
  const LoadOptions options = OptionsFor(**table);
  CsvLoad load(
      tenant, loop, *table, options, file, [&](const Error& error) { bad_line = error; },
      [](const LoadCounts&, std::uint64_t) {});
  const CsvLoad::Source source = [&](std::span<char> out) { return lines.Read(out); };
  if (Status status = co_await load.Run(source); !status) co_return Fail(status.error());
  if (bad_line) co_return Fail(*bad_line);
  co_return UnicodeLoad{.rows = load.counts().rows, .transactions = load.counts().transactions};
}

io::Task<Result<format::Scn>> RemarkOnCharacter(engine::Tenant& tenant) {
  const Result<TableSchemaPtr> table = tenant.catalog().ResolveTable(kUnicodeTable);
  if (!table) co_return Fail(table.error());
  auto tx = tenant.Begin();
  if (!tx) co_return Fail(tx.error());
  auto scan = (*tx)->Scan(**table);
  if (!scan) co_return Fail(scan.error());
  engine::RowBatch batch = (*scan)->NewBatch();
  const Result<bool> more = co_await (*scan)->Fetch(batch, 1);
  if (!more) co_return Fail(more.error());
  if (!batch.empty()) {
    const std::span<const format::Datum> found = batch.row(0);
    std::vector<format::Datum> row(found.begin(), found.end());
    row[PlaceOf(**table, kRemarkColumn)] = format::Datum::Of(AsByteView("seen by the demo"));
    if (Status put = co_await (*tx)->Put(**table, row); !put) co_return Fail(put.error());
  }
  co_return co_await (*tx)->Commit();
}

io::Task<Result<Wipe>> WipeUnicode(engine::Tenant& tenant) {
  const Result<TableSchemaPtr> table = tenant.catalog().ResolveTable(kUnicodeTable);
  if (!table) co_return Fail(table.error());
  auto tx = tenant.Begin();
  if (!tx) co_return Fail(tx.error());
  auto scan = (*tx)->Scan(**table);
  if (!scan) co_return Fail(scan.error());
  Wipe wipe;
  engine::RowBatch batch = (*scan)->NewBatch();
  for (bool more = true; more;) {
    const Result<bool> fetched = co_await (*scan)->Fetch(batch);
    if (!fetched) co_return Fail(fetched.error());
    more = *fetched;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto key = batch.row(i).first((*table)->rowkey_count());
      if (Status gone = co_await (*tx)->Delete(**table, key); !gone) co_return Fail(gone.error());
    }
    wipe.rows += batch.size();
  }
  const Result<format::Scn> version = co_await (*tx)->Commit();
  if (!version) co_return Fail(version.error());
  wipe.version = *version;
  co_return wipe;
}

}  // namespace obbak::cli
