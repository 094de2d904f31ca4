"""Private nginx and haproxy processes in front of services, on loopback.

Each has a temporary folder and ends with its block.
"""

import os
import socket
import subprocess
import tempfile
import time

NGINX = """
daemon off;
worker_processes 1;
{user}
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_timeout 0;
    proxy_max_temp_file_size 0;
    {servers}
}}
"""

TURNS = """
    upstream turns {{ {turns} }}
    upstream sticky {{ ip_hash; {turns} }}
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://turns; }} }}
    server {{ listen 127.0.0.1:{sticky}; location / {{ proxy_pass http://sticky; }} }}
"""

TLS = """
    ssl_certificate {folder}/server.pem;
    ssl_certificate_key {folder}/server.key;
    server {{
        listen 127.0.0.1:{port} ssl backlog=1024;
        location ~ ^/(127[0-9.]+)/([0-9]+)(.*)$ {{ proxy_pass http://$1:$2$3$is_args$args; }}
    }}
"""
SYSTEM = "/etc/ssl/certs/ca-certificates.crt"

HAPROXY = """
global
    maxconn 200
defaults
    mode http
    option http-server-close
    retries 0
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend in
    bind 127.0.0.1:{port}
    default_backend services
backend services
    balance roundrobin
{servers}
"""


def free_port():
    """A port without a listener. The kernel is unlikely to give it to another process soon."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Balancer:
    """Sends each request to the next service. If that fails, nginx asks another service, and haproxy answers 503."""

    def __init__(self, program, ports):
        self.folder = tempfile.TemporaryDirectory(prefix="memory-debug-balancer-")
        self.port, self.sticky = free_port(), free_port()
        if program == "nginx":
            turns = " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)
            self.start_nginx(TURNS.format(turns=turns, port=self.port, sticky=self.sticky))
        else:
            self.start(["haproxy", "-q", "-db", "-f", self.config(self.haproxy(ports))])

    def config(self, text):
        path = os.path.join(self.folder.name, "config")
        with open(path, "w") as file:
            file.write(text)
        return path

    def start_nginx(self, servers):
        # Started as root, nginx would run its workers as another user, who cannot use the folder.
        user, folder = "user root;" if os.geteuid() == 0 else "", self.folder.name
        config = self.config(NGINX.format(folder=folder, user=user, servers=servers))
        self.start(["nginx", "-p", folder, "-c", config, "-e", os.path.join(folder, "error.log")])

    def start(self, command):
        self.process = subprocess.Popen(command)
        self.wait()

    def haproxy(self, ports):
        servers = "\n".join(f"    server s{port} 127.0.0.1:{port}" for port in ports)
        return HAPROXY.format(port=self.port, servers=servers)

    def wait(self):
        for _ in range(100):
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                if self.process.poll() is not None:
                    raise OSError(f"the balancer ended with {self.process.returncode}")
                time.sleep(0.05)
        self.process.kill()
        raise OSError("the balancer does not listen")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


class TlsFront(Balancer):
    """nginx with a certificate. Behind it, each of `urls` has its own path."""

    def __init__(self, urls):
        self.folder = tempfile.TemporaryDirectory(prefix="memory-debug-balancer-")
        folder, self.port = self.folder.name, free_port()
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-days", "2"]
        paths = {name: os.path.join(folder, name) for name in ("ca.pem", "ca.key", "server.pem", "server.key")}
        authority = ["-subj", "/CN=authority", "-out", paths["ca.pem"], "-keyout", paths["ca.key"]]
        server = ["-subj", "/CN=server", "-out", paths["server.pem"], "-keyout", paths["server.key"],
                  "-CA", paths["ca.pem"], "-CAkey", paths["ca.key"], "-addext", "subjectAltName=IP:127.0.0.1",
                  "-addext", "basicConstraints=critical,CA:FALSE"]
        for certificate in (authority, server):
            subprocess.run([*new, *certificate], check=True, capture_output=True)
        self.authorities = os.path.join(folder, "authorities.pem")
        with open(self.authorities, "w") as file:
            # Includes the system's authorities, because the command usually reads all of them, too.
            for path in (SYSTEM, paths["ca.pem"]):
                with open(path) as part:
                    file.write(part.read())
        self.urls = [f"https://127.0.0.1:{self.port}/{url.removeprefix('http://').replace(':', '/')}" for url in urls]
        self.start_nginx(TLS.format(folder=folder, port=self.port))
