// A book in a venue's own numbers against plain maps, and OKX's messages of books: whole, cut off, and with any letter
// another.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>

#include "check.h"
#include "gcg/level_book.h"
#include "gcg/okx_book.h"

using namespace gcg;

namespace {

using Levels = std::map<double, double>;

std::vector<std::pair<double, double>> best(const LevelBook& book, Side side, std::size_t count) {
    std::vector<std::pair<double, double>> found;
    book.best(side, count, [&](double price, double size) { found.emplace_back(price, size); });
    return found;
}

std::vector<std::pair<double, double>> wanted(const Levels& bids) {
    return {bids.rbegin(), bids.rend()};
}

const std::string kMessage =
    R"({"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["30238.8","3","0","1"],)"
    R"(["30240.75","0","0","0"]],"bids":[["0.00001","12345678901234567890.5","0","2147483647"]],"ts":"1652459236119",)"
    R"("checksum":-664471393,"seqId":12,"prevSeqId":-1}]})";

OkxBook read(const std::string& text) {
    OkxBook book;
    CHECK(read_okx_book(text, book));
    return book;
}

bool is_plain(const std::string& text) {
    OkxBook book;
    return read_okx_book(text, book);
}

std::string replaced(const std::string& old, const std::string& by) {
    std::string text = kMessage;
    return text.replace(text.find(old), old.size(), by);
}

}  // namespace

TEST(level_book_is_two_sorted_maps) {
    std::mt19937 random(5);
    LevelBook book;
    Levels bids, asks;
    bool was_shown = false;
    LevelBook::Shown shown{};
    for (int step = 0; step < 4000; ++step) {
        const double price = 0.1 * static_cast<double>(1 + random() % 300);
        const double size = random() % 3 ? 0.001 * static_cast<double>(1 + random() % 9) : random() % 2 ? 0.0 : -0.0;
        const Side side = random() % 2 ? Side::buy : Side::sell;
        Levels& map = side == Side::buy ? bids : asks;
        if (size > 0)
            map[price] = size;
        else
            map.erase(price);
        const BookLevel level{price, size, 1};
        book.change(side, {&level, 1});
        if (random() % 1000 == 0) book.clear(), bids.clear(), asks.clear();
        CHECK_EQUAL(book.crossed(), !bids.empty() && !asks.empty() && bids.rbegin()->first >= asks.begin()->first);
        const bool moved = book.refresh();
        CHECK_EQUAL(moved, !was_shown || std::memcmp(&shown, &book.shown(), sizeof shown) != 0);
        shown = book.shown(), was_shown = true;
        CHECK_EQUAL(book.depth(), std::min(LevelBook::kShown, std::max(bids.size(), asks.size())));
        if (step % 20) continue;
        CHECK(best(book, Side::buy, 1000) == wanted(bids));
        CHECK(best(book, Side::sell, 1000) == (std::vector<std::pair<double, double>>(asks.begin(), asks.end())));
        for (std::size_t i = 0; i < LevelBook::kShown; ++i) {
            CHECK(i < bids.size() ? shown[0][i] == wanted(bids)[i].first && shown[1][i] == wanted(bids)[i].second
                                  : std::isnan(shown[0][i]) && std::isnan(shown[1][i]));
            const auto ask = i < asks.size() ? std::next(asks.begin(), static_cast<std::ptrdiff_t>(i)) : asks.end();
            CHECK(ask != asks.end() ? shown[2][i] == ask->first && shown[3][i] == ask->second
                                    : std::isnan(shown[2][i]) && std::isnan(shown[3][i]));
        }
    }
}

TEST(okx_book_is_read_whole) {
    const OkxBook book = read(kMessage);
    CHECK(book.symbol == "BTC-USDT" && !book.snapshot);
    CHECK_EQUAL(book.time_ms, 1652459236119);
    CHECK_EQUAL(book.checksum, -664471393);
    CHECK_EQUAL(book.sequence, 12);
    CHECK_EQUAL(book.previous, -1);
    CHECK_EQUAL(book.asks.size(), 2u);
    CHECK(book.asks[0].price == 30238.8 && book.asks[0].size == 3 && book.asks[0].orders == 1);
    CHECK(book.asks[1].price == 30240.75 && book.asks[1].size == 0 && book.asks[1].orders == 0);
    CHECK(book.bids[0].price == 0.00001 && book.bids[0].size == 12345678901234567890.5);
    CHECK(read(replaced(R"("action":"update",)", "")).snapshot);
    CHECK(read(replaced("update", "snapshot")).snapshot);
}

TEST(okx_book_leaves_what_is_not_plain) {
    for (const char* price :
         {"-1", "0", "0.0", "+1", "1e5", "nan", "inf", "", ".5", "5.", "05", "1 ", " 1", "1,5", "0x1"})
        CHECK(!is_plain(replaced("30238.8", price)));
    CHECK(!is_plain(replaced("30238.8", std::string(400, '9'))));
    for (const char* orders : {"2147483648", "-1", "01", "", "1.0", "99999999999999999999"})
        CHECK(!is_plain(replaced("2147483647", orders)));
    for (const char* time : {"9000000000001", "-1", "", "01", "1.5"}) CHECK(!is_plain(replaced("1652459236119", time)));
    for (const char* checksum : {"1.5", "-0", "1e3", "00", "\"5\"", "null", "9999999999999999999"})
        CHECK(!is_plain(replaced("-664471393", checksum)));
    CHECK(!is_plain(replaced(R"("prevSeqId":-1)", R"("prevSeqId":-2)")));
    CHECK(!is_plain(replaced(R"("prevSeqId")", R"("seqId")")));
    CHECK(!is_plain(replaced(R"("prevSeqId")", R"("other")")));
    CHECK(!is_plain(replaced(R"("ts":"1652459236119",)", "")));
    CHECK(!is_plain(replaced("BTC", "B\\u0054C")));
    CHECK(!is_plain(kMessage + " "));
}

TEST(okx_book_has_the_nearest_double) {
    std::mt19937_64 random(3);
    for (int round = 0; round < 20000; ++round) {
        std::string number = std::to_string(1 + random() % 9);
        for (uint64_t more = random() % 12; more > 0; --more) number += static_cast<char>('0' + random() % 10);
        if (random() % 4) number += '.';
        if (number.back() == '.')
            for (uint64_t more = 1 + random() % 14; more > 0; --more) number += static_cast<char>('0' + random() % 10);
        CHECK(read(replaced("30238.8", number)).asks[0].price == std::strtod(number.c_str(), nullptr));
    }
}

TEST(okx_book_takes_any_damage) {
    for (std::size_t size = 0; size < kMessage.size(); ++size) {
        const std::vector<char> exact(kMessage.begin(), kMessage.begin() + static_cast<std::ptrdiff_t>(size));
        OkxBook book;
        CHECK(!read_okx_book({exact.data(), exact.size()}, book));
    }
    std::mt19937 random(9);
    for (int round = 0; round < 20000; ++round) {
        std::vector<char> text(kMessage.begin(), kMessage.end());
        for (uint32_t changes = 1 + random() % 3; changes > 0; --changes)
            text[random() % text.size()] =
                static_cast<char>(random() % 2 ? random() : "0123456789.,\"[]{}:-"[random() % 19]);
        OkxBook book;
        if (!read_okx_book({text.data(), text.size()}, book)) continue;
        for (const auto* side : {&book.bids, &book.asks})
            for (const BookLevel& level : *side) CHECK(LevelBook::is_possible(level.price, level.size));
    }
}
