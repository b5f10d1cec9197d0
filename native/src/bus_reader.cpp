#include <bit>
#include <cstring>

#include "bus_impl.h"
#include "gcg/clock.h"

namespace gcg {

static constexpr int kTellEvery = 64;

BusReader::Impl::Impl(std::shared_ptr<Bus::Impl> bus_, const std::string& name_, bool durable)
    : bus(std::move(bus_)),
      lanes{LaneReader(*bus->lanes[0]), LaneReader(*bus->lanes[1]), LaneReader(*bus->lanes[2])},
      name(name_) {
    if (name.empty() && durable)
        throw JournalError(Fault::argument, "a durable reader needs a name: its cursor is kept under it");
    if (name.empty()) return;
    file = std::make_unique<ReaderFile>(bus->context->folder, bus->context->meta.bus_id, name, durable);
    name = file->name();
}

bool BusReader::Impl::ready() {
    for (int lane = 0; lane < kLanes; ++lane)
        if ((mask >> lane & 1) != 0 && lanes[lane].peek()) return true;
    return false;
}

// Show the others how far this reader is.
void BusReader::Impl::tell() {
    untold = 0;
    if (!file) return;
    // relaxed: numbers of their own, for reports
    ReaderRecord& record = file->record();
    for (int lane = 0; lane < kLanes; ++lane)
        record.position[lane].store(lanes[lane].next_seq(), std::memory_order_relaxed);
    record.updated_ns.store(now_ns(), std::memory_order_relaxed);
}

Cursor BusReader::Impl::cursor() const {
    Cursor cursor;
    cursor.bus_id = bus->context->id;
    cursor.epoch = bus->context->state.epoch.load(std::memory_order_relaxed);  // relaxed: set on opening
    for (int lane = 0; lane < kLanes; ++lane) cursor.next_seq[lane] = lanes[lane].next_seq();
    return cursor;
}

BusReader::BusReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BusReader::~BusReader() = default;

bool BusReader::next(FrameView& frame) {
    Impl& impl = *impl_;
    impl.bus->context->check_open();
    for (int lane = 0; lane < kLanes; ++lane) {
        LaneReader& reader = impl.lanes[lane];
        reader.forget();
        if ((impl.mask >> lane & 1) == 0 || !reader.peek()) continue;
        reader.take(frame);
        impl.last_lane = lane;
        if (++impl.untold >= kTellEvery) impl.tell();
        return true;
    }
    if (impl.untold > 0) impl.tell();
    return false;
}

bool BusReader::ready() const {
    impl_->bus->context->check_open();
    return impl_->ready();
}

bool BusReader::wait(double timeout_s) {
    Impl& impl = *impl_;
    impl.bus->context->check_open();
    if (impl.untold > 0) impl.tell();
    return impl.waiter.wait(impl.bus->context->wake, [&impl] { return impl.ready(); }, timeout_s);
}

uint32_t BusReader::wakes() const {
    return impl_->bus->context->wake.wakes();
}

void BusReader::lanes(uint32_t mask) {
    if ((mask & 7) == 0 || mask > 7)
        throw JournalError(Fault::argument, "the lane mask is " + std::to_string(mask) + ": use 1 to 7");
    impl_->mask = mask;
    if (impl_->file) impl_->file->record().mask.store(mask, std::memory_order_relaxed);  // relaxed: for reports
}

void BusReader::wait_policy(WaitPolicy policy, double sleep_s) {
    if (!(sleep_s >= 0 && sleep_s <= 3600))
        throw JournalError(Fault::argument,
                           "a pause of " + std::to_string(sleep_s) + " s is not possible: use 0 to 3600");
    impl_->waiter.policy(policy, sleep_s);
}

std::shared_ptr<const void> BusReader::page() const {
    return impl_->lanes[impl_->last_lane].page();
}

const std::string& BusReader::name() const {
    return impl_->name;
}
Cursor BusReader::cursor() const {
    return impl_->cursor();
}

// Throw if it is of another bus, or of a later epoch than there has been.
static void check_cursor(const BusContext& context, const Cursor& cursor) {
    if (!cursor.bus_id.empty() && cursor.bus_id != context.id)
        throw JournalError(Fault::cursor, "the cursor is of bus " + cursor.bus_id + ", but " + context.folder +
                                              " is bus " + context.id + ": start the reader from its begin or its end");
    const uint32_t epoch = context.state.epoch.load(std::memory_order_relaxed);  // relaxed: set on opening
    if (cursor.epoch > epoch)
        throw JournalError(Fault::cursor,
                           "the cursor is of epoch " + std::to_string(cursor.epoch) + ", but " + context.folder +
                               " is at epoch " + std::to_string(epoch) +
                               ": it was replaced by an older copy; start the reader from its begin or its end");
}

void BusReader::seek(const Cursor& cursor) {
    Impl& impl = *impl_;
    impl.bus->context->check_open();
    check_cursor(*impl.bus->context, cursor);
    const uint32_t epoch = impl.cursor().epoch;
    LaneReader found[kLanes] = {impl.lanes[0], impl.lanes[1], impl.lanes[2]};  // nothing moves unless every lane can
    for (int lane = 0; lane < kLanes; ++lane) {
        if (cursor.epoch != 0 && cursor.epoch < epoch) found[lane].check_epoch(cursor.epoch, cursor.next_seq[lane]);
        found[lane].seek_seq(cursor.next_seq[lane]);
    }
    for (int lane = 0; lane < kLanes; ++lane) impl.lanes[lane] = std::move(found[lane]);
    impl.tell();
}

Cursor BusReader::kept(const Cursor& cursor) {
    impl_->bus->context->check_open();
    check_cursor(*impl_->bus->context, cursor);
    Cursor result = impl_->cursor();
    for (int lane = 0; lane < kLanes; ++lane)
        result.next_seq[lane] = impl_->lanes[lane].kept(cursor.epoch, result.epoch, cursor.next_seq[lane]);
    return result;
}

void BusReader::seek_begin() {
    impl_->bus->context->check_open();
    for (LaneReader& lane : impl_->lanes) lane.seek_begin();
    impl_->tell();
}

void BusReader::seek_end() {
    impl_->bus->context->check_open();
    for (LaneReader& lane : impl_->lanes) lane.seek_end();
    impl_->tell();
}

void BusReader::seek_seq(Lane lane, uint64_t seq) {
    impl_->bus->context->check_open();
    impl_->bus->lane(lane);  // throws if there is no such lane
    impl_->lanes[static_cast<std::size_t>(lane)].seek_seq(seq);
    impl_->tell();
}

void BusReader::seek_time(int64_t time_ns) {
    impl_->bus->context->check_open();
    for (LaneReader& lane : impl_->lanes) lane.seek_time(time_ns);
    impl_->tell();
}

uint64_t BusReader::lag(Lane lane) const {
    const uint64_t head = impl_->bus->lane(lane).head();
    const uint64_t next = impl_->lanes[static_cast<std::size_t>(lane)].next_seq();
    return next < head ? head - next : 0;  // a frame may be read before it is committed
}

void BusReader::commit() {
    commit(cursor());
}

void BusReader::commit(const Cursor& cursor) {
    impl_->bus->context->check_open();
    impl_->tell();
    if (!impl_->file) return;
    ReaderRecord& record = impl_->file->record();
    // R2: release, for whoever opens the file next; others read it for reports only. Killed in between: the epoch is
    // that of today, and every lane's seq is an old or a new one, each valid by itself.
    record.epoch.store(impl_->cursor().epoch, std::memory_order_release);
    for (int lane = 0; lane < kLanes; ++lane)
        record.committed[lane].store(cursor.next_seq[lane], std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    std::memcpy(record.magic, kReaderMagic, sizeof kReaderMagic);  // a new file counts from its first commit on
}

}  // namespace gcg
