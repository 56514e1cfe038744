#include "format/tablet_mds_records.h"

#include <utility>

#include "format/checksum.h"
#include "format/encoder.h"

namespace obbak::format {
namespace {

// Hashes one field after the other, each seeded with the hash so far; the sum is its low half.
class Chain {
 public:
  Chain& Add(std::uint64_t value, std::size_t width) {
    Encoder bytes;
    bytes.FixedLittleEndian(value, width);
    return Add(bytes.bytes());
  }
  Chain& Add(std::int64_t value) { return Add(static_cast<std::uint64_t>(value), 8); }
  Chain& Add(Scn scn) { return Add(scn.value, 8); }
  Chain& Add(ByteView bytes) {
    hash_ = MurmurHash64A(bytes, hash_);
    return *this;
  }
  std::uint32_t sum() const { return static_cast<std::uint32_t>(hash_); }

 private:
  std::uint64_t hash_ = 0;
};

}  // namespace

std::uint32_t MdsChecksum(const MdsDumpKey& key) {
  Chain chain;
  chain.Add(key.mds_table_id, 1).Add(key.mds_unit_id, 1);
  if (!key.key.empty()) chain.Add(AsByteView(key.key));
  return chain.sum();
}

std::uint32_t MdsChecksum(const MdsDumpNode& node) {
  Chain chain;
  chain.Add(node.mds_table_id, 1).Add(node.mds_unit_id, 1);
  chain.Add(node.writer_id).Add(node.seq_no);
  chain.Add(node.redo_scn).Add(node.end_scn).Add(node.trans_version);
  chain.Add(node.status.value, 4).Add(AsByteView(node.user_data));
  return chain.sum();
}

MdsDumpKv CommittedMdsKv(std::uint8_t unit, TxId writer, Scn redo_scn, Scn end_scn,
                         Scn trans_version, std::string user_data) {
  MdsDumpKv kv;
  kv.k.mds_table_id = kTabletMdsTable;
  kv.k.mds_unit_id = unit;
  kv.k.crc_check_number = MdsChecksum(kv.k);
  kv.v.mds_table_id = kTabletMdsTable;
  kv.v.mds_unit_id = unit;
  kv.v.writer_id = writer.value;
  kv.v.seq_no = 0;
  kv.v.redo_scn = redo_scn;
  kv.v.end_scn = end_scn;
  kv.v.trans_version = trans_version;
  kv.v.status = {kMdsStatusCommitted};
  kv.v.user_data = std::move(user_data);
  kv.v.crc_check_number = MdsChecksum(kv.v);
  return kv;
}

}  // namespace obbak::format
