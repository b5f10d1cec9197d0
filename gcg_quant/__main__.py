"""`python -m gcg_quant`: hand over to the console."""

from gcg_quant.admin.console import main

if __name__ == "__main__":
    main()
