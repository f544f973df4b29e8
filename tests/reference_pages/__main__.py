"""``python -m tests.reference_pages``: writes the pages of docs/reference from the code that they describe.

With ``--check`` nothing is written, and the exit code is 1 if a page is not what would be written.
"""

import sys

from tests.reference_pages.pages import COMMAND, FOLDER, stale, written

if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        wrong = stale()
        for name in wrong:
            sys.stderr.write(f"docs/reference/{name} is not what the code says: run `{COMMAND}`\n")
        sys.exit(1 if wrong else 0)
    for name, text in written().items():
        (FOLDER / name).write_text(text)
