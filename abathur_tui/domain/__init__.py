"""The nouns and their laws: pure data and pure functions, with no disk, no network, no Textual and no SDK."""
