/* The lane lock: LaneLock and Slots (lock.cpp, slots.cpp).

   Four writers compete, one of them on the slot of another, whose process must be gone first. A killer takes down two of them
   between any two steps; the kernel drops the file lock of a dead one some time after its last instruction. A waiter looks at the word, asks
   whether its owner lives (two looks: file lock, generation), and swaps a dead owner's exact word for its own.

   Checked: never two living writers inside; a living owner is never robbed; whoever waits gets in (no deadlock: the waiting
   loop is modelled as blocking until there is something to do).

   -DBROKEN_SWAP    a rescuer stores its word instead of swapping the dead owner's: two rescuers get in
   -DBROKEN_LOOK    a waiter goes by the file lock only: the slot's next writer keeps a dead owner's lock alive
*/
#define SLOTS 3
#define WRITERS 4
#define APPENDS 1
#define KILLS 2

#define slot_of(w) (((w) - 1) % 4)
#define generation_of(w) (((w) - 1) / 4)

byte word;              /* 0 = free, else generation * 4 + slot + 1 */
byte generation[SLOTS]; /* in bus.state */
bool held[SLOTS];       /* the kernel's lock on the slot's byte of BUS/locks */

bool dead[WRITERS];
bool inside[WRITERS];
byte slot_number[WRITERS]; /* + 1; 0 = has not come yet, or has left */
byte living[SLOTS];        /* the word of the slot's living writer, for the assertions */

#ifdef BROKEN_LOOK
#define is_dead(w) (!held[slot_of(w)])
#else
#define is_dead(w) (!held[slot_of(w)] || generation[slot_of(w)] != generation_of(w))
#endif

proctype Writer(byte me; byte slot) {
    byte mine, owner, turn;
    bool gone, taken;
    {
        atomic { !held[slot] -> held[slot] = true; slot_number[me] = slot + 1; }
        generation[slot] = generation[slot] + 1; /* G0 */
        mine = generation[slot] * 4 + slot + 1;
        living[slot] = mine;
        do
        :: turn == APPENDS -> break
        :: turn < APPENDS ->
            taken = false;
            do
            :: taken -> break
            :: atomic { !taken && word == 0 -> word = mine; taken = true } /* L0 */
            :: atomic { !taken && word != 0 && is_dead(word) -> owner = word }
                gone = !held[slot_of(owner)];
#ifndef BROKEN_LOOK
                if
                :: !gone -> gone = generation[slot_of(owner)] != generation_of(owner) /* G1 */
                :: else
                fi;
#endif
                if
#ifdef BROKEN_SWAP
                :: gone -> atomic { word = mine; taken = true }
#else
                :: gone -> /* L2 */
                    atomic {
                        if
                        :: word == owner -> assert(living[slot_of(owner)] != owner); word = mine; taken = true
                        :: else
                        fi
                    }
#endif
                :: else
                fi;
                owner = 0; gone = false
            od;
            atomic {
                inside[me] = true;
                assert(inside[0] + inside[1] + inside[2] + inside[3] == 1)
            };
            inside[me] = false; /* everything between is what the lock is for */
            atomic { /* L1: mine -> 0, or nothing */
                if
                :: word == mine -> word = 0
                :: else -> assert(false)
                fi
            };
            turn++
        od;
        atomic { living[slot] = 0; slot_number[me] = 0; held[slot] = false }
    } unless { dead[me] }
}

proctype Killer() {
    byte kills, victim, slot;
    do
    :: kills < KILLS ->
        atomic {
            if
            :: slot_number[0] && !dead[0] -> victim = 0
            :: slot_number[1] && !dead[1] -> victim = 1
            :: slot_number[2] && !dead[2] -> victim = 2
            :: slot_number[3] && !dead[3] -> victim = 3
            :: true -> break
            fi;
            slot = slot_number[victim] - 1;
            dead[victim] = true;
            inside[victim] = false;
            living[slot] = 0
        };
        held[slot] = false; /* the kernel takes its time */
        kills++
    :: break
    od
}

init {
    atomic {
        run Writer(0, 0);
        run Writer(1, 1);
        run Writer(2, 2);
        run Writer(3, 0);
        run Killer()
    }
}
