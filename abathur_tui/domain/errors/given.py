"""What is wrong with what was handed in: settings, templates and documents."""

from abathur_tui.domain.errors.root import AbathurError, Exit

# Config


class ConfigInvalid(AbathurError):
    """The configuration has mistakes.

    Unknown keys, wrong types or values out of range; each is listed with its file and line.
    """

    code = "ABTH-ERR-061"
    exit = Exit.WRONG_USE
    hint = "Mend the places that are listed."


class RuntimeNotAllowed(AbathurError):
    """A project's file may not choose that.

    A cloned repository must not decide which program, address or runtime is used on this machine.
    """

    code = "ABTH-ERR-062"
    exit = Exit.WRONG_USE
    hint = "Set it in your own config file, the environment or a flag."


class ArgumentInvalid(AbathurError):
    """An argument is wrong.

    An option's value has the wrong form, or two options exclude each other.
    """

    code = "ABTH-ERR-063"
    exit = Exit.WRONG_USE
    hint = "The command's --help says what it takes, with examples."


class TemplateInvalid(AbathurError):
    """A template's file has mistakes.

    Broken TOML, unknown fields, wrong types or names that are declared nowhere; each is listed with its file and line.
    """

    code = "ABTH-ERR-064"
    exit = Exit.WRONG_USE
    hint = "Mend the places that are listed; `docs/templates.md` says what may stand in a template."


class PromptFailed(AbathurError):
    """A prompt could not be made from its template.

    The template uses a value that is not there, something that prompts may not use, or takes too long.
    """

    code = "ABTH-ERR-065"
    hint = "Mend the template that the message names."


# Library


class VersionTaken(AbathurError):
    """That version of the template exists, with another text.

    What a version says never changes, so that `NAME@1.0.0` means the same tomorrow.
    """

    code = "ABTH-ERR-161"
    exit = Exit.REFUSED
    hint = "Give the changed template the next version."


class TemplateFixed(AbathurError):
    """That template's file is not Abathur's to remove.

    It ships with Abathur, or lies in a folder that the configuration adds.
    """

    code = "ABTH-ERR-162"
    exit = Exit.REFUSED
    hint = "A template of the same name in the project or in your own folder stands in front of one that ships."


# Language


class DocumentInvalid(AbathurError):
    """The document has mistakes.

    Each is listed with its place, and with a code of its own:
    111 syntax, 112 unknown template or version, 113 missing parameter, 114 unknown parameter, 115 wrong type or value, 116 unknown name,
    117 over a limit, 118 `file()`, `env()` or `git()` refused, 119 known to the language, but not to this version.
    """

    code = "ABTH-ERR-111"
    exit = Exit.WRONG_USE
    hint = "Mend the places that are listed; nothing was queued."


class UnknownTemplate(DocumentInvalid):
    """There is no such template.

    Neither the project, nor the user, nor Abathur itself has a template of that name and version.
    """

    code = "ABTH-ERR-112"
    hint = "See `abathur template list`."


class MissingParameter(DocumentInvalid):
    """A required parameter is missing.

    The template declares it without a default, and the command does not give it.
    """

    code = "ABTH-ERR-113"
    hint = "See `abathur template show NAME`."


class UnknownParameter(DocumentInvalid):
    """There is no such parameter.

    The template does not declare it, or its name is nearly that of a declared one.
    """

    code = "ABTH-ERR-114"
    hint = "See `abathur template show NAME`."


class WrongValue(DocumentInvalid):
    """A value has the wrong type or is out of range.

    The template, or the language, declares another type.
    """

    code = "ABTH-ERR-115"


class UnknownName(DocumentInvalid):
    """A name is not bound.

    No statement of the document gives it a value.
    """

    code = "ABTH-ERR-116"


class OverLimit(DocumentInvalid):
    """The document is over a limit.

    It is too long, too deep, or expands to too many nodes: `language.max_bytes`, `max_depth`, `max_nodes`.
    """

    code = "ABTH-ERR-117"
    exit = Exit.REFUSED


class SourceRefused(DocumentInvalid):
    """`file()`, `env()` or `git()` cannot be read.

    The path leads outside the project, is protected, too large or no text; or the variable is not set.
    """

    code = "ABTH-ERR-118"


class NotYet(DocumentInvalid):
    """This version cannot do that yet.

    The language knows the parameter, but this version would have to ignore it.
    """

    code = "ABTH-ERR-119"
    hint = "Leave it out."
