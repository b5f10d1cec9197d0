// The analyzer's state as bytes: a header, then every field in a fixed order, each of eight bytes.
//
//     0   8   "GCGCHAN", 0
//     8   4   version
//     12  4   CRC-32C of all that follows
//     16  8   bytes that follow behind these 8
//     24      options, state, rows; a row of values begins with their number
#include <bit>
#include <cstring>
#include <stdexcept>

#include "gcg/chan.h"
#include "gcg/crc32c.h"

namespace gcg::chan {

namespace {

constexpr char kMagic[8] = "GCGCHAN";
constexpr uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 16;
static_assert(std::endian::native == std::endian::little, "the saved state is little-endian");

template <typename Value, typename Archive>
concept HasFields = requires(Value& value, Archive& archive) { value.each(archive); };

class Writer {
 public:
    template <typename... Values>
    void operator()(Values&... values) {
        (put(values), ...);
    }
    std::vector<std::byte> bytes;

 private:
    void append(const void* data, std::size_t size) {
        if (size == 0) return;
        const auto* begin = static_cast<const std::byte*>(data);
        bytes.insert(bytes.end(), begin, begin + size);
    }
    template <typename Value>
    void put(Value& value) {
        if constexpr (HasFields<Value, Writer>) {
            value.each(*this);
        } else if constexpr (sizeof(Value) < 8) {
            const auto word = static_cast<int64_t>(value);
            append(&word, 8);
        } else {
            append(&value, sizeof value);
        }
    }
    template <typename Value>
    void put(std::vector<Value>& values) {
        uint64_t count = values.size();
        put(count);
        if constexpr (HasFields<Value, Writer> || sizeof(Value) < 8) {
            for (Value& value : values) put(value);
        } else {
            append(values.data(), count * sizeof(Value));
        }
    }
    template <typename Row>
    void put(Rows<Row>& rows) {
        int64_t first = rows.begin();
        std::vector<Row> confirmed(static_cast<std::size_t>(rows.count() - first));
        rows.copy(first, confirmed.data());
        confirmed.resize(static_cast<std::size_t>(rows.confirmed() - first));
        (*this)(first, confirmed, rows.open);
    }
};

class Reader {
 public:
    explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
    template <typename... Values>
    void operator()(Values&... values) {
        (get(values), ...);
    }
    [[nodiscard]] bool is_done() const { return bytes_.empty(); }

 private:
    void take(void* target, std::size_t size) {
        if (bytes_.size() < size) throw std::out_of_range("state");
        if (size == 0) return;
        std::memcpy(target, bytes_.data(), size);
        bytes_ = bytes_.subspan(size);
    }
    template <typename Value>
    void get(Value& value) {
        if constexpr (HasFields<Value, Reader>) {
            value.each(*this);
        } else if constexpr (sizeof(Value) < 8) {
            int64_t word = 0;
            take(&word, 8);
            value = static_cast<Value>(word);
            if (static_cast<int64_t>(value) != word) throw std::out_of_range("state");
        } else {
            take(&value, sizeof value);
        }
    }
    template <typename Value>
    void get(std::vector<Value>& values) {
        uint64_t count = 0;
        get(count);
        if (count > bytes_.size() / 8) throw std::out_of_range("state");
        if constexpr (HasFields<Value, Reader> || sizeof(Value) < 8) {
            values.resize(count);
            for (Value& value : values) get(value);
        } else {
            if (count > bytes_.size() / sizeof(Value)) throw std::out_of_range("state");
            values.resize(count);
            take(values.data(), count * sizeof(Value));
        }
    }
    template <typename Row>
    void get(Rows<Row>& rows) {
        int64_t first = 0;
        std::vector<Row> confirmed;
        (*this)(first, confirmed, rows.open);
        rows.put(std::move(confirmed), first);
    }
    std::span<const std::byte> bytes_;
};

template <typename Archive>
void each_option(Archive& archive, Options& options) {
    archive(options.stroke.is_new, options.stroke.separation, options.force, options.point.ratio,
            options.point.trend_pivots, options.fast, options.slow, options.signal, options.keep);
}

[[noreturn]] void refuse(const std::string& what) {
    throw std::invalid_argument("this is no saved state of a Chan analyzer that can be used: " + what +
                                "; feed the bars again from the start");
}

}  // namespace

template <typename Archive>
void Analyzer::each(Archive& archive) {
    archive(bars_, last_ns_, macd_, before_, stroke_maker_, segment_maker_, pivot_maker_);
    archive(merged, fractals, strokes, segments, pivots, points);
}

// Whether nothing in it would let a bar reach outside of what is there. The checksum finds damage; that the values are
// those of a history only save() can promise.
bool Analyzer::is_sound() const {
    const auto is_within = [bars = bars_](const auto&... rows) { return (rows.is_sound(bars) && ...); };
    return bars_ >= 0 && options_.stroke.separation <= Separation::strict && options_.force <= Force::slope &&
           is_within(merged, fractals, strokes, segments, pivots, points) && stroke_maker_.is_sound(bars_) &&
           segment_maker_.is_sound(strokes.confirmed()) && pivot_maker_.is_sound(strokes.confirmed()) &&
           merged.open.size() == (bars_ > 0 ? 1U : 0U) && strokes.open.size() == (stroke_maker_.has_last() ? 1U : 0U) &&
           (merged.open.empty() || merged.open[0].up <= 1) && stroke_maker_.last().up <= 1;
}

std::vector<std::byte> Analyzer::save() const {
    Analyzer& self = const_cast<Analyzer&>(*this);  // the one list of fields serves reading as well
    Writer writer;
    each_option(writer, self.options_);
    self.each(writer);
    const uint64_t size = writer.bytes.size();
    std::vector<std::byte> data(kHeaderBytes + sizeof size + size);
    std::memcpy(data.data(), kMagic, sizeof kMagic);
    std::memcpy(data.data() + 8, &kVersion, sizeof kVersion);
    std::memcpy(data.data() + kHeaderBytes, &size, sizeof size);
    std::memcpy(data.data() + kHeaderBytes + sizeof size, writer.bytes.data(), size);
    const uint32_t crc = crc32c(0, data.data() + kHeaderBytes, data.size() - kHeaderBytes);
    std::memcpy(data.data() + 12, &crc, sizeof crc);
    return data;
}

Analyzer Analyzer::restore(std::span<const std::byte> data) {
    if (data.size() < kHeaderBytes + 8 || std::memcmp(data.data(), kMagic, sizeof kMagic) != 0)
        refuse("it does not begin as one does");
    uint32_t version = 0, crc = 0;
    uint64_t size = 0;
    std::memcpy(&version, data.data() + 8, sizeof version);
    std::memcpy(&crc, data.data() + 12, sizeof crc);
    std::memcpy(&size, data.data() + kHeaderBytes, sizeof size);
    if (version != kVersion)
        refuse("it has version " + std::to_string(version) + ", and this program reads version " +
               std::to_string(kVersion));
    if (size != data.size() - kHeaderBytes - 8)
        refuse("it has " + std::to_string(data.size()) + " bytes instead of " +
               std::to_string(size + kHeaderBytes + 8));
    if (crc32c(0, data.data() + kHeaderBytes, data.size() - kHeaderBytes) != crc) refuse("its checksum is wrong");
    Reader reader(data.subspan(kHeaderBytes + 8));
    try {
        Options options;
        each_option(reader, options);
        Analyzer analyzer(options);
        analyzer.each(reader);
        if (!reader.is_done() || !analyzer.is_sound()) refuse("its values do not agree");
        return analyzer;
    } catch (const std::out_of_range&) {
        refuse("its values do not agree");
    }
}

}  // namespace gcg::chan
