// Get and Put of a part of an instance, over a resource that knows only whole ones.
//
// Source: wsman-protocol, section 6.1.

#pragma once

#include "engine/wsman/resource.h"

namespace wsman {

/// The instance of a Get or Put whose headers have a fragment; its XML is the w:XmlFragment of the response.
///
/// A Put gets the instance, replaces the part and puts the whole: two of them at one time may undo each other's work.
/// Faults: those of FragmentPath and of the resource; InvalidFragment where a Put does not hold a w:XmlFragment.
AsyncResult<Item> get_fragment(Resource& resource, const Call& call);
AsyncResult<Item> put_fragment(Resource& resource, const Call& call);

}  // namespace wsman
