"""`docs/keys.md`, made from the registry of actions: `python -m abathur_tui.screen.reference > docs/keys.md`."""

from abathur_tui.screen.actions import Where, key_text, of

_INTRODUCTION = """\
# Keys

Every key of the screen, by the place where it works. This page is made from the registry of actions
(`abathur_tui/screen/actions.py`), which also makes the footer, the help (`?`), the palette (`ctrl+p`) and the `:` commands.
The footer shows what works on the row under the cursor; a key of something that cannot be done there says why, or does nothing.
After `:` an action is called by its name, or by its last word: `:task.cancel`, `:cancel`.
"""


def page() -> str:
    """The whole page."""
    parts = [_INTRODUCTION]
    for place in Where:
        parts += [f"\n## {place.value.capitalize()}\n\n", "| key | action | name | what it does |\n|---|---|---|---|\n"]
        for action in of(place):
            keys = " ".join(f"`{key_text(key)}`" for key in action.keys)
            asks = " Asks first." if action.asks else ""
            parts.append(f"| {keys} | {action.title} | `{action.name}` | {action.help}{asks} |\n")
    return "".join(parts)


if __name__ == "__main__":
    print(page(), end="")
