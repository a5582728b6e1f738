"""Which files and variables never go into a prompt unless a rule allows it: secrets, keys, and Abathur's own folder."""

import re
import unicodedata
from collections.abc import Sequence

_FOLDERS = frozenset({".abathur", ".git", ".ssh", ".gnupg", ".aws", ".kube", ".docker"})
_NAMES = frozenset({".netrc", "_netrc", ".npmrc", ".pypirc", ".git-credentials", ".htpasswd", ".pgpass", ".vault-token"})
_KEYS = re.compile(r"id_(rsa|dsa|ecdsa|ed25519)(_sk)?|.*\.(pem|key|p8|p12|pfx|jks|keystore|ppk|kdbx|env)|\.env.*")
PROTECTED_GLOBS = (
    *(f"{folder}/**" for folder in sorted(_FOLDERS)),
    *sorted(_NAMES),
    *(".env*", "*.env", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*"),
    *("*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.ppk", "*.kdbx"),
)
"""The same files as globs, for programs that take only those; rather too many than too few."""
_SECRET_NAME = re.compile(r"(^|.*_)(API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|SECRET_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(_.*)?")


def is_protected(parts: Sequence[str]) -> bool:
    """Whether a path (its parts, relative to the project's folder) leads to secrets, whatever the case of its letters."""
    plain = [unicodedata.normalize("NFKC", part).casefold().rstrip(". ") for part in parts]
    return any(part in _FOLDERS or part in _NAMES or _KEYS.fullmatch(part) is not None for part in plain)


def is_secret_name(variable: str) -> bool:
    """Whether an environment variable's name says that it holds a key or password."""
    return _SECRET_NAME.fullmatch(variable.upper()) is not None
