"""What two libraries take out of a text: detect-secrets its secrets, Presidio's pattern recognisers people's data.

Runs in an environment of its own. One JSON list of texts on standard input, one JSON object on standard output:
by library its version and the texts as they would be left. Nothing is fetched: no language model, no list of domains.
"""

import importlib.metadata
import json
import sys
from collections.abc import Callable, Iterable, Iterator

import tldextract
from detect_secrets.core.scan import get_plugins
from detect_secrets.filters import heuristic
from detect_secrets.settings import default_settings
from presidio_analyzer import predefined_recognizers as known

SURE = 0.4
"Score from which a recogniser is believed; below it waits for words around it, which take a language model."
NO_SECRETS = (
    heuristic.is_sequential_string,
    heuristic.is_potential_uuid,
    heuristic.is_templated_secret,
    heuristic.is_prefixed_with_dollar_sign,
    heuristic.is_not_alphanumeric_string,
)
"The filters of a default scan that look at nothing but what was found."
RECOGNISERS = (
    known.CreditCardRecognizer,
    known.EmailRecognizer,
    known.EsNieRecognizer,
    known.EsNifRecognizer,
    known.IbanRecognizer,
    known.PhoneRecognizer,
    known.UkNinoRecognizer,
    known.UsPassportRecognizer,
    known.UsSsnRecognizer,
)


def detect_secrets(texts: Iterable[str]) -> list[str]:
    """Return the texts without the secrets that detect-secrets finds with its default plugins."""
    with default_settings():
        return [_without(text, _scanned(text)) for text in texts]


def presidio(texts: Iterable[str]) -> list[str]:
    """Return the texts without what Presidio's recognisers find."""
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    recognisers = [recogniser() for recogniser in RECOGNISERS]
    return [
        _without(
            text,
            (
                text[found.start : found.end]
                for recogniser in recognisers
                for found in recogniser.analyze(text, recogniser.supported_entities, None) or ()
                if found.score >= SURE
            ),
        )
        for text in texts
    ]


def _scanned(text: str) -> Iterator[str]:
    for line in text.splitlines():
        for plugin in get_plugins():
            for found in plugin.analyze_line(filename="text", line=line, line_number=1):
                if found.secret_value and not any(is_none(found.secret_value) for is_none in NO_SECRETS):
                    yield found.secret_value


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text


def main() -> None:
    """Answer once."""
    texts = json.load(sys.stdin)
    peers: dict[str, Callable[[Iterable[str]], list[str]]] = {
        "detect-secrets": detect_secrets,
        "presidio-analyzer": presidio,
    }
    answer = {
        name: {"version": importlib.metadata.version(name), "texts": redact(texts)} for name, redact in peers.items()
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
