// Definitions that the tests of subscriptions share.

#pragma once

#include <string>
#include <string_view>

#include "engine/auth/principal.h"
#include "subscriptions/subscription.h"

namespace subscriptions {

inline constexpr std::string_view kIssuer = "0123456789ABCDEF0123456789ABCDEF01234567";

inline constexpr std::string_view kSourceInitiatedSample =
    R"(<Subscription xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription">
  <SubscriptionId>linux-baseline</SubscriptionId>
  <SubscriptionType>SourceInitiated</SubscriptionType>
  <Description>Baseline from every enrolled host</Description>
  <Enabled>true</Enabled>
  <Uri>http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog</Uri>
  <ConfigurationMode>MinLatency</ConfigurationMode>
  <Query><![CDATA[<QueryList><Query Id="0"><Select Path="Linux-Audit/Operational">*</Select></Query></QueryList>]]></Query>
  <ReadExistingEvents>true</ReadExistingEvents>
  <TransportName>https</TransportName>
  <ContentFormat>RenderedText</ContentFormat>
  <Locale Language="en-US"/>
  <LogFile>ForwardedEvents</LogFile>
  <AllowedSourceNonDomainComputers>
    <AllowedIssuerCAList><IssuerCA>0123456789ABCDEF0123456789ABCDEF01234567</IssuerCA></AllowedIssuerCAList>
    <AllowedSubjectList><Subject>*.lab.example.org</Subject></AllowedSubjectList>
    <DeniedSubjectList><Subject>kiosk*.lab.example.org</Subject></DeniedSubjectList>
  </AllowedSourceNonDomainComputers>
  <AllowedSourceDomainComputers></AllowedSourceDomainComputers>
</Subscription>
)";

/// A valid source-initiated subscription for the machines of lab.example.org.
inline Subscription sample(std::string id = "linux-baseline") {
  Subscription subscription = *parse_subscription(kSourceInitiatedSample);
  subscription.id = std::move(id);
  return subscription;
}

/// A machine with a certificate from kIssuer.
inline auth::Principal machine(std::string name) {
  auth::Principal principal;
  principal.scheme = auth::Principal::Scheme::Certificate;
  principal.names = {name};
  principal.name = std::move(name);
  principal.issuers = {std::string(kIssuer)};
  return principal;
}

}  // namespace subscriptions
