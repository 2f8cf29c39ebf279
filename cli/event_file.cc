#include "cli/event_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "cli/event_file_evtx.h"
#include "engine/base/utf16.h"
#include "engine/base/win32.h"
#include "engine/xml/writer.h"
#include "events/event.h"
#include "events/render.h"

namespace cli {
namespace {

constexpr std::size_t kPiece = 1 << 20;
/// JSON writes a control character in six bytes.
constexpr std::size_t kMaxLine = 2 * kMaxEventText;

/// A file that is read from its beginning to its end.
class Input {
 public:
  Input() = default;
  ~Input() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  base::Result<void> open(const std::filesystem::path& file) {
    file_ = file;
    descriptor_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) return failure();
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) return failure();
    if (S_ISDIR(status.st_mode)) return base::make_error(base::Win32::InvalidData, file.string() + " is a directory.");
    size_ = static_cast<std::uint64_t>(status.st_size);
    return {};
  }

  /// Empty at the end. What was pushed back comes first.
  base::Result<std::string> read() {
    if (!pushed_back_.empty()) return std::exchange(pushed_back_, {});
    std::string piece(kPiece, '\0');
    for (;;) {
      const ssize_t count = ::read(descriptor_, piece.data(), piece.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failure();
      piece.resize(static_cast<std::size_t>(count));
      done_ += piece.size();
      return piece;
    }
  }
  void push_back(std::string piece) { pushed_back_ = std::move(piece); }

  std::uint64_t size() const { return size_; }
  std::uint64_t done() const { return done_; }

 private:
  base::Error failure() const {
    const int number = errno;
    if (number == ENOENT) {
      std::error_code ignored;
      const auto folder = file_.has_parent_path() ? file_.parent_path() : std::filesystem::path(".");
      const bool here = std::filesystem::is_directory(folder, ignored);
      return base::make_error(here ? base::Win32::FileNotFound : base::Win32::PathNotFound, file_.string());
    }
    return base::make_error(std::error_code(number, std::generic_category()), "read " + file_.string());
  }

  std::filesystem::path file_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t done_ = 0;
  std::string pushed_back_;
};

/// Text in UTF-8, whatever the file is written in.
class TextInput {
 public:
  explicit TextInput(std::unique_ptr<Input> input) : input_(std::move(input)) {}

  void set_wide(bool wide) { wide_ = wide; }

  /// Empty at the end.
  base::Result<std::string> read() {
    for (;;) {
      ASSIGN_OR_RETURN(std::string piece, input_->read());
      const bool end = piece.empty();
      if (!wide_) return piece;
      rest_ += piece;
      // Whole units only, and no high surrogate without its low one.
      std::size_t whole = rest_.size() & ~std::size_t{1};
      if (!end && whole >= 2 && (static_cast<unsigned char>(rest_[whole - 1]) & 0xFC) == 0xD8) whole -= 2;
      if (whole == 0 && !end) continue;
      std::string text = base::utf16_to_utf8(std::string_view(rest_).substr(0, whole), base::Utf16Order::LittleEndian).text;
      rest_.erase(0, end ? rest_.size() : whole);
      return text;
    }
  }

  const Input& input() const { return *input_; }

 private:
  std::unique_ptr<Input> input_;
  bool wide_ = false;
  std::string rest_;
};

class XmlFile final : public EventFile {
 public:
  XmlFile(TextInput input) : input_(std::move(input)) { size_ = input_.input().size(); }

  base::Result<std::optional<std::string>> next() override {
    for (;;) {
      auto event = splitter_.next();
      unreadable_ = splitter_.unreadable();
      if (event || ended_) return event;
      ASSIGN_OR_RETURN(const std::string piece, input_.read());
      done_ = input_.input().done();
      ended_ = piece.empty();
      if (ended_) {
        splitter_.end();
      } else {
        splitter_.add(piece);
      }
    }
  }

 private:
  TextInput input_;
  EventSplitter splitter_;
  bool ended_ = false;
};

class JsonFile final : public EventFile {
 public:
  JsonFile(TextInput input) : input_(std::move(input)) { size_ = input_.input().size(); }

  base::Result<std::optional<std::string>> next() override {
    for (;;) {
      ASSIGN_OR_RETURN(const auto line, next_line());
      if (!line) return std::optional<std::string>();
      if (line->find_first_not_of(" \t\r") == std::string::npos) continue;
      const auto object = parse_json(*line);
      if (object.ok()) {
        if (auto event = event_from_json(*object)) return event;
      }
      ++unreadable_;
    }
  }

 private:
  base::Result<std::optional<std::string>> next_line() {
    for (;;) {
      const auto end = text_.find('\n', at_);
      if (end != std::string::npos) {
        std::string line = text_.substr(at_, end - at_);
        at_ = end + 1;
        if (!skipping_) return std::optional(std::move(line));
        skipping_ = false;
        continue;
      }
      text_.erase(0, at_);
      at_ = 0;
      if (text_.size() > kMaxLine) {
        if (!skipping_) ++unreadable_;
        skipping_ = true;
        text_.clear();
      }
      ASSIGN_OR_RETURN(const std::string piece, input_.read());
      done_ = input_.input().done();
      if (piece.empty()) {
        if (text_.empty() || skipping_) return std::optional<std::string>();
        return std::optional(std::exchange(text_, {}));
      }
      text_ += piece;
    }
  }

  TextInput input_;
  std::string text_;
  std::size_t at_ = 0;
  bool skipping_ = false;
};

std::string attribute(std::string_view name, const std::string& value) {
  return value.empty() ? std::string() : " " + std::string(name) + "='" + xml::escaped_attribute(value) + "'";
}

std::string element(std::string_view name, const std::string& value) {
  return "<" + std::string(name) + ">" + xml::escaped_text(value) + "</" + std::string(name) + ">";
}

std::string system_of(const JsonValue& object) {
  const auto text = [&](std::string_view name) { return object.find_text(name).value_or(""); };
  std::string out = "<System><Provider" + attribute("Name", text("Provider")) + attribute("Guid", text("ProviderGuid")) +
                    attribute("EventSourceName", text("EventSourceName")) + "/>";
  out += "<EventID" + attribute("Qualifiers", text("Qualifiers")) + ">" + xml::escaped_text(text("EventID")) + "</EventID>";
  for (const std::string_view name : {"Version", "Level", "Task", "Opcode", "Keywords"}) {
    if (object.find(name) != nullptr) out += element(name, text(name));
  }
  out += "<TimeCreated" + attribute("SystemTime", text("TimeCreated")) + "/>";
  if (object.find("EventRecordID") != nullptr) out += element("EventRecordID", text("EventRecordID"));
  if (object.find("ActivityID") != nullptr || object.find("RelatedActivityID") != nullptr) {
    out += "<Correlation" + attribute("ActivityID", text("ActivityID")) +
           attribute("RelatedActivityID", text("RelatedActivityID")) + "/>";
  }
  if (object.find("ProcessID") != nullptr || object.find("ThreadID") != nullptr) {
    out += "<Execution" + attribute("ProcessID", text("ProcessID")) + attribute("ThreadID", text("ThreadID")) + "/>";
  }
  out += element("Channel", text("Channel")) + element("Computer", text("Computer"));
  return out + "<Security" + attribute("UserID", text("UserID")) + "/></System>";
}

std::string data_of(const JsonValue& object) {
  std::string out;
  if (const JsonValue* data = object.find("EventData"); data != nullptr) {
    out += "<EventData>";
    for (const JsonValue& item : data->items) {
      const std::string name = item.find_text("Name").value_or("");
      const std::string value = item.find_text("Value").value_or("");
      out += name == "Binary" ? element("Binary", value)
                              : "<Data" + attribute("Name", name) + ">" + xml::escaped_text(value) + "</Data>";
    }
    out += "</EventData>";
  }
  if (const auto user_data = object.find_text("UserData")) out += "<UserData>" + *user_data + "</UserData>";
  return out;
}

}  // namespace

std::optional<std::string> event_from_json(const JsonValue& object) {
  if (object.find_text("Quality") == "Raw") return object.find_text("Text");
  if (!object.find_text("Provider") || !object.find_number("EventID")) return std::nullopt;
  const std::string opening = "<Event xmlns='" + std::string(events::kEventNamespace) + "'>";
  std::string xml = opening + system_of(object) + data_of(object) + "</Event>";
  const auto message = object.find_text("Message");
  if (!message || message->empty()) return xml;
  // Most messages come from the data; one that does not was part of the event.
  const events::Event event = events::Event::from_wire(xml);
  if (event.quality == events::Quality::Raw || events::message_of(event) == *message) return xml;
  xml.resize(xml.size() - std::string_view("</Event>").size());
  return xml + "<RenderingInfo Culture='en-US'>" + element("Message", *message) + "</RenderingInfo></Event>";
}

base::Result<std::unique_ptr<EventFile>> EventFile::open(const std::filesystem::path& file) {
  auto input = std::make_unique<Input>();
  RETURN_IF_ERROR(input->open(file));
  ASSIGN_OR_RETURN(std::string beginning, input->read());
  if (beginning.starts_with("ElfFile")) return open_evtx(file);
  const bool wide = beginning.starts_with("\xFF\xFE");
  if (wide) beginning.erase(0, 2);
  if (beginning.starts_with("\xEF\xBB\xBF")) beginning.erase(0, 3);
  const auto sign = beginning.find_first_not_of(std::string_view(" \t\r\n\0", 5));
  const bool empty = beginning.empty() || sign == std::string::npos;
  const char first = empty ? '<' : beginning[sign];
  input->push_back(std::move(beginning));
  TextInput text(std::move(input));
  text.set_wide(wide);
  if (first == '<') return std::unique_ptr<EventFile>(std::make_unique<XmlFile>(std::move(text)));
  if (first == '{') return std::unique_ptr<EventFile>(std::make_unique<JsonFile>(std::move(text)));
  return base::make_error(
      base::Win32::InvalidData,
      file.string() + " holds neither event XML nor JSON lines, and is no log file of Windows or Muster.");
}

}  // namespace cli
