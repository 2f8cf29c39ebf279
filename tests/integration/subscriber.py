"""A subscriber that owes nothing to the code under test: takes pushed events over TLS and acknowledges them.

subscriber.py CERTIFICATE KEY AUTHORITIES [PORT]

Says on standard error where it listens, and then a line for each message: "got ACTION IDENTIFIER STATUS", and "event TEXT" for
the MESSAGE of each event in it. A file named "refuse" in the working directory makes it answer DeliveryRefused.
"""

import html
import http.server
import os
import re
import ssl
import sys
import uuid

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman"


def first(pattern, text):
    found = re.search(pattern, text, re.S)
    return found.group(1).strip() if found else ""


def say(line):
    print(line, file=sys.stderr, flush=True)


def answer(action, relates_to, body):
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}.xsd"><s:Header>'
        f"<a:Action>{action}</a:Action><a:MessageID>uuid:{uuid.uuid4()}</a:MessageID>"
        f"<a:To>{ADDRESSING}/role/anonymous</a:To><a:RelatesTo>{relates_to}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )


REFUSAL = (
    "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>w:DeliveryRefused</s:Value></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en-US">No more.</s:Text></s:Reason></s:Fault>'
)


class Subscriber(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        text = data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8")
        action = first(r"<a:Action[^>]*>(.*?)</a:Action>", text)
        identifier = first(r"<e:Identifier[^>]*>(.*?)</e:Identifier>", text)
        status = first(r"<e:Status>(.*?)</e:Status>", text).rsplit("/", 1)[-1]
        message = first(r"<a:MessageID[^>]*>(.*?)</a:MessageID>", text)
        # Before it is said that the message came: a test may write the file as soon as it reads that.
        refuses = os.path.exists("refuse")
        say(f"got {action.rsplit('/', 1)[-1]} {identifier} {status}")
        if refuses:
            reply, code = answer(f"{WSMAN}/fault", message, REFUSAL), 500
        else:
            reply, code = answer(f"{WSMAN}/Ack", message, ""), 200
            for event in re.findall(r"<Data Name='MESSAGE'>(.*?)</Data>", text, re.S):
                say(f"event {html.unescape(event)}")
        body = reply.encode("utf-8")
        self.send_response(code)
        self.send_header("Content-Type", "application/soap+xml;charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def main():
    certificate, key, authorities = sys.argv[1:4]
    port = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Subscriber)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authorities)
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    say(f"ready on {server.server_address[1]}")
    server.serve_forever()


main()
