// The forwarder: its parts, wired together.

#pragma once

#include <memory>
#include <vector>

#include "engine/base/task_group.h"
#include "engine/http/tls.h"
#include "engine/service/program.h"
#include "forwarder/enrolment.h"
#include "forwarder/source.h"

namespace forwarder {

class Service final : public service::Service {
 public:
  explicit Service(service::Host& host);
  base::AsyncResult<void> prepare() override;
  base::Result<void> start() override;
  base::Task<void> stop() override;

 private:
  base::Result<void> add_enrolment(const std::string& text);

  service::Host& host_;
  std::shared_ptr<http::TlsClientContext> tls_;
  DeliveryProgress progress_;
  std::vector<std::shared_ptr<Source>> sources_;
  std::vector<std::unique_ptr<Enrolment>> enrolments_;
  base::TaskGroup tasks_;  // last: its children use the others
};

}  // namespace forwarder
