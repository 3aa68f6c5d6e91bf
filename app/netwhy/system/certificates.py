"""Certificates as they were sent: read, never judged."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from netwhy.core.observations import Certificate

if TYPE_CHECKING:
    from cryptography import x509

_MOST = 10  # of a chain
_MOST_NAMES = 100
_LONGEST = 200


def read_chain(sent: Sequence[bytes]) -> tuple[Certificate, ...]:
    """The certificates (DER) of a chain; one that cannot be read says so instead of raising."""
    return tuple(read(der) for der in sent[:_MOST])


def read(der: bytes) -> Certificate:
    """One certificate."""
    from cryptography import x509

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on oddities of old certificates, which are no news
            found = x509.load_der_x509_certificate(der)
            return Certificate(
                subject=_name(found.subject),
                issuer=_name(found.issuer),
                names=_names(found),
                not_before=iso(found.not_valid_before_utc),
                not_after=iso(found.not_valid_after_utc),
                self_signed=found.subject == found.issuer,
                issuer_url=_issuer_url(found),
            )
    except Exception as error:  # anything may be sent; the parser raises a dozen kinds of errors
        return Certificate(unreadable=f"{type(error).__name__}: {error}"[:_LONGEST])


def now() -> str:
    """This machine's clock, as ISO 8601 in UTC."""
    return iso(datetime.now(UTC))


def iso(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC, to the second; one without a zone is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _name(name: x509.Name) -> str:
    """A distinguished name as people read it: the common name, else all of it."""
    from cryptography.x509.oid import NameOID

    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    organization = name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    parts = [str(found[0].value) for found in (common, organization) if found]
    return (", ".join(dict.fromkeys(parts)) or name.rfc4514_string())[:_LONGEST]


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension):
        return ()
    names = [*found.get_values_for_type(x509.DNSName)]
    names += [str(address) for address in found.get_values_for_type(x509.IPAddress)]
    return tuple(name[:_LONGEST] for name in names[:_MOST_NAMES])


def _issuer_url(certificate: x509.Certificate) -> str | None:
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension):
        return None
    for access in found.value:
        where = access.access_location
        if access.access_method == AuthorityInformationAccessOID.CA_ISSUERS:
            value = getattr(where, "value", None)
            if isinstance(value, str):
                return value[:_LONGEST]
    return None
