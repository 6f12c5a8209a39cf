"""A receiver as anybody would write one: the library of Standard Webhooks, unmodified, says whether a request is believed, by whoever has which secret."""
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from standardwebhooks.webhooks import Webhook

port, path, secrets = int(sys.argv[1]), sys.argv[2], sys.argv[3:]

class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        event, by = None, []
        for n, secret in enumerate(secrets):
            try:
                event = Webhook(secret).verify(body, dict(self.headers.items()))
                by.append(n)
            except Exception as error:
                refused = {"refused": str(error)}
        with open(path, "a") as out:
            out.write(json.dumps({"header": self.headers.get("webhook-id"), "event": event or refused, "by": by}) + "\n")
        self.send_response(204 if by else 401)
        self.end_headers()

    def log_message(self, *_):
        pass

print("listening", flush=True)
ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
