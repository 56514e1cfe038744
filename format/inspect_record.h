// Decoding a record for an Inspection: values, damage and broken rules, each with its place.
#pragma once

#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "format/inspection.h"
#include "format/record.h"
#include "format/rules.h"

namespace obbak::format {

// Success when all rules of `record` hold; what writers ask before they write it.
template <class R>
Status ValidateForWrite(const R& record) {
  Rules rules;
  CheckRules(record, rules);
  return rules.ToStatus(ErrorCode::kInvalidArgument);
}

// Decodes the record that begins at `begin` and should reach to the end of `bytes`, below a node
// "payload", and checks its rules. Null unless it could be decoded.
template <class R>
std::optional<R> InspectRecord(ByteView bytes, std::size_t begin, Findings& findings) {
  R record;
  Decoder in(bytes, findings.trace(), begin);
  DecodeField(in, "payload", record);
  if (Status status = in.status(); !status) {
    findings.Add(std::move(status).error());
    return std::nullopt;
  }
  if (in.position() < bytes.size()) {
    findings.Frame("unknown", in.position(), bytes.size(), "payload behind the record");
  }
  Rules rules;
  CheckRules(record, rules);
  AppendViolations(rules.violations(), "payload", ErrorCode::kErrUnexpected, findings.trace(),
                   findings.errors());
  return record;
}

}  // namespace obbak::format
