#include "event_route.h"

namespace gcg::python {

void Route::keep_latest(const Taken& event) {
    const uint64_t what = uint64_t{event.type} << 32 | event.instrument;
    const auto [place, is_new] = kept_at.try_emplace(what, kept.size());
    if (is_new) kept.emplace_back();
    Kept& slot = kept[place->second];
    slot.payload.assign(event.payload, event.payload + event.bytes);
    slot.event = event;
}

void RouteTable::add(std::shared_ptr<Route> route) {
    types |= route->filter.types();
    for (std::size_t type = 0; type < kTypes; ++type)
        if (route->filter.types().test(type)) by_type[type].push_back(route.get());
    routes.push_back(std::move(route));
}

}  // namespace gcg::python
