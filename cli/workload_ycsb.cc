#include "cli/workload_ycsb.h"

#include <memory>

namespace obbak::cli {
namespace {

using engine::YcsbWorkload;

class Client final : public WorkloadUser {
 public:
  explicit Client(const YcsbWorkload& ycsb) : ycsb_(ycsb) {}

  std::size_t Choose(io::Random& random) override {
    request_ = ycsb_.Choose(random);
    return static_cast<std::size_t>(request_.operation);
  }
  io::Task<Result<Attempt>> Try() override {
    const Result<bool> done = co_await ycsb_.Execute(request_);
    if (!done) co_return Fail(done.error());
    co_return *done ? Attempt::kDone : Attempt::kConflict;
  }

 private:
  const YcsbWorkload& ycsb_;
  engine::YcsbRequest request_;
};

}  // namespace

Workload MakeYcsb(const YcsbWorkload& ycsb) {
  // In the order of engine::YcsbOperation.
  return {.kinds = {"read", "update", "read-modify-write"},
          .make_user = [&ycsb] { return std::make_unique<Client>(ycsb); },
          .check = {}};
}

}  // namespace obbak::cli
