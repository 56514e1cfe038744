// Checks of golden vectors: byte strings that OceanBase's own code wrote, with the values they were
// made from. testdata/vectors/README.md describes the files.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace obbak::format {

struct Vector {
  std::string_view struct_name;
  const boost::json::object& fields;
  ByteView bytes;
};

// Success when our encoder gives the vector's bytes from its fields and our decoder its fields from
// its bytes.
using VectorCheck = std::function<Status(const Vector& vector)>;

// Which check a struct's vectors get.
class VectorChecks {
 public:
  // All structs that this program knows.
  static VectorChecks All();

  void Add(std::string struct_name, VectorCheck check) {
    exact_[std::move(struct_name)] = std::move(check);
  }
  // For families such as "path:get_..." whose names are open-ended.
  void AddPrefix(std::string prefix, VectorCheck check) {
    prefixes_[std::move(prefix)] = std::move(check);
  }

  // Whether there is a check for the struct.
  bool Knows(std::string_view struct_name) const { return Find(struct_name) != nullptr; }
  // Precondition: the struct is known.
  Status Check(const Vector& vector) const;

 private:
  const VectorCheck* Find(std::string_view struct_name) const;

  std::map<std::string, VectorCheck, std::less<>> exact_;
  std::map<std::string, VectorCheck, std::less<>> prefixes_;
};

// Success when `encoded` is what the vector has; the error shows the first difference.
Status ExpectBytes(const Vector& vector, const Result<Bytes>& encoded);
// Success when every key of `expected` is in `actual` with an equal value, numbers compared by
// value whether they are written as numbers or as strings.
Status ExpectFields(const boost::json::value& expected, const boost::json::value& actual);
// The fields with the vectors' shorthands written out: {"a.b": 1} as {"a": {"b": 1}}, {"x_hex":
// "00"} as
// {"x": {"hex": "00"}}, notes in parentheses cut off the keys, and `lease_item_count` 0 as an empty
// list.
boost::json::value WriteOutShorthands(const boost::json::value& fields);

// The parts of All(), by format family.
void AddPrimitiveChecks(VectorChecks& checks);
void AddMetadataChecks(VectorChecks& checks);
void AddChecksumChecks(VectorChecks& checks);
void AddPathChecks(VectorChecks& checks);
void AddLogChecks(VectorChecks& checks);
void AddDataDictChecks(VectorChecks& checks);  // called by AddLogChecks
void AddTransactionChecks(VectorChecks& checks);
void AddMacroBlockChecks(VectorChecks& checks);
void AddBackupDataChecks(VectorChecks& checks);
void AddTabletMetaChecks(VectorChecks& checks);
void AddBackupFileChecks(VectorChecks& checks);

}  // namespace obbak::format
