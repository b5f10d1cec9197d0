"""The process of one requested backtest: reads a `BacktestJob` from its standard input, reports to the live bus.

    python -m gcg_quant.backtest.runs.worker < job

Exit code 0: the result, good or bad, is on the live bus. Anything else: the engine reports the failure.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.errors import GcgQuantError
from gcg_quant.events import BacktestProgressEvent, BacktestResultEvent

from ..inputs.spec import BacktestSpec
from .job import BacktestJob
from .run import run_backtest
from .store import open_store

__all__ = ["main"]


def main() -> int:
    """Run the job that stands on standard input; return the exit code."""
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=BacktestJob)
    with EventBus(job.bus, source="backtest", create=False) as live:
        outcome = _run(job, live)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # there is a result: a cancellation comes too late
        live.publish(outcome, cause=job.request.id)
    return 0


def _run(job: BacktestJob, live: EventBus) -> BacktestResultEvent:
    request = job.request

    def report(progress: BacktestProgressEvent) -> None:
        live.publish(msgspec.structs.replace(progress, run=request.run), cause=request.id)

    try:
        spec = BacktestSpec.from_event(request)
        store = contextlib.nullcontext() if spec.journal else open_store(Path(job.home), job.database_url)
        with store as history:
            result = run_backtest(spec, home=Path(job.home), history=history, folders=job.folders, on_progress=report)
    except GcgQuantError as error:
        return BacktestResultEvent(run=request.run, ok=False, error=str(error))
    inputs = msgspec.to_builtins(result.inputs) if result.inputs is not None else {}
    return BacktestResultEvent(
        run=request.run, ok=True, results=result.measures.to_dict(), report=str(Path(result.folder).absolute()), inputs=inputs
    )


if __name__ == "__main__":
    sys.exit(main())
