// Reads OKX's messages of books.
#include "gcg/okx_book.h"

#include <array>
#include <charconv>
#include <limits>

namespace gcg {

namespace {

constexpr int kExactDigits = 15;  // so many fit into a double's 53 bits
constexpr std::array<double, 16> kTens = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr int kMostDigits = 18;  // of a whole number: so many fit into 63 bits
constexpr int64_t kLastTimeMs = 9'000'000'000'000;
constexpr int64_t kMostOrders = std::numeric_limits<int32_t>::max();

class Text {
 public:
    explicit Text(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

    [[nodiscard]] bool at_end() const { return at_ == end_; }
    bool take(char letter) {
        if (at_ == end_ || *at_ != letter) return false;
        ++at_;
        return true;
    }
    bool take(std::string_view words) {
        if (static_cast<std::size_t>(end_ - at_) < words.size() || std::string_view(at_, words.size()) != words)
            return false;
        at_ += words.size();
        return true;
    }
    // A text in quotes, without escapes.
    bool quoted(std::string_view& found) {
        if (!take('"')) return false;
        const char* const begin = at_;
        while (at_ != end_ && *at_ >= ' ' && *at_ <= '~' && *at_ != '"' && *at_ != '\\') ++at_;
        found = {begin, static_cast<std::size_t>(at_ - begin)};
        return take('"');
    }
    bool whole(int64_t& value) {
        const bool negative = take('-');
        uint64_t digits = 0;
        if (!run(digits, kMostDigits) || (negative && digits == 0)) return false;
        value = static_cast<int64_t>(digits);
        if (negative) value = -value;
        return true;
    }
    bool quoted_count(int64_t& value) {
        uint64_t digits = 0;
        if (!take('"') || !run(digits, kMostDigits) || !take('"')) return false;
        value = static_cast<int64_t>(digits);
        return true;
    }
    // Two whole numbers that a double holds exactly have a quotient that is rounded once: the nearest double. Longer
    // ones are left to the library.
    bool quoted_decimal(double& value) {
        if (!take('"')) return false;
        const char* const begin = at_;
        uint64_t digits = 0;
        if (!run(digits, std::numeric_limits<int>::max())) return false;
        auto count = at_ - begin, behind = count - count;
        if (take('.')) {
            const char* const point = at_;
            for (; at_ != end_ && is_digit(*at_); ++at_) digits = digits * 10 + static_cast<uint64_t>(*at_ - '0');
            behind = at_ - point;
            if (behind == 0) return false;
            count += behind;
        }
        const char* const stop = at_;
        if (!take('"')) return false;
        if (count <= kExactDigits) {
            value = static_cast<double>(digits) / kTens[static_cast<std::size_t>(behind)];
            return true;
        }
        const auto [read, fault] = std::from_chars(begin, stop, value);
        return fault == std::errc() && read == stop;
    }

 private:
    static bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
    // Digits, of which the first is 0 only if it is the only one.
    bool run(uint64_t& digits, int most) {
        const char* const begin = at_;
        for (; at_ != end_ && is_digit(*at_); ++at_) digits = digits * 10 + static_cast<uint64_t>(*at_ - '0');
        const auto count = at_ - begin;
        return count > 0 && count <= most && (*begin != '0' || count == 1);
    }

    const char* at_;
    const char* end_;
};

bool read_level(Text& text, BookLevel& level) {
    std::string_view unused;  // a field that OKX has given up
    return text.take('[') && text.quoted_decimal(level.price) && text.take(',') && text.quoted_decimal(level.size) &&
           text.take(',') && text.quoted(unused) && unused == "0" && text.take(',') &&
           text.quoted_count(level.orders) && text.take(']') && level.orders <= kMostOrders &&
           LevelBook::is_possible(level.price, level.size);
}

bool read_levels(Text& text, std::vector<BookLevel>& levels) {
    if (!text.take('[')) return false;
    if (text.take(']')) return true;
    levels.reserve(64);
    do {
        if (!read_level(text, levels.emplace_back())) return false;
    } while (text.take(','));
    return text.take(']');
}

// One field of the book; each may come once.
bool read_field(Text& text, OkxBook& book, unsigned& seen) {
    std::string_view name;
    if (!text.quoted(name) || !text.take(':')) return false;
    const auto first = [&](unsigned bit) {
        const bool is_new = !(seen & bit);
        seen |= bit;
        return is_new;
    };
    if (name == "asks") return first(1) && read_levels(text, book.asks);
    if (name == "bids") return first(2) && read_levels(text, book.bids);
    if (name == "ts") return first(4) && text.quoted_count(book.time_ms) && book.time_ms <= kLastTimeMs;
    if (name == "checksum") return first(8) && text.whole(book.checksum);
    if (name == "seqId") return first(16) && text.whole(book.sequence) && book.sequence >= -1;
    if (name == "prevSeqId") return first(32) && text.whole(book.previous) && book.previous >= -1;
    return false;
}

}  // namespace

bool read_okx_book(std::string_view message, OkxBook& book) {
    constexpr unsigned required = 1 | 2 | 4;
    Text text(message);
    std::string_view channel, action;
    if (!text.take("{\"arg\":{\"channel\":") || !text.quoted(channel) || !channel.starts_with("books") ||
        !text.take(",\"instId\":") || !text.quoted(book.symbol) || !text.take("},"))
        return false;
    if (text.take("\"action\":") && !(text.quoted(action) && text.take(','))) return false;
    book.snapshot = action != "update";
    if (!text.take("\"data\":[{")) return false;
    unsigned seen = 0;
    do {
        if (!read_field(text, book, seen)) return false;
    } while (text.take(','));
    return (seen & required) == required && text.take("}]}") && text.at_end();
}

}  // namespace gcg
