#include "format/rules.h"

#include <utility>

namespace obbak::format {

void Rules::Require(bool holds, std::string_view field, std::string_view requirement) {
  if (holds) return;
  violations_.push_back({prefix_ + std::string(field), std::string(requirement)});
}

Status Rules::ToStatus(ErrorCode code, std::string_view prefix) const {
  if (violations_.empty()) return {};
  const Violation& first = violations_.front();
  std::string field(prefix);
  if (!field.empty()) field += '.';
  return Fail(Error(code, first.requirement).WithField(field + first.field));
}

std::string Rules::Enter(std::string_view field) {
  return std::exchange(prefix_, prefix_ + std::string(field) + ".");
}

}  // namespace obbak::format
