r"""Secrets and personal data leave a text before it is stored and before the model reads it.

Structured kinds only, each replaced by its name in brackets; the rest of the sentence stays, since the
agent and the person who takes over must still understand it. Every pattern takes time in proportion to
the text, however that is built: this runs before Slack is acknowledged.
"""

import re

KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "secret",
        re.compile(
            r"\b(?:xox[a-z]-[\w-]{8,}|xapp-[\w-]{8,}|sk[-_][\w-]{16,}|gh[oprsu]_\w{20,}|github_pat_\w{20,}"
            r"|glpat-[\w-]{16,}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,})"
        ),
    ),
    ("secret", re.compile(r"(?<![\w-])eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}")),
    ("secret", re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}-----|\Z)", re.DOTALL)),
    ("secret", re.compile(r"(?<=\bBearer )[\w.~+/-]{16,}=*")),
    ("email", re.compile(r"<mailto:[^<>|]{1,254}\|[^<>]{1,254}>|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")),
    ("social security number", re.compile(r"(?<![\w-])\d{3}([- ])\d{2}\1\d{4}\b(?!-)")),
    ("phone", re.compile(r"(?<![\w+])\+\d(?:[ ().-]{0,2}\d){7,14}\b")),
    ("phone", re.compile(r"(?<![\w.<-])0\d(?:[ .-]\d{2}){4}\b")),
    (
        "phone",
        re.compile(r"(?<![\w.<-])(?!\d+(?:\.\d+){3}\b)\d{0,3}?[ (.-]{0,2}\d{3}[ ).-]{1,2}\d{3,4}[ .-]?\d{2,4}\b"),
    ),
)
"An IP address, a ticket number and a time are no phone number."
CARD = re.compile(r"(?<!\d)[2-6](?:[ -]?\d){12,18}\b")
"The first digit of a card tells its network; a time in milliseconds begins with 1."

_VOCABULARY = (
    "a about accepted actually again all already also always an and any asking bad because being blocked broken but"
    " by changed clear compromised correct currently definitely different due empty enough expired expiring failing"
    " fine for forgotten from gone good going hard here how incorrect invalid just known leaked less locked longer"
    " lost missing more needed never new no not now old only or out outdated over probably really refused rejected"
    " required reset right safe same saved secret set short showing so something still stolen strong stuck supposed"
    " temporary that the their there this to too unable unknown unlocked valid very weak what where which working"
    " wrong you your"
    " abgelaufen falsch gesperrt immer jetzt korrekt mehr nicht noch richtig ungültig vergessen verloren weg"
    " bloqueada caducada correcta expirada incorrecta la mi muy olvidada que ya ahora"
    " bloqué expiré incorrect le maintenant oublié pas perdu plus toujours trop"
    " ainda bloqueado errada esquecida esquecido expirou inválida não agora"
)
PLAIN = frozenset(_VOCABULARY.split())
"Words after `password is` that are no password."

_NAME = (
    r"(?:\b(?P<name>pass ?(?:word|code|phrase|wd)s?|pass|pwd|pw|passwort|kennwort|contraseña|clave|mot de passe|senha"
    r"|parola|pin(?:[ -]?code)?|otp)\b"
    r"|\b(?:api[ -]?key|(?:access |bearer |secret )?token|secret[ -]key|client secret)\b)"
)
"What a secret is called; the words of the second line are said of other things too."
_OF = (
    r"(?P<of>\s+(?:for|of|to|on|i|für|vom|von|de|del|do|da|du|pour)"
    r"(?:\s+(?!and\b|but\b|or\b)[\w'\u2019-]+){1,4}?)?"
)
_IS = r"(?:\s+(?:is|was|are|ist|war|lautet|es|era|est|était|é|è)(?![\w'\u2019])|[*_~]{0,3}\s*(?::|=|->|\u2192))"
_WORDS = "|".join(sorted(PLAIN, key=len, reverse=True))
NAMED = re.compile(
    rf"(?P<lead>{_NAME}{_OF}{_IS}[\s:=*_~]*)(?P<plain>(?:(?:{_WORDS})\s+){{0,4}})"
    r"(?!\[(?:password|secret|email|card|phone|social security number)\](?:\W|$))"
    r"(?:[\"'`\u2018\u201c\u201e\u00ab](?P<quoted>[^\"'`\u2019\u201c\u201d\u00bb\n]{3,128})[\"'`\u2019\u201c\u201d\u00bb]"
    r"|(?P<word>\S{3,}))",
    re.IGNORECASE,
)
BARE = re.compile(rf"(?P<lead>{_NAME}\s+)(?P<word>\S{{4,}})", re.IGNORECASE)
TURNED = re.compile(
    r"(?<!\S)(?P<word>\S{4,128})(?=\s+(?:is|was|as|ist|es|est|é|als|como|comme)\s+"
    rf"(?:(?:my|the|our|a|mein|das|mi|la|mon|le|minha)\s+)?(?:\w+\s+)?{_NAME})",
    re.IGNORECASE,
)
TICKET = re.compile(r"[A-Z]{2,6}[-_]?\d{3,}")


def redact(text: str) -> str:
    """Return the text with secrets and personal data replaced by `[kind]`."""
    text = NAMED.sub(_after_is, text)
    text = CARD.sub(lambda m: "[card]" if _luhn(m.group()) else m.group(), text)
    for kind, pattern in KINDS:
        text = pattern.sub(f"[{kind}]", text)
    text = BARE.sub(lambda m: f"{m['lead']}[password]" if _looks_secret(m["word"], m["name"]) else m.group(), text)
    return TURNED.sub(lambda m: "[password]" if _looks_secret(m["word"]) else m.group(), text)


def _after_is(match: re.Match[str]) -> str:
    """Replace what follows `password is`, unless it is said of the password instead of being it."""
    given = match["quoted"] or match["word"]
    close = match["quoted"] or (match["name"] and not match["of"] and not match["plain"])
    if _looks_secret(given, match["name"]) or (close and not _is_plain(given)):
        return f"{match['lead']}{match['plain']}[password]"
    return match.group()


def _is_plain(given: str) -> bool:
    return all(word.lower() in PLAIN for word in re.split(r"[\s.,;:!?()]+", given) if word)


def _looks_secret(word: str, name: str | None = None) -> bool:
    """Tell whether a word is none of any language: letters and digits mixed, or a sign within."""
    bare = word.strip(".,;:!?()[]{}\"'`*_~\u2026")
    if word[0] in "<@#[" or TICKET.fullmatch(bare):
        return False
    if bare.isdecimal():
        return (name or "").lower()[:3] in ("pin", "otp") and 4 <= len(bare) <= 8  # noqa: PLR2004 - digits of a PIN
    letters = any(c.isalpha() for c in bare)
    return len(bare) > 3 and letters and any(c.isdecimal() or c in "!#$%^&*+=@~?" for c in bare)  # noqa: PLR2004 - words


def _luhn(number: str) -> bool:
    digits = [int(c) for c in reversed(number) if c.isdigit()]
    doubled = (d * 2 - 9 if d > 4 else d * 2 for d in digits[1::2])  # noqa: PLR2004 - Luhn's sum of two digits
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
