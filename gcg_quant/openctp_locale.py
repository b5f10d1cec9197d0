"""The text locale that the library of China's futures counters asks for by name: without zh_CN.GB18030 it aborts the process.

Debian has it only if its package `locales` is installed and somebody made it. So it is made here, without root, in a folder of the home,
and `LOCPATH` points there. What the library needs of it is the name of the character set, by which the C library finds its converter;
the rest is as plain as a locale may be, so that this takes milliseconds where a whole Chinese locale takes a minute.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from gcg_quant.errors import ComponentError

__all__ = ["LOCALE", "ensure_locale", "has_locale"]

LOCALE = "zh_CN.GB18030"
_ALL_CATEGORIES = 0x1FBF  # LC_ALL_MASK of glibc
_FIX = "install Debian's package `locales` and run `localedef -i zh_CN -f GB18030 zh_CN.GB18030` as root"


def has_locale() -> bool:
    """Return whether the C library finds the locale now, with all its categories, as C++ asks for it."""
    try:
        library = ctypes.CDLL(None)
        library.newlocale.restype = ctypes.c_void_p
        library.newlocale.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p]
        library.freelocale.argtypes = [ctypes.c_void_p]
    except (OSError, AttributeError):  # not glibc: the wheels do not exist there either
        return False
    found = library.newlocale(_ALL_CATEGORIES, LOCALE.encode(), None)
    if found:
        library.freelocale(found)
    return bool(found)


def ensure_locale(folder: Path) -> None:
    """Make the locale in a folder if the system has none, and let `LOCPATH` of this process and its children point there.

    Raises:
        ComponentError: it cannot be made; the message says what to install.
    """
    if has_locale():
        return
    if not (folder / LOCALE).exists():
        _make(folder)
    before = os.environ.get("LOCPATH", "")
    os.environ["LOCPATH"] = os.pathsep.join(part for part in (str(folder), before) if part)
    if not has_locale():
        os.environ["LOCPATH"] = before
        raise ComponentError(f"The locale {LOCALE} in {folder} cannot be used: delete it, or {_FIX}.", folder=str(folder))


def _make(folder: Path) -> None:
    program = shutil.which("localedef")
    if program is None:
        raise ComponentError(f"The futures counters' library needs the locale {LOCALE}, and there is no `localedef` to make it: {_FIX}.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Beside it and then moved, so that another process never sees half of it.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making") as scratch:
        place = Path(scratch)
        (place / "charmap").write_text(_charmap(), encoding="ascii")
        (place / "source").write_text(_source(), encoding="ascii")
        command = [program, "-c", "-i", str(place / "source"), "-f", str(place / "charmap"), str(place / LOCALE)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if not (place / LOCALE / "LC_CTYPE").exists():
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ComponentError(f"The locale {LOCALE} cannot be made in {folder} ({said}): {_FIX}.", folder=str(folder))
        try:
            (place / LOCALE).rename(folder / LOCALE)
        except OSError:
            if not (folder / LOCALE).exists():  # else another process was faster
                raise


def _charmap() -> str:
    rows = "\n".join(f"<U{code:04X}> /x{code:02x}" for code in range(128))
    head = "<code_set_name> GB18030\n<comment_char> %\n<escape_char> /\n<mb_cur_min> 1\n<mb_cur_max> 4"
    return f"{head}\nCHARMAP\n{rows}\nEND CHARMAP\n"


def _source() -> str:
    categories = {
        "LC_IDENTIFICATION": _identification(),
        "LC_CTYPE": f"upper {_letters('A')}\nlower {_letters('a')}\ndigit {_codes(range(48, 58))}\nspace {_codes([32, *range(9, 14)])}",
        "LC_COLLATE": "order_start forward\nUNDEFINED\norder_end",
        "LC_MONETARY": _monetary(),
        "LC_NUMERIC": 'decimal_point "."\nthousands_sep ""\ngrouping -1',
        "LC_TIME": _time(),
        "LC_MESSAGES": 'yesexpr "^[yY]"\nnoexpr "^[nN]"',
        "LC_PAPER": "height 297\nwidth 210",
        "LC_NAME": 'name_fmt "%p%t%g"',
        "LC_ADDRESS": 'postal_fmt "%a%N"',
        "LC_TELEPHONE": 'tel_int_fmt "%c"',
        "LC_MEASUREMENT": "measurement 1",
    }
    parts = [f"{name}\n{lines}\nEND {name}\n" for name, lines in categories.items()]
    return "comment_char %\nescape_char /\n" + "".join(parts)


def _identification() -> str:
    empty = "".join(f'{key} ""\n' for key in ("address", "contact", "email", "tel", "fax"))
    stated = 'title "GB18030 for libraries that ask for it"\nsource "gcg_quant"\nlanguage "Chinese"\nterritory "China"\nrevision "1.0"\n'
    return f'{stated}{empty}date "2026-11-27"\ncategory "i18n:2012";LC_IDENTIFICATION'


def _monetary() -> str:
    texts = "".join(f'{key} ""\n' for key in ("int_curr_symbol", "currency_symbol", "mon_thousands_sep", "positive_sign", "negative_sign"))
    numbers = ("int_frac_digits", "frac_digits", "p_cs_precedes", "p_sep_by_space", "n_cs_precedes", "n_sep_by_space")
    return texts + 'mon_decimal_point "."\nmon_grouping -1\n' + "\n".join(f"{key} -1" for key in (*numbers, "p_sign_posn", "n_sign_posn"))


def _time() -> str:
    def named(prefix: str, count: int) -> str:
        return ";".join(f'"{prefix}{number}"' for number in range(1, count + 1))

    days = f"abday {named('D', 7)}\nday {named('Day', 7)}\nabmon {named('M', 12)}\nmon {named('Month', 12)}"
    return f'{days}\nam_pm "AM";"PM"\nd_t_fmt "%F %T"\nd_fmt "%F"\nt_fmt "%T"\nt_fmt_ampm "%T"'


def _letters(first: str) -> str:
    return _codes(range(ord(first), ord(first) + 26))


def _codes(codes: Iterable[int]) -> str:
    return ";".join(f"<U{code:04X}>" for code in codes)
