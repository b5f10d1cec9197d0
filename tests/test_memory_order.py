"""The atomic operations of the journal: each is labelled, and `native/README.md` lists every label with its partner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

NATIVE = Path(__file__).resolve().parent.parent / "native"
README = NATIVE / "README.md"
COMMENT = re.compile(r"//(.*)$")
LABEL = re.compile(r"\b[A-Z][0-9]\b")
DEFINED = re.compile(r"^\s*([A-Z][0-9])\b|\b([A-Z][0-9]):")  # "// R0: acquire ...", "// A0"
ORDERED = re.compile(r"memory_order_(?:acquire|release|acq_rel|seq_cst|consume)\b")
OPERATION = re.compile(r"(?:\.|->)(?:load|store|fetch_\w+|compare_exchange_\w+|test_and_set)\s*\(")
NEAR = 6  # lines above an operation in which its label stands


def sources(root: Path) -> Iterator[Path]:
    """Yield the journal's headers and sources."""
    for folder in ("include", "src"):
        yield from sorted((root / folder).rglob("*.h"))
        yield from sorted((root / folder).rglob("*.cpp"))


def comment(line: str) -> str:
    """Return what stands behind `//`."""
    found = COMMENT.search(line)
    return found[1] if found else ""


def defined(line: str) -> set[str]:
    """Return the labels that a line's comment gives, not those it only mentions."""
    return {one or other for one, other in DEFINED.findall(comment(line))}


def code(line: str) -> str:
    """Return a line without its comment."""
    return COMMENT.sub("", line)


def labels_in_code(root: Path) -> set[str]:
    """Return every label that some operation has."""
    return {label for path in sources(root) for line in path.read_text(encoding="utf-8").splitlines() for label in defined(line)}


def table(text: str) -> dict[str, str]:
    """Return the labels of the README's table, each with its column of partners."""
    section = text.split("## Memory order", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in section.splitlines() if row.startswith("|")]
    return {label: row[3] for row in rows[2:] for label in LABEL.findall(row[0])}


def unlabelled(root: Path) -> list[str]:
    """Return the place of every operation with an order beyond relaxed that has no label on its line or just above."""
    found = []
    for path in sources(root):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            near = lines[max(0, number - NEAR) : number + 1]
            if ORDERED.search(code(line)) and not any(defined(one) for one in near):
                found.append(f"{path.relative_to(root)}:{number + 1}: {line.strip()}")
    return found


def unordered(root: Path) -> list[str]:
    """Return the place of every atomic operation that names no order."""
    found = []
    for path in sources(root):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if OPERATION.search(code(line)) and "memory_order" not in "".join(lines[number : number + 3]):
                found.append(f"{path.relative_to(root)}:{number + 1}: {line.strip()}")
    return found


def test_table_names_every_label_and_no_other() -> None:
    """A label in the code is in the table, a label in the table is in the code, and partners exist."""
    listed = table(README.read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(labels_in_code(NATIVE))
    assert {partner for column in listed.values() for partner in LABEL.findall(column)} <= set(listed)
    assert len(listed) > 20


def test_every_ordered_operation_is_labelled() -> None:
    """Acquire, release and stronger operations say which pair they belong to."""
    assert unlabelled(NATIVE) == []


def test_every_atomic_operation_names_its_order() -> None:
    """Nobody gets the strongest order by having forgotten to choose."""
    assert unordered(NATIVE) == []


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("x.store(1, std::memory_order_release);", ["unlabelled"]),
        ("// pairs with A0\nx.store(1, std::memory_order_release);", ["unlabelled"]),
        ("// A0: publishes x\nx.store(1, std::memory_order_release);", []),
        ("x.store(1, std::memory_order_release);  // A0", []),
        ("// A0: far away\n" + "\n" * NEAR + "x.store(1, std::memory_order_release);", ["unlabelled"]),
        ("x.store(1);", ["unordered"]),
        ("x.store(f(1, 2),\n        std::memory_order_relaxed);", []),
    ],
)
def test_a_missing_label_or_order_is_found(tmp_path: Path, text: str, faults: list[str]) -> None:
    """The rules see an operation without a label, one whose label is only mentioned or far away, and one without an order."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "x.cpp").write_text(text)
    assert [name for name, rule in (("unlabelled", unlabelled), ("unordered", unordered)) if rule(tmp_path)] == faults
