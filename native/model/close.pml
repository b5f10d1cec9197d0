/* Closing a bus while its other threads append: Bus::Impl::close, LaneLock::drain, LaneJournal::append.

   `Thread` appends through a bus that `Closer` closes: it says so, waits until no thread of the bus is inside the lock, and then
   lets the slot's file lock go, after which the slot's word counts as that of a dead owner. `Other` is another process that
   writes to the lane. Checked: never two inside. A thread that still wants the lock may take it after the bus has let its slot
   go; then it sees that the bus is closed, and leaves without having written.

   The store of `closed` may stay in the closer's store buffer; a look at `closed` may be done before the swap of the word is
   visible. Both are forbidden by the order of these four operations (seq_cst), and the variants show that both are needed:

   -DBROKEN_STORE    the closer looks at the lock word while its store is still in its buffer
   -DBROKEN_LOAD     the thread looks at `closed` before its swap is visible
   -DBROKEN_DRAIN    the closer lets the slot go although a thread is stuck inside
*/
#define FREE 0
#define OURS 1
#define THEIRS 2

byte word;
bool held = true; /* our slot's file lock */
bool closed, closed_waits;
bool we_write, they_write;

active proctype Memory() {
end:
    do
    :: atomic { closed_waits -> closed = true; closed_waits = false }
    od
}

active proctype Thread() {
    byte turn;
    bool seen;
    do
    :: turn == 2 -> break
    :: turn < 2 ->
#ifdef BROKEN_LOAD
        seen = closed;
#endif
        atomic { word == FREE -> word = OURS }; /* L0 */
#ifndef BROKEN_LOAD
        seen = closed; /* K1 */
#endif
        if
        :: seen -> break
        :: else
        fi;
        atomic { we_write = true; assert(!they_write) };
        we_write = false;
        atomic { if :: word == OURS -> word = FREE :: else -> assert(false) fi }; /* L1 */
        turn++
    od;
    atomic { if :: word == OURS -> word = FREE :: else fi } /* L1 after K1: it may be a rescuer's by now */
}

active proctype Closer() {
    closed_waits = true; /* K0 */
#ifndef BROKEN_STORE
    !closed_waits;
#endif
    if
    :: word != OURS -> held = false /* drained */
    :: true -> /* a thread has been inside for 100 ms: the slot stays ours until the bus is destroyed */
#ifdef BROKEN_DRAIN
        held = false
#else
        skip
#endif
    fi
}

active proctype Other() {
    byte turn;
    do
    :: turn == 2 -> break
    :: turn < 2 ->
        atomic {
            if
            :: word == FREE -> word = THEIRS              /* L0 */
            :: word == OURS && !held -> word = THEIRS     /* L2 */
            fi
        };
        atomic { they_write = true; assert(!we_write) };
        they_write = false;
        atomic { assert(word == THEIRS); word = FREE };
        turn++
    od
}
