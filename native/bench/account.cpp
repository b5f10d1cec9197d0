// What the account costs a tick engine: a fill of net positions and of long and short ones held apart, a mark, and the
// equity when somebody asks. A regression means that a fill or a mark looks for its position, or that sums are kept up
// at every price. Fills take turns over 8 instruments and 4 strategies.
#include "gcg/account.h"

#include "measure.h"

using namespace bench;

namespace {

constexpr uint32_t kStrategies = 4, kInstruments = 8;

void fill_terms(Account& account, bool legs) {
    for (uint32_t instrument = 1; instrument <= kInstruments; ++instrument)
        account.set_terms(instrument, {.tick = {1, 5},
                                       .lot = {1, 1000},
                                       .multiplier = 300,
                                       .margin_rate = 0.12,
                                       .margined = true,
                                       .legs = legs,
                                       .larger_side = legs,
                                       .maker_fee = 0.0001,
                                       .taker_fee = 0.0002,
                                       .close_today_fee = legs ? 0.001 : kNaN});
}

AccountFill fill_of(int i) {
    const auto number = static_cast<uint32_t>(i);
    return {.strategy = number / kInstruments % kStrategies + 1,
            .instrument = number % kInstruments + 1,
            .side = (number * 2654435761u >> 16) % 2 ? Side::buy : Side::sell,
            .lots = number % 5 + 1,
            .ticks = 20'000 + number % 50,
            .maker = number % 3 == 0,
            .first = number % 2 == 0,
            .trading_day = 20240105 + i / 1'000'000};
}

double settle(const Options& options, bool legs) {
    const int fills = options.count(2'000'000);
    return median_of(options.runs(), [&] {
        Account account{0, 1e9};
        fill_terms(account, legs);
        const int64_t begin = monotonic_ns();
        for (int i = 0; i < fills; ++i) account.settle(fill_of(i));
        const int64_t took = monotonic_ns() - begin;
        if (!(account.fees() > 0)) std::exit(1);
        return static_cast<double>(took) / fills;
    });
}

}  // namespace

int main(int argc, char** argv) {
    const Options options(argc, argv);
    if (!options.wants("account")) return 0;
    for (const bool legs : {false, true}) {
        const double took = settle(options, legs);
        options.row(legs ? "a fill settled, long and short apart" : "a fill settled, net", text("%.1f ns", took),
                    "< 100 ns", took < 100);
    }
    Account account{0, 1e9};
    fill_terms(account, false);
    for (int i = 0; i < 1000; ++i) account.settle(fill_of(i));
    const int marks = options.count(50'000'000), asked = options.count(1'000'000);
    const double mark = median_of(options.runs(), [&] {
        const int64_t begin = monotonic_ns();
        for (int i = 0; i < marks; ++i) {
            account.mark(static_cast<uint32_t>(i) % kInstruments + 1, 4000);
            asm volatile("" ::: "memory");
        }
        return static_cast<double>(monotonic_ns() - begin) / marks;
    });
    options.row("a mark", text("%.2f ns", mark), "< 2 ns", mark < 2);
    double sum = 0;
    const double equity = median_of(options.runs(), [&] {
        const int64_t begin = monotonic_ns();
        for (int i = 0; i < asked; ++i) sum += account.equity();
        return static_cast<double>(monotonic_ns() - begin) / asked;
    });
    options.row(text("the equity of %u positions", kStrategies * kInstruments), text("%.0f ns", equity));
    return sum > 0 ? 0 : 1;
}
