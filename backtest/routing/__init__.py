"""How the orders of a Backtrader run get to whoever matches them, and how what becomes of them gets back."""

__all__: list[str] = []
