/*
 * What of steering does not fit a snapshot's general list of resources: the entries of tables, and the values of counters.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

static void save_group(QEMUFile *q, FlowGroup *g)
{
    g_autoptr(GList) lists = g_hash_table_get_values(g->by_value);
    qemu_put_be32(q, g->resource.id);
    qemu_put_be32(q, g->entries);
    for (GList *l = lists; l; l = l->next) {
        for (FlowEntry *e = l->data; e; e = e->same) {
            qemu_put_be32(q, e->in_length);
            qemu_put_buffer(q, e->in, e->in_length);
        }
    }
}

static void save_counters(QEMUFile *q, FlowCounters *c)
{
    qemu_put_be32(q, c->resource.id);
    qemu_put_be32(q, c->count);
    for (unsigned i = 0; i < c->count; i++) {
        qemu_put_be64(q, c->values[i].packets);
        qemu_put_be64(q, c->values[i].bytes);
    }
}

void steering_save(Card *card, QEMUFile *q)
{
    GHashTableIter i;
    gpointer value;
    qemu_put_be32(q, resources_count(card, NULL, KIND_FLOW_GROUP));
    g_hash_table_iter_init(&i, card->resources);
    while (g_hash_table_iter_next(&i, NULL, &value)) {
        if (((Resource *)value)->kind == KIND_FLOW_GROUP) {
            save_group(q, value);
        }
    }
    qemu_put_be32(q, resources_count(card, NULL, KIND_FLOW_COUNTER));
    g_hash_table_iter_init(&i, card->resources);
    while (g_hash_table_iter_next(&i, NULL, &value)) {
        if (((Resource *)value)->kind == KIND_FLOW_COUNTER) {
            save_counters(q, value);
        }
    }
}

/* The lists of a command from a file are as long as they say, and its place is free. */
static bool entry_is_sound(const FlowGroup *g, const uint8_t *in, uint32_t length)
{
    const uint8_t *context = AT(set_fte_in, in, flow_context);
    uint32_t index = GET(set_fte_in, in, flow_index);
    uint64_t listed = (uint64_t)GET(flow_context, context, destination_list_size) +
        GET(flow_context, context, flow_counter_list_size);
    unsigned stride = GET(flow_context, context, extended_destination) ? BYTES(extended_dest_format) : BYTES(dest_format_struct);
    return g->table && length >= BYTES(set_fte_in) + listed * stride && index >= g->first && index <= g->last &&
        !g_hash_table_contains(g->table->entries, GUINT_TO_POINTER(index));
}

static bool load_group(Card *card, QEMUFile *q)
{
    FlowGroup *g = resource_on_card(card, KIND_FLOW_GROUP, qemu_get_be32(q));
    uint32_t count = qemu_get_be32(q);
    while (g && count--) {
        uint32_t length = qemu_get_be32(q);
        if (length < BYTES(set_fte_in) || length > 1 * MiB) {
            return false;
        }
        g_autofree uint8_t *in = g_malloc(length);
        if (qemu_get_buffer(q, in, length) != length || !entry_is_sound(g, in, length)) {
            return false;
        }
        entry_insert(g, in, length);
    }
    return g;
}

static bool load_counters(Card *card, QEMUFile *q)
{
    FlowCounters *c = resource_on_card(card, KIND_FLOW_COUNTER, qemu_get_be32(q));
    if (!c || qemu_get_be32(q) != c->count) {
        return false;
    }
    for (unsigned i = 0; i < c->count; i++) {
        c->values[i].packets = qemu_get_be64(q);
        c->values[i].bytes = qemu_get_be64(q);
    }
    return true;
}

int steering_load(Card *card, QEMUFile *q)
{
    for (uint32_t groups = qemu_get_be32(q); groups--;) {
        if (!load_group(card, q)) {
            return -EINVAL;
        }
    }
    for (uint32_t counters = qemu_get_be32(q); counters--;) {
        if (!load_counters(card, q)) {
            return -EINVAL;
        }
    }
    return 0;
}
