"""May this be said to the requester: `bot.agent.answers`."""

from dataclasses import replace

import pytest

from bot.agent.answers import ADDRESS, ASKED, NOT_DONE, PERSONAL, PROMISE, WITHHELD, AnswerBasis, objection, withheld
from bot.principals import Account, AccountStatus, SignIn
from bot.sandbox.standin import languages, wording
from bot.store.schema import now

LISTED = ("too many failed sign-ins", "not used for 60 days")
KIM = Account(
    "acc-kim",
    "kim@x.example",
    "Kim",
    AccountStatus.LOCKED,
    "by HR: pending investigation",
    False,
    False,
    ("push", "security_key"),
    None,
)
SIGN_INS = (SignIn(now(), False, "impossible travel", "Lagos"), SignIn(now(), True, "", "Leeds"))
ALL_DONE = frozenset({"unlock_my_account", "send_password_reset", "reset_second_factor"})
CHANNEL = AnswerBasis(False, withheld=withheld(KIM, SIGN_INS, LISTED), done=ALL_DONE)
DM = replace(CHANNEL, private=True)

FACTS = (
    "Your account was locked after too many wrong passwords.",
    "It was locked because of failed sign-ins, I have unlocked it.",
    "You mistyped it 12 minutes ago. I unlocked it.",
    "The last sign-in from another city looked odd.",
    "I unlocked it. Reason: Too many failed sign\u2010ins.",
    "I unlocked it (too *many* _failed_ sign-ins).",
    "too\u200b many failed sign-ins",
    "It says by HR, pending   investigation.",
    "There is a pending investigation.",
    "Somebody in LAGOS tried it.",
    "It says: impossible travel.",
    "You have a security key, so use that.",
    "Your id is acc-kim.",
    "It was suspended: not used for 60 days.",
    "Dein Konto war wegen zu vieler Fehlversuche gesperrt.",
    "Das war vor zehn Minuten.",
    "Votre compte était bloqué à cause de trop de tentatives.",
    "Tu cuenta se bloqueó por demasiados intentos fallidos.",
    "Troppi tentativi falliti.",
    "A conta foi bloqueada após muitas tentativas.",
    "Er waren te veel mislukte inlogpogingen.",
    "Było zbyt wiele prób logowania.",
    "Det var för många inloggningsförsök.",
    "パスワードの入力に失敗しました。",
    "因为密码错误次数太多,账户已锁定。",
)
PLAIN = (
    "I have unlocked your account; you can sign in again.",
    "I have sent you a password reset link. Choose a new password there.",
    "Your account is active, and nothing stops you from signing in.",
    "Is your account locked, or is the password expired?",
    "You can sign in at any time from any device.",
    "I never ask for your password, and you should not send me your password.",
    "I only help with signing in. Please ask the IT service desk.",
    "Ich habe dein Konto entsperrt; du kannst dich wieder anmelden.",
    "J'ai débloqué votre compte.",
    "He desbloqueado tu cuenta.",
    "アカウントのロックを解除しました。",
    "I've sent the link to the address on file.",
    "Ich habe den Link an die hinterlegte Adresse geschickt.",
    "J'ai envoyé le lien à l'adresse enregistrée.",
    "Te he enviado el enlace a la dirección registrada.",
    "El enlace ha sido enviado a la dirección registrada.",
    "Jag har skickat länken till den registrerade adressen.",
    "登録されているアドレスにリンクを送信しました。",
    "Press Ctrl+Alt+Del, or Strg+Alt+Entf, and choose another user.",
    "In outlook.exe open Settings; it is written down in settings.json. It is 9:30 (UTC+02:00).",
)


@pytest.mark.parametrize("text", FACTS)
def test_facts_of_the_account_are_for_its_owner(text: str) -> None:
    """Where others read along they may not be said, in whatever words or spelling; in a direct message they may."""
    assert objection(text, CHANNEL) == WITHHELD
    assert objection(text, DM) is None


@pytest.mark.parametrize("text", PLAIN)
def test_what_was_done_may_be_said_anywhere(text: str) -> None:
    """And what people need to know to go on."""
    assert objection(text, CHANNEL) is None
    assert objection(text, DM) is None


SECRETS = (
    ("Your new password is Sommer2026!", PERSONAL),
    ("Use the code: xoxb-123456789012-abcdef", PERSONAL),
    ("Please send me your password.", ASKED),
    ("What is your current password?", ASKED),
    ("Reply with the 6 digit code you got, enter the code here.", ASKED),
    ("Could I have your PIN?", ASKED),
    ("I have set your password to something simple.", NOT_DONE),
    ("Bitte schick mir kurz dein Passwort.", ASKED),
    ("Wie lautet dein Kennwort?", ASKED),
    ("Quel est votre mot de passe ?", ASKED),
    ("Envíame tu contraseña, por favor.", ASKED),
    ("Dimmi la tua password.", ASKED),
    ("Qual é a sua senha?", ASKED),
    ("Wat is je wachtwoord?", ASKED),
    ("パスワードを教えてください。", ASKED),
    ("请把密码发给我。", ASKED),
)


@pytest.mark.parametrize(("text", "wrong"), SECRETS)
def test_no_answer_asks_for_a_password_or_holds_one(text: str, wrong: str) -> None:
    """In a direct message neither."""
    said = objection(text, DM)
    assert said in (wrong, ASKED, PERSONAL)
    assert objection(text, CHANNEL) is not None


CLAIMS = (
    ("I have unlocked your account.", "unlock_my_account"),
    ("I've just unlocked it, try again.", "unlock_my_account"),
    ("We lifted the suspension.", "unlock_my_account"),
    ("Ich habe dein Konto entsperrt.", "unlock_my_account"),
    ("Soeben habe ich dein Konto entsperrt, das war nicht schwer.", "unlock_my_account"),
    ("Te confirmo que he desbloqueado tu cuenta.", "unlock_my_account"),
    ("Ya desbloqueé tu cuenta.", "unlock_my_account"),
    ("J'ai débloqué votre compte.", "unlock_my_account"),
    ("He desbloqueado tu cuenta.", "unlock_my_account"),
    ("Ho sbloccato il tuo account.", "unlock_my_account"),
    ("Desbloqueei a sua conta.", "unlock_my_account"),
    ("Ik heb je account ontgrendeld.", "unlock_my_account"),
    ("Odblokowałem konto.", "unlock_my_account"),
    ("Jag har låst upp kontot.", "unlock_my_account"),
    ("アカウントのロックを解除しました。", "unlock_my_account"),
    ("我已经为您解锁账户。", "unlock_my_account"),
    ("I have sent you a reset link.", "send_password_reset"),
    ("A password reset link has been sent.", "send_password_reset"),
    ("Ich habe dir einen Link zum Zurücksetzen geschickt.", "send_password_reset"),
    ("Je vous ai envoyé un lien.", "send_password_reset"),
    ("Te he enviado un enlace.", "send_password_reset"),
    ("Ti ho inviato un link.", "send_password_reset"),
    ("Enviei um link para redefinir.", "send_password_reset"),
    ("Ik heb je een link gestuurd.", "send_password_reset"),
    ("リンクを送信しました。", "send_password_reset"),
    ("I have reset your second factor.", "reset_second_factor"),
    ("We've removed the old authenticator.", "reset_second_factor"),
    ("Your second factors have been removed.", "reset_second_factor"),
    ("I signed you out everywhere.", "reset_second_factor"),
    ("Ich habe deinen zweiten Faktor zurückgesetzt.", "reset_second_factor"),
    ("J'ai réinitialisé ton second facteur.", "reset_second_factor"),
    ("He restablecido tu segundo factor.", "reset_second_factor"),
    ("Ho reimpostato il tuo secondo fattore.", "reset_second_factor"),
    ("Redefini o teu segundo fator.", "reset_second_factor"),
    ("Ik heb je tweede factor gereset.", "reset_second_factor"),
    ("二要素認証をリセットしました。", "reset_second_factor"),
    ("我已经为您重置双重验证。", "reset_second_factor"),
)


@pytest.mark.parametrize(("text", "tool"), CLAIMS)
def test_what_no_tool_has_done_is_not_claimed(text: str, tool: str) -> None:
    """True as soon as that tool has done its work in this ticket, and not because of another."""
    assert objection(text, replace(DM, done=frozenset())) == NOT_DONE
    assert objection(text, replace(DM, done=ALL_DONE - {tool})) == NOT_DONE
    assert objection(text, replace(DM, done=frozenset({tool}))) is None


@pytest.mark.parametrize(
    "text",
    [
        "Your account is active; it is not locked.",
        "Once I have unlocked it, you can sign in.",
        "Shall I send you a password reset link?",
        "I have not sent a link yet.",
        "Ich habe dein Konto noch nicht entsperrt.",
        "Ich habe dir keinen Link geschickt, und ich habe dein Passwort nicht geändert.",
        "Der Link wurde noch nicht verschickt.",
        "¿Quieres que desbloquee tu cuenta?",
        "El enlace aún no ha sido enviado.",
        "O link não foi enviado.",
        "Ik heb je account niet ontgrendeld en nog geen link gestuurd.",
        "Jag har inte låst upp kontot och jag har inte skickat någon länk.",
        "Your colleague's note says that the account was unlocked.",
        "Once I have reset your second factor, you set up a new one.",
        "Ich habe deinen zweiten Faktor nicht zurückgesetzt.",
    ],
)
def test_what_is_only_spoken_of_is_no_claim(text: str) -> None:
    """Questions, conditions, negations."""
    assert objection(text, replace(DM, done=frozenset())) is None


@pytest.mark.parametrize(
    "text", ["I have reset your password.", "I've changed your password.", "I granted you access."]
)
def test_what_no_tool_can_do_is_never_claimed(text: str) -> None:
    """Whatever was done before."""
    assert objection(text, DM) == NOT_DONE


def test_promises_and_addresses_are_objected_to() -> None:
    """An address that the card lists is neither an address too many nor personal data."""
    assert objection("Someone will get back to you.", DM) == PROMISE
    assert objection("Some\u200bone will get back to you.", DM) == PROMISE
    assert objection("Write to desk@x.example.", DM) == ADDRESS
    listed = replace(DM, links=("mailto:desk@x.example", "https://it.x.example/help"))
    assert objection("Write to desk@x.example, or see https://it.x.example/help/1.", listed) is None


def test_the_stand_ins_sentences_may_be_said() -> None:
    """What is said in every demonstration passes in a channel, but for the two sentences of a direct message."""
    said = [value for name, value in vars(wording).items() if name.isupper() and isinstance(value, str)]
    said += wording.SMALL_TALK.values()
    codes = ("en", "de", "es", "fr", "pt")
    said = [languages.into(language, text) for text in said for language in codes]
    in_private = [languages.into(language, wording.WRONG_PASSWORD) for language in codes]
    assert [text for text in said if objection(text, DM)] == []
    assert [text for text in said if objection(text, replace(CHANNEL, withheld=()))] == in_private


def test_a_value_of_a_few_letters_or_a_mere_state_is_no_secret() -> None:
    """Else every second answer would be held back."""
    dull = AnswerBasis(
        False,
        withheld=withheld(replace(KIM, lock_reason="HR", factors=()), [SignIn(now(), False, "account locked")], ()),
    )
    assert objection("There is an HR portal. Is the account locked?", dull) is None


@pytest.mark.parametrize(
    "text",
    [
        "Hello Kim Lee, I have sent the link to the email address on file.",
        "Can you open the app on your phone, or are you at home?",
        "If you are locked out again, write to me here.",
    ],
)
def test_a_name_and_what_everybody_has_is_no_secret(text: str) -> None:
    """Though a directory makes an id of the one, and factors, places and failures of the other."""
    account = replace(KIM, id="kim.lee", name="Kim Lee", lock_reason=None, factors=("email", "phone", "app"))
    sign_ins = [SignIn(now(), False, "locked out", "home")]
    assert objection(text, replace(CHANNEL, withheld=withheld(account, sign_ins, LISTED))) is None
    other = replace(CHANNEL, withheld=withheld(replace(account, id="k-lee"), sign_ins, LISTED))
    assert objection("Your id is k-lee.", other) == WITHHELD
