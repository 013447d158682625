"""Registries over TLS with certificates of every kind, right and wrong."""

import datetime

from registry import Pki, Registry

DATES = "%Y%m%d%H%M%SZ"
CA_CONFIG = """
[ca]
default_ca = lab
[lab]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
"""


def at(days):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)


class TlsRegistries:
    """Registries whose certificates have such names and days, each with an authority of its own."""

    def __init__(self, folder):
        self.folder, self.opened = folder, []

    def __call__(self, names="DNS:localhost,IP:127.0.0.1", start=-1, end=30, self_signed=False, chain=True):
        number = len(self.opened)
        pki = Pki(self.folder / f"pki-{number}")
        folder = pki.folder
        (folder / "ca.cnf").write_text(CA_CONFIG)
        (folder / "index.txt").write_text("")
        (folder / "serial").write_text("1000\n")
        (folder / "names").write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
        issuer = ["-selfsign", "-keyfile", "server.key"] if self_signed else ["-cert", "ca.crt", "-keyfile", "ca.key"]
        pki.openssl(
            "ca", "-batch", "-config", "ca.cnf", *issuer, "-in", "server.csr", "-out", "bad.crt", "-notext",
            "-extfile", "names", "-startdate", at(start).strftime(DATES), "-enddate", at(end).strftime(DATES),
        )  # fmt: skip
        if chain and not self_signed:
            (folder / "bad.crt").write_bytes((folder / "bad.crt").read_bytes() + pki.ca.read_bytes())
        tls = f", tls: {{certificate: {folder}/bad.crt, key: {folder}/server.key}}"
        where = self.folder / f"registry-{number}"
        server = Registry(where, scheme="https", name="localhost", ca=pki.ca, http=tls)
        self.opened.append(server)
        return server

    def close(self):
        for server in self.opened:
            server.close()
