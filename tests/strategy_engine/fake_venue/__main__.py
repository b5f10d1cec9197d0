"""`python -m fake_venue LOG PORT [SEED]`."""

from .server import main

main()
