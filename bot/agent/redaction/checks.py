"""Check digits: can a number be a card, an account or a personal number at all?"""

import string

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "BR": 29, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
    "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GI": 23, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23,
    "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28,
    "PT": 25, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TR": 26, "UA": 29,
}  # fmt: skip
"Length of an account number in characters, by country (SWIFT's IBAN registry)."
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"


def luhn(number: str) -> bool:
    """Return whether a card number has the right check digit."""
    digits = [int(c) for c in reversed(number) if c in string.digits]
    doubled = (d * 2 - 9 if d > 4 else d * 2 for d in digits[1::2])  # noqa: PLR2004 - Luhn's sum of two digits
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def iban(number: str) -> bool:
    """Return whether an account number without spaces has its country's length and the right check digits."""
    if len(number) != IBAN_LENGTHS.get(number[:2]):
        return False
    turned = number[4:] + number[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def dni(number: str) -> bool:
    """Return whether a Spanish DNI or NIE has the right letter."""
    bare = number.replace("-", "").replace(" ", "").upper()
    digits = bare[:-1].translate(str.maketrans("XYZ", "012"))
    return digits.isdecimal() and bare[-1] == _DNI[int(digits) % 23]


def nir(number: str) -> bool:
    """Return whether a French social security number, of fifteen digits, has the right key."""
    digits = "".join(c for c in number if c in string.digits)
    return len(digits) == 15 and 97 - int(digits[:13]) % 97 == int(digits[13:])  # noqa: PLR2004 - its length
