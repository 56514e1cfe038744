// Rules: collects which validity rules of a record do not hold. docs/spec/encoding-and-metadata.md
// §6-§8, column "valid".
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace obbak::format {

// One rule that does not hold.
struct Violation {
  std::string field;        // dotted path inside the record
  std::string requirement;  // "must be greater than 0"
};

class Rules {
 public:
  void Require(bool holds, std::string_view field, std::string_view requirement);
  // The rules of a member record, whose violations are reported below `field`.
  template <class Record>
  void Nested(std::string_view field, const Record& record) {
    const std::string outer = Enter(field);
    CheckRules(record, *this);
    prefix_ = outer;
  }
  // The rules of each element of an array.
  template <class Records>
  void Each(std::string_view field, const Records& records) {
    std::size_t index = 0;
    for (const auto& record : records)
      Nested(std::string(field) + "[" + std::to_string(index++) + "]", record);
  }

  const std::vector<Violation>& violations() const { return violations_; }
  // The first violation as an Error of `code`, its field below `prefix`; success without any.
  Status ToStatus(ErrorCode code, std::string_view prefix = {}) const;

 private:
  // Makes `field` part of the prefix and returns the one before.
  std::string Enter(std::string_view field);

  std::string prefix_;
  std::vector<Violation> violations_;
};

}  // namespace obbak::format
