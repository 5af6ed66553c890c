"""A time-stamping authority for tests: what RFC 3161 asks for, and each way to get it wrong."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import new, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
POLICY = "1.3.6.1.4.1.32473.1"


def der(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    length = (
        bytes([size])
        if size < 128
        else bytes([0x80 | (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8)
    )
    return bytes([tag]) + length + body


def sequence(*parts):
    return der(0x30, *parts)


def set_of(*parts):
    return der(0x31, *sorted(parts))


def whole(number):
    return der(0x02, number.to_bytes(number.bit_length() // 8 + 1))


def octets(data):
    return der(0x04, data)


def oid(text):
    first, second, *rest = map(int, text.split("."))
    found = bytearray([40 * first + second])
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        found += bytes(reversed(groups))
    return der(0x06, bytes(found))


SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"), der(0x05))
ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"))
TST_INFO = oid("1.2.840.113549.1.9.16.1.4")
SIGNED_DATA = oid("1.2.840.113549.1.7.2")
ESS = {1: "1.2.840.113549.1.9.16.2.12", 2: "1.2.840.113549.1.9.16.2.47"}


def accuracy(seconds=None, millis=None, micros=None):
    """``Accuracy``: seconds, and under [0] and [1] what is less."""
    parts = ((0x02, seconds), (0x80, millis), (0x81, micros))
    return sequence(
        *(der(tag, number.to_bytes(number.bit_length() // 8 + 1)) for tag, number in parts if number is not None)
    )


def extension(arcs, *, critical):
    return sequence(oid(arcs), der(0x01, b"\xff") if critical else b"", octets(b"\x05\x00"))


def directory_name(subject):
    """A ``GeneralName`` that is a name as certificates have it."""
    return der(0xA4, subject.public_bytes())


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def keyed(number):
    """The same key for the same number."""
    return ec.derive_private_key(number, ec.SECP256R1())


def certificate(
    subject, key, issuer, issuer_key, *, serial=7, extensions=(), begins=NOW - timedelta(days=30), days=365
):
    made = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
    made = made.serial_number(serial).not_valid_before(begins).not_valid_after(begins + timedelta(days=days))
    for extension, critical in extensions:
        made = made.add_extension(extension, critical)
    return made.sign(issuer_key, hashes.SHA256())


CA = ((x509.BasicConstraints(ca=True, path_length=None), True),)
STAMPING = ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True),)
ROOT_KEY, TSA_KEY, OTHER_KEY = keyed(11), keyed(12), keyed(13)
ROOT = certificate("Root", ROOT_KEY, "Root", ROOT_KEY, extensions=CA, serial=1)
STRANGER = certificate("Root", OTHER_KEY, "Root", OTHER_KEY, extensions=CA, serial=1)


def issued(**changes):
    """The authority's own certificate."""
    return certificate("TSA", TSA_KEY, "Root", ROOT_KEY, **{"extensions": STAMPING} | changes)


def pem(*certificates):
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


@dataclass
class Tsa:
    """Answers requests; every field is something that a forger might choose."""

    certificate: x509.Certificate = field(default_factory=issued)
    key: ec.EllipticCurvePrivateKey = TSA_KEY
    at: datetime = NOW
    carried: tuple = ()
    ess: tuple = (2,)
    ess_of: x509.Certificate | None = None
    ess_hash: str | None = None
    status: int = 0
    nonce: int | None = None
    imprint: bytes | None = None
    algorithm: bytes = SHA256
    content_digest: bytes | None = None
    kind: bytes = TST_INFO
    content_types: tuple[bytes, ...] = (TST_INFO,)
    signatures: int = 1
    more: tuple = ()
    said_at: str | None = None
    accuracy: bytes = b""
    called: bytes = b""
    extensions: tuple = ()

    def answer(self, stamped, nonce=None):
        """A TimeStampResp over these bytes."""
        status = sequence(whole(self.status))
        return sequence(status) if self.status > 1 else sequence(status, self.token(stamped, nonce))

    def token(self, stamped, nonce=None):
        nonce = nonce if self.nonce is None else self.nonce
        info = sequence(
            whole(1), oid(POLICY), sequence(self.algorithm, octets(self.imprint or sha256(stamped).digest())), whole(42),
            der(0x18, (self.said_at or self.at.strftime("%Y%m%d%H%M%SZ")).encode()), self.accuracy,
            b"" if nonce is None else whole(nonce),
            der(0xA0, self.called) if self.called else b"", der(0xA1, *self.extensions) if self.extensions else b"",
        )  # fmt: skip
        attributes = [
            *(sequence(oid("1.2.840.113549.1.9.3"), set_of(each)) for each in self.content_types),
            sequence(oid("1.2.840.113549.1.9.4"), set_of(octets(self.content_digest or sha256(info).digest()))),
            *(
                sequence(oid(ESS[version]), set_of(sequence(sequence(self._identifier(version)))))
                for version in self.ess
            ),
            *self.more,
        ]
        signature = self.key.sign(set_of(*attributes), ec.ECDSA(hashes.SHA256()))
        issuer = sequence(self.certificate.issuer.public_bytes(), whole(self.certificate.serial_number))
        infos = [
            sequence(
                whole(1 + 2 * number), issuer, SHA256, der(0xA0, *sorted(attributes)), ECDSA_SHA256, octets(signature)
            )
            for number in range(self.signatures)
        ]
        carried = (each.public_bytes(Encoding.DER) for each in (self.certificate, *self.carried))
        return sequence(
            SIGNED_DATA,
            der(0xA0, sequence(
                whole(3), set_of(SHA256), sequence(self.kind, der(0xA0, octets(info))), der(0xA0, *carried), set_of(*infos),
            )),
        )  # fmt: skip

    def _identifier(self, version):
        """ESSCertID with SHA-1, or ESSCertIDv2 with what is said, SHA-256 where nothing is."""
        whole_certificate = (self.ess_of or self.certificate).public_bytes(Encoding.DER)
        algorithm = self.ess_hash or ("sha1" if version == 1 else "sha256")
        arcs = {"sha384": 2, "sha512": 3}
        said = sequence(oid(f"2.16.840.1.101.3.4.2.{arcs[algorithm]}")) if algorithm in arcs else b""
        return sequence(said, octets(new(algorithm, whole_certificate).digest()))


def asked(query):
    """The imprint and the nonce in a request that our client made: SHA-256, a nonce, certificates wanted."""
    at = query.index(bytes.fromhex("0420")) + 2
    rest = query[at + 32 :]
    assert rest[0] == 0x02
    assert rest[2 + rest[1] :] == bytes.fromhex("0101ff")
    return query[at : at + 32], int.from_bytes(rest[2 : 2 + rest[1]])


class Server:
    """``answer`` makes of a request's body status, headers and body; ``asked`` are the requests that came."""

    def __init__(self, answer):
        self.asked = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                server.asked.append((self.path, self.headers["content-type"], body))
                status, headers, data = answer(body)
                self.send_response(status)
                for name_, value in headers.items():
                    self.send_header(name_, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/tsr"

    def __enter__(self):
        Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._http.server_close()


REPLY = {"Content-Type": "application/timestamp-reply"}


def serving(tsa):
    """A server of an authority that stamps whatever it is asked for."""

    def answer(body):
        imprint, nonce = asked(body)
        tsa.imprint = tsa.imprint or imprint
        return 200, REPLY, tsa.answer(b"", nonce)

    return Server(answer)
