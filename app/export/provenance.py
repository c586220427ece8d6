"""Where a video comes from: a signed C2PA manifest in it, and reading that back.

After the C2PA technical specification 2.x, by the ``c2pa-python`` library. MP4 and QuickTime can hold a manifest;
WebM cannot, and carries the plain-text mark of `app.export.video` alone.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from app.core import folders
from app.export.files import temporary_beside
from app.export.options import ExportOptions
from app.export.take import Take
from engines.errors import ExportError, InputError

_log = logging.getLogger(__name__)
MIME: Final = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime"}
ASSERTION: Final = "org.soliloquy.provenance"
SELF_MADE: Final = "Self-made, identity not verified"
"""Organisation in the certificate that is made where the user has none."""
_GENERATED: Final = "trainedAlgorithmicMedia"
_YEARS: Final = 10


def sign(path: Path, suffix: str, take: Take, options: ExportOptions) -> None:
    """Put a signed manifest into a finished video, in place.

    Without the library (the ``exchange`` extra) or for a container without manifests the file is left as it is.

    Raises
    ------
    ExportError
        If the user's own certificate cannot sign.
    """
    if not options.sign or suffix.lower() not in MIME:
        return
    try:
        import c2pa
    except ImportError:
        _log.info("No C2PA manifest was written: the package c2pa-python is not installed.")
        return
    certificates, key = _credentials(options)
    signed = temporary_beside(path)
    try:
        info = c2pa.C2paSignerInfo(alg=_algorithm(key), sign_cert=certificates, private_key=key, ta_url=None)
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(json.dumps(_manifest(take, suffix))) as builder:
            builder.set_intent(c2pa.C2paBuilderIntent.CREATE, _source_type(c2pa, take))
            _add_portrait(builder, take)
            with path.open("rb") as source, signed.open("w+b") as target:
                builder.sign(signer, MIME[suffix.lower()], source, target)
        os.replace(signed, path)
    except c2pa.C2paError as error:
        raise ExportError(
            f"The video could not be signed: {error}. Check the signing certificate in the export options, or turn "
            "signing off there."
        ) from error
    finally:
        signed.unlink(missing_ok=True)


def _manifest(take: Take, suffix: str) -> dict[str, Any]:
    facts = json.loads(take.provenance_json())
    software, _, version = str(facts.get("software", "Soliloquy")).partition(" ")
    return {
        "claim_generator_info": [{"name": software, "version": version or "0"}],
        "title": take.name,
        "format": MIME[suffix.lower()],
        "assertions": [{"label": ASSERTION, "data": facts}],
    }


def _portrait(take: Take) -> Path | None:
    path = Path(take.project.portrait) if take.project is not None and take.project.portrait else None
    return path if path is not None and path.is_file() else None


def _source_type(c2pa: Any, take: Take) -> Any:
    """Generated altogether where the portrait's own manifest says that it is; else composed with a real picture."""
    portrait = _portrait(take)
    generated = bool(take.provenance.get("portrait_generated"))
    if portrait is not None and not generated:
        generated = any(_GENERATED in source for source in _manifest_facts(portrait).get("source_types", ()))
    kinds = c2pa.C2paDigitalSourceType
    return kinds.TRAINED_ALGORITHMIC_MEDIA if generated else kinds.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA


def _add_portrait(builder: Any, take: Take) -> None:
    """Name the portrait as a component; its own manifest, if it has one, goes along."""
    portrait = _portrait(take)
    if portrait is None or portrait.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        return
    kind = portrait.suffix.lower().removeprefix(".").replace("jpg", "jpeg")
    record = {"title": "portrait", "relationship": "componentOf", "label": "portrait"}
    import c2pa

    try:
        with portrait.open("rb") as stream:
            builder.add_ingredient(json.dumps(record), f"image/{kind}", stream)
    except c2pa.C2paError as error:
        _log.info("The portrait is not named in the manifest: %s", error)


def _credentials(options: ExportOptions) -> tuple[bytes, bytes]:
    """PEM certificate chain and private key: the user's, else the self-made pair."""
    if not options.certificate and not options.private_key:
        return self_made(folders.config() / "certificate")
    read = []
    for what, name in (("certificate", options.certificate), ("private key", options.private_key)):
        try:
            read.append(Path(name).read_bytes())
        except OSError as error:
            raise ExportError(f"The signing {what} {name or '(none)'} cannot be read: {error.strerror}.") from error
    return read[0], read[1]


def _algorithm(key: bytes) -> bytes:
    """C2PA's name of the algorithm that fits a private key."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        loaded = load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        raise ExportError(f"The signing key is no unencrypted PEM private key: {error}.") from error
    if isinstance(loaded, ed25519.Ed25519PrivateKey):
        return b"ed25519"
    if isinstance(loaded, ec.EllipticCurvePrivateKey):
        return {256: b"es256", 384: b"es384"}.get(loaded.curve.key_size, b"es512")
    return b"ps256"


def self_made(folder: Path) -> tuple[bytes, bytes]:
    """The certificate that this installation made for itself, made on first use.

    It lets a reader see that a file was not changed since; nobody vouches for who signed it, and its name says so.
    """
    chain, key = folder / "self-made.pem", folder / "self-made.key"
    if not (chain.is_file() and key.is_file() and _lasts(chain.read_bytes())):
        certificate, private = _make_certificate()
        folder.mkdir(parents=True, exist_ok=True)
        for path, data in ((chain, certificate), (key, private)):
            temporary = temporary_beside(path)
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.replace(temporary, path)
    return chain.read_bytes(), key.read_bytes()


def _lasts(chain: bytes) -> bool:
    from cryptography import x509

    try:
        end = x509.load_pem_x509_certificate(chain).not_valid_after_utc
    except ValueError:
        return False
    return end > datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)


def _make_certificate() -> tuple[bytes, bytes]:
    """A root and a signer below it, as the C2PA certificate profile asks; PEM chain and PEM key of the signer."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def name(common: str) -> x509.Name:
        organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, SELF_MADE)
        return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common)])

    def certificate(subject: str, public: ec.EllipticCurvePublicKey, authority: bool) -> bytes:
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
        ) | dict.fromkeys(("encipher_only", "decipher_only"), False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Soliloquy self-made root"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
            .add_extension(x509.BasicConstraints(authority, 0 if authority else None), True)
            .add_extension(
                x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, **usage),
                True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        )
        if not authority:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False
            ).add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False)
        return builder.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    chain = certificate("Soliloquy self-made signer", key.public_key(), False)
    chain += certificate("Soliloquy self-made root", root_key.public_key(), True)
    encoding, layout = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return chain, key.private_bytes(encoding, layout, serialization.NoEncryption())


def inspect(path: Path) -> dict[str, Any]:
    """Where a picture or video says it comes from.

    Returns
    -------
    ``manifest`` (bool); with one: ``state`` (``Valid``, ``Trusted`` or ``Invalid``), ``signer``, ``self_made``,
    ``problems``, ``source_types``, ``software``, ``facts`` (engine, weights, project hash, consent) and
    ``ingredients``; without: ``mark`` and ``facts`` from the plain metadata, where there are any

    Raises
    ------
    InputError
        If there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}. Check the path.")
    return _manifest_facts(path) or {"manifest": False, **_metadata(path)}


def _manifest_facts(path: Path) -> dict[str, Any]:
    """What the file's manifest says; empty where there is none or the library is absent."""
    try:
        import c2pa
    except ImportError:
        return {}
    try:
        with c2pa.Reader(os.fspath(path)) as reader:
            store = json.loads(reader.json())
            state = reader.get_validation_state()
    except (c2pa.C2paError, ValueError, OSError):
        return {}
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    assertions = {a["label"]: a.get("data", {}) for a in active.get("assertions", ()) if "label" in a}
    actions = [
        action for label, d in assertions.items() if label.startswith("c2pa.actions") for action in d.get("actions", ())
    ]
    signature = active.get("signature_info", {})
    software = (active.get("claim_generator_info") or [{}])[0]
    return {
        "manifest": True,
        "state": str(state),
        "signer": " / ".join(str(signature[k]) for k in ("issuer", "common_name") if k in signature),
        "self_made": signature.get("issuer") == SELF_MADE,
        "problems": [str(s.get("code")) for s in store.get("validation_status", ())],
        "source_types": [str(a["digitalSourceType"]).rsplit("/", 1)[-1] for a in actions if "digitalSourceType" in a],
        "software": f"{software.get('name', '')} {software.get('version', '')}".strip(),
        "facts": assertions.get(ASSERTION, {}),
        "ingredients": [str(i.get("title", "")) for i in active.get("ingredients", ())],
    }


def _metadata(path: Path) -> dict[str, Any]:
    """The plain-text mark and facts in the metadata of a video."""
    from app.export.ffmpeg import program

    command = [program(), "-v", "error", "-i", os.fspath(path), "-f", "ffmetadata", "-"]
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return {}
    lines = re.sub(r"\\(.)", r"\1", done.stdout.decode("utf-8", "replace")).splitlines()
    tags = dict(line.split("=", 1) for line in lines if "=" in line)
    lower = {key.lower(): value for key, value in tags.items()}
    found: dict[str, Any] = {}
    if "comment" in lower:
        found["mark"] = lower["comment"]
    try:
        facts = json.loads(lower.get("description", ""))
        found["facts"] = facts if isinstance(facts, Mapping) else {}
    except ValueError:
        pass
    return found
