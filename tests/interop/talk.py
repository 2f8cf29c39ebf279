#!/usr/bin/env python3
"""Does with a service what a client library does, and checks what that library makes of the answers.

Prints a line for each thing that was done. Ends with status 1 at the first that went wrong, with 77 where the library is not there.
"""

import argparse
import importlib.metadata
import os
import sys
import uuid
import xml.etree.ElementTree as ET

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
LISTENER = CONFIG + "/listener"
PROFILES = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/"

# Source: wsman-protocol, section 8.3.
ALREADY_EXISTS = 2150858803
INVALID_RESOURCE = 2150858811
SCHEMA_VIOLATION = 2150858817

IDENTIFY = (
    f'<s:Envelope xmlns:s="{SOAP}" xmlns:wsmid="{IDENTITY}"><s:Header/>'
    "<s:Body><wsmid:Identify/></s:Body></s:Envelope>"
)


class Refused(Exception):
    """A fault as the library tells it."""

    def __init__(self, number, text):
        super().__init__(f"{number}: {text}")
        self.number = number
        self.text = text


class Pypsrp:
    package = "pypsrp"

    def __init__(self, options):
        from pypsrp.wsman import WSMan

        os.environ["REQUESTS_CA_BUNDLE"] = options.ca or ""
        arguments = dict(port=options.port, ssl=not options.http, auth=options.auth)
        if options.http:
            arguments["encryption"] = "never"
        if options.auth == "basic":
            arguments.update(username=options.user, password=options.password)
        else:
            arguments.update(certificate_pem=options.certificate, certificate_key_pem=options.key)
        self.wsman = WSMan("localhost", **arguments)

    def identify(self):
        return ET.fromstring(self.wsman.transport.send(IDENTIFY.encode()))

    def ask(self, operation, uri, body=None, selectors=None):
        from pypsrp.exceptions import WSManFaultError
        from pypsrp.wsman import SelectorSet

        selector_set = None
        if selectors:
            selector_set = SelectorSet()
            for name, value in selectors.items():
                selector_set.add_option(name, value)
        method = getattr(self.wsman, operation.lower())
        try:
            return method(uri, body, selector_set=selector_set)
        except WSManFaultError as fault:
            raise Refused(fault.code, fault.reason)

    def extras(self):
        self.wsman.update_max_payload_size()
        expect(self.wsman.max_envelope_size == 512000, f"MaxEnvelopeSize {self.wsman.max_envelope_size}")
        yield "update_max_payload_size"
        config = self.wsman.get_server_config("config/service/auth")
        expect(local(config[0].tag) == "Auth", config[0].tag)
        yield "get_server_config"


class Pywinrm:
    package = "pywinrm"

    def __init__(self, options):
        from winrm.protocol import Protocol

        scheme = "http" if options.http else "https"
        arguments = dict(endpoint=f"{scheme}://localhost:{options.port}/wsman", ca_trust_path=options.ca)
        if options.auth == "basic":
            transport = "plaintext" if options.http else "ssl"
            arguments.update(transport=transport, username=options.user, password=options.password)
        else:
            arguments.update(transport="certificate", cert_pem=options.certificate, cert_key_pem=options.key)
        self.protocol = Protocol(**arguments)

    def identify(self):
        return ET.fromstring(self.protocol.send_message(IDENTIFY))

    def ask(self, operation, uri, body=None, selectors=None):
        import re

        import xmltodict
        from winrm.exceptions import AuthenticationError, WinRMError

        space = TRANSFER if operation in ("Get", "Put", "Create", "Delete") else ENUMERATION
        message_id = uuid.uuid4()
        header = self.protocol._get_soap_header(action=f"{space}/{operation}", resource_uri=uri, message_id=message_id)
        if selectors:
            header["env:Header"]["w:SelectorSet"] = {
                "w:Selector": [{"@Name": name, "#text": value} for name, value in selectors.items()]
            }
        header["env:Body"] = "MARK"
        text = xmltodict.unparse({"env:Envelope": header})
        text = text.replace("MARK", ET.tostring(body, encoding="unicode") if body is not None else "")
        try:
            reply = ET.fromstring(self.protocol.send_message(text))
        except AuthenticationError:
            raise
        except WinRMError as fault:
            # The older one tells the number in its text only.
            number = re.search(r"'wsmanfault_code': '?(\d+)", str(fault))
            raise Refused(int(number[1]) if number else None, str(fault))
        relates_to = reply.findtext(f"{{{SOAP}}}Header/{{{ADDRESSING}}}RelatesTo")
        expect(relates_to == f"uuid:{message_id}", f"RelatesTo {relates_to}")
        return reply.find(f"{{{SOAP}}}Body")

    def extras(self):
        # A shell is what this library is for; it tells a service without one by its fault.
        from winrm.exceptions import WinRMError

        try:
            self.protocol.open_shell()
        except WinRMError as fault:
            expect(str(INVALID_RESOURCE) in str(fault), str(fault))
        yield "open_shell"


def local(tag):
    return tag.rpartition("}")[2]


def expect(holds, what):
    if not holds:
        raise AssertionError(what)


def refused(number, words, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except Refused as fault:
        expect(fault.number == number, f"fault {fault.number} instead of {number}: {fault.text}")
        expect(words in (fault.text or ""), f"the fault says: {fault.text}")
        return
    raise AssertionError(f"no fault {number}")


def element(name, space, **children):
    made = ET.Element(f"{{{space}}}{name}")
    for child, text in children.items():
        ET.SubElement(made, f"{{{space}}}{child}").text = text
    return made


def steps(client, options):
    response = client.identify().find(f"{{{SOAP}}}Body")[0]
    expect(local(response.tag) == "IdentifyResponse", response.tag)
    told = {local(part.tag): (part.text or "") for part in response}
    expect(told["ProtocolVersion"] == WSMAN, told)
    expect(told["ProductVersion"].startswith("OS: ") and told["ProductVersion"].endswith("Stack: 3.0"), told)
    profiles = [part.text for part in response.iter() if local(part.tag) == "SecurityProfileName"]
    wanted = ["http/basic"] if options.http else ["https/basic", "https/mutual"]
    expect(sorted(profiles) == [PROFILES + name for name in wanted], profiles)
    yield "Identify"

    config = client.ask("Get", CONFIG)[0]
    expect(config.tag == f"{{{CONFIG}}}Config", config.tag)
    expect(config.findtext(f"{{{CONFIG}}}MaxEnvelopeSizekb") == "500", "MaxEnvelopeSizekb")
    expect(config.findtext(f"{{{CONFIG}}}Service/{{{CONFIG}}}Auth/{{{CONFIG}}}Basic") == "true", "Auth/Basic")
    yield "Get"

    body = ET.Element(f"{{{ENUMERATION}}}Enumerate")
    context = client.ask("Enumerate", LISTENER, body).find(f".//{{{ENUMERATION}}}EnumerationContext").text
    items = []
    for _ in range(20):
        body = element("Pull", ENUMERATION, EnumerationContext=context, MaxElements="1")
        answer = client.ask("Pull", LISTENER, body)
        page = answer.find(f".//{{{ENUMERATION}}}Items")
        items += list(page) if page is not None else []
        expect(page is None or len(page) <= 1, "more items than MaxElements")
        if answer.find(f".//{{{ENUMERATION}}}EndOfSequence") is not None:
            break
        context = answer.find(f".//{{{ENUMERATION}}}EnumerationContext").text
    else:
        raise AssertionError("the enumeration has no end")
    ports = [item.findtext(f"{{{LISTENER}}}Port") for item in items]
    expect(len(items) == 2 and all(local(item.tag) == "Listener" for item in items), ports)
    yield "Enumerate and Pull"

    before = config.findtext(f"{{{CONFIG}}}MaxTimeoutms")
    for value in ("61000", before):
        put = client.ask("Put", CONFIG, element("Config", CONFIG, MaxTimeoutms=value))
        expect(put.findtext(f".//{{{CONFIG}}}MaxTimeoutms") == value, "the answer to Put")
        expect(client.ask("Get", CONFIG).findtext(f".//{{{CONFIG}}}MaxTimeoutms") == value, "what Put has set")
    yield "Put, and put back"

    keys = {"Address": "*", "Transport": "HTTP"}
    listener = element("Listener", LISTENER, Port="59850", Enabled="false")
    created = client.ask("Create", LISTENER, listener, keys)[0]
    expect(created.tag == f"{{{TRANSFER}}}ResourceCreated", created.tag)
    selected = {one.get("Name"): one.text for one in created.iter(f"{{{WSMAN}}}Selector")}
    expect(selected == keys, selected)
    expect(client.ask("Get", LISTENER, None, keys)[0].findtext(f"{{{LISTENER}}}Port") == "59850", "Port")
    yield "Create"
    refused(ALREADY_EXISTS, "", client.ask, "Create", LISTENER, listener, keys)
    client.ask("Delete", LISTENER, None, keys)
    refused(2150858752, "", client.ask, "Get", LISTENER, None, keys)
    yield "Delete"

    refused(INVALID_RESOURCE, "", client.ask, "Get", "urn:nothing")
    wrong = element("Config", CONFIG, MaxTimeoutms="1")
    # pywinrm shows s:Reason, which is the same for all faults of a kind; pypsrp what WSManFault says of this one.
    refused(SCHEMA_VIOLATION, "MaxTimeoutms" if options.library == "pypsrp" else "", client.ask, "Put", CONFIG, wrong)
    yield "Fault"
    yield from client.extras()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=["pypsrp", "pywinrm"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--http", action="store_true")
    parser.add_argument("--auth", choices=["basic", "certificate"], required=True)
    for name in ("user", "password", "certificate", "key", "ca"):
        parser.add_argument("--" + name)
    parser.add_argument("--refused", action="store_true", help="the service must not let this client in")
    options = parser.parse_args()
    kind = Pypsrp if options.library == "pypsrp" else Pywinrm
    try:
        version = importlib.metadata.version(kind.package)
        client = kind(options)
    except ImportError as missing:
        print(f"{options.library} is not installed: {missing}")
        return 77
    print(f"{kind.package} {version}")
    if options.refused:
        try:
            client.ask("Get", CONFIG)
        except Exception as error:  # each library has its own
            names = [one.__name__ for one in type(error).__mro__]
            expect({"AuthenticationError", "InvalidCredentialsError"} & set(names), f"{names}: {error}")
            print("refused")
            return 0
        raise AssertionError("it was let in")
    for step in steps(client, options):
        print(step)
    return 0


if __name__ == "__main__":
    sys.exit(main())
