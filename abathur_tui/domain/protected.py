"""Which files and variables nobody reads for a model unless a rule allows it: secrets, keys, and Abathur's own folder."""

import re
import unicodedata
from collections.abc import Sequence
from fnmatch import fnmatchcase

_FOLDERS = {
    ".abathur": "Abathur's own folder",
    ".ssh": "keys",
    ".gnupg": "keys",
}
_NAMES = {
    ".env*": "a file of secrets",
    "*.env": "a file of secrets",
    ".netrc": "passwords",
    "_netrc": "passwords",
    ".pgpass": "passwords",
    ".htpasswd": "passwords",
    ".git-credentials": "passwords",
    ".npmrc": "access tokens",
    ".vault-token": "an access token",
    ".pypirc": "access tokens",
    "id_rsa": "a private key",
    "id_dsa": "a private key",
    "id_ecdsa": "a private key",
    "id_ecdsa_sk": "a private key",
    "id_ed25519": "a private key",
    "id_ed25519_sk": "a private key",
    "*.pem": "a key",
    "*.key": "a key",
    "*.ppk": "a private key",
    "*.p8": "a private key",
    "*.p12": "a private key",
    "*.pfx": "a private key",
    "*.jks": "a key store",
    "*.keystore": "a key store",
    "*.kdbx": "a key store",
}
_PATHS = {
    ("**", ".git", "**", "config"): "git's configuration, which can hold passwords",
    ("**", ".git", "**", "config.worktree"): "git's configuration, which can hold passwords",
    ("**", ".aws", "credentials"): "access tokens",
    ("**", ".docker", "config.json"): "access tokens",
    ("**", ".kube", "config"): "access tokens",
}
_WHOLE = frozenset({".git", ".aws", ".docker", ".kube"})
"""Folders that hold secrets in some files: no document takes any of theirs, whereas agents read the others."""
PROTECTED_GLOBS = (*(f"{folder}/**" for folder in sorted(_WHOLE | set(_FOLDERS))), *_NAMES)
"""What `refused_in_document` refuses as globs, for programs that take only those."""
_PRIVATE_KEY = re.compile(rb"^[ \t]*-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[ \t\r]*$", re.MULTILINE)
_SECRET_NAME = re.compile(r"(^|.*_)(API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|SECRET_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(_.*)?")


def protection(parts: Sequence[str]) -> str | None:
    """What a path (below the project's folder) holds that is not shown; None for an ordinary one. It need not exist."""
    plain = [_plain(part) for part in parts]
    for part in plain:
        if part in _FOLDERS:
            return _FOLDERS[part]
    # A folder that is named like a secret file is as secret as the file.
    for part in plain:
        for pattern, reason in _NAMES.items():
            if fnmatchcase(part, pattern):
                return reason
    return next((reason for pattern, reason in _PATHS.items() if _fits(plain, pattern)), None)


def refused_in_document(parts: Sequence[str]) -> bool:
    """Whether a document may not take a file of this path into a prompt, whatever the case of its letters and the dots at its end."""
    plain = [_plain(part).rstrip(". ") for part in parts]
    return protection(plain) is not None or any(part in _WHOLE for part in plain)


def holds_private_key(data: bytes) -> bool:
    """Whether a private key is in it, by whatever name the file goes."""
    return b"PRIVATE KEY" in data and _PRIVATE_KEY.search(data) is not None


def is_secret_name(variable: str) -> bool:
    """Whether an environment variable's name says that it holds a key or password."""
    return _SECRET_NAME.fullmatch(variable.upper()) is not None


def _plain(name: str) -> str:
    """The name as a file system that ignores case, form and invisible letters sees it."""
    visible = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFKC", visible).casefold()


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fits(parts[skipped:], pattern[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and parts[0] == pattern[0] and _fits(parts[1:], pattern[1:])
