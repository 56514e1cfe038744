#include "format/inspection.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace obbak::format {

void AppendViolations(const std::vector<Violation>& violations, std::string_view prefix,
                      ErrorCode code, const Dissection* dissection, std::vector<Error>& findings) {
  for (const Violation& violation : violations) {
    const std::string field = fmt::format("{}.{}", prefix, violation.field);
    const Field* node = dissection == nullptr ? nullptr : dissection->Find(field);
    const bool has_value = node != nullptr && node->kind == FieldKind::kValue;
    Error error(code, has_value ? fmt::format("is {}, {}", ValueText(*node), violation.requirement)
                                : violation.requirement);
    error = std::move(error).WithField(field);
    if (node != nullptr) error = std::move(error).WithOffset(node->begin);
    findings.push_back(std::move(error));
  }
}

}  // namespace obbak::format
