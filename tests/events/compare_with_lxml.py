#!/usr/bin/env python3
"""Compares what our queries select with what libxml2's XPath 1.0 does (through lxml).

    compare_with_lxml.py QUERY_ANSWERS QUERIES EVENTS [--generated N]

QUERY_ANSWERS is our program, QUERIES the published queries (the last column of a tab-separated file), EVENTS real events, one
a line; N more queries are made about these events. Exit code 77, which ctest knows as "skipped", where lxml is missing.

libxml2 walks the paths, counts the positions and joins what the predicates say. The documented differences between event
queries and XPath 1.0 are made up for here, by code that shares nothing with ours:
  - namespaces do not count, and white space alone is no text: both are taken out of the events;
  - a comparison goes by the looks of the constant (number, Boolean, time, GUID, SID): such comparisons, and those of names of
    providers, channels and computers, which ignore case, become a function in Python; all others stay XPath's own;
  - band() and timediff() are functions in Python;
  - AND and OR may be written in capitals; the user's SID may be called UserId.
"""

import calendar
import os
import random
import re
import subprocess
import sys

try:
    from lxml import etree
except ImportError:
    # The system's own interpreter may have it where another one comes first on the path.
    system = "/usr/bin/python3"
    if os.path.exists(system) and not os.environ.get("COMPARE_WITH_LXML_AGAIN"):
        os.environ["COMPARE_WITH_LXML_AGAIN"] = "1"
        os.execv(system, [system] + sys.argv)
    print("skipped: lxml is not installed")
    sys.exit(77)

NOW = "2019-06-01T00:00:00.000Z"
FUNCTIONS = "urn:muster:functions"

TOKEN = re.compile(
    r"""\s*(?: (?P<literal>"[^"]*"|'[^']*')
             | (?P<number>(?:0[xX][0-9A-Fa-f]+|[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![\w]))
             | (?P<name>[A-Za-z_\u0080-\U0010ffff][\w.\-\u0080-\U0010ffff]*)
             | (?P<sign>!=|<=|>=|::|[=<>()\[\],/@*]) )""", re.VERBOSE)


# What values and constants are ------------------------------------------------------------------------------------------

def number_of(text):
    """An int, a float or None."""
    text = text.strip(" \t\r\n")
    if re.fullmatch(r"0[xX][0-9A-Fa-f]+", text):
        value = int(text[2:], 16)
        return value if value < 2 ** 64 else None
    if re.fullmatch(r"[+-]?\d+", text):
        value = int(text)
        return value if abs(value) < 2 ** 64 else None
    if re.fullmatch(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?", text):
        return float(text)
    return None


def time_of(text):
    """Nanoseconds since 1970, or None."""
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d*))?(Z|[+-]\d\d:\d\d)?", text.strip(" \t\r\n"))
    if not match:
        return None
    fields = [int(field) for field in match.groups()[:6]]
    if not (1 <= fields[1] <= 12 and 1 <= fields[2] <= 31 and fields[3] < 24 and fields[4] < 60 and fields[5] < 60):
        return None
    seconds = calendar.timegm((*fields, 0, 0, 0))
    zone = match.group(8) or "Z"
    if zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        seconds -= offset if zone[0] == "+" else -offset
    return seconds * 10 ** 9 + int((match.group(7) or "").ljust(9, "0")[:9] or 0)


def guid_of(text):
    match = re.fullmatch(r"\{?([0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})\}?",
                         text.strip(" \t\r\n"))
    return match.group(1).lower() if match else None


def sid_of(text):
    text = text.strip(" \t\r\n")
    return text.upper() if re.fullmatch(r"[Ss]-1(-\d+)+", text) else None


def looks_of(constant):
    """What a constant is, and its value."""
    if number_of(constant) is not None:
        return "number", number_of(constant)
    if constant in ("true", "false"):
        return "boolean", constant == "true"
    for kind, read in (("time", time_of), ("guid", guid_of), ("sid", sid_of)):
        if read(constant) is not None:
            return kind, read(constant)
    return "text", constant


def ordered(left, sign, right):
    return {"=": left == right, "!=": left != right, "<": left < right, "<=": left <= right, ">": left > right,
            ">=": left >= right}[sign]


def compares(value, sign, constant):
    kind, wanted = looks_of(constant)
    if kind == "number":
        number = number_of(value)
        return sign == "!=" if number is None else ordered(number, sign, wanted)
    if kind == "boolean":
        plain = value.strip(" \t\r\n").lower()
        number = number_of(value)
        if plain not in ("true", "false") and number is None:
            return sign == "!="
        truth = plain == "true" if number is None else number != 0
        return sign in ("=", "!=") and ordered(truth, sign, wanted)
    if kind == "time":
        time = time_of(value)
        return time is not None and ordered(time, sign, wanted)
    if kind in ("guid", "sid"):
        read = guid_of(value) if kind == "guid" else sid_of(value)
        return read is not None and sign in ("=", "!=") and ordered(read, sign, wanted)
    return ordered(value.encode(), sign, constant.encode())


# What stands in for it in XPath -----------------------------------------------------------------------------------------

def texts_of(nodes):
    for node in nodes:
        yield str(node) if isinstance(node, str) else "".join(node.itertext())


def is_name(node):
    """The name of a provider, a channel or a computer."""
    element = node.getparent() if isinstance(node, str) else node
    if isinstance(node, str):
        named = element.tag == "Provider" and node.attrname in ("Name", "EventSourceName")
    else:
        named = element.tag in ("Channel", "Computer")
    system = element.getparent()
    return named and system is not None and system.tag == "System" and system.getparent().tag == "Event"


def lower(text):
    return re.sub("[A-Z]", lambda letter: letter.group().lower(), text)


def function_compare(_, nodes, sign, constant):
    for node, text in zip(nodes, texts_of(nodes)):
        if is_name(node) and looks_of(constant)[0] == "text" and sign in ("=", "!="):
            if ordered(lower(text), sign, lower(constant)):
                return True
        elif compares(text, sign, constant):
            return True
    return False


def bits_of(operand):
    for text in texts_of(operand) if isinstance(operand, list) else [operand]:
        number = number_of(text)
        if isinstance(number, int):
            yield number % 2 ** 64


def function_band(_, first, second):
    return any(left & right for left in bits_of(first) for right in bits_of(second))


def function_timediff(_, nodes, reference, reference_first, sign, limit):
    for text in texts_of(nodes):
        value = time_of(text)
        if value is None:
            continue
        value //= 10 ** 6
        other = time_of(reference) // 10 ** 6
        if ordered(value - other if reference_first else other - value, sign, number_of(limit)):
            return True
    return False


class Translator:
    """From an event query to an XPath 1.0 expression. Raises ValueError for what is no event query."""

    def __init__(self, text):
        self.tokens = []
        at = 0
        while text[at:].strip():
            match = TOKEN.match(text, at)
            if not match:
                raise ValueError(f"no token at {at}")
            self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
            at = match.end()
        self.next = 0

    def translate(self):
        result = self.truth(self.either())
        if self.next != len(self.tokens):
            raise ValueError("something is left")
        return result

    def peek(self, ahead=0):
        place = self.next + ahead
        return self.tokens[place] if place < len(self.tokens) else ("end", "")

    def take(self, text=None):
        token = self.peek()
        if text is not None and token[1] != text:
            raise ValueError(f"{text} expected, not {token[1]}")
        self.next += 1
        return token[1]

    @staticmethod
    def truth(operand):
        kind, text = operand
        if kind not in ("boolean", "path"):
            raise ValueError("no test")
        return f"boolean({text})" if kind == "path" else text

    def either(self):
        return self.chain("or", lambda: self.chain("and", self.comparison))

    def chain(self, word, part):
        parts = [part()]
        while self.peek()[0] == "name" and self.peek()[1] in (word, word.upper()):
            self.take()
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        return "boolean", "(" + f" {word} ".join(self.truth(one) for one in parts) + ")"

    def comparison(self):
        left = self.operand()
        sign = self.peek()[1]
        if self.peek()[0] != "sign" or sign not in ("=", "!=", "<", "<=", ">", ">="):
            return left
        self.take()
        bare_word = self.peek()[1] if self.peek()[0] == "name" and self.peek()[1] in ("true", "false") else None
        right = ("constant", self.take()) if bare_word else self.operand()
        if left[0] == "constant":
            left, right = right, left
            sign = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(sign, sign)
        if right[0] != "constant":
            raise ValueError("no constant")
        constant = right[1]
        kind, value = looks_of(constant)
        if left[0] == "boolean":
            wanted = value if kind == "boolean" else value != 0
            return "boolean", left[1] if wanted == (sign == "=") else f"not({left[1]})"
        if left[0] == "position":
            return "boolean", f"position() {sign} {constant}"
        if left[0] == "timediff":
            return "boolean", f"m:timediff({left[1]}, '{sign}', '{constant}')"
        name = left[1].rsplit("/", 1)[-1]
        quoted = "'" + constant + "'" if "'" not in constant else '"' + constant + '"'
        if kind == "text" and sign in ("=", "!=") and name not in ("@Name", "@EventSourceName", "@*", "Channel", "Computer", "*"):
            return "boolean", f"{left[1]} {sign} {quoted}"
        if re.fullmatch(r"\d{1,9}", constant) and name in ("EventID", "Level", "Task", "Opcode", "Version", "EventRecordID"):
            return "boolean", f"{left[1]} {sign} {constant}"
        return "boolean", f"m:compare({left[1]}, '{sign}', {quoted})"

    def operand(self):
        kind, text = self.peek()
        if text == "(" and kind == "sign":
            self.take()
            inner = self.either()
            self.take(")")
            return inner if inner[0] != "boolean" else ("boolean", f"({inner[1]})")
        if kind == "literal":
            return "constant", self.take()[1:-1]
        if kind == "number":
            return "constant", self.take()
        if kind == "name" and self.peek(1)[1] == "(":
            return self.function()
        return self.path()

    def function(self):
        name = self.take()
        self.take("(")
        if name == "position":
            self.take(")")
            return "position", ""
        first = self.either()
        second = None
        if self.peek()[1] == ",":
            self.take()
            second = self.either()
        self.take(")")
        if name == "band":
            return "boolean", "m:band({}, {})".format(*(text if kind == "path" else f"'{text}'" for kind, text in (first, second)))
        if name != "timediff":
            raise ValueError(f"no function {name}")
        reference_first = first[0] == "constant"
        path = second if reference_first else first
        reference = first[1] if reference_first else (second[1] if second else NOW)
        return "timediff", f"{path[1]}, '{reference}', {'true' if reference_first else 'false'}()"

    def path(self):
        steps = []
        while True:
            step = ""
            if self.peek()[1] == "@":
                step = self.take()
            elif self.peek(1)[1] == "::":
                axis = self.take()
                self.take("::")
                step = "@" if axis == "attribute" else ""
            if self.peek()[0] != "name" and self.peek()[1] != "*":
                raise ValueError("no step")
            step += self.take()
            steps.append(step)
            while self.peek()[1] == "[" and self.peek()[0] == "sign":
                self.take()
                if self.peek()[0] == "number" and self.peek(1)[1] == "]":
                    steps[-1] += f"[position() = {self.take()}]"
                else:
                    steps[-1] += f"[{self.truth(self.either())}]"
                self.take("]")
            if self.peek()[1] != "/":
                return "path", "/".join(steps)
            self.take()


def plain_event(line):
    """The event below a root of its own, without what event queries do not see."""
    event = etree.fromstring(line.encode(), etree.XMLParser(remove_comments=True, strip_cdata=True, resolve_entities=False))
    for element in event.iter():
        element.tag = etree.QName(element).localname
        if element.text is not None and not element.text.strip(" \t\r\n"):
            element.text = None
        if element.tail is not None and not element.tail.strip(" \t\r\n"):
            element.tail = None
        if element.tag == "Security" and "UserId" in element.attrib and "UserID" not in element.attrib:
            element.attrib["UserID"] = element.attrib["UserId"]
    log = etree.Element("Log")
    log.append(event)
    return log


def quoted(text):
    return "'" + text + "'" if "'" not in text else '"' + text + '"'


def generated(events, count):
    """Queries about the events' own values. The same each time."""
    chance = random.Random(1)
    signs = ["=", "=", "=", "!=", "<", "<=", ">", ">="]

    def about_system(system):
        field = chance.choice(["EventID", "Level", "Task", "Opcode", "Version", "EventRecordID", "Keywords", "Channel", "Computer"])
        found = system.find(field)
        choice = chance.randrange(6)
        if choice == 0:
            return f"Provider[@Name{chance.choice(['=', '!='])}{quoted(system.find('Provider').get('Name', 'x'))}]"
        if choice == 1:
            return f"TimeCreated[@SystemTime{chance.choice(signs)}'{system.find('TimeCreated').get('SystemTime')}']"
        if choice == 2:
            return f"band(Keywords,{chance.choice([1 << 63, 1 << 53, 1 << 52, '0x8020000000000000'])})"
        if choice == 3:
            return f"TimeCreated[timediff(@SystemTime) {chance.choice(signs)} {chance.randrange(10 ** 11)}]"
        if choice == 4:
            user = system.find("Security").get("UserID") if system.find("Security") is not None else None
            return f"Security[@UserID{chance.choice(['=', '!='])}'{user or 'S-1-5-18'}']"
        value = found.text if found is not None and found.text else "0"
        return f"{field}{chance.choice(signs)}{value if value.isdigit() else quoted(value)}"

    def about_data(container):
        all_data = container.findall("Data")
        if not all_data:
            element = chance.choice([one for one in container.iter()])
            steps = [element.tag]
            while element.getparent() is not None and element is not container:
                element = element.getparent()
                if element is container:
                    break
                steps.insert(0, chance.choice([element.tag, "*"]))
            return "/".join(steps)
        place = chance.randrange(len(all_data))
        one = all_data[place]
        text = one.text or ""
        if ('"' in text and "'" in text) or "\n" in text or "\r" in text:
            text = "x"  # what a query in one line cannot say
        name = one.get("Name")
        where = "Data" if name is None or chance.randrange(4) == 0 else f"Data[@Name='{name}']"
        if chance.randrange(5) == 0:
            where = f"Data[{place + 1}]" if chance.randrange(2) else f"Data[position()={place + 1}]"
        if chance.randrange(6) == 0:
            return f"band({where}, {chance.choice([1, 2, 32, 0x410, 0xFFFF])})"
        return f"{where}{chance.choice(signs)}{quoted(text)}"

    made = []
    while len(made) < count:
        event = chance.choice(events)[0]
        parts = []
        for child in event:
            for _ in range(chance.randrange(3)):
                test = about_system(child) if child.tag == "System" else about_data(child)
                if chance.randrange(6) == 0:
                    test = f"({test}){chance.choice(['=false', '!=true', '=true'])}"
                parts.append(f"{child.tag}[{test}]" if chance.randrange(2) else f"{child.tag}[({test})]")
        if not parts:
            continue
        text = parts[0]
        for part in parts[1:]:
            text += chance.choice([" and ", " or "]) + part
        made.append(f"*[{text}]" if chance.randrange(3) else f"*[{text}] and ({chance.choice(['*', 'Event'])}[{parts[-1]}])")
    return made


def main():
    arguments = sys.argv[1:]
    count = 400
    if "--generated" in arguments:
        place = arguments.index("--generated")
        count = int(arguments[place + 1])
        del arguments[place:place + 2]
    program, queries_file, events_file = arguments
    with open(queries_file, encoding="utf-8") as file:
        queries = [line.rstrip("\n").split("\t")[-1] for line in file if line.strip() and not line.startswith("#")]
    with open(events_file, encoding="utf-8") as file:
        events = [plain_event(line) for line in file if line.strip()]
    queries += generated(events, count)
    answers = subprocess.run([program, events_file, NOW], input="\n".join(queries) + "\n", capture_output=True, check=True,
                             encoding="utf-8").stdout.split("\n")
    functions = {(FUNCTIONS, "compare"): function_compare, (FUNCTIONS, "band"): function_band,
                 (FUNCTIONS, "timediff"): function_timediff}
    wrong = 0
    selected = 0
    for query, answer in zip(queries, answers):
        try:
            xpath = Translator(query).translate()
        except ValueError as reason:
            print(f"{query}\n  cannot be translated: {reason}")
            wrong += 1
            continue
        ask = etree.XPath(f"boolean({xpath})", namespaces={"m": FUNCTIONS}, extensions=functions)
        theirs = [str(number) for number, event in enumerate(events) if ask(event)]
        selected += len(theirs)
        if theirs != answer.split():
            wrong += 1
            differ = sorted(set(theirs) ^ set(answer.split()))
            print(f"{query}\n  as XPath: {xpath}\n  ours: {len(answer.split())} theirs: {len(theirs)}; they differ on {differ[:5]}")
    print(f"{len(queries)} queries, {len(events)} events, {selected} selected: {wrong} queries with different answers")
    sys.exit(1 if wrong or not selected else 0)


main()
