"""A throw-away certificate authority: certificates of every kind of fault, each with its key."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
AIA = "http://ca.example.com/issuing.crt"


@dataclass(frozen=True)
class Issued:
    """A certificate with its key and the chain that a server sends: PEM files."""

    certificate: x509.Certificate
    key: Key
    pem: Path

    def server(self, **settings: Any) -> ssl.SSLContext:
        """A server's context with it; `settings` are attributes of the context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if isinstance(self.key, rsa.RSAPrivateKey) and self.key.key_size < 2048:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")  # or the server itself refuses its key
        context.load_cert_chain(self.pem)
        for name, value in settings.items():
            setattr(context, name, value)
        return context


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


class Authority:
    """A root that is trusted (`root_file`), an intermediate, and what they issue."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = self.issue("netwhy test root", (), authority=True)
        self.root_file = self.root.pem
        self.intermediate = self.issue("netwhy test intermediate", (), self.root, authority=True)

    def issue(
        self,
        common: str,
        names: tuple[str, ...] = ("localhost", "127.0.0.1", "::1"),
        by: Issued | None = None,
        *,
        authority: bool = False,
        days: tuple[float, float] = (-1, 90),
        send: tuple[Issued, ...] = (),
        issuer_url: str | None = None,
        purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        rsa_bits: int = 0,
    ) -> Issued:
        """A certificate from `days[0]` to `days[1]` from now; signed by itself without `by`."""
        key: Key = (
            rsa.generate_private_key(65537, rsa_bits)
            if rsa_bits
            else ec.generate_private_key(ec.SECP256R1())
        )
        now = datetime.now(UTC)
        alternative = [
            x509.IPAddress(ipaddress.ip_address(n))
            if n[-1].isdigit() or ":" in n
            else x509.DNSName(n)
            for n in names
        ]
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(common))
            .issuer_name(by.certificate.subject if by else _name(common))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        if alternative:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternative), False)
        if issuer_url:
            builder = builder.add_extension(
                x509.AuthorityInformationAccess(
                    [
                        x509.AccessDescription(
                            AuthorityInformationAccessOID.CA_ISSUERS,
                            x509.UniformResourceIdentifier(issuer_url),
                        )
                    ]
                ),
                critical=False,
            )
        certificate = builder.sign(by.key if by else key, hashes.SHA256())
        return self._written(certificate, key, send)

    def _written(self, certificate: x509.Certificate, key: Key, send: tuple[Issued, ...]) -> Issued:
        pem = self.folder / f"{certificate.serial_number:x}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        sent = [certificate, *(each.certificate for each in send)]
        pem.write_bytes(
            b"".join([*(c.public_bytes(serialization.Encoding.PEM) for c in sent), private])
        )
        return Issued(certificate, key, pem)


#: The certificates that a lab needs, by the names under which they are kept.
KINDS: dict[str, dict[str, Any]] = {
    "good": {},
    "wildcard": {"names": ("*.example.com",)},
    "expired": {"days": (-30, -1)},
    "not-yet-valid": {"days": (2, 30)},
    "expires-soon": {"days": (-30, 5)},
    "expires-today": {"days": (-30, 0.5)},
    "no-names": {"names": ()},
    "wrong-name": {"names": ("www.example.com", "example.com")},
    "without-intermediate": {"send": (), "issuer_url": AIA},
    "rsa": {"rsa_bits": 2048},
    "client-only": {"purpose": ExtendedKeyUsageOID.CLIENT_AUTH},
}


def lay_out(folder: Path, names: tuple[str, ...]) -> Path:
    """Write a certificate of each kind, for these names, into a folder; the root to trust."""
    authority = Authority(folder)
    for kind, changes in KINDS.items():
        issue = {"by": authority.intermediate, "send": (authority.intermediate,)} | changes
        issued = authority.issue(names[0], **({"names": names} | issue))
        issued.pem.rename(folder / f"{kind}.pem")
    for kind, issued in _odd_chains(authority, names).items():
        issued.pem.rename(folder / f"{kind}.pem")
    return authority.root_file


def _odd_chains(authority: Authority, names: tuple[str, ...]) -> dict[str, Issued]:
    """Certificates whose fault is in who signed them, or in what is sent with them."""
    root, between, host = authority.root, authority.intermediate, names[0]

    def issuing(common: str, by: Issued, **more: Any) -> Issued:
        return authority.issue(common, (), by, authority=True, **more)

    other = authority.issue("Another Root", (), authority=True)
    private = issuing("Private Issuing CA", other)
    second = issuing("netwhy second intermediate", between, issuer_url=AIA)
    late, gone = issuing("Late CA", root, days=(2, 90)), issuing("Gone CA", root, days=(-90, -1))
    brief = issuing("Brief CA", root, days=(-90, 4))
    return {
        "self-signed": authority.issue(host, names),
        "self-signed-expired": authority.issue(host, names, days=(-400, -35)),
        "unknown-authority": authority.issue(host, names, other, send=(other,)),
        "private-without-root": authority.issue(host, names, private, send=(private,)),
        "private-alone": authority.issue(host, names, private),
        "wrong-intermediate": authority.issue(
            host, names, between, send=(private,), issuer_url=AIA
        ),
        "two-missing": authority.issue(host, names, second, send=(second,), issuer_url=AIA),
        "issuer-not-yet-valid": authority.issue(host, names, late, send=(late,)),
        "issuer-expired": authority.issue(host, names, gone, send=(gone,)),
        "issuer-expires-soon": authority.issue(host, names, brief, send=(brief,)),
    }
