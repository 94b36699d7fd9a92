"""Who pushed this: the vendors' own signature schemes, and one for everybody else. Pure; secrets come in as arguments.

Who can't compute one (Freshdesk, an API destination of EventBridge) may send the secret itself, over TLS, as a bearer token or
as the password of HTTP basic authentication. The surprise: no scheme looks at the age of a request. One that is sent again gives
events with the same ids, which intake drops.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qs, parse_qsl, urlsplit

FORM = "application/x-www-form-urlencoded"
_PORTS = {"http": 80, "https": 443}


class Pushed(NamedTuple):
    """A request as it came. url: as whoever pushed it called it; headers: names in lower case."""

    url: str
    headers: Mapping[str, str]
    body: bytes


Scheme: TypeAlias = Callable[[Pushed, bytes], bool]


def verified(source: str, pushed: Pushed, secrets: Sequence[str]) -> bool:
    """Whether one of the secrets of a source signed the request, by the scheme of that source."""
    scheme = SCHEMES.get(source, general)
    return any(scheme(pushed, secret.encode()) for secret in secrets)


def general(pushed: Pushed, secret: bytes) -> bool:
    """X-Streams-Signature: sha256=<hex HMAC-SHA256 of the body>, or the secret itself in Authorization."""
    signature = pushed.headers.get("x-streams-signature")
    if signature is not None:
        return _same(signature, "sha256=" + hmac.new(secret, pushed.body, hashlib.sha256).hexdigest())
    scheme, _, credentials = pushed.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return hmac.compare_digest(_password(credentials), secret)
    return scheme.lower() == "bearer" and hmac.compare_digest(credentials.strip().encode(), secret)


def intercom(pushed: Pushed, secret: bytes) -> bool:
    """X-Hub-Signature: sha1=<hex HMAC-SHA1 of the body>; the secret is the app's client secret."""
    return _same(pushed.headers.get("x-hub-signature", ""), "sha1=" + hmac.new(secret, pushed.body, hashlib.sha1).hexdigest())


def zendesk(pushed: Pushed, secret: bytes) -> bool:
    """X-Zendesk-Webhook-Signature: base64 of the HMAC-SHA256 of the time stamp's header and the body; secret of the webhook."""
    stamp = pushed.headers.get("x-zendesk-webhook-signature-timestamp", "")
    expected = hmac.new(secret, stamp.encode() + pushed.body, hashlib.sha256).digest()
    return _same(pushed.headers.get("x-zendesk-webhook-signature", ""), b64encode(expected).decode())


def twilio(pushed: Pushed, secret: bytes) -> bool:
    """X-Twilio-Signature: base64 of the HMAC-SHA1 of address and sorted form fields; the secret is the account's auth token.

    A JSON body is signed by its SHA-256 in the address. Twilio may or may not have written a standard port into the address. A
    sink of Event Streams may have a password in its address instead; then the request isn't signed.
    """
    if "x-twilio-signature" not in pushed.headers:
        return general(pushed, secret)
    stated = parse_qs(urlsplit(pushed.url).query).get("bodySHA256", [""])[0]
    is_form = pushed.headers.get("content-type", "").lower().startswith(FORM)
    if (stated or not is_form) and not _same(stated.lower(), hashlib.sha256(pushed.body).hexdigest()):
        return False
    fields = parse_qsl(pushed.body.decode(errors="replace"), keep_blank_values=True) if is_form else []
    added = "".join(name + value for name, value in sorted(set(fields)))
    signature = pushed.headers["x-twilio-signature"]
    expected = (hmac.new(secret, (url + added).encode(), hashlib.sha1).digest() for url in _with_and_without_port(pushed.url))
    return any(_same(signature, b64encode(digest).decode()) for digest in expected)


SCHEMES: dict[str, Scheme] = {"intercom": intercom, "twilio": twilio, "zendesk": zendesk}


def _same(found: str, expected: str) -> bool:
    """Compared in a time that tells nothing."""
    return hmac.compare_digest(found.strip().encode(), expected.encode())


def _password(credentials: str) -> bytes:
    """The password of basic authentication; b"" where there is none."""
    try:
        return b64decode(credentials, validate=True).partition(b":")[2]
    except (NoBase64, ValueError):
        return b""


def _with_and_without_port(url: str) -> tuple[str, ...]:
    """An address with its standard port and without it; as it is where it has another."""
    parts = urlsplit(url)
    standard = _PORTS.get(parts.scheme)
    host, _, port = parts.netloc.rpartition(":")
    if port.isdecimal() and host:
        return (url, parts._replace(netloc=host).geturl()) if int(port) == standard else (url,)
    return url, parts._replace(netloc=f"{parts.netloc}:{standard}").geturl()
