"""A filter as a WHERE clause; `domain.filters.admits` says in Python what it means."""

from dataclasses import dataclass, field

from abathur_tui.domain.filters import Quantity, TaskFilter

_QUANTITIES: dict[Quantity, str] = {
    "priority": "t.priority",
    "age": "(:now - t.created_at)",
    "cost": "CASE WHEN t.unpriced = 0 THEN t.cost_usd END",
    "tokens": "(t.tokens_input + t.tokens_output)",
    "attempt": "t.attempt",
}
_TEXT = "t.name || ' ' || coalesce(t.template, '') || ' ' || coalesce(t.agent, '') || ' ' || t.tags"
_EQUAL = ("execution", "template", "agent", "parent")


@dataclass(slots=True)
class Where:
    """A clause, empty where everything is let through, and its named values."""

    text: str = ""
    values: dict[str, object] = field(default_factory=dict)

    def value(self, value: object) -> str:
        """The placeholder of a value."""
        name = f"value{len(self.values)}"
        self.values[name] = value
        return f":{name}"


def where_clause(filter: TaskFilter, now: float) -> Where:
    """What the filter lets through, of tasks named `t`; ages are counted from `now`."""
    where = Where(values={"now": now})
    conditions = _conditions(filter, where)
    where.text = f"WHERE {conditions}" if conditions else ""
    return where


def _conditions(filter: TaskFilter, where: Where) -> str:
    parts: list[str] = []
    if filter.statuses:
        parts.append(f"t.status IN ({', '.join(where.value(status.value) for status in sorted(filter.statuses))})")
    for word in filter.words:
        # LIKE knows the two cases of ASCII only.
        like = f"({_TEXT}) LIKE {where.value(f'%{_escaped(word)}%')} ESCAPE '\\'"
        parts.append(like if word.isascii() else f"instr(casefold({_TEXT}), {where.value(word.casefold())}) > 0")
    for column in _EQUAL:
        wanted = getattr(filter, column)
        if wanted is not None:
            parts.append(f"t.{column} = {where.value(wanted)}")
    if filter.undecided:
        parts.append("t.status = 'dead' AND t.cleared_at IS NULL")
    if filter.tag is not None:
        parts.append(f"EXISTS (SELECT 1 FROM json_each(t.tags) WHERE value = {where.value(filter.tag)})")
    # A number that is not known makes a comparison NULL, which lets nothing through; turned round it must not let it through by that.
    parts += [f"coalesce({_QUANTITIES[one.quantity]} {one.operator} {where.value(one.value)}, 0)" for one in filter.comparisons]
    for other in filter.without:
        inner = _conditions(other, where)
        parts.append(f"NOT coalesce({inner}, 0)" if inner else "0")
    return " AND ".join(parts)


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
