// Scenarios: whole SSTables from the rows that a golden vector describes
// (testdata/vectors/43_macro_blocks_full.json).
#pragma once

#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/flat_row.h"
#include "format/sstable_desc.h"
#include "format/sstable_index_builder.h"
#include "format/vector_checks.h"

namespace obbak::format {

// Cells and the memory they point into.
struct ScenarioRow {
  RowFlags flags;
  std::vector<Datum> cells;
  std::vector<Bytes> texts;

  RowView view() const { return {flags, cells}; }
};

struct ScenarioTask {
  std::int64_t first_data_seq = 0;
  std::vector<ScenarioRow> rows;
};

struct Scenario {
  std::string name;
  SstableDesc desc;
  std::vector<ScenarioTask> tasks;
  // Copied into a macro block that small SSTables share.
  bool is_shared = false;
  bool has_hash_index = false;
};

// A cell as the vectors write it: {"int": 1}, {"type": "int64", "value": 1}, "NOP", ...
Result<Datum> CellFromJson(const boost::json::value& json, std::vector<Bytes>& texts);

Result<Scenario> ScenarioFromJson(const boost::json::object& fields);

// Keeps what it is given; hands out the places that the vectors have.
class RecordingSink final : public MacroBlockSink {
 public:
  struct Kept {
    MacroBlockId place;
    MacroBlockType type;
    Bytes bytes;
    std::size_t used;
  };
  Result<MacroBlockId> Allocate() override;
  Status Write(const MacroBlockId& place, const Block& block) override;
  const std::vector<Kept>& blocks() const { return blocks_; }

 private:
  std::int64_t allocated_ = 0;
  std::vector<Kept> blocks_;
};

struct ScenarioRun {
  RecordingSink sink;
  SstableIndex index;
  // Where the only data macro block of a small SSTable lies in the shared one.
  std::int64_t nested_offset = 0;
  std::int64_t nested_size = static_cast<std::int64_t>(kMacroBlockSize);
};

// Writes all rows of a scenario with the writers that the engine uses.
Result<ScenarioRun> RunScenario(const Scenario& scenario);

// The vector `sstable:meta`: its rows give its blocks, its totals and every byte
// of its meta. Of a compressed SSTable, whose blocks obbak compresses to other bytes, the meta is
// only decoded and encoded again.
Status CheckScenarioVector(const Vector& vector);

}  // namespace obbak::format
