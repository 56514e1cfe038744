#include "cli/table_digest.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <span>
#include <utility>

#include "base/bytes.h"
#include "engine/transaction.h"

namespace obbak::cli {
namespace {

// Every value with its length in front, so that no two rows are the same bytes.
void AppendRow(std::span<const format::Datum> row, std::string& out) {
  for (const format::Datum& cell : row) {
    const std::uint32_t size = cell.is_value() ? cell.size() + 1 : 0;  // 0: NULL
    out.append(reinterpret_cast<const char*>(&size), sizeof(size));
    out += AsText(cell.bytes());
  }
}

void AddRow(const std::string& row, TableDigest& digest) {
  const XXH128_hash_t hash = XXH3_128bits(row.data(), row.size());
  ++digest.rows;
  digest.low += hash.low64;
  digest.high += hash.high64;
}

}  // namespace

std::string TableDigest::ToText() const { return fmt::format("{:016x}{:016x}", high, low); }

io::Task<Result<TableDigest>> DigestTable(engine::Tenant& tenant, engine::TableSchemaPtr table,
                                          format::Scn snapshot) {
  auto scan = tenant.Scan(table, {}, engine::Direction::kForward, snapshot);
  if (!scan) co_return Fail(scan.error());
  TableDigest digest;
  std::string bytes;
  const engine::TableScan::TakeRow take = [&](std::span<const format::Datum> row) -> Status {
    bytes.clear();
    AppendRow(row, bytes);
    AddRow(bytes, digest);
    return {};
  };
  if (Status status = co_await (*scan)->ForEach(take); !status) co_return Fail(status.error());
  co_return digest;
}

io::Task<Result<TenantDigest>> DigestTenant(engine::Tenant& tenant, format::Scn snapshot) {
  TenantDigest digests;
  // A copy: the catalog may change meanwhile.
  const auto tables = tenant.catalog().tables();
  for (const auto& [id, table] : tables) {
    const engine::DatabaseSchema* database = tenant.catalog().FindDatabase(table->database_id());
    std::string name =
        fmt::format("{}.{}", database == nullptr ? "?" : database->name, table->name());
    const auto digest = co_await DigestTable(tenant, table, snapshot);
    if (!digest) co_return Fail(digest.error());
    digests.emplace(std::move(name), *digest);
  }
  co_return digests;
}

}  // namespace obbak::cli
