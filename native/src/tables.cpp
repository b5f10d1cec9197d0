#include "gcg/tables.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "gcg/crc32c.h"
#include "gcg/format.h"

namespace gcg {
namespace {

constexpr uint32_t kMaxInstruments = 1u << 20;  // 512 MB of address space; the file grows as it is used
constexpr uint32_t kMaxSources = 1u << 16;
constexpr uint64_t kGrowBytes = 65536;
constexpr int64_t kTablePatience = 1'000'000'000;

// Every row begins with its state.
std::atomic_ref<uint32_t> state_of(const void* row) {
    return std::atomic_ref<uint32_t>(*static_cast<uint32_t*>(const_cast<void*>(row)));
}

void check_text(const char* what, std::string_view text, std::size_t limit, bool may_be_empty) {
    if (text.size() > limit)
        throw JournalError(Fault::argument, "the " + std::string(what) + " '" + std::string(text.substr(0, 100)) +
                                                "' has " + std::to_string(text.size()) + " bytes; at most " +
                                                std::to_string(limit) + " fit: shorten it");
    if (text.empty() && !may_be_empty)
        throw JournalError(Fault::argument, "the " + std::string(what) + " is empty: name it");
    if (text.find('\0') != text.npos && std::string_view(what) != "terms")
        throw JournalError(Fault::argument, "the " + std::string(what) + " contains a zero byte: remove it");
}

}  // namespace

// --- TableFile ---------------------------------------------------------------------------------------------------

TableFile::TableFile(std::string path, LockFile& locks, const uint8_t* bus_id, uint32_t row_bytes, uint32_t max_rows,
                     TableOptions options)
    : path_(std::move(path)), locks_(locks), row_bytes_(row_bytes), max_rows_(max_rows), durable_(options.durable) {
    file_ = File::try_open(path_, O_RDWR);
    if (!file_) {
        std::vector<char> block(kGrowBytes, 0);
        auto* fresh = reinterpret_cast<TableHeader*>(block.data());
        std::memcpy(fresh->magic, kTableMagic, sizeof kTableMagic);
        fresh->format = kFrameFormat;
        fresh->row_bytes = row_bytes;
        std::memcpy(fresh->bus_id, bus_id, sizeof fresh->bus_id);
        fresh->rows.store(static_cast<uint32_t>(kGrowBytes / row_bytes),
                          std::memory_order_relaxed);  // relaxed: private yet
        create_whole(path_, block.data(), block.size());
        file_ = File::open(path_, O_RDWR);
    }
    // The mapping reaches beyond the file's end; nothing behind `rows` is touched.
    mapping_ = Mapping(file_, uint64_t{max_rows} * row_bytes, true, path_);
    const uint64_t room = file_.size(path_) / row_bytes;
    if (room == 0 || std::memcmp(header().magic, kTableMagic, sizeof kTableMagic) != 0 ||
        header().row_bytes != row_bytes || std::memcmp(header().bus_id, bus_id, sizeof header().bus_id) != 0)
        throw JournalError(Fault::corrupt,
                           path_ + " is not the table of this bus: restore it from a copy of the bus folder");
    if (header().format != kFrameFormat)
        throw JournalError(Fault::version, path_ + " has format " + std::to_string(header().format) +
                                               ", this program reads format " + std::to_string(kFrameFormat) +
                                               ": use the program version that wrote it");
    if (options.alone && header().rows.load(std::memory_order_relaxed) > room)  // relaxed: we are alone
        header().rows.store(static_cast<uint32_t>(room), std::memory_order_relaxed);
}

const void* TableFile::row(uint32_t number) const {
    // Q1: acquire, pairs with Q0 in grow(): the rows below have room in the file.
    if (number == 0 || number >= header().rows.load(std::memory_order_acquire)) return nullptr;
    const std::byte* row = mapping_.data() + uint64_t{number} * row_bytes_;
    return state_of(row).load(std::memory_order_acquire) == 1 ? row : nullptr;
}

uint32_t TableFile::count() const {
    uint32_t known = known_.load(std::memory_order_relaxed);  // relaxed: a lower bound that any thread may raise
    while (row(known + 1)) ++known;
    known_.store(known, std::memory_order_relaxed);
    return known;
}

void TableFile::grow() {
    const uint32_t rows = header().rows.load(std::memory_order_relaxed);  // relaxed: written under the table lock
    if (rows >= max_rows_)
        throw JournalError(Fault::full, path_ + " is full: it holds " + std::to_string(max_rows_ - 1) + " rows");
    const uint64_t bytes = uint64_t{rows} * row_bytes_ + kGrowBytes;
    allocate(file_, bytes, path_);
    // Q0: release, pairs with Q1 in row().
    header().rows.store(static_cast<uint32_t>(bytes / row_bytes_), std::memory_order_release);
}

TableFile::Append::Append(TableFile& table) : table_(table), guard_(table.append_mutex_) {
    if (!table_.locks_.lock(kTableByte, kTablePatience))
        throw JournalError(Fault::busy,
                           table_.path_ + " has been locked for a second by another process: resume or end it");
}

TableFile::Append::~Append() {
    table_.locks_.unlock(kTableByte);
}

void* TableFile::Append::place(uint32_t& number) {
    number = table_.count() + 1;
    if (number >= table_.max_rows_)
        throw JournalError(Fault::full,
                           table_.path_ + " is full: it holds " + std::to_string(table_.max_rows_ - 1) + " rows");
    if (number >= table_.header().rows.load(std::memory_order_relaxed))
        table_.grow();  // relaxed: we hold the table lock
    return table_.mapping_.data() + uint64_t{number} * table_.row_bytes_;
}

void TableFile::Append::publish(void* row) {
    // T0: pairs with T1 in row(); publishes the row's bytes.
    state_of(row).store(1, std::memory_order_release);
    if (table_.durable_ && fdatasync(table_.file_.descriptor()) != 0) throw_errno("sync", table_.path_, errno);
}

// --- instruments -------------------------------------------------------------------------------------------------

uint32_t instrument_crc(const InstrumentEntry& entry) {
    const uint32_t crc = crc32c(0, &entry.number, sizeof entry.number);
    return crc32c(crc, entry.symbol, sizeof entry - offsetof(InstrumentEntry, symbol));
}

// The lengths are not part of the CRC: the zeros behind the texts bear witness to them.
bool instrument_whole(const InstrumentEntry& entry, uint32_t row) {
    const auto zeros = [](const char* from, const char* to) {
        return std::all_of(from, to, [](char letter) { return letter == 0; });
    };
    return entry.number != 0 && entry.number <= row && entry.crc == instrument_crc(entry) &&
           entry.symbol_bytes == strnlen(entry.symbol, sizeof entry.symbol) &&
           entry.venue_bytes == strnlen(entry.venue, sizeof entry.venue) && entry.symbol_bytes > 0 &&
           entry.terms_bytes <= sizeof entry.terms &&
           zeros(entry.terms + entry.terms_bytes, entry.terms + sizeof entry.terms);
}

InstrumentTable::InstrumentTable(const std::string& folder, LockFile& locks, const uint8_t* bus_id,
                                 TableOptions options)
    : file_(folder + "/instruments.table", locks, bus_id, sizeof(InstrumentEntry), kMaxInstruments, options) {}

const InstrumentEntry* InstrumentTable::checked_row(uint32_t number) const {
    const auto* row = static_cast<const InstrumentEntry*>(file_.row(number));
    if (row && !instrument_whole(*row, number))
        throw JournalError(Fault::corrupt, "row " + std::to_string(number) +
                                               " of the instrument table is damaged: restore "
                                               "instruments.table from a copy of the bus folder");
    return row;
}

const InstrumentEntry* InstrumentTable::entry(uint32_t number) const {
    const InstrumentEntry* row = checked_row(number);
    if (!row || row->number != number) return nullptr;
    index();
    std::shared_lock reading(mutex_);
    const auto newer = changed_.find(number);
    return newer == changed_.end() ? row : checked_row(newer->second);
}

void InstrumentTable::index() const {
    const uint32_t count = file_.count();
    {
        std::shared_lock reading(mutex_);
        if (indexed_ >= count) return;
    }
    std::unique_lock writing(mutex_);
    for (; indexed_ < count; ++indexed_) {
        const InstrumentEntry& row = *checked_row(indexed_ + 1);
        if (row.number != indexed_ + 1) {
            changed_[row.number] = indexed_ + 1;
            continue;
        }
        std::string name(row.symbol, row.symbol_bytes);
        name.push_back('\0');
        name.append(row.venue, row.venue_bytes);
        numbers_.emplace(std::move(name), row.number);
    }
}

uint32_t InstrumentTable::find(std::string_view symbol, std::string_view venue) const {
    if (symbol.size() > sizeof(InstrumentEntry::symbol) || venue.size() > sizeof(InstrumentEntry::venue)) return 0;
    char text[sizeof(InstrumentEntry::symbol) + 1 + sizeof(InstrumentEntry::venue)];
    if (!symbol.empty()) std::memcpy(text, symbol.data(), symbol.size());
    text[symbol.size()] = '\0';
    if (!venue.empty()) std::memcpy(text + symbol.size() + 1, venue.data(), venue.size());
    const std::string_view key(text, symbol.size() + 1 + venue.size());
    {
        std::shared_lock reading(mutex_);
        if (const auto found = numbers_.find(key); found != numbers_.end()) return found->second;
    }
    index();
    std::shared_lock reading(mutex_);
    const auto found = numbers_.find(key);
    return found == numbers_.end() ? 0 : found->second;
}

void InstrumentTable::write(InstrumentEntry& row, uint32_t number, std::string_view symbol, std::string_view venue,
                            std::string_view terms) {
    std::memset(reinterpret_cast<char*>(&row) + sizeof row.state, 0, sizeof row - sizeof row.state);
    row.number = number;
    row.symbol_bytes = static_cast<uint16_t>(symbol.size());
    row.venue_bytes = static_cast<uint16_t>(venue.size());
    row.terms_bytes = static_cast<uint16_t>(terms.size());
    symbol.copy(row.symbol, symbol.size());
    venue.copy(row.venue, venue.size());
    terms.copy(row.terms, terms.size());
    row.crc = instrument_crc(row);
}

uint32_t InstrumentTable::add(std::string_view symbol, std::string_view venue, std::string_view terms) {
    check_text("symbol", symbol, sizeof(InstrumentEntry::symbol), false);
    check_text("venue", venue, sizeof(InstrumentEntry::venue), true);
    check_text("terms", terms, sizeof(InstrumentEntry::terms), true);
    if (const uint32_t known = find(symbol, venue)) return known;
    TableFile::Append append(file_);
    if (const uint32_t known = find(symbol, venue)) return known;  // another process was faster
    uint32_t number;
    auto* row = static_cast<InstrumentEntry*>(append.place(number));
    write(*row, number, symbol, venue, terms);
    append.publish(row);
    return number;
}

void InstrumentTable::change(uint32_t number, std::string_view terms) {
    check_text("terms", terms, sizeof(InstrumentEntry::terms), true);
    TableFile::Append append(file_);
    const InstrumentEntry* old = entry(number);
    if (!old)
        throw JournalError(Fault::argument,
                           "there is no instrument number " + std::to_string(number) + ": add it first");
    if (std::string_view(old->terms, old->terms_bytes) == terms) return;
    uint32_t place;
    auto* row = static_cast<InstrumentEntry*>(append.place(place));
    write(*row, number, {old->symbol, old->symbol_bytes}, {old->venue, old->venue_bytes}, terms);
    append.publish(row);
}

// --- sources -----------------------------------------------------------------------------------------------------

SourceTable::SourceTable(const std::string& folder, LockFile& locks, const uint8_t* bus_id, TableOptions options)
    : file_(folder + "/sources.table", locks, bus_id, sizeof(SourceEntry), kMaxSources, options) {}

std::string SourceTable::name(uint16_t number) const {
    const auto* row = static_cast<const SourceEntry*>(file_.row(number));
    return row ? std::string(row->name, row->name_bytes) : "";
}

uint16_t SourceTable::find(std::string_view name) const {
    const uint32_t count = file_.count();
    for (uint32_t number = 1; number <= count; ++number) {
        const auto& row = *static_cast<const SourceEntry*>(file_.row(number));
        if (std::string_view(row.name, row.name_bytes) == name) return row.number;
    }
    return 0;
}

uint16_t SourceTable::add(std::string_view name) {
    check_text("source name", name, sizeof(SourceEntry::name), false);
    if (const uint16_t known = find(name)) return known;
    TableFile::Append append(file_);
    if (const uint16_t known = find(name)) return known;
    uint32_t number;
    auto* row = static_cast<SourceEntry*>(append.place(number));
    std::memset(reinterpret_cast<char*>(row) + sizeof row->state, 0, sizeof *row - sizeof row->state);
    row->number = static_cast<uint16_t>(number);
    row->name_bytes = static_cast<uint16_t>(name.size());
    name.copy(row->name, name.size());
    append.publish(row);
    return row->number;
}

}  // namespace gcg
