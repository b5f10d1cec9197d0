"""The page's colours can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).resolve().parents[2] / "gcg_quant/web/tokens.css").read_text(encoding="utf-8")
READ = ("text", "muted", "green-text", "red-text", "warn-text")


def colours(theme: str) -> dict[str, str]:
    """Return the tokens of a theme, references followed."""
    blocks = re.findall(r"(:root[^{]*)\{([^}]*)\}", TOKENS)
    found: dict[str, str] = {}
    for selector, body in blocks:
        if selector.strip() == ":root" or f'"{theme}"' in selector:
            found |= dict(re.findall(r"--([\w-]+):\s*([^;]+);", body))
    for _ in range(3):
        found = {name: found.get(value[6:-1], value) if value.startswith("var(") else value for name, value in found.items()}
    return found


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("ground", ["bg", "panel", "raised"])
def test_text_has_a_contrast_of_four_and_a_half(theme: str, ground: str) -> None:
    """Whatever must be read stands out from every ground it stands on, in both themes."""
    tokens = colours(theme)
    for name in READ:
        bright, dim = sorted((luminance(tokens[name]), luminance(tokens[ground])), reverse=True)
        assert (bright + 0.05) / (dim + 0.05) >= 4.5, f"{name} on {ground} in {theme}"


def test_a_switch_that_is_on_can_be_read() -> None:
    """The words on the red of the kill switch stand out, in every theme."""
    tokens = colours("dark")
    assert (luminance(tokens["on-danger"]) + 0.05) / (luminance(tokens["danger"]) + 0.05) >= 4.5


def test_red_is_up_where_it_is_asked_for() -> None:
    """The setting swaps the colours of up and down, of candles and of figures."""
    swapped = re.search(r'data-up="red"\]\s*\{([^}]*)\}', TOKENS)
    assert swapped is not None
    assert "--up: var(--red);" in swapped[1]
    assert "--down-text: var(--green-text);" in swapped[1]
