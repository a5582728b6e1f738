"""Keys that belong to Abathur's configuration and that this version cannot honour: said plainly, never ignored."""

from abathur_tui.settings.toml import Key, dotted

SECTIONS = frozenset({"budget", "tools", "kb", "alias", "profiles", "security", "distributed"})
"""Whole tables."""

KEYS = frozenset({"api.requests_per_minute", "api.tokens_per_minute", "screen.keys"})
"""Single keys of tables that are there."""


def is_not_yet(key: Key) -> bool:
    """True where the key, or the table around it, is known and cannot be honoured."""
    return bool(key) and (key[0] in SECTIONS or dotted(key) in KEYS)
