// Catalogue: what a tenant remembers of its archive and its backups, as typed rows of its manifest.
// Where a server has tables in the meta tenant, this has one Protobuf message per row.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/manifest.h"
#include "io/task.h"

namespace obbak::backup {

// The key of a row: a table's name and the numbers that tell its rows apart, "backup/piece/...".
// Keys of one table are in the order of their numbers, which must not be negative.
std::string RowKey(std::string_view table, std::initializer_list<std::int64_t> ids = {});
// What the keys of all rows begin with whose first numbers are `ids`.
std::string RowPrefix(std::string_view table, std::initializer_list<std::int64_t> ids = {});

// Changes that take place together or not at all. Of two changes of the same row the last counts.
class CatalogueEdit {
 public:
  template <class Message>
  void Put(std::string key, const Message& message) {
    PutBytes(std::move(key), message.SerializeAsString());
  }
  void Remove(std::string key);
  bool empty() const { return rows_.empty(); }

 private:
  friend class Catalogue;
  struct Change {
    std::string key;
    std::optional<std::string> value;  // none: the row goes
  };

  void PutBytes(std::string key, std::string value);

  std::vector<Change> rows_;
};

// Its state is the manifest's, so any number of catalogues over one manifest see the same. Two who
// read a row and then write it must see to it that they do so one after the other.
class Catalogue {
 public:
  // The manifest must outlive it.
  explicit Catalogue(engine::Manifest& manifest) : manifest_(&manifest) {}

  // The row; none when there is no such row. kInvalidData when it is not a Message.
  template <class Message>
  Result<std::optional<Message>> Get(std::string_view key) const {
    const std::string* value = Find(key);
    if (value == nullptr) return std::optional<Message>();
    Message message;
    if (!message.ParseFromString(*value)) return Fail(NotParsed(key));
    return std::optional<Message>(std::move(message));
  }

  // The rows whose keys begin with `prefix`, in the order of their keys.
  template <class Message>
  Result<std::vector<Message>> List(std::string_view prefix) const {
    std::vector<Message> messages;
    const auto& rows = manifest_->state().rows();
    for (auto row = rows.lower_bound(prefix); row != rows.end(); ++row) {
      if (!row->first.starts_with(prefix)) break;
      if (!messages.emplace_back().ParseFromString(row->second.value())) {
        return Fail(NotParsed(row->first));
      }
    }
    return messages;
  }

  // Makes the edit durable, then visible. Fails as engine::Manifest::Apply does; an edit without
  // changes is nothing.
  io::Task<Status> Apply(CatalogueEdit edit);

 private:
  // nullptr: no such row.
  const std::string* Find(std::string_view key) const;
  static Error NotParsed(std::string_view key);

  engine::Manifest* manifest_;
};

}  // namespace obbak::backup
