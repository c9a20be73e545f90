"""Secrets and personal data leave a text: `bot.agent.redaction`."""

from hypothesis import given
from hypothesis import strategies as st

from bot.agent.redaction import redact

SECRETS = (
    ("my password is hunter2", "hunter2"),
    ("My password is: hunter2", "hunter2"),
    ("*Password:* hunter2", "hunter2"),
    ("password=hunter2", "hunter2"),
    ("Password:\nhunter2", "hunter2"),
    ("pw -> hunter2", "hunter2"),
    ("my password was banana", "banana"),
    ("the password is now Summer2024!", "Summer2024"),
    ("my password is not working: password hunter2", "hunter2"),
    ("my password is 'correct horse battery'", "horse"),
    ("my password is \u201ccorrect horse battery\u201d", "horse"),
    ("password is `hunter2`", "hunter2"),
    ("the password for my work account is hunter2", "hunter2"),
    ("the password I use is hunter2", "hunter2"),
    ("login kim password hunter2 please try it", "hunter2"),
    ("hunter2 is my password", "hunter2"),
    ("I set hunter2! as the password", "hunter2"),
    ("my pin is 4711", "4711"),
    ("PIN 4711", "4711"),
    ("my passphrase is elephants", "elephants"),
    ("passwd: hunter2", "hunter2"),
    ("Mein Passwort ist Sommer", "Sommer"),
    ("mein Kennwort lautet Sommer2024", "Sommer2024"),
    ("mi contraseña es gato", "gato"),
    ("la contraseña de mi cuenta es gato123", "gato123"),
    ("mon mot de passe est soleil", "soleil"),
    ("mot de passe : soleil22", "soleil22"),
    ("minha senha é gato", "gato"),
    ("a minha senha é: gato123", "gato123"),
    ("DESKHAND_DELEGATION_KEYS=dhdk_jf5MLtq7-k2R0mO_yJ3eWzXcVbNmAsDfGhJkLqWeRtY", "dhdk_jf5"),
    ("it printed dhdk_jf5MLtq7-k2R0mO_yJ3eWzXcVbNmAsDfGhJkLqWeRtY", "jf5MLtq7"),
    ("it printed dhak_jf5MLtq7-k2R0mO_yJ3eWzXcVbNmAsDfGhJkLqWeRtY", "jf5MLtq7"),
    ("otpauth://totp/Deskhand:U0PRIYA?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Deskhand", "JBSWY3"),
    ("token xoxb-123456789012-abcdefghij", "xoxb-1234"),
    ("xoxc-123456789012-abcdefghij", "xoxc-1234"),
    ("xapp-1-A0123456789-abcdef", "xapp-1"),
    ("key sk-ant-api03-abcdefghijklmnop", "sk-ant"),
    ("sk_live_abcdefghijklmnop1234", "sk_live"),
    ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_"),
    ("github_pat_11ABCDEFG0abcdefghijklmnop", "github_pat"),
    ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSF"),
    ("ASIAIOSFODNN7EXAMPLE", "ASIAIOSF"),
    ("Authorization: Bearer abcdefghijklmnop.qrst-uvwx==", "abcdefghij"),
    ("api key: a1b2c3d4e5f6", "a1b2c3"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.SflKxwRJSMeKKF2QT4", "eyJhbGci"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEow and cut off", "MIIEow"),
    ("write to sam.doyle@northwind.example please", "sam.doyle"),
    ("<mailto:sam@x.example|sam@x.example> can't sign in", "sam@x"),
    ("tomás.rivera+it@northwind.example", "rivera"),
    ("my SSN is 123-45-6789", "123-45"),
    ("123 45 6789 is my social security number", "123 45"),
    ("card 4111 1111 1111 1111", "4111"),
    ("card 4111111111111111.", "4111"),
    ("5500-0000-0000-0004", "5500"),
    ("amex 378282246310005", "378282"),
    ("call 555-123-4567", "555-123"),
    ("call (555) 123-4567", "123-4567"),
    ("call +1 (415) 555-2671", "555-2671"),
    ("ruf an: +49 30 901820", "901820"),
    ("+4917112345678", "491711"),
    ("+44 20 7946 0958", "7946"),
    ("appelez le 06 12 34 56 78", "34 56"),
    ("0171 1234567", "1234567"),
)
HARMLESS = (
    "I tried Ctrl+Alt+Del, Strg+Umschalt+Entf, Win+L and cmd+option+F5",
    "use UTC+02:00",
    "I tried Microsoft365",
    "my password is expired",
    "My password is not working",
    "my password isn\u2019t working",
    "my password isn't working",
    "my password is wrong, it says: your password is incorrect.",
    "It says password is 'incorrect'",
    "my password is being rejected",
    "my password is about to expire",
    "my password is the one from last year",
    "I have a password issue",
    "is there a password area?",
    "there was a password warning",
    "passwords are hard",
    "What is my password?",
    "The problem is my password",
    "I forgot my password and now it is locked",
    "my password expired and the ticket is INC0012345",
    "Re: password INC0012345",
    "the password for my account is locked",
    "send me a password reset link",
    "I typed my password 5 times",
    "my pin is blocked",
    "How do I change my PIN?",
    "my token is broken",
    "mein Passwort ist abgelaufen",
    "mein Passwort ist nicht mehr gültig",
    "mi contraseña es incorrecta",
    "mon mot de passe est expiré",
    "minha senha não funciona",
    "locked since 2026-11-22 11:18:05",
    "2026-11-22T11:18:05+0100",
    "am 22.11.2026 um 10:15",
    "message 1712345678.123456",
    "at 1764000000123 ms",
    "1764000000000000",
    "INC-2024-001-234",
    "ticket 12345678",
    "error AADSTS50126 or 0x80070005",
    "KB5031356 failed",
    "from 192.168.100.200",
    "version 10.15.7",
    "order 4111111111111112",
    "<@U0SAM> has the same in <#C0HELP|help-access>",
    "https://sso.northwind.example/login?from=mail",
    "that costs 1,234,567.89",
    ":sob: :lock:",
    "パスワードを忘れました",
    "",
)


def test_a_secret_leaves() -> None:
    """Nothing of it is left, and its kind is named in its place."""
    redacted = [(text, secret, redact(text)) for text, secret in SECRETS]
    assert [(text, clean) for text, secret, clean in redacted if secret in clean or "[" not in clean] == []


def test_what_is_no_secret_stays() -> None:
    """An agent that reads `my password is [password]` for `expired` could not help any more."""
    assert [(text, redact(text)) for text in HARMLESS if redact(text) != text] == []


def test_the_rest_of_the_sentence_stays() -> None:
    """The agent and the person who takes over still understand what is asked."""
    clean = redact("Locked out since 9:15, my password is hunter2 and my mail is kim@x.example, call 555-123-4567")
    assert clean == "Locked out since 9:15, my password is [password] and my mail is [email], call [phone]"


@given(st.text(max_size=200) | st.sampled_from([text for text, _ in SECRETS]))
def test_redacting_again_changes_nothing(text: str) -> None:
    """What was redacted when it was heard may be redacted again on its way to the model."""
    assert redact(redact(text)) == redact(text)
