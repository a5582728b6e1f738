"""The options that choose what answers."""

from typing import Annotated

import typer

Runtime = Annotated[str | None, typer.Option("--runtime", metavar="NAME", help="What answers: anthropic, local or command.", show_default=False)]
Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help="The model, where the runtime has several.", show_default=False)]
