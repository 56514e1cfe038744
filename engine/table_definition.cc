#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/names.h"
#include "engine/sql_lexer.h"
#include "engine/sql_type.h"
#include "engine/sql_type_parser.h"

namespace obbak::engine {
namespace {

class DefinitionParser {
 public:
  explicit DefinitionParser(std::string_view text) : in_(text) {}

  Result<TableDefinition> Parse() {
    const bool in_parentheses = in_.Accept("(");
    if (Status status = ParseElements(); !status) return Fail(status.error());
    if (in_parentheses) {
      if (Status status = in_.Expect(")"); !status) return Fail(status.error());
    }
    const std::size_t begin = in_.token().offset;
    if (in_.Accept("partitions")) {
      const auto partitions = in_.ExpectNumber(TableDefinition::kMaxPartitions);
      if (!partitions) return Fail(partitions.error());
      if (*partitions == 0) return Wrong(begin, "a table has at least one partition");
      definition_.partitions = *partitions;
    }
    if (!in_.AtEnd()) return in_.Unexpected("the end of the definition");
    if (definition_.primary_key.empty()) return Wrong(0, "the table has no primary key");
    for (const std::size_t key : definition_.primary_key) definition_.columns[key].nullable = false;
    return std::move(definition_);
  }

 private:
  static std::unexpected<Error> Wrong(std::size_t offset, std::string message) {
    return Fail(Error(ErrorCode::kInvalidArgument, std::move(message)).WithOffset(offset));
  }

  Status ParseElements() {
    do {
      if (Status status = in_.Is("primary") ? ParsePrimaryKey() : ParseColumn(); !status) {
        return status;
      }
    } while (in_.Accept(","));
    return {};
  }

  std::optional<std::size_t> Find(std::string_view name) const {
    for (std::size_t i = 0; i < definition_.columns.size(); ++i) {
      if (SameName(definition_.columns[i].name, name)) return i;
    }
    return std::nullopt;
  }

  Status ParseColumn() {
    const std::size_t begin = in_.token().offset;
    Result<std::string> name = in_.ExpectName();
    if (!name) return Fail(name.error());
    if (name->size() > kMaxNameLength) {
      return Wrong(begin, fmt::format("a column's name has {} bytes, at most {} are allowed",
                                      name->size(), kMaxNameLength));
    }
    if (Find(*name)) return Wrong(begin, fmt::format("there are two columns {}", *name));
    if (definition_.columns.size() == TableDefinition::kMaxColumns) {
      return Wrong(begin,
                   fmt::format("a table has at most {} columns", definition_.columns.size()));
    }
    const Result<SqlType> type = ParseSqlType(in_);
    if (!type) return Fail(type.error());
    definition_.columns.push_back({.name = *std::move(name), .type = *type, .nullable = true});
    return ParseColumnOptions();
  }

  Status ParseColumnOptions() {
    ColumnDefinition& column = definition_.columns.back();
    for (;;) {
      const std::size_t begin = in_.token().offset;
      if (in_.Accept("not")) {
        if (Status status = in_.Expect("null"); !status) return status;
        column.nullable = false;
      } else if (in_.Accept("primary")) {
        if (Status status = in_.Expect("key"); !status) return status;
        if (Status status = BeginPrimaryKey(begin); !status) return status;
        definition_.primary_key.push_back(definition_.columns.size() - 1);
      } else if (in_.Is("default") || in_.Is("auto_increment") || in_.Is("unique") ||
                 in_.Is("comment") || in_.Is("generated") || in_.Is("references")) {
        return Fail(Error(ErrorCode::kNotSupported,
                          fmt::format("'{}' is not supported in a column", in_.token().text))
                        .WithOffset(begin));
      } else if (!in_.Accept("null")) {
        return {};
      }
    }
  }

  Status BeginPrimaryKey(std::size_t offset) {
    if (has_key_) return Wrong(offset, "there are two primary keys");
    has_key_ = true;
    return {};
  }

  Status ParsePrimaryKey() {
    if (Status status = BeginPrimaryKey(in_.token().offset); !status) return status;
    in_.Accept("primary");
    if (Status status = in_.Expect("key"); !status) return status;
    if (Status status = in_.Expect("("); !status) return status;
    do {
      if (Status status = ParseKeyColumn(); !status) return status;
    } while (in_.Accept(","));
    return in_.Expect(")");
  }

  Status ParseKeyColumn() {
    const std::size_t begin = in_.token().offset;
    const Result<std::string> name = in_.ExpectName();
    if (!name) return Fail(name.error());
    const std::optional<std::size_t> column = Find(*name);
    if (!column) return Wrong(begin, fmt::format("there is no column {} before it", *name));
    std::vector<std::size_t>& key = definition_.primary_key;
    if (std::ranges::find(key, *column) != key.end()) {
      return Wrong(begin, fmt::format("column {} is in the key twice", *name));
    }
    if (key.size() == TableDefinition::kMaxKeyColumns) {
      return Wrong(begin, fmt::format("a key has at most {} columns", key.size()));
    }
    key.push_back(*column);
    return {};
  }

  SqlLexer in_;
  TableDefinition definition_;
  bool has_key_ = false;
};

}  // namespace

Result<TableDefinition> ParseTableDefinition(std::string_view text) {
  return DefinitionParser(text).Parse();
}

std::string ToText(const TableDefinition& definition) {
  std::string text;
  for (const ColumnDefinition& column : definition.columns) {
    text += fmt::format("{} {}{}, ", QuotedName(column.name), ToText(column.type),
                        column.nullable ? "" : " not null");
  }
  text += "primary key (";
  for (const std::size_t key : definition.primary_key) {
    if (!text.ends_with('(')) text += ", ";
    text += QuotedName(definition.columns[key].name);
  }
  text += ")";
  if (definition.partitions > 1) text += fmt::format(" partitions {}", definition.partitions);
  return text;
}

}  // namespace obbak::engine
