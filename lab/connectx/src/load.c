/*
 * Refuses to be loaded into a QEMU that it was not built for: structures would lie elsewhere, and memory would be overwritten.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"
#include "migration/vmstate.h"
#include "qapi/qapi-commands-control.h"

/* QEMU's own error_report() cannot be used yet: it takes a lock that is not there so early. */
#define fail(...) do { fputs("connectx: ", stderr); fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); } while (0)

/* QEMU's own table of PCIDevice's fields shows where the running program has them. */
static const struct { const char *name; size_t offset; } fields[] = {
    { "version_id", offsetof(PCIDevice, version_id) },
    { "config", offsetof(PCIDevice, config) },
    { "irq_state", offsetof(PCIDevice, irq_state) },
};

static void check_field(const VMStateField *field)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (fields[i].offset && !strcmp(field->name, fields[i].name) && field->offset != fields[i].offset) {
            fail("built for another QEMU: PCIDevice has %s at byte %zu, not %zu",
                         field->name, field->offset, fields[i].offset);
            exit(1);
        }
    }
}

static void __attribute__((constructor)) check_qemu(void)
{
    const VersionInfo *v = qmp_query_version(&error_abort);
    g_autofree char *running = g_strdup_printf("%d.%d.%d", (int)v->qemu->major, (int)v->qemu->minor, (int)v->qemu->micro);
    if (strcmp(running, CONNECTX_QEMU_VERSION)) {
        fail("built for QEMU %s, but this is %s: build it with its source", CONNECTX_QEMU_VERSION, running);
        exit(1);
    }
    for (const VMStateField *field = vmstate_pci_device.fields; field->name; field++) {
        check_field(field);
    }
}
