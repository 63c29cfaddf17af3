"""Signing in with another provider (OpenID Connect): authorization code with PKCE, and an ID token that is verified.

Whom the provider's subject stands for is entered beforehand (`ovop keys person --subject`): a provider says who
somebody is, never what somebody may.
"""

import base64
import hashlib
import hmac
import secrets
import time
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.access.people_store import PeopleStore
from services.errors import NotAuthenticated, NotFound, Unavailable

#: Asymmetric ones only: a token must not be signed with what a client knows.
ALGORITHMS: Final = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
FLOW_MINUTES: Final = 10.0
CLOCK_SKEW_SECONDS: Final = 60
TOKEN_AGE_SECONDS_MAX: Final = 600
METADATA_SECONDS: Final = 3_600.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class NoOtherProvider(NotFound):
    """This installation knows no other provider to sign in with."""

    advice = "Sign in with name and password."


class ProviderUnavailable(Unavailable):
    """The provider of the sign-in does not answer as it should."""

    advice = "Try again later, or sign in with name and password."


class NotSignedInThere(NotAuthenticated):
    """The provider did not confirm this sign-in, or it was begun in another browser or too long ago."""

    advice = "Begin again."


class SubjectUnknown(NotAuthenticated):
    """The provider knows you, but nobody of this network is entered under that name."""

    advice = "Ask the center to enter you."


class Oidc:
    """One provider. Its methods block."""

    def __init__(self, store: PeopleStore, issuer: str, client_id: str, client_secret: str | None, back: str) -> None:
        """`back` is our own address to which the provider sends the browser."""
        self._store = store
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._back = back
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._read_at = 0.0

    def begin(self) -> tuple[str, str]:
        """The address at the provider to send the browser to, and the state to leave in the browser."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._back,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        where = self._endpoint("authorization_endpoint")
        self._store.add_flow(state, nonce, verifier, FLOW_MINUTES)
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}", state

    def finish(self, code: str, state: str, kept_state: str) -> str:
        """The actor who signed in. Raises NotSignedInThere, SubjectUnknown, ProviderUnavailable."""
        if not state or not hmac.compare_digest(state.encode(), kept_state.encode()):
            raise NotSignedInThere
        flow = self._store.take_flow(state)
        if flow is None:
            raise NotSignedInThere
        nonce, verifier = flow
        subject = self._subject(self._token(code, verifier), nonce)
        actor = self._store.actor_of_subject(subject)
        if actor is None:
            raise SubjectUnknown
        return actor

    def _token(self, code: str, verifier: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "client_id": self._client_id,
            "code_verifier": verifier,
        }
        if self._client_secret is not None:
            form["client_secret"] = self._client_secret
        try:
            answer = httpx.post(self._endpoint("token_endpoint"), data=form, timeout=10)
            token = answer.json().get("id_token") if answer.is_success else None
        except (httpx.HTTPError, ValueError, AttributeError) as error:
            raise ProviderUnavailable from error
        if not isinstance(token, str):
            raise NotSignedInThere
        return token

    def _subject(self, token: str, nonce: str) -> str:
        """The subject of an ID token that holds. Raises NotSignedInThere."""
        must = jwt.JWTClaimsRegistry(
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        for fresh in (False, True):  # a provider may have changed its keys since we read them
            try:
                claims = jwt.decode(token, self._key_set(fresh=fresh), algorithms=ALGORITHMS).claims
                must.validate(claims)
                break
            except (JoseError, ValueError) as error:
                if fresh:
                    raise NotSignedInThere from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        too_old = time.time() - float(claims["iat"]) > TOKEN_AGE_SECONDS_MAX
        if too_old or ((several or "azp" in claims) and claims.get("azp") != self._client_id):
            raise NotSignedInThere
        return str(claims["sub"])

    def _endpoint(self, name: str) -> str:
        """An address of the provider; encrypted, unless it is on this machine. Raises ProviderUnavailable."""
        found = self._read().get(name)
        if not isinstance(found, str):
            raise ProviderUnavailable
        parts = urlsplit(found)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ProviderUnavailable
        return found

    def _key_set(self, *, fresh: bool) -> KeySet:
        if self._keys is None or fresh:
            try:
                self._keys = KeySet.import_key_set(httpx.get(self._endpoint("jwks_uri"), timeout=10).json())
            except (httpx.HTTPError, ValueError, KeyError, TypeError, JoseError) as error:
                raise ProviderUnavailable from error
        return self._keys

    def _read(self) -> dict[str, Any]:
        """What the provider says of itself, for an hour."""
        if not self._metadata or time.monotonic() - self._read_at > METADATA_SECONDS:
            try:
                answer = httpx.get(f"{self._issuer}/.well-known/openid-configuration", timeout=10)
                said = answer.json() if answer.is_success else {}
            except (httpx.HTTPError, ValueError) as error:
                raise ProviderUnavailable from error
            if not isinstance(said, dict) or str(said.get("issuer", "")).rstrip("/") != self._issuer:
                raise ProviderUnavailable
            self._metadata, self._read_at = said, time.monotonic()
        return self._metadata
