"""Secrets and harmless texts by the thousand, made from templates: the same ones for the same seed.

`templates.yaml` is what the rules were built on, `holdout.yaml` a second set that was written before them
and never tuned on. Every number with a check digit has a right one.
"""

import base64
import random
import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).parent
HARMLESS = "harmless"
LEAST, _ROUNDS = 1_000, 40
Fill = Callable[[random.Random], str]

_WORDS = (
    "summer winter banana dragon hunter soccer tiger orange purple rocket coffee monkey garden silver bridge"
    " sommer winter sonne schatz blume berlin fussball katze kaffee garten"
    " verano gato sol madrid playa amigo perro luna flores barcelona"
    " soleil chat fleur paris amour jardin bonjour neige lapin citron"
    " sakura neko tokyo ninja sushi hanabi mikan kitsune yuki momiji"
)
_PLAIN = "sunshine banana butterfly elephant Dornröschen mariposa coccinelle pumpkin Schmetterling golondrina"
_USERS = "bob kim k.meier jdoe sam.doyle tanaka mrivera lea.martin anna42 p.schulz"
WORDS, PLAIN, USERS = _WORDS.split(), _PLAIN.split(), _USERS.split()


@dataclass(frozen=True, slots=True)
class Made:
    """One text, and what of it must not be left."""

    language: str
    kind: str
    text: str
    secrets: tuple[str, ...] = ()


def generated_texts(name: str, *, seed: int, least: int = LEAST) -> list[Made]:
    """Fill the templates of a set, round by round, until there are enough texts; none is there twice.

    Args:
        name: of the file, without its ending.
        seed: the same one makes the same texts.
        least: secrets, and harmless texts.
    """
    sets: dict[str, dict[str, list[str]]] = yaml.safe_load((HERE / f"{name}.yaml").read_text("utf-8"))
    templates = [(language, kind, text) for language, kinds in sets.items() for kind in kinds for text in kinds[kind]]
    dice, known = random.Random(seed), {True: dict[str, Made](), False: dict[str, Made]()}
    for _ in range(_ROUNDS):
        for language, kind, template in templates:
            texts = known[kind == HARMLESS]
            if len(texts) < least:
                one = _filled(language, kind, template, dice)
                texts.setdefault(one.text, one)
    return [*known[False].values(), *known[True].values()]


def _filled(language: str, kind: str, template: str, dice: random.Random) -> Made:
    text, secrets = "", []
    for before, slot, _, _ in string.Formatter().parse(template):
        text += before
        if slot is not None:
            value, secret = FILLS[slot](dice), slot not in OPEN
            text += value
            if secret and kind != HARMLESS:
                secrets += _parts(slot, value)
    return Made(language, kind, text, tuple(secrets))


def _parts(slot: str, value: str) -> list[str]:
    """Return what must not be left of a value: all of it, and of a link what makes it secret."""
    if slot in LINKS:
        return [LINKS[slot](value)]
    return value.replace(",", " ").split() if slot in _MANY else [value]


def _word(dice: random.Random) -> str:
    return dice.choice(WORDS)


def _password(dice: random.Random) -> str:
    word, other = _word(dice), _word(dice)
    digits = str(dice.choice((dice.randint(1, 99), dice.randint(1960, 2026), dice.randint(100, 9999))))
    sign = dice.choice("!!!#$%&*?+=@")
    return dice.choice(
        (
            f"{word}{digits}",
            f"{word.capitalize()}{digits}",
            f"{word.capitalize()}{digits}{sign}",
            f"{word.capitalize()}{sign}{digits}",
            f"{word}{sign}{digits}",
            word.capitalize().replace("a", "@").replace("o", "0").replace("e", "3") + digits + sign,
            f"{word.capitalize()}-{other}-{digits}",
            f"{word}_{other}{digits}",
            f"{digits}{word.capitalize()}{sign}",
            _mixed(dice, 12),
            _mixed(dice, 9) + sign,
        )
    )


def _mixed(dice: random.Random, length: int) -> str:
    """Return characters as a password manager makes them: every class is in there."""
    given = [dice.choice(string.ascii_lowercase), dice.choice(string.ascii_uppercase), dice.choice(string.digits)]
    given += dice.choices(string.ascii_letters + string.digits, k=length - len(given))
    dice.shuffle(given)
    return "".join(given)


def _phrase(dice: random.Random, length: int = 4) -> str:
    return " ".join(dice.sample(WORDS, length))


def _digits(dice: random.Random, length: int) -> str:
    return "".join(dice.choices(string.digits, k=length))


def _some(letters: str, dice: random.Random, length: int) -> str:
    return "".join(dice.choices(letters, k=length))


def _code(dice: random.Random) -> str:
    return str(dice.randint(100_000, 999_999))


def _split(dice: random.Random) -> str:
    code = _code(dice)
    return f"{code[:3]}{dice.choice(' -')}{code[3:]}"


def _backup(dice: random.Random) -> str:
    letters = string.ascii_lowercase + string.digits
    half = "".join((dice.choice(string.digits), *dice.choices(letters, k=3)))
    return dice.choice((f"{half}-{_some(letters, dice, 4)}", f"{_digits(dice, 4)}-{_digits(dice, 4)}"))


def _backups(dice: random.Random, between: str = ", ") -> str:
    return between.join(_backup(dice) for _ in range(4))


def _groups(dice: random.Random, letters: str, groups: int, length: int) -> str:
    return "-".join(_some(letters, dice, length) for _ in range(groups))


ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"


def _jwt(dice: random.Random) -> str:
    return f"eyJhbGciOiJIUzI1NiJ9.eyJ{_some(ALNUM, dice, 30)}.{_some(ALNUM, dice, 43)}"


def _token(dice: random.Random) -> str:
    return dice.choice(_TOKENS)(dice)


_TOKENS: tuple[Fill, ...] = (
    lambda dice: f"xoxb-{_digits(dice, 12)}-{_digits(dice, 12)}-{_some(ALNUM, dice, 24)}",
    lambda dice: f"ghp_{_some(ALNUM, dice, 36)}",
    lambda dice: f"github_pat_{_some(ALNUM, dice, 22)}_{_some(ALNUM, dice, 59)}",
    lambda dice: f"glpat-{_some(ALNUM, dice, 20)}",
    lambda dice: f"AKIA{_some(UPPER, dice, 16)}",
    lambda dice: f"AIza{_some(ALNUM, dice, 35)}",
    lambda dice: f"sk_live_{_some(ALNUM, dice, 24)}",
    lambda dice: f"sk-ant-api03-{_some(ALNUM, dice, 40)}",
    lambda dice: f"sk-proj-{_some(ALNUM, dice, 40)}",
    lambda dice: f"npm_{_some(ALNUM, dice, 36)}",
    lambda dice: f"pypi-AgEIcHlwaS5vcmc{_some(ALNUM, dice, 40)}",
    lambda dice: f"ya29.{_some(ALNUM, dice, 60)}",
    lambda dice: f"SG.{_some(ALNUM, dice, 22)}.{_some(ALNUM, dice, 43)}",
    lambda dice: f"hf_{_some(string.ascii_letters, dice, 34)}",
    lambda dice: f"dop_v1_{_some(HEX, dice, 64)}",
    lambda dice: f"{_digits(dice, 10)}:AA{_some(ALNUM, dice, 33)}",
    _jwt,
)


def _pem(dice: random.Random) -> str:
    name = dice.choice(("RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY", "PGP PRIVATE KEY BLOCK"))
    body = "\n".join(_some(ALNUM + "+/", dice, 64) for _ in range(3))
    return f"-----BEGIN {name}-----\n{body}\n-----END {name}-----"


def _webhook(dice: random.Random) -> str:
    key = _some(ALNUM, dice, 24)
    return dice.choice(
        (
            f"https://hooks.slack.com/services/T{_some(UPPER, dice, 8)}/B0{_some(UPPER, dice, 9)}/{key}",
            f"https://discord.com/api/webhooks/{_digits(dice, 18)}/{_some(ALNUM, dice, 68)}",
            f"https://northwind.webhook.office.com/webhookb2/{_guid(dice)}@{_guid(dice)}/IncomingWebhook/{key}x0{key}",
            f"https://chat.googleapis.com/v1/spaces/{_some(ALNUM, dice, 11)}/messages?key={_some(ALNUM, dice, 30)}",
            f"https://hooks.northwind.example/in?token={_some(ALNUM, dice, 24)}",
        )
    )


def _magic(dice: random.Random) -> str:
    return dice.choice(
        (
            f"https://sso.northwind.example/reset-password?token={_some(ALNUM, dice, 32)}",
            f"https://sso.northwind.example/reset/{_some(ALNUM, dice, 40)}",
            f"https://login.northwind.example/magic/{_jwt(dice)}",
            f"https://portal.northwind.example/invite?code={_some(ALNUM, dice, 20)}&lang=en",
            f"https://files.northwind.example/a.pdf?sig={_some(ALNUM, dice, 43)}&se=2026-12-01",
        )
    )


def _otpauth(dice: random.Random) -> str:
    return f"otpauth://totp/Northwind:{dice.choice(USERS)}?secret={_base32(dice)}&issuer=Northwind"


def _base32(dice: random.Random) -> str:
    return _some("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", dice, 31) + "7"


def _userinfo(dice: random.Random) -> str:
    scheme = dice.choice(("https", "postgresql", "redis", "mongodb+srv", "amqp", "ftp"))
    return f"{scheme}://{dice.choice(USERS)}:{_plain_password(dice)}@db.northwind.example/main"


def _connection(dice: random.Random) -> str:
    user, password = dice.choice(USERS), _plain_password(dice)
    return dice.choice(
        (
            f"Server=db01;Database=crm;User Id={user};Password={password};",
            f"DefaultEndpointsProtocol=https;AccountName={user};AccountKey={password}",
            f"host=db01 user={user} password={password} dbname=crm",
        )
    )


def _plain_password(dice: random.Random) -> str:
    return _mixed(dice, 14)


def _after(mark: str, end: str = "&") -> Callable[[str], str]:
    return lambda value: value.split(mark, 1)[1].split(end, 1)[0]


def _last(value: str) -> str:
    """Return the longest part of an address behind its host."""
    behind = value.split("://", 1)[1].partition("/")[2]
    return max(re.split(r"[/?=&]", behind), key=len)


LINKS: dict[str, Callable[[str], str]] = {
    "webhook": _last,
    "magic": _last,
    "otpauth": _after("secret="),
    "userinfo": lambda value: value.split("://", 1)[1].split(":", 1)[1].split("@", 1)[0],
    "connection": lambda value: (
        max(value.replace(";", " ").replace("=", " ").split(), key=len)
        if "Account" not in value
        else value.rsplit("=", 1)[1]
    ),
}
_MANY = frozenset({"passphrase", "passphrase_de", "seed", "backups", "backuplines"})


def _guid(dice: random.Random) -> str:
    return "-".join(_some(HEX, dice, length) for length in (8, 4, 4, 4, 12))


def _luhn(number: str) -> str:
    total = 0
    for at, digit in enumerate(reversed([int(c) for c in number])):
        twice = digit * 2 if at % 2 == 0 else digit
        total += twice - 9 if twice > 9 else twice
    return number + str(-total % 10)


def _card(dice: random.Random) -> str:
    number = _luhn(dice.choice("45") + dice.choice("12345") + _digits(dice, 13))
    between = dice.choice((" ", "-", ""))
    return between.join(number[at : at + 4] for at in range(0, 16, 4))


def _iban(country: str, length: int) -> Fill:
    def fill(dice: random.Random) -> str:
        body = _digits(dice, length - 4)
        check = 98 - int(body + "".join(str(int(c, 36)) for c in country) + "00") % 97
        whole = f"{country}{check:02}{body}"
        spaced = " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))
        return dice.choice((whole, spaced))

    return fill


def _steuer(dice: random.Random) -> str:
    """Ten digits of which one stands twice and one is missing, and ISO 7064 MOD 11,10."""
    digits = dice.sample(string.digits, 9)
    digits.insert(dice.randint(1, 8), digits[0])
    if digits[0] == "0":
        digits = [("1" if c == "0" else "0" if c == "1" else c) for c in digits]
    product = 10
    for digit in digits:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    whole = "".join(digits) + str((11 - product) % 10)
    return dice.choice((whole, f"{whole[:2]} {whole[2:5]} {whole[5:8]} {whole[8:]}"))


def _dni(dice: random.Random) -> str:
    number = dice.randint(10_000_000, 99_999_999)
    return f"{number}{dice.choice(('', '-'))}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def _nie(dice: random.Random) -> str:
    first, number = dice.randint(0, 2), dice.randint(1_000_000, 9_999_999)
    return f"{'XYZ'[first]}{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[(first * 10_000_000 + number) % 23]}"


def _nir(dice: random.Random) -> str:
    number = (
        f"{dice.choice('12')}{dice.randint(50, 99)}{dice.randint(1, 12):02}{dice.randint(10, 95)}{_digits(dice, 6)}"
    )
    key = f"{97 - int(number) % 97:02}"
    spaced = f"{number[0]} {number[1:3]} {number[3:5]} {number[5:7]} {number[7:10]} {number[10:13]} {key}"
    return dice.choice((number + key, spaced))


def _mynumber(dice: random.Random) -> str:
    digits = _digits(dice, 11)
    weights = [(at + 1 if at <= 6 else at - 5) for at in range(1, 12)]
    rest = sum(int(c) * weight for c, weight in zip(reversed(digits), weights, strict=True)) % 11
    whole = digits + str(0 if rest <= 1 else 11 - rest)
    return dice.choice((whole, f"{whole[:4]} {whole[4:8]} {whole[8:]}", f"{whole[:4]}-{whole[4:8]}-{whole[8:]}"))


def _day(dice: random.Random, years: tuple[int, int]) -> str:
    day, month, year = dice.randint(1, 28), dice.randint(1, 12), dice.randint(*years)
    return dice.choice((f"{day:02}.{month:02}.{year}", f"{day:02}/{month:02}/{year}", f"{year}-{month:02}-{day:02}"))


def _day_ja(dice: random.Random) -> str:
    return f"{dice.randint(1950, 2005)}年{dice.randint(1, 12)}月{dice.randint(1, 28)}日"


def _one_of(*patterns: str) -> Fill:
    """Fill one of several patterns: @ is any digit, * one that is not 0 or 1."""

    def fill(dice: random.Random) -> str:
        given = {"@": string.digits, "*": string.digits[2:]}
        return "".join(dice.choice(given[c]) if c in given else c for c in dice.choice(patterns))

    return fill


FILLS: dict[str, Fill] = {
    "password": _password,
    "password2": _password,
    "plain": lambda dice: dice.choice(PLAIN),
    "plain_ja": lambda dice: dice.choice(("さくらもち", "ねこ大好き", "富士山2020")),
    "passphrase": _phrase,
    "passphrase_de": _phrase,
    "seed": lambda dice: _phrase(dice, 12),
    "user": lambda dice: dice.choice(USERS),
    "pin": lambda dice: _digits(dice, 4),
    "code6": _code,
    "code6split": _split,
    "backup": _backup,
    "backups": _backups,
    "backuplines": lambda dice: _backups(dice, "\n"),
    "recovery28": lambda dice: _groups(dice, UPPER, 7, 4),
    "bitlocker": lambda dice: _groups(dice, string.digits, 8, 6),
    "base32": _base32,
    "token": _token,
    "hexkey": lambda dice: _some(HEX, dice, 32),
    "awssecret": lambda dice: _some(ALNUM + "/+", dice, 40),
    "basic": lambda dice: base64.b64encode(f"{dice.choice(USERS)}:{_mixed(dice, 12)}".encode()).decode(),
    "guid": _guid,
    "pem": _pem,
    "webhook": _webhook,
    "magic": _magic,
    "otpauth": _otpauth,
    "userinfo": _userinfo,
    "connection": _connection,
    "email": lambda dice: f"{dice.choice(USERS)}@{dice.choice(('example.com', 'mail.example.org', 'example.net'))}",
    "phone_en": _one_of("+1 (415) 555-*@@@", "415-555-01@@", "(212) 555-*@*@", "+44 20 7@46 0@@@", "07700 900@@@"),
    "phone_de": _one_of("+49 30 901*@@", "0171 *@@@@@@", "030 *@@@@@@", "+49 (0)171 *@@@@@@", "0049 171 *@@@@@@"),
    "phone_es": _one_of("+34 6** @@@ @@@", "6** @@@ @@@", "6**@@ @@@@", "91 **@ @@ @@", "6**@@@@@@"),
    "phone_fr": _one_of("06 *@ @@ @@ @@", "+33 6 *@ @@ @@ @@", "06*@@@@@@@", "01.*@.@@.@@.@@", "07-*@-@@-@@-@@"),
    "phone_ja": _one_of("090-*@@@-@@@@", "03-*@@@-@@@@", "+81 90-*@@@-@@@@", "090*@@@@@@@", "080 *@@@ @@@@"),
    "card": _card,
    "iban": lambda dice: dice.choice((_iban("NL", 18), _iban("BE", 16), _iban("CH", 21)))(dice),
    "iban_de": _iban("DE", 22),
    "iban_es": _iban("ES", 24),
    "iban_fr": _iban("FR", 27),
    "ssn": _one_of("**@-*@-*@@@", "**@ *@ *@@@"),
    "ssnbare": _one_of("**@*@*@@@"),
    "passport": _one_of("C01X*@@@@", "**@@@@@@@", "XDA*@@@@@"),
    "nino": _one_of("AB *@ @@ @@ C", "JX*@@@@@A"),
    "steuer": _steuer,
    "ausweis": _one_of("L01X*@T@@", "T*@@@@@@@@"),
    "svnr": _one_of("12 120389 M @@@", "65170**@J@@@"),
    "dni": _dni,
    "nie": _nie,
    "nir": _nir,
    "mynumber": _mynumber,
    "birth": lambda dice: _day(dice, (1950, 2005)),
    "birth_ja": _day_ja,
    "address_en": _one_of("*@ Maple Street", "**@ North Park Avenue", "* Old Mill Lane", "1* High Road"),
    "address_de": _one_of("Lindenstraße *@", "Am Alten Markt *, 50667 Köln", "Goethestr. 1*a", "Birkenweg *"),
    "address_es": _one_of("calle Mayor *@", "Avenida de América 1*, 28002 Madrid", "C/ Alcalá **", "plaza Nueva *"),
    "address_fr": _one_of(
        "12 rue de la Paix", "* avenue Victor Hugo, 75016 Paris", "1* bis rue Lepic", "*@ quai Voltaire"
    ),
    "address_ja": _one_of(
        "東京都渋谷区恵比寿*-1*-*", "大阪府大阪市北区梅田*丁目1*番", "〒150-0082 東京都渋谷区渋谷*-*"
    ),
    # what only looks like a secret
    "invoice": _one_of("2026-*@@-@@@@", "*@@@@@@@@@", "INV-2026-0*@@@", "RE2026/*@@@", "45*@ @@@ @@@", "100-**@-@@@@"),
    "meeting": _one_of("**@ *@@@ @@@@", "845 *@@ @@@@", "**@***@@@@@", "845-*@@-@@@@"),
    "ticket": _one_of("INC00*@@@@", "ACC-*@@@", "#*@@@@", "**@@@@", "REQ0**@@@@", "SD-**@@@"),
    "order": _one_of("**@-*@@@@@@-*@@@@@@", "**@@@@@", "PO-*@@@@@", "712 **@ @@@", "*@-@@@@@-@@@@@", "400**@@@@@@@"),
    "version": _one_of("*.@@.@", "16.0.*@@@.20@@@", "v*.@", "*.@.0-beta.2", "24H2", "10.15.7"),
    "ip": _one_of("10.*.@@.@", "192.168.*.*@", "172.16.*.254", "fe80::1ff:fe23:4567:*@0a"),
    "port": _one_of("8443", "8080", "3389", "50001"),
    "time": _one_of("9:15", "14:30", "08:05:59", "17h30"),
    "date": lambda dice: _day(dice, (2025, 2026)),
    "error": _one_of("AADSTS50126", "0x80070005", "50126", "500121", "KB5031356", "0xC000006A", "E-4031", "ERR_*@@@"),
    "price": _one_of("$1,299.00", "1.299,00 €", "89 EUR", "£45.50", "12,800円", "USD 2500"),
    "slackid": lambda dice: f"U0{_some(UPPER, dice, 9)}",
    "hash": lambda dice: dice.choice((_some(HEX, dice, 40), f"a{_some(HEX, dice, 6)}", f"7{_some(HEX, dice, 11)}")),
    "file": _one_of("IMG_*@@@.jpg", "Screenshot 2026-11-18 at 09.15.22.png", "report_v*.xlsx", "log-2026112*.txt"),
    "model": _one_of("ThinkPad X1", "iPhone 15", "Latitude 7440", "MacBook Pro M3", "DE-LT-0*@@@", "Pixel 8a", "HP-G9"),
    "room": _one_of("*.1*@", "B**@", "*@-11*", "Kyoto", "4a"),
    "n": _one_of("*", "1*", "12", "3"),
    "ext": _one_of("*@@@", "*@@"),
    "tracking": _one_of("1Z@@@AA101**@@@@84", "003404341**@@@@@@@@@"),
    "asset": _one_of("IT-2026-0*@@", "NW00*@@@@", "**@@@@"),
    "serial": _one_of("5CD**@@@XK", "C02X*@@JHD"),
    "url": _one_of(
        "https://sso.northwind.example/login?from=mail",
        "https://wiki.northwind.example/display/IT/2026+Q4",
        "https://northwind.example/orders/**@@@@?page=*",
        "https://github.com/northwind/app/pull/*@@",
    ),
}
OPEN = frozenset({"user"})
"A login name beside a password is no secret."
