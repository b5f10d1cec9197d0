#include "gcg/bus.h"

#include <exception>

#include "bus_impl.h"

namespace gcg {

// --- what is behind it -------------------------------------------------------------------------------------------

LaneJournal& Bus::Impl::lane(Lane lane) {
    const auto index = static_cast<std::size_t>(lane);
    if (index >= lanes.size())
        throw JournalError(Fault::argument, "there is no lane " + std::to_string(index) + ": use 0, 1 or 2");
    return *lanes[index];
}

void Bus::Impl::sync_all() {
    // First: a frame from before this call names no row that is not on the disk.
    instruments->sync();
    sources->sync();
    for (const auto& lane : lanes) lane->sync(true);
    context->sync_state();
}

static constexpr int64_t kClosePatience = 1'000'000'000;

void Bus::Impl::close() {
    std::unique_lock guard(close_mutex, std::defer_lock);
    if (context->forked()) return context->close();  // the parent's locks and threads are not ours
    guard.lock();
    if (context->closed()) return;
    if (keeper) keeper->stop();
    context->close();  // no append begins from here on ...
    bool drained = true;
    for (const auto& lane : lanes)
        if (keeper) drained = lane->drain() && drained;  // ... and those that had begun are done
    std::exception_ptr failure;
    try {
        // The last one out notes that everything is on the disk, so that the next one in, even after a reboot, need not
        // look.
        const bool synced = keeper && options.sync != SyncPolicy::none;
        if (synced) sync_all();
        if (context->locks.lock(kOpeningByte, kClosePatience) && synced && drained &&
            !context->locks.held_elsewhere(kPresenceByte)) {
            context->state.clean.store(1, std::memory_order_relaxed);  // relaxed: under the opening lock
            context->sync_state();
        }
    } catch (const JournalError&) {
        failure = std::current_exception();
    }
    context->wake.wake_all();
    // A thread that is stuck in a lane's lock keeps it: our slot lives on until the bus is destroyed, or others would
    // take us for dead, and the lock while it is still being written under.
    if (drained) {
        context->locks.close();
    } else {
        context->locks.unlock(kOpeningByte);
    }
    if (failure) std::rethrow_exception(failure);
}

Bus::Impl::~Impl() {
    if (!context) return;
    if (context->forked()) {
        // The keeper's thread does not exist here, and destroying what it waits on would wait for it.
        static_cast<void>(keeper.release());
        static_cast<void>(context.release());
        return;
    }
    try {
        close();
    } catch (const JournalError&) {
        // A destructor cannot report it; who wants to know calls close().
    }
}

// --- Bus ---------------------------------------------------------------------------------------------------------

std::shared_ptr<Bus> Bus::open(const std::string& folder, const BusOptions& options) {
    return std::shared_ptr<Bus>(new Bus(open_bus(folder, options)));
}

Bus::Bus(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Bus::~Bus() {
    try {
        impl_->close();
    } catch (const JournalError&) {
        // as in ~Impl: the readers may keep Impl alive, the bus is closed all the same
    }
}

const std::string& Bus::folder() const {
    return impl_->context->folder;
}
const std::string& Bus::id() const {
    return impl_->context->id;
}
World Bus::world() const {
    return static_cast<World>(impl_->context->meta.world);
}
uint32_t Bus::epoch() const {
    return impl_->context->state.epoch.load(std::memory_order_relaxed);
}  // relaxed: set on opening
uint64_t Bus::page_bytes() const {
    return impl_->context->meta.page_bytes;
}
const std::vector<EpochReport>& Bus::epoch_reports() const {
    return impl_->reports;
}

Appended Bus::append(Lane lane, const FrameSpec& spec, const void* payload, uint32_t bytes) {
    impl_->context->check_writable();
    LaneJournal& journal = impl_->lane(lane);
    const Appended appended = journal.append(spec, payload, bytes);
    impl_->context->wake.published();
    if (impl_->options.sync == SyncPolicy::always) journal.sync(false);
    return appended;
}

Appended Bus::append_many(Lane lane, const FrameSpec* specs, const void* const* payloads, const uint32_t* bytes,
                          std::size_t n) {
    impl_->context->check_writable();
    LaneJournal& journal = impl_->lane(lane);
    const Appended appended = journal.append_many(specs, payloads, bytes, n);
    impl_->context->wake.published();
    if (impl_->options.sync == SyncPolicy::always) journal.sync(false);
    return appended;
}

uint64_t Bus::head(Lane lane) const {
    return impl_->lane(lane).head();
}

void Bus::sync() {
    std::lock_guard guard(impl_->close_mutex);
    impl_->context->check_writable();
    impl_->sync_all();
}

void Bus::wake() {
    impl_->context->wake.wake_all();
}

void Bus::close() {
    impl_->close();
}

// --- tables ------------------------------------------------------------------------------------------------------

uint32_t Bus::add_instrument(std::string_view symbol, std::string_view venue, std::string_view terms) {
    if (const uint32_t known = impl_->instruments->find(symbol, venue)) return known;
    impl_->context->check_writable();
    return impl_->instruments->add(symbol, venue, terms);
}

void Bus::change_instrument(uint32_t number, std::string_view terms) {
    impl_->context->check_writable();
    impl_->instruments->change(number, terms);
}

uint32_t Bus::find_instrument(std::string_view symbol, std::string_view venue) const {
    return impl_->instruments->find(symbol, venue);
}

bool Bus::instrument(uint32_t number, InstrumentRow& row) const {
    const InstrumentEntry* entry = impl_->instruments->entry(number);
    if (!entry) return false;
    row.number = number;
    row.symbol.assign(entry->symbol, entry->symbol_bytes);
    row.venue.assign(entry->venue, entry->venue_bytes);
    row.terms.assign(entry->terms, entry->terms_bytes);
    return true;
}

uint32_t Bus::instrument_count() const {
    return impl_->instruments->count();
}

uint16_t Bus::add_source(std::string_view name) {
    impl_->context->check_writable();
    return impl_->sources->add(name);
}

std::string Bus::source(uint16_t number) const {
    return impl_->sources->name(number);
}
uint16_t Bus::source_count() const {
    return impl_->sources->count();
}

// --- readers -----------------------------------------------------------------------------------------------------

std::unique_ptr<BusReader> Bus::reader(const std::string& name, bool durable, bool begin) {
    impl_->context->check_open();
    auto impl = std::make_unique<BusReader::Impl>(impl_, name, durable);
    std::unique_ptr<BusReader> reader(new BusReader(std::move(impl)));
    const ReaderFile* file = reader->impl_->file.get();
    if (file && !file->is_new()) {
        Cursor cursor{id(),
                      file->record().epoch.load(std::memory_order_relaxed),
                      {}};  // relaxed: only its owner writes, and that is us
        for (int lane = 0; lane < kLanes; ++lane)
            cursor.next_seq[lane] = file->record().committed[lane].load(std::memory_order_relaxed);
        try {
            reader->seek(cursor);
        } catch (const JournalError& error) {
            if (error.fault != Fault::cursor) throw;
            throw JournalError(Fault::cursor,
                               std::string(error.what()) + " (remove " + file->path() + " to start it afresh)");
        }
        return reader;
    }
    if (begin) {
        reader->seek_begin();
    } else {
        reader->seek_end();
    }
    reader->commit();
    return reader;
}

std::vector<ReaderStatus> Bus::readers() const {
    uint64_t heads[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) heads[lane] = head(static_cast<Lane>(lane));
    return list_readers(folder(), heads);
}

}  // namespace gcg
