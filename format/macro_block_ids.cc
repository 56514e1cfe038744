#include "format/macro_block_ids.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <string_view>
#include <tuple>

namespace obbak::format {
namespace {

std::string_view BlockTypeName(std::uint8_t type) {
  static constexpr std::array<std::string_view, 3> kNames = {"DATA", "INDEX", "META"};
  return type < kNames.size() ? kNames[type] : "unknown type";
}

std::string_view MergeTypeName(std::uint8_t type) {
  static constexpr std::array<std::string_view, 4> kNames = {"MAJOR", "MINOR", "REBUILD",
                                                             "unknown merge"};
  return kNames[type];
}

std::uint64_t LowBits(std::uint64_t value, int count) {
  return value & ((std::uint64_t{1} << count) - 1);
}

}  // namespace

MacroDataSeqParts PartsOf(MacroDataSeq seq) {
  const auto bits = static_cast<std::uint64_t>(seq.value);
  return {.data_seq = static_cast<std::uint32_t>(bits),
          .parallel_idx = static_cast<std::uint16_t>(LowBits(bits >> 32, 11)),
          .block_type = static_cast<std::uint8_t>(LowBits(bits >> 43, 3)),
          .merge_type = static_cast<std::uint8_t>(LowBits(bits >> 46, 2)),
          .sstable_logic_seq = static_cast<std::uint16_t>(LowBits(bits >> 48, 10)),
          .reserved = static_cast<std::uint8_t>(LowBits(bits >> 58, 5)),
          .sign = bits >> 63 != 0};
}

MacroDataSeq MacroDataSeqOf(const MacroDataSeqParts& parts) {
  const std::uint64_t bits = std::uint64_t{parts.data_seq} | LowBits(parts.parallel_idx, 11) << 32 |
                             LowBits(parts.block_type, 3) << 43 |
                             LowBits(parts.merge_type, 2) << 46 |
                             LowBits(parts.sstable_logic_seq, 10) << 48 |
                             LowBits(parts.reserved, 5) << 58 | std::uint64_t{parts.sign} << 63;
  return {static_cast<std::int64_t>(bits)};
}

std::string MacroDataSeqTag::Text(std::int64_t seq) {
  const MacroDataSeqParts parts = PartsOf({seq});
  return fmt::format("block {}, parallel {}, {}, {}, sstable {}", parts.data_seq,
                     parts.parallel_idx, BlockTypeName(parts.block_type),
                     MergeTypeName(parts.merge_type), parts.sstable_logic_seq);
}

std::strong_ordering LogicMacroBlockId::operator<=>(const LogicMacroBlockId& other) const {
  const auto key = [](const LogicMacroBlockId& id) {
    return std::tuple(id.tablet_id, id.logic_version, id.data_seq.value, id.column_group_idx(),
                      id.info);
  };
  return key(*this) <=> key(other);
}

void CheckRules(const LogicMacroBlockId& id, Rules& rules) {
  rules.Require(id.data_seq.value >= 0, "data_seq", "must not be negative");
  rules.Require(id.logic_version > 0, "logic_version", "must be greater than 0");
  rules.Require(id.tablet_id > 0, "tablet_id", "must be greater than 0");
  rules.Require(id.info <= std::numeric_limits<std::uint16_t>::max(), "info",
                "must be a column group number of 16 bits");
}

}  // namespace obbak::format
