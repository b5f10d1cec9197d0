// Risk, accounts, and what is held.
#include "../account.cpp"
#include "../account_ratio.cpp"
#include "../account_sums.cpp"
#include "../fill_marks.cpp"
#include "../held.cpp"
#include "../held_words.cpp"
#include "../risk.cpp"
#include "../risk_check.cpp"
