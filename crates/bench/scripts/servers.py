"""The servers that are compared, each pinned to its core, and the client that measures them from the other."""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
PEERS_SOURCE = HERE.parent / "peers"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PEERS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", PEERS_SOURCE / "target"))
NCHAN_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
SERVER_CORE, LOAD_CORE = "0", "1"
# The build whose `tidings bench` makes the load.
LOAD = TARGET / "release/tidings"


def build(names):
    subprocess.run(["cargo", "build", "--release", "-p", "tidings"], cwd=ROOT, check=True)
    subprocess.run(["cargo", "build", "--release", "--bin", "limit", "--bin", "axum_sse", "--bin", "secure"], cwd=PEERS_SOURCE,
                   check=True)
    if "Nchan" in names and not NCHAN_MODULE.exists() and os.geteuid() == 0:
        # The module is loaded by hand; the packaged service is not to be started.
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
        subprocess.run(["apt-get", "install", "-y", "-q", "nginx-core", "libnginx-mod-nchan"], env=env, check=True)
        subprocess.run(["service", "nginx", "stop"], check=False)


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % probe.getsockname()[1]


def nchan(folder, address, tls=""):
    conf = (HERE / "nchan.conf").read_text()
    module = f"load_module {NCHAN_MODULE};"
    listen = f"{address} ssl" if tls else address
    for name, value in (("@TLS@", tls), ("@DIR@", str(folder)), ("@ADDRESS@", listen), ("@MODULE@", module)):
        conf = conf.replace(name, value)
    path = folder / "nginx.conf"
    path.write_text(conf)
    return ["nginx", "-p", str(folder), "-c", str(path)]


def nchan_over_tls(folder, address):
    # A key of the same kind as the hub's own.
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                   check=True, capture_output=True)
    # Small buffers, to its advantage: each subscriber may have one.
    tls = "ssl_certificate @DIR@/cert.pem; ssl_certificate_key @DIR@/key.pem; ssl_buffer_size 4k; ssl_session_tickets off;"
    return nchan(folder, address, tls)


def tidings(folder, address):
    return [str(TARGET / "release/tidings"), "serve", "--data", str(folder / "data"), "--listen", address,
            "--connections-max", "19500", "--log-level", "error"]


SERVERS = {
    "limit": lambda folder, address: [str(PEERS / "release/limit"), address],
    "limit, coalescing": lambda folder, address: [str(PEERS / "release/limit"), address, "coalesce"],
    "limit, fdatasync": lambda folder, address: [str(PEERS / "release/limit"), address, "durable"],
    "limit, io_uring": lambda folder, address: [str(PEERS / "release/limit"), address, "uring"],
    "axum Sse": lambda folder, address: [str(PEERS / "release/axum_sse"), address],
    "Nchan": nchan,
    "tidings": tidings,
}
SECURE_SERVERS = {
    "Nchan": nchan_over_tls,
    "tidings": lambda folder, address: [*tidings(folder, address), "--tls-self-signed"],
}


class Server:
    """A server on its core, ended with the block."""

    def __init__(self, name, secure=False, options=(), path="/events/bench"):
        self.name, self.secure, self.options, self.path = name, secure, options, path

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))
        self.address = free_address()
        server = (SECURE_SERVERS if self.secure else SERVERS)[self.name]
        command = ["taskset", "-c", SERVER_CORE, *server(self.folder, self.address), *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        host, port = self.address.split(":")
        for _ in range(200):
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended at once: {command}")
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    return self
            time.sleep(0.05)
        sys.exit(f"{self.name} does not listen")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def bench(self, *arguments):
        scheme = "https" if self.secure else "http"
        url = f"{scheme}://{self.address}{self.path}"
        publish_url = f"{scheme}://{self.address}" + ("/publish" if self.name == "Nchan" else "/events/bench")
        if arguments[0] == "publish":
            url = publish_url
        program, options = self.client()
        command = ["taskset", "-c", LOAD_CORE, *program, arguments[0], url, *arguments[1:], *options,
                   "--pid", str(self.process.pid)]
        if arguments[0] == "fanout":
            command += ["--publish-url", publish_url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode:
            print(f"  {self.name}: {done.stderr.strip()}", file=sys.stderr)
            return None
        return json.loads(done.stdout)

    def client(self):
        if not self.secure:
            return [LOAD, "bench"], ["--json"]
        host, port = self.address.split(":")
        certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port))))
        return [PEERS / "release/secure"], ["--fingerprint", hashlib.sha256(certificate).hexdigest()]
