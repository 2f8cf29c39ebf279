#include "forwarder/feed.h"

#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "engine/resources/event_tail.h"
#include "engine/resources/start_position.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace forwarder {
namespace {

constexpr std::string_view kStateKind = "feed";
constexpr auto kSaveInterval = std::chrono::seconds(30);

wsman::NotifierOptions notifier_options(const FeedOptions& options) {
  wsman::NotifierOptions notifier;
  notifier.how = options.offer.subscribe;
  notifier.machine = options.computer;
  notifier.rate = options.rate;
  const wsman::NotifyAddress& to = notifier.how.end_to.address.empty() ? notifier.how.notify_to : notifier.how.end_to;
  xml::Writer manager;
  manager.leaf("a:Address", to.address).open("a:ReferenceProperties").leaf("e:Identifier", to.identifier);
  notifier.manager = manager.take();
  return notifier;
}

}  // namespace

Feed::Feed(FeedOptions options, storage::EventStore& events, storage::StateStore& state, base::BlockingPool& pool,
           Connect connect, base::Clock& clock)
    : options_(std::move(options)),
      events_(events, options_.computer),
      state_(state),
      pool_(pool),
      clock_(clock),
      notifier_(notifier_options(options_), std::move(connect), clock, *this) {}

Feed::~Feed() {
  if (options_.progress != nullptr) options_.progress->forget(options_.state_key);
}

base::Task<void> Feed::run() {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  if (auto checked = check(); !checked.ok()) {
    co_await give_up(FeedEnd::Unusable, std::move(checked).error());
    co_return;
  }
  auto beginning = co_await find_beginning();
  if (!beginning.ok()) {
    co_await give_up(FeedEnd::Unready, std::move(beginning).error());
    co_return;
  }
  position_ = beginning->to_xml();
  if (options_.progress != nullptr) options_.progress->reach(options_.state_key, *beginning);
  // From now on the beginning is known: what comes before the first delivery is not passed over after a restart.
  co_await save_position();
  base::log_notice("subscription {} started, delivering to {}", how.subscription_name, how.notify_to.address);

  resources::EventTailOptions tail;
  tail.query = query_;
  tail.after = std::move(beginning).value();
  tail.rendered = how.content_format == "RenderedText";
  tail.ignore_missing_logs = how.ignore_channel_error;
  tail.memory = options_.memory;
  tail.key = options_.state_key;
  tail.name = how.subscription_name;
  resources::EventTail source(events_, std::move(tail), clock_);
  co_await notifier_.run(source);
  base::Error why;
  switch (notifier_.end()) {
    case wsman::NotifierEnd::Refused:
      end_ = FeedEnd::Refused;
      // What nobody wants need not be kept for him.
      if (options_.progress != nullptr) options_.progress->forget(options_.state_key);
      break;
    case wsman::NotifierEnd::Unreachable:
      end_ = FeedEnd::Unreachable;
      break;
    case wsman::NotifierEnd::TooLarge:
      why = notifier_.trouble();
      co_await give_up(FeedEnd::Unusable, std::move(why));
      break;
    default:
      break;
  }
}

base::Task<void> Feed::give_up(FeedEnd end, base::Error why) {
  base::log_error("subscription {} cannot be served: {}", options_.offer.subscribe.subscription_name, why.message());
  const std::uint32_t number = base::win32_number(why.code);
  std::string status = "SourceCancelling";
  std::string reason = why.message();
  co_await say_end(std::move(status), number, std::move(reason));
  if (options_.progress != nullptr) options_.progress->forget(options_.state_key);
  end_ = end;
}

/// What later attempts will not change.
base::Result<void> Feed::check() {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  if (how.mode != wsman::kModeEvents) {
    return base::make_error(base::Win32::NotSupported, "the delivery mode " + how.mode + " is not supported");
  }
  ASSIGN_OR_RETURN(query_, events::Query::parse(how.filter, ""));
  return notifier_.prepare();
}

base::AsyncResult<events::Bookmark> Feed::find_beginning() {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  const std::vector<std::string> paths = query_.paths();
  if (!how.ignore_channel_error) {
    for (const std::string& path : paths) {
      ASSIGN_OR_CO_RETURN(auto log, co_await events_.find_log(path));
      if (!log) co_return base::make_error(base::Win32::ResourceNotOnline, "there is no channel " + path);
    }
  }
  const std::string kind(kStateKind);
  ASSIGN_OR_CO_RETURN(auto remembered, co_await pool_.run([this, &kind] { return state_.find(kind, options_.state_key); }));
  resources::StartBasis basis;
  basis.channels = paths;
  basis.remembered = std::move(remembered);
  basis.key = options_.state_key;
  basis.memory = options_.memory;
  co_return co_await resources::find_start(how, basis, events_);
}

base::Task<void> Feed::passed(const std::string& bookmark) {
  position_ = bookmark;
  if (options_.progress != nullptr) {
    const auto position = events::Bookmark::parse(bookmark);
    if (position.ok()) options_.progress->reach(options_.state_key, *position);
  }
  if (clock_.steady() >= last_saved_ + kSaveInterval) co_await save_position();
}

base::Task<bool> Feed::say_end(std::string status, std::uint32_t code, std::string reason) {
  return notifier_.say_end(std::move(status), code, std::move(reason));
}

base::Task<void> Feed::save_position() {
  // The collector's own bookmark is what counts; this one serves while it has none, so a little staleness is harmless.
  last_saved_ = clock_.steady();
  std::string text = position_;
  if (text.empty() || text == saved_) co_return;
  const std::string kind(kStateKind);
  auto kept = co_await pool_.run([this, &kind, &text] { return state_.put(kind, options_.state_key, text); });
  if (kept.ok()) {
    saved_ = std::move(text);
  } else {
    base::log_warning("the position of {} was not written down: {}", options_.state_key, kept.error().message());
  }
}

}  // namespace forwarder
