// ObLogicMacroBlockId and MacroBlockId: which macro block, and where it lies on its server.
// docs/spec/backup-data-files.md §4, docs/spec/macro-block.md §6.1.
#pragma once

#include <boost/describe/class.hpp>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include "format/ids.h"
#include "format/record_layout.h"
#include "format/rules.h"

namespace obbak::format {

// blocksstable::ObMacroDataSeq: the number of a macro block among those of its tablet and version,
// with a few bits about its origin. Orders as a signed number.
struct MacroDataSeqTag : IdTag<std::int64_t, IdEncoding::kVarint64> {
  // "block 3, parallel 1, DATA, MINOR, sstable 2".
  static std::string Text(std::int64_t seq);
};
using MacroDataSeq = StrongId<MacroDataSeqTag>;

// The parts of a MacroDataSeq.
struct MacroDataSeqParts {
  std::uint32_t data_seq = 0;
  std::uint16_t parallel_idx = 0;       // 11 bits
  std::uint8_t block_type = 0;          // 3 bits: 0 data, 1 index, 2 meta
  std::uint8_t merge_type = 0;          // 2 bits: 0 major, 1 minor, 2 rebuild
  std::uint16_t sstable_logic_seq = 0;  // 10 bits
  std::uint8_t reserved = 0;            // 5 bits, zero
  bool sign = false;                    // set in no valid sequence
  bool operator==(const MacroDataSeqParts&) const = default;
};
MacroDataSeqParts PartsOf(MacroDataSeq seq);
// Bits that a part has too many are dropped.
MacroDataSeq MacroDataSeqOf(const MacroDataSeqParts& parts);

// blocksstable::ObLogicMacroBlockId: which macro block, wherever it lies. The low 16 bits of `info`
// are the column group, the others are zero.
struct LogicMacroBlockId {
  MacroDataSeq data_seq;
  std::uint64_t logic_version = 0;
  std::uint64_t tablet_id = 0;
  std::uint64_t info = 0;

  std::uint16_t column_group_idx() const { return static_cast<std::uint16_t>(info); }

  bool operator==(const LogicMacroBlockId&) const = default;
  // Tablet, version, sequence, column group.
  std::strong_ordering operator<=>(const LogicMacroBlockId& other) const;
};
BOOST_DESCRIBE_STRUCT(LogicMacroBlockId, (), (data_seq, logic_version, tablet_id, info))
void CheckRules(const LogicMacroBlockId& id, Rules& rules);

// MacroBlockId: where a macro block lies on its server.
struct MacroBlockId {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedBigEndian;
  static constexpr std::size_t kSize = 24;

  // Bits 0-51 write sequence, 52-59 mode, 60-63 version.
  std::int64_t first = 0;
  std::int64_t second = -1;  // block index
  std::int64_t third = 0;

  // In rows inside a macro block: "this macro block".
  static constexpr MacroBlockId Self() { return {}; }
  bool operator==(const MacroBlockId&) const = default;
};
BOOST_DESCRIBE_STRUCT(MacroBlockId, (), (first, second, third))

}  // namespace obbak::format
