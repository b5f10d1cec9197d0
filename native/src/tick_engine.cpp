// The loop over the data: what is due when, and who sees it. Timers and values are in tick_engine_time.cpp, orders in
// tick_engine_orders.cpp, what the venue says of them in tick_engine_reports.cpp.
#include "gcg/tick_engine.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace gcg {

namespace {

int feed(RiskEngine& risk, const Tick& tick) {
    return risk.on_tick(tick);
}
int feed(RiskEngine& risk, const TradeTick& trade) {
    return risk.on_trade(trade);
}
int feed(RiskEngine& risk, const Depth& depth) {
    return risk.on_depth(depth);
}
int feed(RiskEngine& risk, const BookDelta& delta) {
    return risk.on_delta(delta);
}
int feed(RiskEngine& risk, const Bar& bar) {
    return risk.on_bar(bar);
}
void feed(MatchingEngine& market, const Tick& tick) {
    market.on_tick(tick);
}
void feed(MatchingEngine& market, const TradeTick& trade) {
    market.on_trade(trade);
}
void feed(MatchingEngine& market, const Depth& depth) {
    market.on_depth(depth);
}
void feed(MatchingEngine& market, const BookDelta& delta) {
    market.on_delta(delta);
}
void feed(MatchingEngine& market, const Bar& bar) {
    market.on_bar(bar);
}

constexpr uint64_t kLook = 4096;  // events between two looks at `pause`

}  // namespace

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

uint32_t TickEngine::add_instrument(const TickInstrument& instrument) {
    refuse_if(begun_);
    const auto number = static_cast<uint32_t>(instruments_.size() + 1);
    instruments_.push_back(instrument);
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

void TickEngine::add_stream(std::unique_ptr<MarketStream> stream, std::unique_ptr<MarketStream> seen) {
    refuse_if(begun_);
    replay_.add(std::move(stream));
    if (delayed_ && seen) replay_seen_.add(std::move(seen));
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

// ---- the loop

uint64_t TickEngine::run(uint64_t most, const std::function<bool()>& pause) {
    if (running_) throw std::logic_error("The engine is running: a callback cannot run it.");
    running_ = true;
    struct Stopped {
        bool& running;
        ~Stopped() { running = false; }
    } const stopped{running_};
    const uint64_t begun = done_;
    if (!begun_ && !begin()) return 0;
    if (!sayings_.empty()) settle_down();  // what a failure has left untold
    Cursor& shown = delayed_ ? seen_ : venue_;
    uint64_t look = done_ + kLook;
    while (!finished_ && !failure_ && done_ - begun < most) {
        if (venue_.row == venue_.rows.count) {
            if (!delayed_) flush(shown);
            if (failure_) break;
            if (!replay_.next(venue_.rows)) {
                finish();
                break;
            }
            venue_.row = venue_.shown = 0;
        }
        if (done_ >= look) {
            look = done_ + kLook;
            if (pause && pause()) break;
        }
        const uint64_t left = std::min({most - (done_ - begun), look - done_, uint64_t{venue_.rows.count}});
        const auto end = static_cast<uint32_t>(std::min<uint64_t>(venue_.row + left, venue_.rows.count));
        while (venue_.row < end) {
            const uint32_t row = venue_.row;
            const int64_t event_ns = venue_.rows.event_ns(row);
            if (event_ns > quiet_ns_) pass_time(event_ns);
            ++venue_.row;
            ++done_;
            venue_ns_ = std::max(venue_ns_, event_ns);
            venue(venue_.rows, row);
            if (delayed_) continue;
            now_ns_ = seen_ns_ = std::max(seen_ns_, event_ns);
            show(venue_.rows, row);
            if (!sayings_.empty()) settle_down();
        }
    }
    throw_failure();
    return done_ - begun;
}

void TickEngine::throw_failure() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

// The strategies' clock begins with the data.
bool TickEngine::begin() {
    begun_ = true;
    if (!replay_.next(venue_.rows)) {
        finished_ = true;
        return false;
    }
    now_ns_ = seen_ns_ = venue_.rows.event_ns(0);
    for (Timer& timer : timers_) timer.due_ns = after(now_ns_, timer.interval_ns);
    find_timer();
    if (delayed_) see();
    deliver();
    quiet_ns_ = kNoPrice;
    return true;
}

// Give a record with the run's own number of its instrument to `use`: a journal's records have another.
template <typename Use>
void TickEngine::read(const Rows& rows, uint32_t row, Use use) {
    auto take = [&]<typename Record>(Record& own) {
        const auto* record = static_cast<const Record*>(rows.at(row));
        if (record->instrument != rows.instrument) {
            own = *record;
            own.instrument = rows.instrument;
            record = &own;
        }
        use(*record);
    };
    switch (rows.type) {
        case Tick::kType:
            take(tick_);
            break;
        case TradeTick::kType:
            take(trade_);
            break;
        case Depth::kType:
            take(depth_);
            break;
        case BookDelta::kType:
            take(delta_);
            break;
        case Bar::kType:
            take(bar_);
            break;
        default:
            break;
    }
}

// Tell the risk check, which sits with the strategies, a market event.
template <typename Record>
void TickEngine::inform(const Record& record) {
    if (feed(risk_, record) & market_signal::kNewDay) risk_.set_day_base(risk_.equity());
}

// Hand a market event to the venue; without a delay all know of it at once.
void TickEngine::venue(const Rows& rows, uint32_t row) {
    if (sample_ns_ == kNever && options_.sample_ns > 0) {
        const int64_t period = options_.sample_ns, event_ns = rows.event_ns(row);
        sample_ns_ = (event_ns + period - 1) / period * period;
        quiet_ns_ = std::min(quiet_ns_, sample_ns_);
    }
    if (marks_.is_due(rows.instrument, rows.event_ns(row)))
        marks_.on_mid(rows.instrument, rows.event_ns(row), mid(rows.instrument));
    if (matching_.open_orders() > 0) mid_before_ = mid(rows.instrument);
    read(rows, row, [&](const auto& record) {
        if (!delayed_) inform(record);
        feed(matching_, record);
    });
    if (matching_.has_reports()) collect();
}

// Find out when strategies see the next market event.
bool TickEngine::see() {
    if (seen_.row == seen_.rows.count) {
        flush(seen_);
        if (!replay_seen_.next(seen_.rows)) {
            see_ns_ = kNever;
            return false;
        }
        seen_.row = seen_.shown = 0;
    }
    const int64_t event_ns = seen_.rows.event_ns(seen_.row);
    const int64_t due_ns = options_.feed_ns == kAsRecorded ? std::max(event_ns, seen_.rows.recv_ns(seen_.row))
                                                           : event_ns + options_.feed_ns;
    see_ns_ = std::max(seen_ns_, due_ns);
    return true;
}

void TickEngine::show(const Rows& rows, uint32_t row) {
    const uint32_t bit = 1u << rows.type;
    if (delayed_) {
        read(rows, row, [&](const auto& record) {
            inform(record);
            feed(seen_market_, record);
        });
    }
    if (rows.instrument < bars_of_.size()) make_bars(rows, row);
    for (TickStrategy* strategy : strategies_) {
        if ((strategy->singles & bit) == 0) continue;
        if (!strategy->instruments.empty() && !strategy->instruments[rows.instrument]) continue;
        call([&] { strategy->on_record(rows, row); });
    }
    if ((batches_ & bit) != 0) {
        Cursor& cursor = delayed_ ? seen_ : venue_;
        if (row + 1 - cursor.shown >= options_.batch) flush(cursor);
    }
}

// Hand over what waits for a batch: the rows before the cursor's next one.
void TickEngine::flush(Cursor& cursor) {
    if (cursor.row == cursor.shown || (batches_ & (1u << cursor.rows.type)) == 0) {
        cursor.shown = cursor.row;
        return;
    }
    Rows part = cursor.rows;
    part.first = static_cast<const std::byte*>(cursor.rows.at(cursor.shown));
    part.count = cursor.row - cursor.shown;
    cursor.shown = cursor.row;
    const uint32_t bit = 1u << part.type;
    now_ns_ = seen_ns_;
    for (TickStrategy* strategy : strategies_) {
        if ((strategy->batches & bit) == 0) continue;
        if (!strategy->instruments.empty() && !strategy->instruments[part.instrument]) continue;
        call([&] { strategy->on_batch(part); });
    }
    deliver();
}

// Tell strategies what has happened to their orders, and what that leads to. After a failure the rest waits for the
// next run(): what strategies answer might have no end.
void TickEngine::deliver() {
    while (!sayings_.empty() && !failure_) {
        const Saying saying = std::move(sayings_.front());
        sayings_.pop_front();
        TickStrategy& strategy = *strategies_[saying.strategy - 1];
        if (saying.lots != 0) seen_lots_[saying.strategy - 1][saying.instrument] += saying.lots;
        if (saying.fill) call([&] { strategy.on_fill(*saying.fill); });
        if (saying.order) call([&] { strategy.on_order(*saying.order); });
    }
}

// Market events are seen before what they led to.
void TickEngine::settle_down() {
    flush(delayed_ ? seen_ : venue_);
    deliver();
}

int64_t TickEngine::next_due() const {
    const int64_t late_ns = late_.empty() ? kNever : late_.front().seen_ns;
    return std::min({matching_.next_due_ns(), see_ns_, late_ns, bar_ns_, timer_ns_, sample_ns_});
}

// Let happen what is due before a moment.
void TickEngine::pass_time(int64_t before_ns) {
    for (;;) {
        throw_failure();
        const int64_t due_ns = next_due();
        if (due_ns >= before_ns) {
            quiet_ns_ = due_ns;
            return;
        }
        if (matching_.next_due_ns() <= due_ns) {
            matching_.advance(due_ns);
            if (matching_.has_reports()) collect();
            if (!sayings_.empty()) {
                flush(delayed_ ? seen_ : venue_);
                now_ns_ = std::max(now_ns_, due_ns);
                deliver();
            }
        } else if (see_ns_ <= due_ns) {
            now_ns_ = seen_ns_ = due_ns;
            const uint32_t row = seen_.row++;
            show(seen_.rows, row);
            if (!sayings_.empty()) settle_down();
            see();
        } else if (!late_.empty() && late_.front().seen_ns <= due_ns) {
            flush(delayed_ ? seen_ : venue_);
            now_ns_ = due_ns;
            const Late late = late_.front();
            late_.pop_front();
            book(late.report, late.mid);
            deliver();
        } else if (bar_ns_ <= due_ns) {
            flush(delayed_ ? seen_ : venue_);
            now_ns_ = due_ns;
            close_bars();
        } else if (timer_ns_ <= due_ns) {
            run_timer(see_ns_ != kNever ? see_ns_ : before_ns);
        } else {
            sample(due_ns);
            sample_ns_ = kNever;
        }
    }
}

// ---- the end

// The data has ended: what was on its way by then still happens, and timers up to the last event.
void TickEngine::finish() {
    if (!delayed_) flush(venue_);
    while (see_ns_ != kNever) pass_time(see_ns_ + 1);
    pass_time(std::max(venue_.rows.count > 0 ? seen_ns_ : now_ns_, now_ns_) + 1);
    flush(delayed_ ? seen_ : venue_);
    deliver();
    for (BarLine& line : bar_lines_)  // those in the making are kept, and told to nobody
        if (line.keep && line.maker.current()) line.kept.push_back(*line.maker.current());
    if (sample_ns_ != kNever || equity_.empty() || equity_.back().event_ns < now_ns_) sample(now_ns_);
    for (uint32_t number = 1; number <= instruments_.size(); ++number) marks_.finish(number, venue_ns_, mid(number));
    finished_ = true;
}

}  // namespace gcg
