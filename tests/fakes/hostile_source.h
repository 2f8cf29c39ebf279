// Sources that answer wrongly.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fakes {

/// What a hostile source does instead of answering as a Windows machine would.
enum class Misdeed {
  None,  ///< all as it should be: every Pull brings one event
  // On the connection.
  Silence,      ///< takes the request and never answers
  CloseUnread,  ///< closes as soon as there is a connection
  CloseBehind,  ///< answers rightly and closes, without a word of that
  CloseAtOnce,  ///< takes the request and closes
  CloseMidway,  ///< announces more than it sends, and closes
  EndlessBody,  ///< a chunked body that never ends
  EndlessHead,  ///< header fields that never end
  DripBody,     ///< a byte now and then
  NotHttp,      ///< bytes
  // In HTTP.
  Html,              ///< 200 with a page
  HtmlError,         ///< 500 with a page
  Moved,             ///< 301 to elsewhere
  MovedTemporarily,  ///< 307 to elsewhere
  Empty,             ///< 200 without a body
  Unauthorised,      ///< 401, whatever the credentials
  // In SOAP.
  Unreadable,     ///< no XML
  NotAnEnvelope,  ///< XML of another kind
  Soap11,
  NoBody,     ///< an envelope without s:Body
  EmptyBody,  ///< nothing in s:Body
  OtherBody,  ///< the answer to something else
  OtherRelatesTo,
  NoRelatesTo,
  DeepXml,
  Doctype,
  ManyHeaders,
  // In eventing.
  NoContext,
  HugeContext,
  HugeIdentifier,
  ManyProperties,  ///< reference properties without end
  TooManyItems,    ///< more than MaxElements
  HugeBookmark,
  BadBookmark,  ///< text that is no BookmarkList
};

/// Speaks HTTP over bare sockets: answers rightly until a request with the action `at` comes ("Identify", "Subscribe",
/// "Pull", …; empty: at each), to which it answers with its misdeed; one at Subscribe closes at each Pull, too. Listens as
/// long as it lives.
class HostileSource {
 public:
  HostileSource(Misdeed misdeed, std::string at, const std::string& address = "127.0.0.1", std::uint16_t port = 0);
  ~HostileSource();

  /// From the next request on.
  void become(Misdeed misdeed, std::string at);
  std::uint16_t port() const;
  std::string url() const;
  /// The last parts of the actions asked so far, in order.
  std::vector<std::string> asked() const;
  std::size_t asked(std::string_view action) const;
  /// How many connections it has closed behind an answer.
  std::size_t closed() const;
  /// How many came to the place that Moved points to.
  std::size_t followed() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fakes
