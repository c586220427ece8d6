"""``python -m app.cli``: the command line without the installed script."""

from app.cli import program

if __name__ == "__main__":
    program()
