#include "tests/cli/winrm_world.h"

#include <algorithm>

#include "cli/winrm.h"
#include "engine/base/encoding.h"
#include "engine/base/file_system.h"
#include "engine/base/win32.h"
#include "engine/wsman/identify.h"
#include "engine/wsman/names.h"

namespace cli {
namespace {

constexpr std::string_view kBase = "http://schemas.microsoft.com/wbem/wsman/1/config";
constexpr std::string_view kCimv2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2";

std::string uri_of(std::string_view path) {
  return std::string(kBase) + std::string(path);
}

wsman::Item item(std::string xml, std::vector<wsman::Selector> selectors = {}) {
  wsman::Item made;
  made.xml = std::move(xml);
  made.selectors = std::move(selectors);
  return made;
}

// winrm-config, sections 2.2, 3.2 and 4: what a machine shows where nothing was decided but one value by policy.
std::string client_document(std::string_view uri) {
  return "<cfg:Client xmlns:cfg=\"" + std::string(uri) +
         "\"><cfg:NetworkDelayms>5000</cfg:NetworkDelayms><cfg:URLPrefix>wsman</cfg:URLPrefix>"
         "<cfg:AllowUnencrypted Source=\"GPO\">false</cfg:AllowUnencrypted><cfg:Auth><cfg:Basic>true</cfg:Basic>"
         "<cfg:Digest>true</cfg:Digest><cfg:Kerberos>true</cfg:Kerberos><cfg:Negotiate>true</cfg:Negotiate>"
         "<cfg:Certificate>true</cfg:Certificate><cfg:CredSSP>false</cfg:CredSSP></cfg:Auth><cfg:DefaultPorts>"
         "<cfg:HTTP>5985</cfg:HTTP><cfg:HTTPS>5986</cfg:HTTPS></cfg:DefaultPorts><cfg:TrustedHosts></cfg:TrustedHosts>"
         "</cfg:Client>";
}

wsman::Item listener() {
  return item(
      "<cfg:Listener xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config/listener\" "
      "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><cfg:Address>*</cfg:Address>"
      "<cfg:Transport>HTTP</cfg:Transport><cfg:Port>5985</cfg:Port><cfg:Hostname></cfg:Hostname>"
      "<cfg:Enabled>true</cfg:Enabled><cfg:URLPrefix>wsman</cfg:URLPrefix>"
      "<cfg:CertificateThumbprint></cfg:CertificateThumbprint><cfg:ListeningOn>127.0.0.1</cfg:ListeningOn>"
      "<cfg:ListeningOn>192.0.2.10</cfg:ListeningOn><cfg:ListeningOn>::1</cfg:ListeningOn></cfg:Listener>",
      {wsman::Selector{"Address", "*", {}}, wsman::Selector{"Transport", "HTTP", {}}});
}

bool same_selectors(const std::vector<wsman::Selector>& a, const std::vector<wsman::Selector>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const wsman::Selector& x, const wsman::Selector& y) {
    return base::equal_ignoring_case(x.name, y.name) && base::equal_ignoring_case(x.value, y.value);
  });
}

}  // namespace

std::vector<wsman::Item>::iterator StoredResource::find(const wsman::Call& call) {
  return std::find_if(items.begin(), items.end(),
                      [&](const wsman::Item& i) { return same_selectors(i.selectors, call.headers.selectors); });
}

wsman::AsyncResult<wsman::Item> StoredResource::get(const wsman::Call& call) {
  const auto at = find(call);
  if (at == items.end()) co_return wsman::make_fault(wsman::FaultCode::ResourceNotFound);
  co_return *at;
}

wsman::AsyncResult<wsman::Item> StoredResource::put(const wsman::Call& call) {
  if (put_fault) co_return *put_fault;
  const auto at = find(call);
  if (at == items.end()) co_return wsman::make_fault(wsman::FaultCode::ResourceNotFound);
  at->xml = call.body.outer_xml();
  co_return *at;
}

wsman::AsyncResult<wsman::Item> StoredResource::create(const wsman::Call& call) {
  if (find(call) != items.end()) co_return wsman::make_fault(wsman::FaultCode::AlreadyExists);
  items.push_back(item(call.body.outer_xml(), call.headers.selectors));
  co_return items.back();
}

wsman::AsyncResult<void> StoredResource::remove(const wsman::Call& call) {
  const auto at = find(call);
  if (at == items.end()) co_return wsman::make_fault(wsman::FaultCode::ResourceNotFound);
  items.erase(at);
  co_return wsman::Result<void>();
}

wsman::Features StoredResource::features() const {
  wsman::Features features = wsman::item_features();
  features.native_dialects = {wsman::kWqlDialect, wsman::kSelectorDialect, wsman::kAssociationDialect};
  features.polymorphism = true;
  return features;
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> StoredResource::enumerate(const wsman::Call&,
                                                                                 wsman::EnumerateRequest) {
  co_return wsman::enumerate_items(items);
}

wsman::AsyncResult<std::string> StoredResource::invoke(const wsman::Call& call, std::string method) {
  if (!methods) co_return wsman::make_fault(wsman::FaultCode::ActionNotSupported);
  co_return methods(method, call.body);
}

/// Notes what is sent.
class WinrmWorld::Line final : public wsman::Transport {
 public:
  Line(WinrmWorld& world, std::unique_ptr<wsman::Transport> inner) : world_(world), inner_(std::move(inner)) {}

  base::AsyncResult<std::optional<wsman::Envelope>> round_trip(wsman::Message request,
                                                               std::chrono::milliseconds timeout) override {
    world_.sent = request;
    world_.patience = timeout;
    if (!world_.network_errors.empty()) {
      base::Error error = world_.network_errors.front();
      world_.network_errors.erase(world_.network_errors.begin());
      co_return error;
    }
    if (request.headers.action.empty()) {
      // The endpoint answers this one, before the dispatcher.
      const wsman::Message answer = wsman::identify_response("Microsoft Corporation", {}, false);
      auto envelope = wsman::read_envelope(wsman::write_envelope(answer));
      if (!envelope.ok()) co_return wsman::as_error(envelope.error());
      co_return std::optional<wsman::Envelope>(std::move(*envelope));
    }
    co_return co_await inner_->round_trip(std::move(request), timeout);
  }

 private:
  WinrmWorld& world_;
  std::unique_ptr<wsman::Transport> inner_;
};

WinrmWorld::WinrmWorld()
    : config(uri_of(""), {}),
      client(uri_of("/client"), {item(client_document(uri_of("/client")))}),
      service(uri_of("/service"), {item("<cfg:Service xmlns:cfg=\"" + uri_of("/service") +
                                        "\"><cfg:RootSDDL>O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;IU)S:P(AU;FA;GA;;;WD)"
                                        "</cfg:RootSDDL><cfg:MaxConnections>300</cfg:MaxConnections></cfg:Service>")}),
      ports(uri_of("/service/defaultports"), {item("<cfg:DefaultPorts xmlns:cfg=\"" + uri_of("/service/defaultports") +
                                                   "\"><cfg:HTTP>5985</cfg:HTTP><cfg:HTTPS>5986</cfg:HTTPS>"
                                                   "</cfg:DefaultPorts>")}),
      listeners(uri_of("/listener"), {listener()}),
      services(std::string(kCimv2) + "/Win32_Service", {}),
      everything(std::string(kCimv2) + "/*", {}),
      security(uri_of("/service/security"), {}),
      dispatcher_(wsman::DispatcherOptions{}) {
  config.items.push_back(item("<cfg:Config xmlns:cfg=\"" + uri_of("") +
                              "\"><cfg:MaxEnvelopeSizekb>500</cfg:MaxEnvelopeSizekb><cfg:MaxTimeoutms>60000"
                              "</cfg:MaxTimeoutms>" +
                              client_document(uri_of("")) + "</cfg:Config>"));
  for (StoredResource* resource : {&config, &client, &service, &ports, &listeners, &services, &everything, &security}) {
    dispatcher_.add(*resource);
  }
}

WinrmWorld::~WinrmWorld() = default;

std::unique_ptr<wsman::Transport> WinrmWorld::connect() {
  wsman::Caller caller;
  caller.who.scheme = auth::Principal::Scheme::LocalPeer;
  caller.who.name = "root";
  caller.who.administrator = true;
  caller.path = "/wsman";
  return std::make_unique<Line>(*this, wsman::loopback_transport(dispatcher_, std::move(caller)));
}

base::Result<ControlSocket> WinrmWorld::connect_local(const Arguments&) {
  if (!running) return base::make_error(base::Win32::ServerUnavailable, "No service listens on " + socket.string() + ".");
  return ControlSocket{socket, connect()};
}

base::Result<std::unique_ptr<wsman::Transport>> WinrmWorld::connect_remote(RemoteConnection wanted) {
  plan = std::move(wanted);
  return connect();
}

base::Result<CommandOutput> WinrmWorld::run(const std::vector<std::string>& command) {
  std::string words;
  for (const std::string& word : command) words += (words.empty() ? "" : " ") + word;
  commands.push_back(words);
  if (on_command) on_command(words);
  const auto at = answers.find(words);
  if (at != answers.end()) return at->second;
  return base::make_error(std::errc::no_such_file_or_directory, "run " + command.front());
}

base::Result<void> WinrmWorld::edit(const std::filesystem::path& file) {
  if (!editor) return base::make_error(base::Win32::Cancelled, "There is no editor.");
  auto text = base::read_file(file);
  if (!text.ok()) return std::move(text).error();
  return base::replace_file(file, editor(std::move(*text)));
}

ToolRun WinrmWorld::winrm(std::vector<std::string> words, std::string input) {
  return run_tool([&](Console& console) { return run_winrm(console, std::move(words), *this); }, std::move(input));
}

}  // namespace cli
