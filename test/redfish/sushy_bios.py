"""Reads a system's BIOS through sushy, changes it, and prints what it saw as JSON."""

import json
import sys

import sushy

# Debian's package of sushy 4.3.3 lacks the message registries of the standard, without which it reads no registry of a service's.
sushy.Sushy._get_standard_message_registry_collection = lambda self: []

question = json.load(sys.stdin)
service = sushy.Sushy(
    question["url"],
    username=question["username"],
    password=question["password"],
    verify=question["ca"],
)
system = service.get_system(service.get_system_collection().members_identities[0])
bios = system.bios
registry = bios.get_attribute_registry()
seen = {
    "manufacturer": system.manufacturer,
    "attributes": bios.attributes,
    "pending": bios.pending_attributes,
    "applyTimes": [time.value for time in bios.supported_apply_times or []],
    "registry": [entry.name for entry in registry.registry_entries.attributes] if registry else None,
}
bios.set_attributes(question["change"], apply_time=sushy.APPLY_TIME_ON_RESET)
bios.refresh(force=True)
seen["after"] = bios.pending_attributes
print(json.dumps(seen))
