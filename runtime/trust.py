"""Whom our clients believe to be a server, and who they are to it: TLS 1.2 or later, the host's name checked."""

import ssl

from runtime.settings import Server, SettingsRefused


def client_context(server: Server) -> ssl.SSLContext:
    """Raises SettingsRefused with the file that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=server.ca)
    except (OSError, ssl.SSLError):
        raise SettingsRefused(f"{server.ca} holds no certificates of CAs in PEM") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if server.certificate is not None and server.key is not None:
        try:
            context.load_cert_chain(server.certificate, server.key)
        except (OSError, ssl.SSLError):
            raise SettingsRefused(f"{server.certificate} and {server.key} are no certificate and its key") from None
    return context
