"""The browser of these tests: Debian's Chromium, or the one that CHROMIUM names."""

import os


def launch(playwright):
    # Root needs --no-sandbox; nobody else gives the sandbox up.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=options)
