// What the risk check costs: an order against every rule, in an account of 10 strategies and 50 instruments, each of
// which has positions, open and resting orders and a market. A regression means that a rule looks for its numbers
// instead of keeping them. It does not show the way from Python to the check and back (benchmarks/trading.py does).
#include "gcg/risk.h"

#include <vector>

#include "measure.h"

using namespace bench;

namespace {

constexpr uint32_t kStrategies = 10, kInstruments = 50;
constexpr int64_t kSecond = 1'000'000'000;

// Every rule is on, for all, for one strategy and for one symbol; all orders pass.
void set_rules(RiskEngine& engine) {
    const RiskLimits all{.order_quantity = 1e6,
                         .order_value = 1e9,
                         .position_quantity = 1e6,
                         .position_value = 1e9,
                         .orders_per_second = 1e4,
                         .open_orders = 1e4,
                         .price_band = 0.5,
                         .concentration = 10,
                         .self_trade = kOn,
                         .session = kOn,
                         .t_plus_one = kOn,
                         .price_limit = kOn};
    engine.set_limits(0, 0, all);
    engine.set_limits(3, 0, {.order_value = 1e8});
    engine.set_limits(0, 7, {.price_band = 0.6});
    engine.set_limits(3, 7, {.position_value = 1e8});
    engine.set_daily_loss(1e9);
    engine.set_day_base(1e9);
    std::vector<int64_t> opens, closes;
    for (int64_t day = 0; day < 10'000; ++day) {
        opens.push_back(day * 86'400 * kSecond);
        closes.push_back(opens.back() + 86'000 * kSecond);
    }
    engine.set_sessions(1, opens, closes);
}

Tick tick_of(uint32_t instrument, int64_t now_ns, double price) {
    Tick tick;
    tick.instrument = instrument;
    tick.event_ns = now_ns;
    tick.last_price = tick.prev_close = price;
    tick.bid_price = price - 0.01, tick.ask_price = price + 0.01;
    tick.trading_day = 20261126;
    return tick;
}

void fill(RiskEngine& engine, int64_t now_ns) {
    engine.set_ledger(0, 1e9);
    uint64_t order = 0;
    for (uint32_t instrument = 1; instrument <= kInstruments; ++instrument) {
        engine.set_terms(instrument,
                         {.grid = {0.01, 1}, .calendar = 1, .price_limit = 0.1, .t_plus_one = instrument % 2 == 0});
        engine.on_tick(tick_of(instrument, now_ns, 100));
        for (uint32_t strategy = 1; strategy <= kStrategies; ++strategy) {
            engine.move_position(strategy, instrument, 100);
            for (const Side side : {Side::buy, Side::sell}) {
                engine.count_order(strategy, instrument, now_ns);
                engine.open_order(strategy, instrument, side, 5);
                engine.rest(++order, instrument, side, side == Side::buy ? 9900 : 10100);
            }
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const Options options(argc, argv);
    if (!options.wants("check")) return 0;
    RiskEngine engine;
    const int64_t start_ns = 9'000 * 86'400 * kSecond;
    fill(engine, start_ns);
    set_rules(engine);
    const int orders = options.count(1'000'000);
    int refused = 0;
    std::vector<int64_t> times;
    auto order = [&](int i) {
        return RiskOrder{.strategy = static_cast<uint32_t>(i) % kStrategies + 1,
                         .instrument = static_cast<uint32_t>(i * 7) % kInstruments + 1,
                         .side = i % 2 == 0 ? Side::buy : Side::sell,
                         .lots = 3,
                         .price_ticks = 10000,
                         .now_ns = start_ns + i,
                         .trading_day = 20261126};
    };
    // The market moves before each order, as it does: nothing can be kept from one check to the next.
    for (int i = 0; i < orders; ++i) {
        engine.on_tick(tick_of(static_cast<uint32_t>(i) % kInstruments + 1, start_ns + i, 100 + 0.01 * (i % 3)));
        const RiskOrder one = order(i);
        const int64_t begin = monotonic_ns();
        refused += engine.check(one).count;
        times.push_back(monotonic_ns() - begin);
    }
    const RiskResult last = engine.check(order(1));
    if (refused != 0 || last.rules != 14) {
        std::fprintf(stderr, "risk: %d reasons and %d rules, where 0 and 14 were expected\n", refused, last.rules);
        return 1;
    }
    const int64_t median = percentile(times, 0.5), rare = percentile(times, 0.99);
    options.row("risk check, 14 rules, 10 strategies x 50 instruments: p50 / p99",
                text("%lld / %lld ns", static_cast<long long>(median), static_cast<long long>(rare)), "< 1000 ns",
                rare < 1000);
    return 0;
}
