// The simulated venue, and books.
#include "../matching.cpp"

#include "../book.cpp"
#include "../level_book.cpp"
#include "../matching_bars.cpp"
#include "../matching_book.cpp"
#include "../matching_data.cpp"
#include "../matching_orders.cpp"
#include "../matching_queue.cpp"
#include "../matching_stops.cpp"
#include "../matching_venue.cpp"
#include "../okx_book.cpp"
