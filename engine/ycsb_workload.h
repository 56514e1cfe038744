// YcsbWorkload: the core workloads A, B, C and F of the Yahoo! Cloud Serving Benchmark: reads and
// changes of single rows, some of which are far more popular than others.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "engine/schema.h"
#include "engine/tenant.h"
#include "io/random.h"
#include "io/task.h"

namespace obbak::engine {

enum class YcsbMix {
  kA,  // half reads, half updates
  kB,  // 95% reads, 5% updates
  kC,  // reads
  kF,  // half reads, half reads with a write of what was read and changed
};

struct YcsbParameters {
  // (ycsb_key varchar(32), field0 ... field9 varchar(100), primary key (ycsb_key)); "name" or
  // "database.name".
  std::string table = "usertable";
  YcsbMix mix = YcsbMix::kA;
  std::uint64_t records = 10'000;
  std::uint32_t partitions = 4;
};

enum class YcsbOperation { kRead, kUpdate, kReadModifyWrite };

// Ranks below `items`, rank k with a probability proportional to 1 / (k+1)^0.99.
class Zipfian {
 public:
  // Precondition: items > 1. Takes time in proportion to `items`.
  explicit Zipfian(std::uint64_t items);
  std::uint64_t Next(io::Random& random) const;

 private:
  std::uint64_t items_;
  double zeta_;
  double eta_;
};

struct YcsbRequest {
  YcsbOperation operation = YcsbOperation::kRead;
  std::uint64_t record = 0;
  std::size_t field = 0;      // that is changed
  std::uint64_t content = 0;  // from which its new value is made
};

// Copied freely. The tenant must outlive it; it may be used by any number of tasks.
class YcsbWorkload {
 public:
  static constexpr std::size_t kFields = 10;
  static constexpr std::size_t kFieldSize = 100;

  // Creates the table when it isn't there, and the records when it is empty; a table with records
  // is used as it is. kInvalidArgument for impossible parameters or a table of another shape.
  static io::Task<Result<YcsbWorkload>> Open(Tenant& tenant, YcsbParameters parameters);

  YcsbRequest Choose(io::Random& random) const;
  // In one transaction. False: another one was there first, and nothing has changed. Errors are
  // those that no retry helps against.
  io::Task<Result<bool>> Execute(YcsbRequest request) const;

  std::uint64_t records() const { return records_; }
  const TableSchemaPtr& table() const { return table_; }

 private:
  YcsbWorkload(Tenant& tenant, YcsbMix mix, TableSchemaPtr table, std::uint64_t records)
      : tenant_(&tenant),
        mix_(mix),
        table_(std::move(table)),
        records_(records),
        popularity_(records) {}

  Tenant* tenant_;
  YcsbMix mix_;
  TableSchemaPtr table_;
  std::uint64_t records_;
  Zipfian popularity_;
};

}  // namespace obbak::engine
