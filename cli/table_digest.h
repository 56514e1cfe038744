// Digests of tables: whether two tenants hold the same rows, whatever the order in which they hold
// them.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "engine/tenant.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::cli {

// The sum of all rows' XXH3-128, in two halves: the order of the rows does not count, how often
// each is there does.
struct TableDigest {
  std::uint64_t rows = 0;
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  // 32 hexadecimal digits.
  std::string ToText() const;
  bool operator==(const TableDigest&) const = default;
};

io::Task<Result<TableDigest>> DigestTable(engine::Tenant& tenant, engine::TableSchemaPtr table,
                                          format::Scn snapshot);

// Of all user tables, by "database.table".
using TenantDigest = std::map<std::string, TableDigest>;
io::Task<Result<TenantDigest>> DigestTenant(engine::Tenant& tenant, format::Scn snapshot);

}  // namespace obbak::cli
