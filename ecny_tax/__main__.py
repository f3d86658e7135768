"""``python -m ecny_tax`` is the ``ecny-tax`` command."""

from ecny_tax.cli import main

if __name__ == "__main__":
    main()
