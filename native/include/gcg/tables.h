// Append-only tables of fixed rows in the bus folder: instruments.table and sources.table.
//
//   row 0      TableHeader, padded to the size of a row
//   row 1 ...  the rows; row n has number n
//
// A row counts once its `state` is 1, which is stored last (release). A writer killed in a row leaves it at 0, and the
// next one writes over it. Finding needs no lock between processes; appending is serialised by a byte of BUS/locks.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gcg/file.h"
#include "gcg/slots.h"

namespace gcg {

struct InstrumentEntry {
    uint32_t state;
    uint32_t number;
    uint16_t symbol_bytes;
    uint16_t venue_bytes;
    uint16_t terms_bytes;
    uint16_t zero;
    uint32_t crc;  // of number and of all bytes from 24 on
    uint32_t zero2;
    char symbol[80];
    char venue[32];
    char terms[376];
};
static_assert(sizeof(InstrumentEntry) == 512 && offsetof(InstrumentEntry, symbol) == 24);

// The CRC an instrument's row must have, and whether row `row` is one that was written.
uint32_t instrument_crc(const InstrumentEntry& entry);
bool instrument_whole(const InstrumentEntry& entry, uint32_t row);

struct SourceEntry {
    uint32_t state;
    uint16_t number;
    uint16_t name_bytes;
    char name[56];
};
static_assert(sizeof(SourceEntry) == 64);

struct TableHeader {
    char magic[8];
    uint32_t format;
    uint32_t row_bytes;
    uint8_t bus_id[16];
    std::atomic<uint32_t> rows;  // that have room in the file, row 0 included
    uint32_t zero[3];
};
inline constexpr char kTableMagic[8] = {'G', 'C', 'G', 'T', 'A', 'B', 'L', '\n'};
static_assert(sizeof(TableHeader) == 48);

struct TableOptions {
    bool alone = false;   // nobody else has the bus open, so the row count may be corrected to the file's size
    bool durable = true;  // a row is on the disk before anybody can name it
};

// One table, mapped. Thread-safe.
class TableFile {
 public:
    TableFile(std::string path, LockFile& locks, const uint8_t* bus_id, uint32_t row_bytes, uint32_t max_rows,
              TableOptions options);

    // The row with this number, or nullptr if it is not published. T1: acquire, pairs with T0 in publish().
    [[nodiscard]] const void* row(uint32_t number) const;
    // The number of published rows. Cheap: goes on from where it ended last.
    [[nodiscard]] uint32_t count() const;

    // Appends one row at a time: locks against other processes and threads, makes room (throws Fault::full), ...
    class Append {
     public:
        explicit Append(TableFile& table);
        ~Append();
        Append(const Append&) = delete;
        Append& operator=(const Append&) = delete;
        // ... gives the place for the next row and ...
        [[nodiscard]] void* place(uint32_t& number);
        // ... publishes it.
        void publish(void* row);

     private:
        TableFile& table_;
        std::lock_guard<std::mutex> guard_;
    };

 private:
    void grow();
    [[nodiscard]] TableHeader& header() const { return *reinterpret_cast<TableHeader*>(mapping_.data()); }

    std::string path_;
    LockFile& locks_;
    uint32_t row_bytes_;
    uint32_t max_rows_;
    bool durable_;
    File file_;
    Mapping mapping_;
    std::mutex append_mutex_;
    mutable std::atomic<uint32_t> known_{0};
};

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using NumberByText = std::unordered_map<std::string, uint32_t, TextHash, std::equal_to<>>;

// Row n names instrument n, unless its `number` is smaller: then it holds newer terms of that instrument. So terms
// change without a row ever being written twice, and a journal's numbers keep their meaning.
class InstrumentTable {
 public:
    InstrumentTable(const std::string& folder, LockFile& locks, const uint8_t* bus_id, TableOptions options);
    uint32_t add(std::string_view symbol, std::string_view venue, std::string_view terms);
    // New terms of an instrument from now on; nothing is written if they are what it has.
    void change(uint32_t number, std::string_view terms);
    [[nodiscard]] uint32_t find(std::string_view symbol, std::string_view venue) const;  // 0 if unknown
    // The newest row of an instrument; nullptr if there is no such number or it is that of a change.
    [[nodiscard]] const InstrumentEntry* entry(uint32_t number) const;
    // Rows, those of changes included.
    [[nodiscard]] uint32_t count() const { return file_.count(); }

 private:
    [[nodiscard]] const InstrumentEntry* checked_row(uint32_t row) const;
    void index() const;
    void write(InstrumentEntry& row, uint32_t number, std::string_view symbol, std::string_view venue,
               std::string_view terms);

    mutable TableFile file_;
    mutable std::shared_mutex mutex_;
    mutable NumberByText numbers_;                            // "symbol\0venue"
    mutable std::unordered_map<uint32_t, uint32_t> changed_;  // number -> the row of its newest change
    mutable uint32_t indexed_ = 0;
};

class SourceTable {
 public:
    SourceTable(const std::string& folder, LockFile& locks, const uint8_t* bus_id, TableOptions options);
    uint16_t add(std::string_view name);
    [[nodiscard]] std::string name(uint16_t number) const;  // "" if unknown
    [[nodiscard]] uint16_t count() const { return static_cast<uint16_t>(file_.count()); }

 private:
    [[nodiscard]] uint16_t find(std::string_view name) const;
    mutable TableFile file_;
};

}  // namespace gcg
