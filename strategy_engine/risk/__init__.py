"""The risk check before every order, its limits, and the hours in which markets are open."""

__all__: list[str] = []
