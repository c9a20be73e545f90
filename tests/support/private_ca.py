"""A certificate authority that nobody trusts until they are given its file, as companies have one."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class PrivateCa:
    """A certificate authority, and a server's certificate that it has signed."""

    file: Path
    "Its own certificate, for SSL_CERT_FILE."
    server: Path
    "Key and certificate of a server."

    def context(self) -> ssl.SSLContext:
        """Return what a server speaks TLS with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        return context


def make(folder: Path, *names: str) -> PrivateCa:
    """Make an authority, and a certificate for a server of these names and for 127.0.0.1."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A company's own")])
    reachable = [*map(x509.DNSName, names), x509.IPAddress(ip_address("127.0.0.1"))]
    own = _unsigned(issuer, issuer, ca_key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    leaf = _unsigned(x509.Name([]), issuer, key.public_key()).add_extension(
        x509.SubjectAlternativeName(reachable), critical=True
    )
    made = PrivateCa(folder / "ca.pem", folder / "server.pem")
    made.file.write_bytes(own.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    signed = leaf.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    made.server.write_bytes(key.private_bytes(*pem) + signed)
    return made


def _unsigned(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
