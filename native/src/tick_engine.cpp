// The loop over the data and who sees it. What a run is made of is in tick_engine_setup.cpp, what is due between market
// events in tick_engine_time.cpp; orders are in tick_engine_orders.cpp, what the venue says of them in
// tick_engine_reports.cpp, and how strategies hear of it in tick_engine_sayings.cpp.
#include "gcg/tick_engine.h"

#include <algorithm>
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

// Whether no other delta of its group follows a record.
template <typename Record>
bool is_whole(const Record& record) {
    if constexpr (Record::kType == BookDelta::kType) return record.is_last != 0;
    return true;
}

constexpr uint64_t kLook = 4096;  // events between two looks at `pause`

}  // namespace

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
        if (delayed_)
            seen_market_.at_venue(rows.instrument, rows.type == BookDelta::kType, is_whole(record), matching_);
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
            seen_market_.show(record);
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

// Market events are seen before what they led to.
void TickEngine::settle_down() {
    flush(delayed_ ? seen_ : venue_);
    deliver();
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
