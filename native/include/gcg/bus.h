// A bus: one folder, one world, three journals (lanes), an instrument table, a source table and its readers.
//
//   BUS/bus.meta            magic, format version, world, bus id                      (written once)
//   BUS/bus.state           shared memory: writer slots, wake word, epoch, sync marks  (rebuilt if missing)
//   BUS/locks               open-file-description locks held for life: one byte a writer slot, one the syncer
//   BUS/control|market|log/ 0000000001.page ...  and lane.state
//   BUS/instruments.table   append-only rows
//   BUS/sources.table       append-only rows
//   BUS/readers/NAME        one small file a named reader: cursor, lag, pid
//
// A Bus may be opened by any number of processes; it is thread-safe. A BusReader belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gcg/errors.h"
#include "gcg/format.h"

namespace gcg {

enum class SyncPolicy : uint8_t { none, interval, always };
enum class WaitPolicy : uint8_t { busy, adaptive, sleep };

struct BusOptions {
    World world = World::paper;  // used when the bus is created; 0 (World{}) = take what is there
    SyncPolicy sync = SyncPolicy::interval;
    uint64_t page_bytes = 16u << 20;  // used when the bus is created
    std::string owner = "unnamed";    // named in errors and in the writer slot table
    bool create = true;               // false: the folder must hold a bus
    bool read_only = false;           // no writer slot, no keeper thread; append() throws
};

struct FrameSpec {
    uint16_t type = 0;
    uint16_t source = 0;
    uint16_t flags = 0;
    uint16_t schema = 1;
    uint32_t instrument = 0;
    uint32_t count = 1;  // records in the payload; each takes one seq
    uint64_t cause = 0;
};

struct Appended {
    uint64_t id;  // of the first record
    int64_t time_ns;
};

struct InstrumentRow {
    uint32_t number = 0;  // 1..
    std::string symbol;   // at most 80 bytes
    std::string venue;    // at most 32 bytes
    std::string terms;    // at most 376 bytes: msgpack written by Python (gcg_quant/instruments.py)
};

struct EpochReport {  // one a lane that was cut or checked on opening
    Lane lane;
    uint32_t epoch;
    uint64_t kept_seq;  // the last whole frame's seq
    uint64_t cut_bytes;
    std::string detail;  // a sentence
};

struct ReaderStatus {
    std::string name;
    bool durable = false;
    bool alive = false;  // its process holds its lock
    int32_t pid = 0;
    int64_t updated_ns = 0;
    uint64_t next_seq[kLanes] = {};
    uint64_t lag[kLanes] = {};  // head - cursor
};

struct Cursor {  // the next seq to read in each lane
    std::string bus_id;
    uint32_t epoch = 0;
    uint64_t next_seq[kLanes] = {1, 1, 1};
};

class Bus;

// One frame as it lies on its page. `page` keeps the mapping alive for as long as a copy of the handle lives.
struct FrameView {
    const FrameHeader* header = nullptr;
    const std::byte* payload = nullptr;
    uint32_t payload_bytes = 0;
    Lane lane = Lane::market;
};

class BusReader {
 public:
    ~BusReader();
    BusReader(const BusReader&) = delete;
    BusReader& operator=(const BusReader&) = delete;

    // Return the next frame (control before market before log), or false if every lane is drained. The view stays valid
    // until the next call of next(), wait() or seek_*(), unless page() is held. Throws JournalError(corrupt) at damage.
    [[nodiscard]] bool next(FrameView& frame);
    // Look whether next() would return a frame, without moving.
    [[nodiscard]] bool ready() const;
    // Wait until ready() or the timeout (seconds; < 0 = for ever). May return early. Call without any Python lock.
    bool wait(double timeout_s);
    [[nodiscard]] uint32_t wakes() const;  // how often Bus::wake() was called so far
    // Only these lanes are read (bit 0 control, bit 1 market, bit 2 log; default 7).
    void lanes(uint32_t mask);
    void wait_policy(WaitPolicy policy, double sleep_s = 0.001);

    // The mapping of the page that holds the frame last returned.
    [[nodiscard]] std::shared_ptr<const void> page() const;

    [[nodiscard]] Cursor cursor() const;
    void seek(const Cursor& cursor);  // throws Fault::cursor when beyond the end or of another bus
    // The part of a cursor that the journal still holds: where an earlier epoch was cut, records behind the cut had the
    // same seqs as the ones written since. Who uses it has to undo what he derived from the records that were cut.
    [[nodiscard]] Cursor kept(const Cursor& cursor);
    void seek_begin();
    void seek_end();                              // behind the newest frame of every lane
    void seek_seq(Lane lane, uint64_t seq);       // the next frame read holds seq (a batch may begin before it)
    void seek_time(int64_t time_ns);              // the first frame of every lane with time_ns >= this
    [[nodiscard]] uint64_t lag(Lane lane) const;  // head - cursor

    // Store the cursor in BUS/readers/NAME: a durable reader of that name goes on from there. Memory-mapped: no system
    // call. next() stores nothing but how far the reader is (for the lag), every 64 frames and when the lanes are
    // drained: what it returned counts as handled only by commit(). The second form is for who is in the middle of a
    // batch.
    void commit();
    void commit(const Cursor& cursor);
    [[nodiscard]] const std::string& name() const;  // "" if anonymous

 private:
    friend class Bus;
    struct Impl;
    explicit BusReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

class Bus {
 public:
    static std::shared_ptr<Bus> open(const std::string& folder, const BusOptions& options);
    ~Bus();
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;

    [[nodiscard]] const std::string& folder() const;
    [[nodiscard]] const std::string& id() const;  // 32 hex digits
    [[nodiscard]] World world() const;
    [[nodiscard]] uint32_t epoch() const;
    [[nodiscard]] uint64_t page_bytes() const;
    [[nodiscard]] const std::vector<EpochReport>& epoch_reports() const;  // what opening found and cut

    // Append one frame; nobody may change the payload meanwhile (append_many() reads it once and does not mind). Throws
    // JournalError: full (nothing written), busy (names the owner), argument (too large for a
    // page, read-only bus). After fork() the child's append throws Fault::argument.
    Appended append(Lane lane, const FrameSpec& spec, const void* payload, uint32_t bytes);
    // Append several frames under one lock and one wake-up; the results' ids are consecutive per frame count.
    Appended append_many(Lane lane, const FrameSpec* specs, const void* const* payloads, const uint32_t* bytes,
                         std::size_t n);

    [[nodiscard]] uint64_t head(Lane lane) const;  // the next seq to be written
    void sync();                                   // to disk now, whatever the policy
    void wake();                                   // wake every waiting reader

    // Tables. add returns the number of an equal (symbol, venue) row, whose terms stay as they are, or appends one.
    uint32_t add_instrument(std::string_view symbol, std::string_view venue, std::string_view terms);
    void change_instrument(uint32_t number, std::string_view terms);  // new terms from now on
    [[nodiscard]] uint32_t find_instrument(std::string_view symbol, std::string_view venue) const;  // 0 if unknown
    [[nodiscard]] bool instrument(uint32_t number, InstrumentRow& row) const;
    [[nodiscard]] uint32_t instrument_count() const;
    uint16_t add_source(std::string_view name);  // at most 56 bytes
    [[nodiscard]] std::string source(uint16_t number) const;
    [[nodiscard]] uint16_t source_count() const;

    // A named durable reader goes on from its file, a new one begins at `begin` ? the oldest frame : the newest.
    // An empty name is an anonymous reader without a file.
    std::unique_ptr<BusReader> reader(const std::string& name, bool durable, bool begin);
    [[nodiscard]] std::vector<ReaderStatus> readers() const;
    void close();

    struct Impl;

 private:
    friend class BusReader;
    explicit Bus(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;  // shared with the readers
};

// What a walk over a lane's pages finds (for `journal inspect` and `journal verify`).
struct PageReport {
    Lane lane;
    uint64_t index = 0;
    std::string file;
    uint64_t bytes = 0;  // file size
    uint64_t used = 0;   // bytes of whole frames, header included
    uint64_t first_seq = 0, frames = 0, records = 0;
    std::vector<std::string> lost;  // a sentence for each kLost frame, which are no part of the numbers above
    int64_t first_ns = 0, last_ns = 0;
    uint32_t epoch = 0;
    std::string damage;  // "" or a sentence with page, offset and seq
};
// verify: check every CRC and every seq; else only headers. Opens nothing for writing.
std::vector<PageReport> inspect(const std::string& folder, bool verify);

}  // namespace gcg
