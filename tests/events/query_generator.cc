#include "tests/events/query_generator.h"

#include <algorithm>
#include <cctype>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "events/value.h"

namespace events::corpus {
namespace {

constexpr std::string_view kConstants[] = {"0",
                                           "1",
                                           "4624",
                                           "0x20",
                                           "-1",
                                           "1.5",
                                           "1e3",
                                           "true",
                                           "false",
                                           "",
                                           "x",
                                           "S-1-5-18",
                                           "2020-01-01T00:00:00Z",
                                           "{00000000-0000-0000-0000-000000000000}",
                                           "99999999999999999999",
                                           "Data",
                                           " 5 ",
                                           "a&b",
                                           "\\\\*\\IPC$"};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::vector<xml::Element> children_of(xml::Element element) {
  std::vector<xml::Element> children;
  for (const xml::Element child : element.children()) children.push_back(child);
  return children;
}

struct Attribute {
  std::string name;
  std::string value;
};
std::vector<Attribute> attributes_of(xml::Element element) {
  std::vector<Attribute> attributes;
  element.for_each_attribute([&](const xml::Element::Attribute& attribute) {
    // A query cannot name one with a prefix.
    if (attribute.name.find(':') == std::string_view::npos && attribute.name != "xmlns") {
      attributes.push_back({std::string(attribute.name), std::string(attribute.value)});
    }
  });
  return attributes;
}

void collect_texts(xml::Element element, std::vector<std::string>& texts) {
  if (auto text = element.text(); !text.empty()) texts.push_back(std::move(text));
  for (const auto& attribute : attributes_of(element)) texts.push_back(attribute.value);
  for (const xml::Element child : element.children()) collect_texts(child, texts);
}

/// A name that the query language can write.
bool is_name(std::string_view name) {
  return !name.empty() && name != "or" && name != "and" && name != "OR" && name != "AND" &&
         (std::isalpha(static_cast<unsigned char>(name.front())) != 0 || name.front() == '_');
}

}  // namespace

std::string QueryGenerator::comparison() {
  constexpr std::string_view kSigns[] = {"=", "=", "=", "!=", "!=", "<", "<=", ">", ">="};
  const std::string_view sign = kSigns[below(std::size(kSigns))];
  return one_in(2) ? std::string(sign) : " " + std::string(sign) + " ";
}

std::string QueryGenerator::number() {
  constexpr std::string_view kNumbers[] = {"0",
                                           "1",
                                           "2",
                                           "3",
                                           "4",
                                           "5",
                                           "32",
                                           "0x20",
                                           "4624",
                                           "9007199254740992",
                                           "0x8000000000000000",
                                           "18446744073709551615",
                                           "42",
                                           "58",
                                           "-1",
                                           "1.5",
                                           "1e2"};
  return std::string(kNumbers[below(std::size(kNumbers))]);
}

std::string QueryGenerator::literal(const std::string& value) {
  std::string text = value;
  switch (below(12)) {
    case 0:
      text = kConstants[below(std::size(kConstants))];
      break;
    case 1:
      for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      break;
    case 2:
      for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      break;
    case 3:
      if (const auto number = parse_number(value); number && number->whole) {
        text = base::to_lower("0x") + std::to_string(number->magnitude % 10);
        text = one_in(2) ? std::to_string(number->magnitude + 1) : std::to_string(number->magnitude);
      }
      break;
    case 4:
      if (const auto guid = parse_guid_bytes(value); guid && value.size() == 38) text = value.substr(1, 36);
      break;
    case 5:
      if (const auto time = parse_time(value)) text = base::format_utc(*time, static_cast<int>(below(10)));
      break;
    case 6:
      text = value.substr(0, below(value.size() + 1));
      break;
    default:
      break;
  }
  if (const auto looks = parse_number(text); looks && !text.empty() && one_in(2)) {
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (plain) return text;
  }
  if ((text == "true" || text == "false") && one_in(2)) return text;
  const char quote = text.find('\'') != std::string::npos || one_in(3) ? '"' : '\'';
  if (text.find(quote) != std::string::npos) return "'x'";
  return quote + text + quote;
}

std::string QueryGenerator::step(xml::Element to, int depth) {
  std::string name = one_in(8) || !is_name(to.local_name()) ? "*" : std::string(to.local_name());
  if (one_in(30)) name = "Bogus";
  if (one_in(20)) name = "child::" + name;
  for (std::uint32_t count = one_in(3) ? 1 + below(2) : 0; count > 0; --count) {
    const auto attributes = attributes_of(to);
    const auto choice = below(10);
    if (choice < 5 && !attributes.empty()) {
      const auto& attribute = attributes[below(attributes.size())];
      name += "[@" + attribute.name + (one_in(5) ? std::string() : comparison() + literal(attribute.value)) + "]";
    } else if (choice < 7) {
      std::size_t position = 1;
      for (const xml::Element sibling : to.parent().children()) {
        if (sibling == to) break;
        position += sibling.local_name() == to.local_name() ? 1 : 0;
      }
      const std::string at = std::to_string(one_in(4) ? below(6) : position);
      name += one_in(2) ? "[" + at + "]" : "[position()" + comparison() + at + "]";
    } else if (depth > 0) {
      name += "[" + predicate(to, depth - 1) + "]";
    }
  }
  return name;
}

std::string QueryGenerator::path(xml::Element context, int depth, std::string& value) {
  std::string result;
  xml::Element at = context;
  for (;;) {
    const auto children = children_of(at);
    const auto attributes = attributes_of(at);
    const bool to_attribute = !attributes.empty() && (children.empty() || one_in(4));
    if (to_attribute) {
      const auto& attribute = attributes[below(attributes.size())];
      value = attribute.value;
      if (!result.empty()) result += '/';
      if (one_in(10)) return result + "@*";
      return result + (one_in(10) ? "attribute::" : "@") + attribute.name;
    }
    if (children.empty()) break;
    at = children[below(children.size())];
    if (!result.empty()) result += '/';
    result += step(at, depth);
    value = at.text();
    if (one_in(attributes_of(at).empty() && at.child_count() == 0 ? 1 : 5)) break;
  }
  return result.empty() ? "Nothing" : result;
}

std::string QueryGenerator::test(xml::Element context, int depth) {
  std::string value;
  const std::string where = path(context, depth, value);
  switch (below(14)) {
    case 0:
    case 1:
      return where;
    case 2: {
      std::string other;
      if (one_in(4)) return "band(" + where + "," + path(context, 0, other) + ")";
      return one_in(4) ? "band(" + number_for_band() + ", " + where + ")" : "band(" + where + ", " + number_for_band() + ")";
    }
    case 3: {
      const std::string limit = one_in(2) ? "86400000" : std::to_string(below(2'000'000'000)) + "00";
      if (one_in(3)) return "timediff(" + where + ",'2019-03-09T07:23:05.470Z')" + comparison() + limit;
      if (one_in(5)) return "timediff('2019-03-09T07:23:05.470Z'," + where + ")" + comparison() + limit;
      return "timediff(" + where + ")" + comparison() + limit;
    }
    case 4:
      return "'" + std::string(one_in(2) ? "x" : "5") + "'" + comparison() + where;
    default:
      return where + comparison() + literal(value);
  }
}

std::string QueryGenerator::number_for_band() {
  for (;;) {
    std::string text = number();
    if (text.find('.') == std::string::npos && text.find('e') == std::string::npos) return text;
  }
}

std::string QueryGenerator::predicate(xml::Element context, int depth) {
  if (depth <= 0) return test(context, 0);
  switch (below(8)) {
    case 0:
      return predicate(context, depth - 1) + " and " + predicate(context, depth - 1);
    case 1:
      return "(" + predicate(context, depth - 1) + (one_in(5) ? " OR " : " or ") + predicate(context, depth - 1) + ")";
    case 2:
      return "(" + predicate(context, depth - 1) + ")" + (one_in(2) ? "=false" : " != true");
    default:
      return test(context, depth);
  }
}

std::string QueryGenerator::selector(xml::Element event, int depth) {
  if (depth > 0 && one_in(3)) {
    const std::string joined = selector(event, depth - 1) + (one_in(2) ? " and " : " or ") + selector(event, depth - 1);
    return one_in(2) ? "(" + joined + ")" : joined;
  }
  const std::string root = one_in(4) ? "Event" : "*";
  if (one_in(6)) {
    std::string value;
    const std::string below_event = path(event, depth, value);
    return root + "/" + below_event + (one_in(2) ? std::string() : comparison() + literal(value));
  }
  // Most of what people ask.
  for (const xml::Element child : event.children()) {
    if (one_in(2) && is_name(child.local_name())) {
      return root + "[" + std::string(child.local_name()) + "[" + predicate(child, depth) + "]]";
    }
  }
  return root + "[" + predicate(event, depth) + "]";
}

std::string QueryGenerator::expression(xml::Element event) {
  return selector(event, 2);
}

std::string QueryGenerator::query_list(xml::Element event) {
  std::string list = "<QueryList>";
  for (std::uint32_t query = 0, count = 1 + below(3); query < count; ++query) {
    list += "<Query Id='" + std::to_string(query) + "' Path='log'>";
    for (std::uint32_t select = 0, selects = 1 + below(3); select < selects; ++select) {
      list += one_in(4) && select > 0 ? "<Select Path='other'>" : "<Select>";
      list += one_in(4) ? "*" : escaped(expression(event));
      list += "</Select>";
    }
    for (std::uint32_t suppress = below(3); suppress > 0; --suppress) {
      list += "<Suppress>" + escaped(expression(event)) + "</Suppress>";
    }
    list += "</Query>";
  }
  return list + "</QueryList>";
}

std::string QueryGenerator::words(xml::Element event) {
  std::vector<std::string> texts;
  collect_texts(event, texts);
  if (texts.empty()) return "x";
  std::string text = texts[below(texts.size())];
  const std::size_t from = below(text.size() + 1);
  text = text.substr(from, 1 + below(12));
  if (one_in(3)) {
    for (char& c : text)
      c = static_cast<char>(std::isupper(static_cast<unsigned char>(c)) != 0 ? std::tolower(c)
                                                                             : std::toupper(static_cast<unsigned char>(c)));
  }
  if (one_in(3)) text = std::string(base::trimmed(text));
  if (one_in(10)) text += "\xC3\xA9";
  return text.empty() ? "e" : text.substr(0, 1024);
}

std::string changed_event(std::string xml, std::mt19937& random) {
  static constexpr std::string_view kTexts[] = {"a&amp;b",
                                                "&#65;",
                                                "&#x41;b",
                                                "",
                                                " ",
                                                "\r\n",
                                                " 5 ",
                                                "\t0x20\n",
                                                "&lt;tag&gt;",
                                                "&quot;q&quot;",
                                                "&apos;",
                                                "&foo;",
                                                "&#32;",
                                                "-1",
                                                "1.5",
                                                "1e3",
                                                "0x20",
                                                "0X20",
                                                "0x0000000000000020",
                                                "007",
                                                "18446744073709551615",
                                                "18446744073709551616",
                                                "true",
                                                "FALSE",
                                                "2020-01-01T00:00:00Z",
                                                "2020-01-01T00:00:00.1234567Z",
                                                "2020-01-01T01:00:00+01:00",
                                                "{54849625-5478-4994-A5BA-3E3B0328C30D}",
                                                "54849625-5478-4994-a5ba-3e3b0328c30d",
                                                "S-1-5-18",
                                                "s-1-5-18",
                                                "S-1-5-",
                                                "a\r\nb",
                                                "\xC3\xA9",
                                                "x"};
  static constexpr std::string_view kContents[] = {
      "<![CDATA[a<b]]>", "<!-- c -->",     "a<!-- c -->b", "<![CDATA[ ]]>",     "x<b>y</b>z", "<b>1</b><b>2</b>", "<b/>",
      "<b>5</b>",        "<b c='7'>5</b>", " <b> 5 </b> ", "<b><c>deep</c></b>"};
  static constexpr std::string_view kData[] = {"<Data Name='New'>5</Data>",
                                               "<Data>unnamed</Data>",
                                               "<Data/>",
                                               "<Data></Data>",
                                               "<Data Name=''>empty name</Data>",
                                               "<Data Name='a&amp;b'>reference</Data>",
                                               "<Binary>AB12</Binary>",
                                               "<Data Name='T' Type='win:HexInt32'>0x20</Data>",
                                               "<ComplexData Name='C'><F>1</F><F>2</F></ComplexData>"};
  static constexpr std::string_view kSystem[] = {"<Level>2</Level>",
                                                 "<EventID>4624</EventID>",
                                                 "<Channel>Other</Channel>",
                                                 "<Security UserId='1000'/>",
                                                 "<Security UserID='S-1-5-18'/>",
                                                 "<Computer>c</Computer>",
                                                 "<Bogus>1</Bogus>",
                                                 "<Keywords>0x8020000000000000</Keywords>",
                                                 "<Provider Name='Second'/>",
                                                 "<TimeCreated SystemTime='2020-01-01T00:00:00Z'/>",
                                                 "<Task> 0x3200 </Task>",
                                                 "<Correlation ActivityID='{54849625-5478-4994-A5BA-3E3B0328C30D}'/>"};
  static constexpr std::string_view kParts[] = {
      "<UserData><W xmlns='urn:w'><F a='1'>1</F><F>2</F><PrinterName>MyPrinter</PrinterName></W></UserData>",
      "<p:UserData xmlns:p='urn:p'><p:W p:q='3' r='4'><p:F>5</p:F></p:W></p:UserData>",
      "<EventData><Data Name='Second'>1</Data></EventData>",
      "<RenderingInfo Culture='en-US'><Message>A "
      "thing&#13;&#10;happened</Message><Level>Information</Level><Keywords><Keyword>Classic</Keyword></Keywords></"
      "RenderingInfo>",
      "<System><EventID>7</EventID></System>"};
  const auto pick = [&](const auto& pieces) { return std::string(pieces[random() % std::size(pieces)]); };
  /// A random place of `mark` from `from` on.
  const auto place = [&](std::string_view mark) {
    std::vector<std::size_t> places;
    for (auto at = xml.find(mark); at != std::string::npos; at = xml.find(mark, at + 1)) places.push_back(at);
    return places.empty() ? std::string::npos : places[random() % places.size()];
  };
  for (auto changes = 1 + random() % 3; changes > 0; --changes) {
    switch (random() % 8) {
      case 0:
      case 1:
      case 2: {
        const auto end = place("</");
        if (end == std::string::npos) break;
        const auto begin = xml.rfind('>', end);
        if (begin == std::string::npos) break;
        xml.replace(begin + 1, end - begin - 1, random() % 4 == 0 ? pick(kContents) : pick(kTexts));
        break;
      }
      case 3: {
        const char quote = random() % 2 == 0 ? '"' : '\'';
        const auto equals = place(std::string("=") + quote);
        if (equals == std::string::npos || xml.substr(0, equals).ends_with("xmlns")) break;
        const auto end = xml.find(quote, equals + 2);
        if (end == std::string::npos) break;
        xml.replace(equals + 2, end - equals - 2, pick(kTexts));
        break;
      }
      case 4:
      case 5: {
        const auto end = random() % 3 == 0 ? place("</EventData>") : place("<Data");
        if (end != std::string::npos) xml.insert(end, pick(kData));
        break;
      }
      case 6: {
        const auto end = random() % 2 == 0 ? xml.find("</System>") : xml.find("<EventID");
        if (end != std::string::npos) xml.insert(end, pick(kSystem));
        break;
      }
      case 7: {
        const auto end = xml.rfind("</Event>");
        if (end != std::string::npos) xml.insert(end, pick(kParts));
        break;
      }
    }
  }
  return xml;
}

std::vector<std::string> unusual_events() {
  return {
      "<Event><System><Provider Name='P'/><EventID>307</EventID></System><UserData><DocumentPrinted "
      "xmlns='urn:print'><Param1>7</Param1>"
      "<p:PrinterName xmlns:p='urn:p'>MyPrinter</p:PrinterName></DocumentPrinted></UserData></Event>",
      "<Event><System><Provider Name='Linux-Sysmon'/><EventID>1</EventID><Security UserId='1000'/></System><EventData><Data "
      "Name=\"User\">root</Data></EventData></Event>",
      "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='P &amp; Q'/><EventID "
      "Qualifiers='16384'>7036</EventID><Level>4</Level><Channel>System</Channel><Computer>A.example.org</Computer></System>"
      "<EventData><Data>one</Data><Data>two</Data><Data>APPCRASH</Data><Data></Data><Data/><Binary>00FF</Binary></EventData>"
      "<RenderingInfo Culture='en-US'><Message>The thing &lt;entered&gt; the state.</Message><Level>Information</Level>"
      "<Keywords><Keyword>Classic</Keyword></Keywords></RenderingInfo></Event>",
      "<Event>\r\n <System>\r\n  <Provider Name='P'/>\r\n  <EventID>1</EventID>\r\n  <Level> 2 </Level>\r\n </System>\r\n "
      "<EventData>\r\n  <Data Name='A'>  </Data>\r\n  <Data Name='A'>x</Data>\r\n </EventData>\r\n</Event>",
      "<Event><System/></Event>",
      "<Event><System><EventID>1</EventID></System><UserData><W><F a='1' b='1'>x</F><F a='2' b='1'>y</F><F a='1' "
      "b='2'>z</F><F "
      "a='2' b='2'>x</F><G><F a='1'>x</F></G></W></UserData></Event>",
      "<Event><System><EventID>&#1;</EventID></System><EventData>text</EventData></Event>",
      "<Event><EventData><Data "
      "Name='Before'>System</Data></EventData><System><EventID>5</EventID><Computer/></System></Event>",
      "<Event><System><System><EventID>6</EventID></System><EventID>5</EventID></System></Event>",
  };
}

}  // namespace events::corpus
