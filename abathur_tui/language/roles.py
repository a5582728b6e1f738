"""Who takes a role: the agent definition that fits it, else one that is made for the run. No model is asked.

A template says `agent = "{{ role }}"`: its parameter `role` is the role. Of the definitions, the one fits whose name the role is
(`Code reviewer`: `code-reviewer`), else the one all the words of whose name are in the role (`senior reviewer of Go code`: `reviewer`), of
several the one with the longest name. The generalist fits nothing, for it is nobody's role.
"""

import json
import re

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.plan import Plan
from abathur_tui.domain.safe_text import safe_line
from abathur_tui.domain.templates import MADE, Registry, Template
from abathur_tui.language.placeholders import PLACEHOLDER
from abathur_tui.language.resolved import Given

GENERALIST = "generalist"
_WORD = re.compile(r"[^\W_]+")
_LONGEST_NAME = 60
_LONGEST_ROLE = 200
_PROMPT = """You work in a role that was made for this one piece of work: {role}. Do it as somebody does who has had this role for years.

- Work by the methods and standards of the role, and name them where they decide something.
- Begin with the result, then what it rests on.
- State assumptions in one line each instead of asking back.
- Say what lies outside the role, and who should do it.

Where you have tools (list_folder, grep, read_file), read what matters in the project before you speak of it, and name the files you relied on. \
Without tools, say what you assume."""


def role_parameter(template: Template) -> str | None:
    """The parameter that says who does it; None where the template names its agent."""
    found = PLACEHOLDER.fullmatch(template.agent.strip())
    return found[1] if found else None


def agent_for(role: Given, registry: Registry) -> str:
    """The name of the definition that fits the role, or of the one to be made; the generalist where the role is not known yet."""
    words = _WORD.findall(role.lower()) if isinstance(role, str) else []
    if not words:
        return GENERALIST
    name = "-".join(words)[:_LONGEST_NAME].strip("-")
    exact = registry.agent(name)
    if exact is not None:
        return exact.name
    fitting = [one for one in registry.agent_names() if one.lower() != GENERALIST and set(_WORD.findall(one.lower())) <= set(words)]
    return max(fitting, key=lambda one: (len(_WORD.findall(one)), len(one)), default=name)


def made_agents(plan: Plan, registry: Registry) -> dict[str, str]:
    """The definitions that were made for a plan, as files, by the names under which its execution keeps them (`agent:NAME`)."""
    made: dict[str, str] = {}
    for node in plan.possible():
        if node.agent is not None and node.template is not None and registry.agent(node.agent) is None:
            template = registry.template(node.template, node.template_version)
            text = made_agent(node.agent, template, node.parameters) if template is not None else None
            if text is not None:
                made.setdefault(f"{MADE}{node.agent}", text)
    return made


def made_agent(name: str, template: Template, parameters: JsonObject) -> str | None:
    """The file of the definition that was made for a node; None where the template makes none."""
    parameter = role_parameter(template)
    role = parameters.get(parameter) if parameter is not None else None
    if not isinstance(role, str):
        return None
    shown = safe_line(" ".join(role.split()))[:_LONGEST_ROLE]
    described = json.dumps(f"{shown}: made for one run of {template.name}.", ensure_ascii=False)
    return f"---\nname: {name}\ndescription: {described}\ntools: Read, Glob, Grep\n---\n\n{_PROMPT.format(role=shown)}\n"
