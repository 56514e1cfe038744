#include "backup/object_sink.h"

#include <utility>

namespace obbak::backup {

io::Task<Status> ObjectSink::Drain(std::size_t at_least) {
  if (collected_.empty() || collected_.size() < at_least) co_return Status();
  Status status = co_await writer_->Write(collected_);
  collected_.clear();
  co_return status;
}

io::Task<Status> ObjectSink::Write(ByteView bytes) {
  if (Status status = co_await Drain(); !status) co_return status;
  co_return co_await writer_->Write(bytes);
}

io::Task<Status> ObjectSink::End(Status status) {
  if (status) status = co_await Drain();
  if (status) status = co_await writer_->Complete();
  if (!status) co_await writer_->Abort();
  co_return status;
}

}  // namespace obbak::backup
