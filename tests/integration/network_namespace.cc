#include "tests/integration/network_namespace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

namespace integration {
namespace {

constexpr char kDevice[] = "link0";

/// A descriptor that is closed at the end of its scope.
struct Descriptor {
  explicit Descriptor(int n) : number(n) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

ifreq device_request(const char* name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  return request;
}

void set_ip(sockaddr& into, in_addr address) {
  sockaddr_in ip{};
  ip.sin_family = AF_INET;
  ip.sin_addr = address;
  std::memcpy(&into, &ip, sizeof ip);
}

base::Result<void> bring_up(const char* name) {
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = device_request(name);
  if (::ioctl(socket.number, SIOCGIFFLAGS, &request) != 0) return base::errno_error("reading the flags of a device");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
  if (::ioctl(socket.number, SIOCSIFFLAGS, &request) != 0) return base::errno_error("starting a device");
  return {};
}

base::Result<void> give_address(const std::string& text) {
  in_addr address{};
  if (::inet_pton(AF_INET, text.c_str(), &address) != 1)
    return base::make_error(std::errc::invalid_argument, text + " is no address");
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = device_request(kDevice);
  set_ip(request.ifr_addr, address);
  if (::ioctl(socket.number, SIOCSIFADDR, &request) != 0) return base::errno_error("giving a device its address");
  // Everybody else is behind the device, also who has a similar address.
  set_ip(request.ifr_netmask, in_addr{INADDR_BROADCAST});
  if (::ioctl(socket.number, SIOCSIFNETMASK, &request) != 0) return base::errno_error("giving a device its netmask");
  RETURN_IF_ERROR(bring_up(kDevice));
  rtentry route{};
  set_ip(route.rt_dst, in_addr{INADDR_ANY});
  set_ip(route.rt_genmask, in_addr{INADDR_ANY});
  route.rt_flags = RTF_UP;
  std::string device = kDevice;
  route.rt_dev = device.data();
  // The route may outlive a change of the address.
  if (::ioctl(socket.number, SIOCADDRT, &route) != 0 && errno != EEXIST) return base::errno_error("adding a route");
  return {};
}

}  // namespace

base::Result<std::unique_ptr<NetworkNamespace>> NetworkNamespace::make() {
  base::Result<std::unique_ptr<NetworkNamespace>> made = base::make_error(std::errc::operation_not_permitted, "not made");
  // A thread's namespaces end with it, and no other thread sees them.
  std::thread([&made] {
    if (::unshare(CLONE_NEWNET) != 0) {
      made = base::errno_error("making a network namespace");
      return;
    }
    const int descriptor = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
      made = base::errno_error("opening a network namespace");
      return;
    }
    made = std::unique_ptr<NetworkNamespace>(new NetworkNamespace(descriptor));
    if (auto up = bring_up("lo"); !up.ok()) made = std::move(up).error();
  }).join();
  return made;
}

NetworkNamespace::~NetworkNamespace() {
  ::close(descriptor_);
}

std::vector<std::string> NetworkNamespace::prefix() const {
  return {"nsenter", "--net=/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(descriptor_)};
}

base::Result<void> NetworkNamespace::run(std::function<base::Result<void>()> action) const {
  base::Result<void> result;
  std::thread([&] {
    if (::setns(descriptor_, CLONE_NEWNET) != 0) {
      result = base::errno_error("entering a network namespace");
    } else {
      result = action();
    }
  }).join();
  return result;
}

base::Result<int> NetworkNamespace::make_tunnel(const std::string& address) {
  int tunnel = -1;
  auto made = run([&]() -> base::Result<void> {
    tunnel = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (tunnel < 0) return base::errno_error("opening /dev/net/tun");
    ifreq request = device_request(kDevice);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (::ioctl(tunnel, TUNSETIFF, &request) != 0) return base::errno_error("making a TUN device");
    return give_address(address);
  });
  if (!made.ok()) {
    if (tunnel >= 0) ::close(tunnel);
    return std::move(made).error();
  }
  return tunnel;
}

base::Result<void> NetworkNamespace::set_address(const std::string& address) {
  return run([&address] { return give_address(address); });
}

}  // namespace integration
