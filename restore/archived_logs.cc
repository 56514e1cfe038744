#include "restore/archived_logs.h"

#include <optional>

#include "dest/log_source.h"

namespace obbak::restore {
namespace {

class ArchivedLog final : public engine::LogGroupSource {
 public:
  explicit ArchivedLog(std::unique_ptr<dest::LogSource> source) : source_(std::move(source)) {}
  io::Task<Result<std::optional<format::LogGroup>>> Next() override { return source_->Next(); }
  std::optional<Error> EndReason() const override {
    if (!source_->deleted()) return source_->tail();
    return Error(ErrorCode::kNotSupported, "the log stream was deleted here");
  }

 private:
  std::unique_ptr<dest::LogSource> source_;
};

}  // namespace

io::Task<Result<std::unique_ptr<engine::LogGroupSource>>> ArchivedLogs::Open(format::LsId ls,
                                                                             format::Lsn lsn) {
  auto source = co_await dest::LogSource::Open(archive_, pieces_, ls, lsn);
  if (!source) co_return Fail(std::move(source).error());
  co_return std::make_unique<ArchivedLog>(*std::move(source));
}

}  // namespace obbak::restore
