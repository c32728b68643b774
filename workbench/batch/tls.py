"""A certificate for the scheduler and workers of one batch on this machine."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from distributed.security import Security

_DAY = datetime.timedelta(days=1)


def temporary_security() -> Security:
    """Return the terms of TLS for processes that share one new key, which is kept in memory.

    Dask's Security.temporary makes a certificate that is invalid once the clock is set back, even
    by a second.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "workbench-batch")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 366 * _DAY)
        .not_valid_after(now + 366 * _DAY)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    roles = ("client", "scheduler", "worker")
    return Security(
        require_encryption=True,
        tls_ca_file=public,
        **{f"tls_{role}_key": private for role in roles},
        **{f"tls_{role}_cert": public for role in roles},
    )
