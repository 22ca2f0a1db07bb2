"""Programs run in a process of their own."""

import os


def unmeasured(**more: str) -> dict[str, str]:
    """The environment without what would make coverage start, and slow, and import things, in a new process."""
    return {name: value for name, value in os.environ.items() if not name.startswith('COV')} | more
