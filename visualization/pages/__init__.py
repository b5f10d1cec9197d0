"""The connected pages: what they may say, what they are told, and whom of them."""

__all__: list[str] = []
