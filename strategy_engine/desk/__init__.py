"""The trading desk of one account: from request to gateway and from report to fill, and how it goes on after a restart."""

__all__: list[str] = []
