// Bars that the tick engine makes of what strategies see.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "gcg/tick_engine.h"

namespace gcg {

void TickEngine::add_bars(uint32_t instrument, const std::string& period, std::shared_ptr<const BarGrid> grid,
                          BarBasis basis, uint16_t from, std::vector<uint32_t> strategies, bool keep) {
    refuse_if(running_);
    if (instrument == 0 || instrument > instruments_.size())
        throw std::invalid_argument("Bars need an instrument of the run.");
    for (const uint32_t strategy : strategies)
        if (strategy == 0 || strategy > strategies_.size())
            throw std::invalid_argument("Bars need strategies of the run.");
    bar_lines_.push_back({.period = period,
                          .maker = BarMaker(period, std::move(grid), basis, instrument),
                          .instrument = instrument,
                          .from = from,
                          .strategies = std::move(strategies),
                          .keep = keep,
                          .kept = {}});
    if (bars_of_.size() <= instrument) bars_of_.resize(instrument + 1);
    bars_of_[instrument].push_back(&bar_lines_.back());
}

const std::vector<Bar>& TickEngine::bars(uint32_t instrument, const std::string& period) const {
    static const std::vector<Bar> none;
    for (const BarLine& line : bar_lines_)
        if (line.keep && line.instrument == instrument && line.period == period) return line.kept;
    return none;
}

void TickEngine::make_bars(const Rows& rows, uint32_t row) {
    for (BarLine* line : bars_of_[rows.instrument]) {
        if (line->from != rows.type) continue;
        const bool closed = rows.type == Tick::kType
                                ? line->maker.on_tick(*static_cast<const Tick*>(rows.at(row)))
                                : line->maker.on_trade(*static_cast<const TradeTick*>(rows.at(row)));
        if (closed) tell_bars(*line);
        if (line->maker.due_ns() < bar_ns_) {
            bar_ns_ = line->maker.due_ns();
            quiet_ns_ = std::min(quiet_ns_, bar_ns_);
        }
    }
}

// Close the bars that are due now.
void TickEngine::close_bars() {
    const int64_t due_ns = bar_ns_;
    bar_ns_ = kNever;
    for (BarLine& line : bar_lines_) {
        if (line.maker.close_until(due_ns)) tell_bars(line);
        bar_ns_ = std::min(bar_ns_, line.maker.due_ns());
    }
    deliver();
}

void TickEngine::tell_bars(BarLine& line) {
    for (const Bar& bar : line.maker.closed()) {
        if (line.keep) line.kept.push_back(bar);
        Rows rows;
        rows.type = Bar::kType;
        rows.instrument = line.instrument;
        rows.count = 1;
        rows.stride = sizeof(Bar);
        rows.first = reinterpret_cast<const std::byte*>(&bar);
        for (const uint32_t strategy : line.strategies) call([&] { strategies_[strategy - 1]->on_record(rows, 0); });
    }
    line.maker.clear_closed();
}

}  // namespace gcg
