"""A token server with moods, beside the plain one of tests/e2e/registry.py."""

import base64
import http.server
import json
import threading
import urllib.parse

import registry as registries


class MoodyTokens(registries.TokenServer):
    """ttl: seconds a token lives; says: expires_in of the reply; refresh: the identity token that POST
    takes (None: POST is 404); access_token: the reply's other form; narrow: grants only the first scope."""

    def __init__(self, pki, ttl=300, says=300, refresh=None, access_token=False, narrow=False,
                 post_status=404):
        self.pki, self.requests = pki, []
        self.ttl, self.says, self.refresh = ttl, says, refresh
        self.access_token, self.narrow, self.post_status = access_token, narrow, post_status
        # distribution allows a minute of difference between clocks.
        self.shift = ttl - 60 - 300 if ttl < 60 else ttl - 300
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                sent = self.headers.get("Authorization", "")
                good = "Basic " + base64.b64encode(f"{registries.USER}:{registries.PASSWORD}".encode()).decode()
                outer.give(self, "GET", query.get("service", [""])[0], query.get("scope", []), sent == good)

            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                if outer.refresh is None:
                    outer.requests.append({"method": "POST"})
                    self.send_error(outer.post_status)
                    return
                known = form.get("refresh_token") == [outer.refresh]
                outer.give(self, "POST", form["service"][0], form["scope"][0].split(), known)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}/token"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def give(self, handler, method, service, scopes, known):
        self.requests.append({"method": method, "scopes": scopes, "known": known})
        access = []
        for scope in scopes[:1] if self.narrow and len(self.requests) == 1 else scopes:
            kind, rest = scope.split(":", 1)
            name, actions = rest.rsplit(":", 1)
            access.append({"type": kind, "name": name, "actions": actions.split(",") if known else []})
        name = "access_token" if self.access_token else "token"
        body = json.dumps({name: self.sign(service, access), "expires_in": self.says}).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
