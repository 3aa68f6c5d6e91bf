"""Secrets taken out of command lines and URLs before anything else sees them.

Conservative: a value that might be a secret is masked; an argument that names a file, a port or
a lifetime is not.  The argument's name stays, so that the command can still be recognised.
Every repetition is bounded: a command line is another user's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

MASK = "***"
_LONGEST = 1000  # characters of a command line that are kept
_READ = 8192  # characters that are looked at

_WORD = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secrets?|token|credentials?|requirepass|masterauth"
    r"|bearer|cookie|apikey|secretkey|accesskey|privatekey"
    r"|(?:api|access|secret|private|auth|encryption|signing|shared|account|master|license|storage)"
    r"[-_.]key|key[-_.]secret)"
)
_SECRET_NAME = re.compile(rf"{_WORD}\Z", re.I)
_LOGIN_NAME = re.compile(r"(?:user|auth|login|creds)\Z", re.I)
#: `--name=value`, `-Dname=value`, `NAME=value`, `name:value`.
_ASSIGNMENT = re.compile(
    r"(?P<name>[-/]{0,2}[A-Za-z_][\w.\-]{0,100})(?P<sep>=|:(?!//))(?P<value>.+)", re.S
)
_URL_LOGIN = re.compile(
    r"(?<!\w)(?P<scheme>[A-Za-z][\w+.\-]{0,30})://(?P<login>[^/?#\s'\"]{1,500})@"
)
_BARE_LOGIN = re.compile(r"(?<![\w.+\-/])(?P<user>[\w.+\-]{1,64}):[^@/\s]{1,200}@(?=[\w\[])")
_QUERY = re.compile(rf"(?P<name>[?&;][\w.\-]{{0,40}}?{_WORD})=[^&;#\s'\"]+", re.I)
_HEADER = re.compile(
    r"(?P<name>(?<![\w\-])(?:(?:proxy-)?authorization|(?:set-)?cookie"
    r"|x-[\w\-]{0,40}?(?:key|token|secret|auth)))(?P<sep>\s{0,3}:\s{0,3})\S[^'\"]*",
    re.I,
)
_JSON = re.compile(
    rf"(?P<name>[\"'][\w.\-]{{0,40}}?{_WORD}[\"']\s{{0,3}}:\s{{0,3}}[\"'])[^\"']*", re.I
)
#: Values that are secrets by their own form, whatever names them.
_SHAPES = re.compile(
    r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w\-]{16,}|xox[abprs]-[\w\-]{10,}"
    r"|sk-[\w\-]{16,}|AKIA[0-9A-Z]{16}|eyJ[\w\-]{8,2000}\.[\w\-]+\.[\w\-]*)"
)
#: Programs whose `-p` has the password glued to it; elsewhere `-p…` is a port or a path.
_GLUED = ("mysql", "mariadb", "sshpass")
#: Programs whose short option takes the secret as its next argument.
_SEPARATE = {
    "sshpass": ("-p",),
    "redis-cli": ("-a",),
    "redis-benchmark": ("-a",),
    "curl": ("-u", "-U"),
    "ldapsearch": ("-w",),
    "ldapmodify": ("-w",),
    "ldapadd": ("-w",),
    "smbclient": ("-U",),
    "mongo": ("-p",),
    "mongosh": ("-p",),
    "mongodump": ("-p",),
    "sqlcmd": ("-P",),
    "rabbitmqadmin": ("-p",),
}
#: Blanks, or a word in which quotes hold blanks together.
_WORDS = re.compile(r"\s+|(?:[^\s'\"]|'[^']*'|\"[^\"]*\"|['\"])+")


def command_line(arguments: Sequence[str]) -> str:
    """The arguments as one line, secrets masked; long ones are cut with `…`."""
    whole = " ".join(_masked([a[:_READ] for a in arguments]))
    return whole if len(whole) <= _LONGEST else whole[: _LONGEST - 1] + "…"


def mask(text: str) -> str:
    """One text (an argument, a URL, a proxy setting) with its secrets masked."""
    text = _URL_LOGIN.sub(_url_login, text[:_READ])
    text = _BARE_LOGIN.sub(rf"\g<user>:{MASK}@", text)
    text = _QUERY.sub(rf"\g<name>={MASK}", text)
    text = _HEADER.sub(rf"\g<name>\g<sep>{MASK}", text)
    text = _JSON.sub(rf"\g<name>{MASK}", text)
    return _SHAPES.sub(MASK, text)


def _url_login(found: re.Match[str]) -> str:
    """`user:***@`; over HTTP a login without a password is a token itself."""
    user, colon, password = found["login"].partition(":")
    alone = not colon or password in ("", "x-oauth-basic")
    if alone and not found["scheme"].lower().startswith("http"):
        return found[0]
    return f"{found['scheme']}://{MASK if alone else user + ':' + MASK}@"


def _masked(arguments: Sequence[str]) -> Iterator[str]:
    program = _program(arguments)
    glued = program.startswith(_GLUED)
    separate = _SEPARATE.get(program, ())
    before = ""  # the option before this argument, when it has no value yet
    for argument in arguments:
        if before and not (argument.startswith("-") and len(argument) > 1):
            secret = before in separate or _SECRET_NAME.search(before)
            yield MASK if secret else _login(before, argument) or _one(argument)
            before = ""
            continue
        if glued and argument.startswith("-p") and len(argument) > 2:
            yield "-p" + MASK
            continue
        before = argument if _is_bare_option(argument) else ""
        yield _one(argument)


def _program(arguments: Sequence[str]) -> str:
    name = arguments[0].rsplit("/", 1)[-1] if arguments else ""
    return name.lower().removesuffix(".exe")


def _is_bare_option(argument: str) -> bool:
    plain = "=" not in argument and not any(c.isspace() for c in argument)
    return plain and argument.startswith("-") and not argument.startswith("--no-")


def _one(argument: str) -> str:
    """An argument that stands for itself."""
    if any(c.isspace() for c in argument):
        return _line(argument)
    return _assignment(argument)


def _assignment(argument: str) -> str:
    """`a=b=…` is taken apart from the left; the first secret name masks all that follows."""
    shown = ""
    for _ in range(4):
        found = _ASSIGNMENT.fullmatch(argument)
        if found is None:
            break
        name, separator, value = found["name"], found["sep"], found["value"]
        if _SECRET_NAME.search(name):
            return f"{shown}{name}{separator}{MASK}"
        if separator == ":":
            break
        if login := _login(name, value):
            return f"{shown}{name}={login}"
        shown, argument = f"{shown}{name}=", value
    return shown + mask(argument)


def _login(name: str, value: str) -> str:
    """`user:***` for the value of `--user` and its like; "" when it is no login."""
    user, colon, password = value.partition(":")
    if not colon or not user or not password or not _LOGIN_NAME.search(name):
        return ""
    if password.startswith("/") or (user.isdigit() and password.isdigit()):
        return ""  # a URL, or `--user 1000:1000`
    return f"{user}:{MASK}"


def _line(argument: str) -> str:
    """An argument that is a line itself (`sh -c "…"`, a rewritten process title)."""
    found = _ASSIGNMENT.fullmatch(argument)
    if found and _SECRET_NAME.search(found["name"]):
        return f"{found['name']}{found['sep']}{MASK}"
    argument = mask(argument)
    parts = _WORDS.findall(argument)
    words = [p for p in parts if not p.isspace()]
    if len(words) < 2:
        return argument
    masked = _masked_words(words)
    return "".join(p if p.isspace() else next(masked) for p in parts)


def _masked_words(words: list[str]) -> Iterator[str]:
    """As for arguments; a quoted word is looked into once more."""
    for word, shown in zip(words, _masked(words), strict=True):
        quote = word[0]
        quoted = len(word) > 2 and quote in "'\"" and word[-1] == quote and shown == word
        yield quote + _line(word[1:-1]) + quote if quoted else shown
