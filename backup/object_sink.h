// ObjectSink: what format/ writers produce, on its way into an object of a medium.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "format/random_access.h"
#include "io/medium.h"
#include "io/task.h"

namespace obbak::backup {

//   ObjectSink out(*std::move(writer));
//   FormatWriter writer(out.sink());
//   Status status = writer.Append(...);       // any number, then
//   if (status) status = co_await out.Drain();
//   co_return co_await out.End(std::move(status));
class ObjectSink {
 public:
  explicit ObjectSink(std::unique_ptr<io::MediumWriter> writer) : writer_(std::move(writer)) {}
  // End() comes before.
  ~ObjectSink() = default;
  ObjectSink(const ObjectSink&) = delete;
  ObjectSink& operator=(const ObjectSink&) = delete;

  // Collects bytes; lives as long as this.
  format::ByteSink sink() {
    return [this](ByteView bytes) -> Status {
      collected_.insert(collected_.end(), bytes.begin(), bytes.end());
      return {};
    };
  }
  // Writes what was collected, unless it is less than `at_least` bytes.
  io::Task<Status> Drain(std::size_t at_least = 0);
  // Writes `bytes` behind what was collected, without a copy here.
  io::Task<Status> Write(ByteView bytes);
  // The object is complete if everything went well, and otherwise leaves nothing.
  io::Task<Status> End(Status status);

 private:
  std::unique_ptr<io::MediumWriter> writer_;
  Bytes collected_;
};

}  // namespace obbak::backup
