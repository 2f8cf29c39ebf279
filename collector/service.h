// The collector: its parts, wired together.

#pragma once

#include <memory>

#include "collector/ingest.h"
#include "collector/silent_sources.h"
#include "collector/source_routes.h"
#include "engine/base/task_group.h"
#include "engine/service/program.h"
#include "subscriptions/manager.h"
#include "subscriptions/resources.h"
#include "subscriptions/source_connector.h"

namespace collector {

class Service final : public service::Service {
 public:
  explicit Service(service::Host& host) : host_(host), tasks_(host.executor()) {}
  base::AsyncResult<void> prepare() override;
  base::Result<void> start() override;
  base::Task<void> stop() override;

 private:
  base::AsyncResult<void> make_default_log();

  service::Host& host_;
  std::unique_ptr<subscriptions::Manager> manager_;
  std::unique_ptr<subscriptions::SubscriptionDefinitionResource> definitions_;
  std::unique_ptr<subscriptions::SubscriptionStatusResource> status_;
  std::unique_ptr<subscriptions::SubscriptionListResource> list_;
  std::unique_ptr<RecordWatch> watch_;
  std::unique_ptr<Ingest> ingest_;
  std::unique_ptr<NetworkRoutes> routes_;
  std::unique_ptr<subscriptions::SourceConnector> connector_;
  std::unique_ptr<SilentSources> silent_sources_;
  base::TaskGroup tasks_;
};

}  // namespace collector
