"""What went into a backtest besides its spec: the strategy's code and the bars, as digests that tell whether either has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from gcg_quant.clock import to_iso

if TYPE_CHECKING:
    from ...strategy_engine.hosting.loader import LoadedClass
    from .sources import Source

__all__ = ["CodeFiles", "DataRange", "RunInputs"]

HASHED = ("start_ns", "event_ns", "open", "high", "low", "close", "volume", "open_interest")


class DataRange(msgspec.Struct, frozen=True, kw_only=True):
    """The bars of one symbol: how many, from the start of the first to the end of the last, and the SHA-256 of their times and numbers."""

    symbol: str
    venue: str
    bars: int
    start_ns: int
    end_ns: int
    sha256: str

    @classmethod
    def of(cls, source: Source) -> DataRange:
        """Return the range of a source's bars (and of its ask bars, where it has them)."""
        digest = hashlib.sha256()
        for rows in (source.bars, source.asks):
            for name in HASHED:
                digest.update(np.ascontiguousarray(rows[name]).tobytes())
        bars = source.bars
        return cls(
            symbol=source.symbol,
            venue=source.venue,
            bars=len(bars),
            start_ns=int(bars["start_ns"][0]) if len(bars) else 0,
            end_ns=int(bars["event_ns"][-1]) if len(bars) else 0,
            sha256=digest.hexdigest(),
        )

    def __str__(self) -> str:
        """Return the range in words."""
        place = f"{self.symbol}@{self.venue}" if self.venue else self.symbol
        return f"{self.bars:,} bars of {place} from {to_iso(self.start_ns)} to {to_iso(self.end_ns)}"


class CodeFiles(msgspec.Struct, frozen=True):
    """The strategy file (`main`) and the modules beside it that it imports: SHA-256 by path."""

    main: str
    sha256: dict[str, str]

    @classmethod
    def of(cls, loaded: LoadedClass) -> CodeFiles:
        """Return the files of a class that was just loaded."""
        return cls(str(loaded.file), {str(path): digest for path, digest in loaded.digests.items()})

    def save(self, folder: Path) -> None:
        """Copy the files into `folder`, which must not exist. They lie side by side, as they do where they come from."""
        folder.mkdir()
        for path in self.sha256:
            (folder / Path(path).name).write_bytes(Path(path).read_bytes())

    def differences(self, now: CodeFiles) -> list[str]:
        """Return a sentence for each file of which `now` has another content, or that only one of both has. Paths do not count."""
        mine, others = ({Path(path).name: digest for path, digest in files.sha256.items()} for files in (self, now))
        found = [f"{name} has changed since the run." for name in mine if name in others and others[name] != mine[name]]
        found += [f"{name} is no longer imported by the strategy." for name in mine if name not in others]
        found += [f"{name} is imported by the strategy now; it was not." for name in others if name not in mine]
        return found


class RunInputs(msgspec.Struct, frozen=True):
    """Code and data of one run."""

    code: CodeFiles
    data: list[DataRange]

    @classmethod
    def of(cls, loaded: LoadedClass, sources: Sequence[Source]) -> RunInputs:
        """Return what a run is about to use."""
        return cls(CodeFiles.of(loaded), [DataRange.of(source) for source in sources])

    @classmethod
    def from_plain(cls, values: Mapping[str, object]) -> RunInputs | None:
        """Return the inputs that an event or the database carries, or None for a run of which none were kept."""
        return msgspec.convert(values, cls) if values else None

    def differences(self, now: RunInputs) -> list[str]:
        """Return a sentence for everything in which `now` differs from these inputs."""
        found = self.code.differences(now.code)
        for mine, other in zip(self.data, now.data, strict=True):
            if mine.sha256 == other.sha256:
                continue
            if (mine.bars, mine.start_ns, mine.end_ns) != (other.bars, other.start_ns, other.end_ns):
                found.append(f"The data differ: the run had {mine}, now there are {other}.")
            else:
                found.append(f"The data differ: the {mine} hold other numbers now.")
        return found
