// What a run of the tick engine is made of: its options, instruments, strategies and data.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "gcg/tick_engine.h"

namespace gcg {

TickEngine::TickEngine(TickEngineOptions options)
    : options_(std::move(options)),
      matching_(options_.matching),
      account_(0, options_.cash),
      held_book_(account_),
      marks_(options_.horizons_ns),
      delayed_(options_.feed_ns != 0) {
    risk_.set_ledger(0, options_.cash);
    if (options_.batch == 0) options_.batch = 1;
}

void TickEngine::refuse_if(bool late) const {
    if (late)
        throw std::logic_error(
            "The run has begun: add instruments, data and strategies before it, bars between its steps.");
}

uint32_t TickEngine::add_instrument(const TickInstrument& added) {
    refuse_if(begun_);
    const auto number = static_cast<uint32_t>(instruments_.size() + 1);
    instruments_.push_back(added);  // which may be one of ours, and has moved now
    const TickInstrument& instrument = instruments_.back();
    matching_.set_grid(number, instrument.risk.grid);
    if (delayed_) seen_market_.set_grid(number, instrument.risk.grid);
    matching_.set_price_limit(number, std::llround(instrument.price_limit * 1e6));
    risk_.set_terms(number, instrument.risk);
    account_.set_terms(number, instrument.account);
    for (std::vector<int64_t>& lots : seen_lots_) lots.resize(number + 1);
    for (TickStrategy* strategy : strategies_)
        if (!strategy->instruments.empty()) strategy->instruments.resize(number + 1);
    return number;
}

uint32_t TickEngine::add_strategy(std::string name, TickStrategy* strategy) {
    refuse_if(begun_);
    if (!strategy->instruments.empty()) strategy->instruments.resize(instruments_.size() + 1);
    OrderEvent blank;
    options_.account.copy(blank.account, sizeof blank.account);
    name.copy(blank.strategy, sizeof blank.strategy);
    options_.gateway.copy(blank.gateway, sizeof blank.gateway);
    blank_.push_back(blank);
    names_.push_back(std::move(name));
    strategies_.push_back(strategy);
    seen_lots_.emplace_back(instruments_.size() + 1);
    batches_ |= strategy->batches;
    return static_cast<uint32_t>(strategies_.size());
}

void TickEngine::add_stream(std::function<std::unique_ptr<MarketStream>()> make) {
    refuse_if(begun_);
    replay_.add(make());
    if (!delayed_) return;
    replay_seen_.add(make());
    streams_.push_back(std::move(make));
}

void TickEngine::set_rate(uint32_t currency, double rate) {
    account_.set_rate(currency, rate);
    risk_.set_rate(currency, rate);
}

void TickEngine::set_trading_days(uint32_t instrument, TradingDays days) {
    days.days.resize(days.starts.size());
    days.closes.resize(days.starts.size(), kNever);
    instruments_.at(instrument - 1).days = std::move(days);
}

}  // namespace gcg
