"""TLS on both sides of Envoy: what agents see of us and show us, and whom we believe to be an upstream."""

import ipaddress
from pathlib import Path

from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.extensions.transport_sockets.tls import v3 as tls
from envoy_data_plane.envoy.type.matcher import v3 as matcher

from runtime.settings import Tls
from snapshot.envoy.typed import file_source, pack

CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
PROTOCOLS = ["h2", "http/1.1"]
FOLDER = "tls"  # below the folder of Envoy's files
CERTIFICATE, CLIENTS = "certificate", "clients"


def server(settings: Tls, folder: Path) -> core.TransportSocket:
    """With a client CA every client must bring a certificate of it that names a SPIFFE ID of an accepted prefix.

    `folder`: where `resources` were written. Envoy reads files again that come by way of it, and no others.
    """
    common = tls.CommonTlsContext(
        tls_params=_params(),
        alpn_protocols=PROTOCOLS,
        tls_certificate_sds_secret_configs=[_reference(CERTIFICATE, folder)],
    )
    if settings.client_ca is not None:
        common.validation_context_sds_secret_config = _reference(CLIENTS, folder)
    context = tls.DownstreamTlsContext(
        common_tls_context=common,
        require_client_certificate=settings.client_ca is not None,
        # a session that is resumed would outlive the certificate that opened it
        disable_stateless_session_resumption=True,
        disable_stateful_session_resumption=True,
    )
    return core.TransportSocket(name="envoy.transport_sockets.tls", typed_config=pack(context))


def resources(settings: Tls) -> dict[str, tls.Secret]:
    """What the listener refers to, by the name of its file."""
    certificate = tls.TlsCertificate(
        certificate_chain=_file(settings.certificate),
        private_key=_file(settings.key),
        watched_directory=_folder(settings.certificate),
    )
    found = {CERTIFICATE: tls.Secret(name=CERTIFICATE, tls_certificate=certificate)}
    if settings.client_ca is not None:
        kind = tls.SubjectAltNameMatcherSanType.URI
        names = [_named(kind, matcher.StringMatcher(prefix=prefix)) for prefix in settings.client_ids]
        validation = tls.CertificateValidationContext(
            trusted_ca=_file(settings.client_ca),
            watched_directory=_folder(settings.client_ca),
            match_typed_subject_alt_names=names,
        )
        found[CLIENTS] = tls.Secret(name=CLIENTS, validation_context=validation)
    return found


def _reference(name: str, folder: Path) -> tls.SdsSecretConfig:
    return tls.SdsSecretConfig(name=name, sds_config=file_source(folder / f"{name}.json"))


def client(host: str, ca: Path | None) -> core.TransportSocket:
    """SNI and the certificate's names are checked against the upstream's host; an address against its addresses."""
    bundle = str(ca) if ca else next((path for path in CERTIFICATES if Path(path).exists()), CERTIFICATES[0])
    kind, sni = tls.SubjectAltNameMatcherSanType.DNS, host
    if _is_address(host):
        kind, sni = tls.SubjectAltNameMatcherSanType.IP_ADDRESS, ""  # RFC 6066 §3: no addresses in SNI
    validation = tls.CertificateValidationContext(
        trusted_ca=core.DataSource(filename=bundle),
        match_typed_subject_alt_names=[_named(kind, matcher.StringMatcher(exact=host))],
    )
    context = tls.UpstreamTlsContext(
        sni=sni,
        common_tls_context=tls.CommonTlsContext(
            tls_params=_params(), alpn_protocols=PROTOCOLS, validation_context=validation
        ),
    )
    return core.TransportSocket(name="envoy.transport_sockets.tls", typed_config=pack(context))


def _params() -> tls.TlsParameters:
    return tls.TlsParameters(tls_minimum_protocol_version=tls.TlsParametersTlsProtocol.TLSv1_2)


def _named(kind: tls.SubjectAltNameMatcherSanType, name: matcher.StringMatcher) -> tls.SubjectAltNameMatcher:
    return tls.SubjectAltNameMatcher(san_type=kind, matcher=name)


def _file(path: Path) -> core.DataSource:
    return core.DataSource(filename=str(path.absolute()))


def _folder(path: Path) -> core.WatchedDirectory:
    return core.WatchedDirectory(path=str(path.absolute().parent))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
