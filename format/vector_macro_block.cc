#include <string>
#include <string_view>

#include "format/sstable_scenario.h"
#include "format/vector_checks.h"

namespace obbak::format {
namespace {

constexpr std::string_view kLater[] = {
    "ObMacroBlockCommonHeader",
    "ObObj",
    "ObObjMeta",
    "flat_row",
    "macro_block:shared_sstable_data",
    "macro_block:sstable_data",
    "macro_block:sstable_index",
    "macro_block:sstable_macro_meta",
    "micro_block:data_tree_root",
    "micro_block:flat",
    "micro_block:macro_meta_tree_root",
};

}  // namespace

void AddMacroBlockChecks(VectorChecks& checks) {
  checks.Add("sstable:meta", CheckScenarioVector);
  for (const std::string_view name : kLater) checks.LeaveForLater(std::string(name));
}

}  // namespace obbak::format
