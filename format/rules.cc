#include "format/rules.h"

#include <utility>

namespace obbak::format {

void Rules::Require(bool holds, std::string_view field, std::string_view requirement) {
  if (holds) return;
  violations_.push_back({prefix_ + std::string(field), std::string(requirement)});
}

std::string Rules::Enter(std::string_view field) {
  return std::exchange(prefix_, prefix_ + std::string(field) + ".");
}

Status FirstViolation(const Rules& rules, ErrorCode code) {
  if (rules.violations().empty()) return {};
  const Violation& violation = rules.violations().front();
  return Fail(Error(code, violation.requirement).WithField(violation.field));
}

}  // namespace obbak::format
