// The module, and what else of the journal Python sees.
#include "../bindings.cpp"
#include "../held_bindings.cpp"
#include "../journal_bindings.cpp"
#include "../text_bindings.cpp"
