/* Sleeping and waking: WakeWord and Waiter (wait.h, wait.cpp).

   Two publishers (with -DWAKE: one, and one call of Bus::wake()) meet two readers. A publisher's frame goes through its
   store buffer: it becomes visible some time later, at the latest at a barrier. That barrier is sent by the reader, through the
   kernel (membarrier), or, with -DFENCED, the publisher runs it itself. The kernel compares the word with what the reader announced and puts the reader to sleep
   in one step. A killer takes down a reader or a publisher between any two steps; what is in the store buffer then is not lost.

   Checked once nothing moves any more: no living reader sleeps over a frame that it has not read, nor over a Bus::wake() that came
   after its wait() began. A reader's timer (100 ms) is only there for a publisher that was killed between publishing and waking:
   who sleeps then, or is about to, may use it once. So it is needed for nothing else, and enough for that. An announcement is
   answered by one wake-up at most: that is all that killed sleepers cost.

   -DBROKEN_W0     no barrier between publishing and the look at the word, neither sent nor own
   -DBROKEN_W1     the second look may come before the announcement is visible
   -DBROKEN_WORD   the word is 0 or 1 instead of a number: a reader that is about to sleep does not notice that its announcement
                   was answered if another reader has announced itself since
   -DBROKEN_TIMER  no timer
*/
#define READERS 2
#define PUBLISHERS 2
#define KILLS 1

byte frames;                  /* published, and visible to all */
bool frame_waits[PUBLISHERS]; /* in the publisher's store buffer */
byte word;                    /* odd: somebody may sleep */
byte count;                   /* of Bus::wake() */

bool asleep[READERS];
bool timer[READERS];
byte seen[READERS], since[READERS];
bool reader_dead[READERS], publisher_dead[PUBLISHERS];
bool between[PUBLISHERS]; /* published, and nobody is woken yet */
byte owed; /* announcements that are not answered yet */

inline announce() {
    if
    :: word % 2 == 0 -> word++; owed++
    :: else
    fi
}

inline empty_buffer(whose) {
    if
    :: frame_waits[whose] -> frame_waits[whose] = false; frames++
    :: else
    fi
}

active proctype Memory() {
end:
    do
    :: atomic { frame_waits[0] -> frame_waits[0] = false; frames++ }
    :: atomic { frame_waits[1] -> frame_waits[1] = false; frames++ }
    od
}

/* W2, after `old` was loaded from the word */
inline wake_sleepers() {
    if
    :: old % 2 == 0 -> between[me] = false
    :: old % 2 == 1 ->
        atomic {
            if
            :: word == old ->
#ifdef BROKEN_WORD
                word = 0
#else
                word++
#endif
            :: else -> between[me] = false; goto done /* somebody else answers */
            fi
        };
        atomic { assert(owed > 0); owed--; asleep[0] = false; asleep[1] = false; between[me] = false }
    fi;
done:
    skip
}

proctype Publisher(byte me) {
    byte old;
    {
        atomic { frame_waits[me] = true; between[me] = true }; /* A0 */
#ifdef FENCED
        atomic { !frame_waits[me] -> old = word }; /* W0 */
#else
        old = word;
#endif
        wake_sleepers()
    } unless { publisher_dead[me] }
}

proctype Waker(byte me) {
    byte old;
    {
        atomic { count++; between[me] = true }; /* W3 */
        atomic { announce(); old = word };
        wake_sleepers()
    } unless { publisher_dead[me] }
}

proctype Reader(byte me) {
    byte announced;
    {
        skip;
again:
        since[me] = count;
look:
        atomic {
            timer[me] = false;
            if
            :: frames > seen[me] -> seen[me] = frames; goto again
            :: else
            fi
        };
#ifndef BROKEN_W1
        atomic { announce(); announced = word }; /* W1 */
#if !defined(FENCED) && !defined(BROKEN_W0)
        atomic { empty_buffer(0); empty_buffer(1) }; /* membarrier */
#endif
#endif
        atomic {
            if
            :: frames > seen[me] -> announced = 0; goto look
            :: else
            fi
        };
#ifdef BROKEN_W1
        atomic { announce(); announced = word };
#endif
        atomic {
            if
            :: count != since[me] -> announced = 0; goto again /* wait() returns */
            :: else
            fi
        };
        atomic { /* the kernel's side */
            if
            :: word == announced -> asleep[me] = true
            :: else
            fi;
            announced = 0
        };
end_asleep:
        if
        :: !asleep[me]
        :: atomic { timer[me] -> timer[me] = false; asleep[me] = false }
        fi;
        atomic {
            if
            :: count != since[me] -> goto again
            :: else -> goto look
            fi
        }
    } unless { reader_dead[me] }
}

inline kill_publisher(who) {
    publisher_dead[who] = true;
    if
    :: frame_waits[who] -> frame_waits[who] = false; frames++
    :: else
    fi;
    if
    :: between[who] ->
#ifndef BROKEN_TIMER
        timer[0] = true; timer[1] = true;
#endif
        between[who] = false
    :: else
    fi
}

active proctype Killer() {
    byte kills;
    do
    :: kills < KILLS ->
        atomic {
            if
            :: !reader_dead[0] -> reader_dead[0] = true; asleep[0] = false
            :: !publisher_dead[0] -> kill_publisher(0)
            :: !publisher_dead[1] -> kill_publisher(1)
            fi;
            kills++
        }
    :: break
    od
}

active proctype Judge() {
    timeout ->
    assert(reader_dead[0] || (asleep[0] && seen[0] == frames && since[0] == count));
    assert(asleep[1] && seen[1] == frames && since[1] == count)
}

init {
    atomic {
        run Reader(0);
        run Reader(1);
        run Publisher(0);
#ifdef WAKE
        run Waker(1)
#else
        run Publisher(1)
#endif
    }
}
