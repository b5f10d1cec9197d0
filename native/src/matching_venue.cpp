// The rules of a venue: when it is open, and the day's price limits.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "gcg/matching.h"

namespace gcg {

Sessions::Sessions(std::vector<int64_t> all_opens, std::vector<int64_t> all_closes)
    : opens(std::move(all_opens)), closes(std::move(all_closes)) {
    bool ordered = opens.size() == closes.size();
    for (std::size_t i = 0; ordered && i < opens.size(); ++i)
        ordered = opens[i] < closes[i] && (i == 0 || closes[i - 1] <= opens[i]);
    if (!ordered)
        throw std::invalid_argument("Sessions must be in order, each closing after it opens and before the next.");
}

void MatchingEngine::set_price_limit(uint32_t instrument, int64_t millionths) {
    if (Market* market = this->market(instrument)) {
        market->limit_millionths = millionths;
        market->limit_base = kNaN;
    }
}

void MatchingEngine::set_sessions(uint32_t instrument, std::shared_ptr<const Sessions> sessions) {
    if (Market* market = this->market(instrument)) {
        market->sessions = std::move(sessions);
        market->opening = false;
        market->session = -1;  // a row of the old ones says nothing of these
        if (market->sessions) market->session = session_at(*market, clock_ns_);
    }
}

// The row of the session that a moment is in, or -1.
std::ptrdiff_t MatchingEngine::session_at(const Market& market, int64_t now_ns) {
    const auto& [opens, closes] = *market.sessions;
    std::ptrdiff_t row = market.session;  // most of the time it is the one of before
    if (row < 0 || now_ns < opens[static_cast<std::size_t>(row)] || now_ns >= closes[static_cast<std::size_t>(row)])
        row = std::upper_bound(opens.begin(), opens.end(), now_ns) - opens.begin() - 1;
    return row >= 0 && now_ns < closes[static_cast<std::size_t>(row)] ? row : -1;
}

// Whether an event is within a session, and if so whether it is the first of it.
bool MatchingEngine::enter_session(Market& market, int64_t now_ns) {
    const std::ptrdiff_t row = session_at(market, now_ns);
    if (row < 0) return false;
    market.opening = row != market.session;
    market.session = row;
    return true;
}

bool MatchingEngine::is_open(const Market& market, int64_t now_ns) {
    return !market.sessions || session_at(market, now_ns) >= 0;
}

bool MatchingEngine::within_limits(const Market& market, const SimulatedOrder& terms) {
    const bool priced = terms.type == OrderType::limit || terms.type == OrderType::stop_limit ||
                        terms.type == OrderType::trailing_stop_limit;
    if (!priced) return true;
    return (market.upper == kNoPrice || terms.price_ticks <= market.upper) &&
           (market.lower == kNoPrice || terms.price_ticks >= market.lower);
}

// Take the price limits that a tick tells, else those that its previous settlement or close makes.
void MatchingEngine::read_limits(Market& market, const Tick& tick) {
    if (tick.trading_day != 0 && tick.trading_day != market.trading_day) {
        market.trading_day = tick.trading_day;
        market.lower = market.upper = kNoPrice;
        market.limit_base = market.told_upper = market.told_lower = kNaN;
    }
    const bool told = tick.upper_limit == tick.upper_limit || tick.lower_limit == tick.lower_limit;
    if (told) {
        market.told_upper = tick.upper_limit, market.told_lower = tick.lower_limit;
        market.upper = market.grid.nearest(tick.upper_limit);
        market.lower = market.grid.nearest(tick.lower_limit);
        market.limit_base = kNaN;
        return;
    }
    if (market.limit_millionths <= 0) return;
    const double base = tick.prev_settlement == tick.prev_settlement ? tick.prev_settlement : tick.prev_close;
    if (!(base == base) || base == market.limit_base) return;
    const int64_t ticks = market.grid.nearest(base);
    if (ticks == kNoPrice) return;
    // Half up to the tick, as the exchanges round. Whole and rest are multiplied apart, so that nothing leaves 64 bits.
    constexpr int64_t kMillion = 1'000'000;
    auto share = [&](int64_t millionths) {
        return ticks / kMillion * millionths + (ticks % kMillion * millionths + kMillion / 2) / kMillion;
    };
    market.limit_base = base;
    market.told_upper = market.told_lower = kNaN;
    market.lower = share(kMillion - market.limit_millionths);
    market.upper = share(kMillion + market.limit_millionths);
}

}  // namespace gcg
