"""One run of a sweep by itself: the command that runs it again and writes its full report."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from gcg_quant.clock import to_iso

from ..inputs.spec import BacktestSpec
from .runner import CODE

if TYPE_CHECKING:
    from .sweep import Sweep
    from .table import Row

__all__ = ["command_of"]

OPTIONS = {
    "class_name": "--class",
    "period": "--period",
    "cash": "--cash",
    "commission": "--commission",
    "slippage": "--slippage",
    "preset": "--preset",
    "slippage_ticks": "--slippage-ticks",
    "stake": "--stake",
    "journal": "--journal",
    "matching": "--matching",
    "fees": "--fees",
}
ALWAYS = ("cash", "commission")  # of which the settings have defaults of their own


def command_of(sweep: Sweep, row: Row) -> str:
    """Return the command line that runs a row of a sweep as a backtest; with the sweep's copy of the code if the file has changed."""
    plan, spec = sweep.plan, sweep.plan.spec
    plain = BacktestSpec(file="")
    words = ["python", "-m", "gcg_quant", "--home", str(sweep.folder.parent.parent.absolute()), "backtest", _file(sweep)]
    words += [word for symbol in spec.symbols for word in ("--symbol", symbol)]
    for name, option in OPTIONS.items():
        value = plan.strategy if name == "class_name" and spec.class_name else getattr(spec, name)
        if value != getattr(plain, name) or (name in ALWAYS and not (name == "commission" and spec.preset)):
            words += [option, f"{value:.15g}" if isinstance(value, float) else str(value)]
    for moment, option in ((spec.start_ns, "--from"), (spec.end_ns, "--to")):
        if moment is not None:
            words += [option, to_iso(moment).removesuffix("T00:00:00Z")]
    for name, value in {**spec.parameters, **row.parameters}.items():
        words += ["--param", f"{name}={str(value).lower() if isinstance(value, bool) else value}"]
    return shlex.join(words)


def _file(sweep: Sweep) -> str:
    code = sweep.plan.code
    if code is None:
        return sweep.plan.spec.file
    main = Path(code.main)
    unchanged = main.is_file() and hashlib.sha256(main.read_bytes()).hexdigest() == code.sha256[code.main]
    return code.main if unchanged else str((sweep.folder / CODE / main.name).absolute())
