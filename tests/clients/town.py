"""The stage of the client tests: practice providers, a gate in a temporary directory, its console, the posting tools.

Nothing here needs more than Python's standard library.
"""

import base64
import hashlib
import http.client
import json
import os
import secrets
import selectors
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROVIDER_HOSTS = {
    "x": ["api.x.com", "api.twitter.com", "upload.x.com", "upload.twitter.com"],
    "line": ["api.line.me", "api-data.line.me"],
    "threads": ["graph.threads.net", "graph.threads.com"],
    "instagram": ["graph.instagram.com", "api.instagram.com", "graph.facebook.com", "rupload.facebook.com"],
    "facebook": ["graph.facebook.com", "graph-video.facebook.com", "rupload.facebook.com"],
    "mastodon": ["mastodon.example"],
    "bluesky": ["bsky.social", "practice.host.bsky.network"],
    "youtube": ["youtube.googleapis.com", "www.googleapis.com"],
}
HOSTS = [host for hosts in PROVIDER_HOSTS.values() for host in hosts]
# Providers that everybody may run: their hosts are named in the configuration.
INSTANCES = ["mastodon"]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def wait_for(what, condition, seconds=30, process=None):
    """Waits until `condition()` gives something; fails when `process` ends before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"{what}: the process ended with {process.returncode}")
        try:
            found = condition()
        except (OSError, http.client.HTTPException):
            found = None
        if found:
            return found
        time.sleep(0.05)
    raise RuntimeError(f"{what}: not within {seconds} s")


def free_ports(number):
    """Ports that are free now, none of them twice."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Process:
    """A child that ends with the test, its output in a file."""

    def __init__(self, name, command, directory):
        self.log = Path(directory) / f"{name}.log"
        with self.log.open("wb") as output:
            self.child = subprocess.Popen(
                [str(part) for part in command], cwd=directory, stdout=output, stderr=subprocess.STDOUT
            )

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(timeout=35)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Practice(Process):
    """`sekisho practice`: the providers, and the record of what they got."""

    def __init__(self, binary, directory):
        super().__init__("practice", [binary, "practice", "--listen", "127.0.0.1:0", "--dir", directory], directory)
        self.directory = Path(directory)

    def ready(self):
        """Waits until they listen, and learns where."""
        about = self.directory / "practice.json"
        wait_for("practice providers", about.exists, process=self.child)
        found = json.loads(about.read_text())
        self.address, self.ca = found["address"], Path(found["ca"])
        if not self.ca.is_absolute():
            self.ca = self.directory / self.ca

    def site(self, path):
        """What stands at a path of the body's website."""
        return self._get("www.city.example", path)

    def mastodon(self, path):
        """What the Mastodon server answers an account of the town, asked past the gate."""
        return json.loads(self._get("mastodon.example", path, {"Authorization": "Bearer 1001-practice"}))

    def _rows(self, name):
        return [json.loads(line) for line in self._get("api.x.com", f"/__practice/{name}").splitlines()]

    def _get(self, name, path, headers=None):
        host, port = self.address.rsplit(":", 1)
        context = ssl.create_default_context(cafile=self.ca)
        with socket.create_connection((host, int(port)), timeout=60) as plain:
            with context.wrap_socket(plain, server_hostname=name) as wire:
                connection = http.client.HTTPConnection(name)
                connection.sock = wire
                connection.request("GET", path, headers=headers or {})
                return connection.getresponse().read()

    def requests(self):
        return self._rows("requests")

    def posts(self):
        return self._rows("posts")

    def publishing_requests(self):
        """Requests that would have published, whatever became of them."""
        paths = (
            "/2/tweets", "/v2/bot/message/broadcast", "/api/v1/statuses", "/xrpc/com.atproto.repo.createRecord",
            "/feed", "/comments", "/threads", "/threads_publish",
        )
        sent = [row for row in self.requests() if row["method"] == "POST"]
        return [row for row in sent if row["target"].split("?")[0].endswith(paths)]


class Forwarder:
    """A CONNECT proxy that brings every host to the practice providers, unread: the road without a gate."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.upstream = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(4096)
            if not piece:
                return client.close()
            head += piece
        method, authority = head.split(b" ")[:2]
        known = authority.decode().removesuffix(":443") in HOSTS
        if method != b"CONNECT" or not known:
            client.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            return client.close()
        provider = socket.create_connection(self.upstream)
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with selectors.DefaultSelector() as both, client, provider:
            both.register(client, selectors.EVENT_READ, provider)
            both.register(provider, selectors.EVENT_READ, client)
            while True:
                for key, _ in both.select():
                    piece = key.fileobj.recv(65536)
                    if not piece:
                        return None
                    key.data.sendall(piece)


class Gate(Process):
    """`sekisho serve` for a small town: two accounts at each provider, a clerk and an account manager."""

    # Account, provider, the provider's own key for it.
    ACCOUNTS = [
        *(
            account
            for provider in PROVIDER_HOSTS
            if provider != "bluesky"
            for account in [
                (f"town-{provider}", provider, "1001-practice"),
                (f"town-{provider}-2", provider, "1002-practice"),
            ]
        ),
        ("town-bluesky", "bluesky", "town-bluesky"),
    ]

    def __init__(self, binary, directory, practice):
        self.binary, self.directory = binary, Path(directory)
        self.port, self.console_port, self.media_port, *origins = free_ports(3 + len(PROVIDER_HOSTS))
        self.origins = dict(zip(PROVIDER_HOSTS, origins))
        self.client_keys = {account: secrets.token_urlsafe(24) for account, _, _ in self.ACCOUNTS}
        self.tokens = {account: token for account, _, token in self.ACCOUNTS}
        self.manager_key = secrets.token_urlsafe(24)
        self.config = self.directory / "town.toml"
        self.config.write_text(self._configuration(practice), encoding="utf-8")
        super().__init__("gate", [binary, "serve", "--config", self.config], directory)
        self.console = Console(f"http://127.0.0.1:{self.console_port}", self.manager_key)
        self.ca = self.directory / "ca" / "root.pem"

    def ready(self):
        """Waits until it answers."""
        wait_for("the gate", lambda: _status(f"{self.console.base}/readyz") == 200, process=self.child)

    def _configuration(self, practice):
        text = json.dumps  # A JSON string is a TOML string.
        def upstream(hosts):
            return ", ".join(f"{text(host)} = {text(practice.address)}" for host in hosts)

        def place(name):
            return text(str(self.directory / name))

        lines = [
            f'[listen]\ngateway = "127.0.0.1:{self.port}"\nconsole = "127.0.0.1:{self.console_port}"\n'
            f"ca_dir = {place('ca')}\n[listen.origins]\n"
            + "\n".join(f'{name} = "127.0.0.1:{port}"' for name, port in self.origins.items()),
            f"[extract]\nspool_dir = {place('spool')}",
            f"[approve]\nkey_file = {place('approval.key')}",
            f"[ledger]\ndir = {place('ledger')}",
            f"[store]\nurl = {text('sqlite://' + str(self.directory / 'sekisho.db'))}",
            f"[credentials]\nkey_file = {place('credentials.key')}",
            # Pictures that posts name by URL stand on the practice website; providers get the gate's own copies.
            f'[media]\npublic_url = "https://media.city.example"\nlisten = "127.0.0.1:{self.media_port}"\ndir = {place("media")}\n'
            f"key_file = {place('media.key')}\nupstream = {{ {upstream(['www.city.example'])} }}\n"
            f"upstream_ca = {text(str(practice.ca))}",
            f"[console]\nlocal_key_file = {place('console.key')}",
            *(
                f'[providers.{name}]\nrecognised = ["town"]\nupstream = {{ {upstream(hosts)} }}\n'
                f"upstream_ca = {text(str(practice.ca))}" + (f"\nhosts = {text(hosts)}" if name in INSTANCES else "")
                for name, hosts in PROVIDER_HOSTS.items()
            ),
            '[[organisations]]\nid = "town"\nname = "練習町"\nguideline = ["builtin:nerima"]',
            '[[people]]\nid = "kakaricho"\norganisation = "town"\nname = "承認 花子"\npost = "広聴広報課長"\n'
            f"key_sha256 = {text(sha256(self.manager_key.encode()))}",
            '[[people]]\nid = "shokuin"\norganisation = "town"\nname = "投稿 太郎"\npost = "主事"',
        ]
        for account, provider, token in self.ACCOUNTS:
            # The first tool of a provider may use both accounts; which one it means, its credential says.
            both = [account] if f"{account}-2" not in self.tokens else [account, f"{account}-2"]
            # What stands behind an id at Graph, the Page's definition says.
            both += [f"town-facebook{account.removeprefix('town-instagram')}"] if provider == "instagram" else []
            # A session's token is another one each time: there is no fingerprint to know it by.
            prints = [] if provider == "bluesky" else [sha256(token.encode())]
            lines.append(
                f'[[accounts]]\nid = "{account}"\norganisation = "town"\nprovider = "{provider}"\nhandle = "{account}"\n'
                'kind = "general"\nstate = "active"\nmanager = "kakaricho"\noperators = ["shokuin"]\n'
                f"credential_fingerprints = {text(prints)}\n"
                '[accounts.operating_policy]\nversion = "1"'
            )
            lines.append(
                f'[[clients]]\nid = "tool-{account}"\norganisation = "town"\nowner = "shokuin"\n'
                f"key_sha256 = {text(sha256(self.client_keys[account].encode()))}\n"
                f'accounts = {text(both)}\nactions = ["publish", "edit", "reply", "direct-message", "quote", "repost", "schedule", "profile", "delete", "upload", "read", "sign-in"]'
            )
        return "\n\n".join(lines) + "\n"

    def copy(self, url):
        """The gate's own copy of a medium, whose address a provider was given."""
        path = url.removeprefix("https://media.city.example")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"http://127.0.0.1:{self.media_port}{path}", timeout=10
        ) as answer:
            return answer.read()

    def digest(self, account, host, path, body):
        """`sekisho digest`: the digest of a request as the tool will send it. Media ids are looked up in the store."""
        request = {
            "host": host,
            "method": "POST",
            "path": path,
            "headers": {"content-type": "application/json", "sekisho-account": account},
            "body_base64": base64.b64encode(json.dumps(body).encode()).decode(),
        }
        done = subprocess.run(
            [str(self.binary), "digest", "--config", str(self.config)],
            input=json.dumps(request).encode(), capture_output=True, cwd=self.directory, timeout=60, check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"sekisho digest: {done.returncode}: {done.stderr.decode()}")
        return json.loads(done.stdout)["digest"]


def _status(url):
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as problem:
        return problem.code


class Console:
    """The console's API, as the account manager calls it. Every call of it in these tests is in this class."""

    def __init__(self, base, key):
        self.base, self.key = base, key
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _call(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/json, application/x-ndjson"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(f"{self.base}/api/v1/{path}", data, headers, method=method)
        try:
            with self.opener.open(request, timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as problem:
            raise RuntimeError(f"{method} {path}: {problem.code} {problem.read().decode()}") from problem

    def approve_digest(self, account, digest):
        """Deposits an approval for one use within ten minutes."""
        body = {"account": account, "actions": ["publish"], "digest": digest, "expires_in_s": 600, "max_uses": 1}
        self._call("POST", "approvals", body)

    def waiting(self):
        """The tickets that wait, each with its id and digest."""
        return [row for row in json.loads(self._call("GET", "tickets"))["tickets"] if row["state"] == "waiting"]

    def approve_ticket(self, ticket):
        # What takes something back is approved with a reason; what shows others, with declarations.
        remarks = {"reason": "期限切れ", "declares": ["people", "place", "location", "third-party"]}
        self._call("POST", f"tickets/{ticket}/approve", {"remarks": remarks})

    def entries(self, after=None):
        """The entries of the town's log with a greater index, page by page. A page's last line is a checkpoint."""
        found = []
        while True:
            query = "" if after is None else f"?after={after}"
            lines = [json.loads(line) for line in self._call("GET", f"ledger/entries{query}").splitlines()]
            page = [line["entry"] for line in lines if "entry" in line]
            if not page:
                return found
            found += page
            after = page[-1]["index"]


class Tool:
    """A posting tool: a program of this directory with an account of its own, behind a proxy."""

    def __init__(self, program, token, settings, ca, python, arguments=()):
        self.program = program
        self.command = {
            ".py": [python, str(HERE / program)],
            ".mjs": ["node", str(HERE / program)],
            ".sh": ["bash", str(HERE / program)],
        }[Path(program).suffix] + list(arguments)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "NODE_PATH") if name in os.environ}
        self.environment = {
            **kept,
            "SNS_TOKEN": token,
            **settings,
            "REQUESTS_CA_BUNDLE": str(ca),
            "SSL_CERT_FILE": str(ca),
            "NODE_EXTRA_CA_CERTS": str(ca),
            "CURL_CA_BUNDLE": str(ca),
            "HTTPLIB2_CA_CERTS": str(ca),
            "PYTHONIOENCODING": "utf-8",
        }

    def __call__(self, *arguments):
        """Runs it; gives `(whether it went through, the id it got or the words it showed)`."""
        done = subprocess.run(
            [*self.command, *arguments],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=90, check=False,
        )
        shown = done.stdout.decode("utf-8", "replace")
        if self.program.endswith(".sh"):
            # curl shows what it got; an id is where the provider put it.
            if done.returncode == 0:
                return True, str(json.loads(shown)["data"].get("id"))
            return False, shown + done.stderr.decode("utf-8", "replace")
        if done.returncode != 0:
            raise RuntimeError(f"{self.program} {arguments}: {done.returncode}\n{shown}{done.stderr.decode()}")
        answer = json.loads(shown.splitlines()[-1])
        return answer["ok"], answer["id"] if answer["ok"] else answer["error"]


def show_log(process, lines=40):
    """The end of a process's output, for a failed run."""
    print(f"--- {process.log.name}", file=sys.stderr)
    print("\n".join(process.log.read_text(errors="replace").splitlines()[-lines:]), file=sys.stderr)
