/*
 * What rules use besides tables: counters, header rewrites, packet reformats, definers of hashes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

/* Of a card: 16 bytes of the host's memory each. */
#define MAX_COUNTERS (1 * MiB)
#define MAX_QUERY 65536

/* ---- counters ---- */

static gint where_is(gconstpointer counters, gconstpointer id)
{
    const FlowCounters *c = counters;
    uint32_t wanted = GPOINTER_TO_UINT(id);
    return wanted < c->resource.id ? -1 : wanted - c->resource.id >= c->count;
}

FlowCounters *counters_with(Card *card, uint32_t id)
{
    return g_tree_search(steering_of(card)->counter_ranges, where_is, GUINT_TO_POINTER(id));
}

/* How many counters a command asks for. The bitmap's bits stand for 128 and up (enum mlx5_fc_bulk_alloc_bitmask). */
static uint64_t counters_asked(const uint8_t *in)
{
    unsigned bulk = GET(alloc_flow_counter_in, in, flow_counter_bulk);
    return bulk ? 128ull * bulk : 1;
}

static bool counters_prepare(Resource *r)
{
    FlowCounters *c = (FlowCounters *)r;
    Steering *s = steering_of(r->owner->card);
    uint64_t count = counters_asked(r->in);
    if (count > MAX_COUNTERS - MIN(s->counters, MAX_COUNTERS)) {
        return false;
    }
    c->count = count;
    c->values = g_new0(Traffic, c->count);
    for (unsigned i = 1; i < c->count; i++) {
        g_hash_table_add(r->owner->card->ids, GUINT_TO_POINTER(r->id + i));
    }
    g_tree_insert(s->counter_ranges, c, c);
    s->counters += c->count;
    return true;
}

static void counters_release(Resource *r)
{
    FlowCounters *c = (FlowCounters *)r;
    Steering *s = steering_of(r->owner->card);
    if (!c->values) {
        return;
    }
    for (unsigned i = 1; i < c->count; i++) {
        g_hash_table_remove(r->owner->card->ids, GUINT_TO_POINTER(r->id + i));
    }
    g_tree_remove(s->counter_ranges, c);
    s->counters -= c->count;
    g_free(c->values);
}

const KindInfo flow_counter_kind = {
    .name = "flow counter", .size = sizeof(FlowCounters), .prepare = counters_prepare, .release = counters_release,
};

uint8_t alloc_counter(Command *c)
{
    Steering *s = steering_of(c->f->card);
    unsigned bulk = GET(alloc_flow_counter_in, c->in, flow_counter_bulk);
    uint64_t count = counters_asked(c->in);
    FlowCounters *counters;
    if (bulk & ~GET(cmd_hca_cap, c->f->cap[0], flow_counter_bulk_alloc) ||
        GET(alloc_flow_counter_in, c->in, flow_counter_bulk_log_size)) {
        return refuse(c, STATUS_BAD_PARAM, 0, "a row of counters that is not advertised");
    }
    if (count + s->counters > MAX_COUNTERS) {
        return refuse(c, STATUS_LIMIT, 0, "no counters left");
    }
    counters = resource_create_numbered(c, KIND_FLOW_COUNTER, resource_ids(c->f->card, count));
    if (counters) {
        SET(alloc_flow_counter_out, c->out, flow_counter_id, counters->resource.id);
    }
    return c->status;
}

uint8_t dealloc_counter(Command *c)
{
    uint32_t id = GET(dealloc_flow_counter_in, c->in, flow_counter_id);
    return id >> 24 ? refuse(c, STATUS_BAD_RES, 0, "flow counter") : resource_destroy(c, KIND_FLOW_COUNTER, id);
}

/* Alone, the counter must be there. In a row, those that are not are zero: the driver rounds its rows to multiples of four. */
uint8_t query_counter(Command *c)
{
    uint32_t id = GET(query_flow_counter_in, c->in, flow_counter_id), count = GET(query_flow_counter_in, c->in, num_of_counters);
    bool clear = GET(query_flow_counter_in, c->in, clear), row = count > 0;
    unsigned at = BYTES(query_flow_counter_out), each = BYTES(traffic_counter);
    count = MAX(count, 1);
    if (count > MAX_QUERY || c->out_length < at + (uint64_t)each * count || id > 0xffffff - count) {
        return refuse(c, STATUS_BAD_PARAM, 0, "more counters than the answer holds");
    }
    for (uint32_t i = 0; i < count; i++) {
        FlowCounters *counters = counters_with(c->f->card, id + i);
        Traffic *t;
        if (!counters || counters->resource.owner != c->f) {
            if (!row) {
                return refuse(c, STATUS_BAD_RES, 0, "flow counter");
            }
            continue;
        }
        t = &counters->values[id + i - counters->resource.id];
        SET(traffic_counter, c->out + at + each * i, packets, t->packets);
        SET(traffic_counter, c->out + at + each * i, octets, t->bytes);
        if (clear) {
            *t = (Traffic) { 0 };
        }
    }
    return STATUS_OK;
}

/* ---- header rewrites ---- */

static bool modify_header_prepare(Resource *r)
{
    ModifyHeader *m = (ModifyHeader *)r;
    const uint8_t *a = r->in + BYTES(alloc_modify_header_context_in);
    m->count = GET(alloc_modify_header_context_in, r->in, num_of_actions);
    if (r->in_length < BYTES(alloc_modify_header_context_in) + 8u * m->count) {
        return false;
    }
    m->actions = g_new0(HeaderAction, m->count);
    for (unsigned i = 0; i < m->count; i++, a += 8) {
        HeaderAction *h = &m->actions[i];
        h->type = GET(set_action_in, a, action_type);
        h->length = GET(set_action_in, a, length);
        h->length = h->length ? h->length : 32;
        switch (h->type) {
        case MLX5_ACTION_TYPE_SET:
        case MLX5_ACTION_TYPE_ADD:
            h->to = GET(set_action_in, a, field);
            h->to_bit = h->type == MLX5_ACTION_TYPE_SET ? GET(set_action_in, a, offset) : 0;
            h->data = GET(set_action_in, a, data);
            if (h->type == MLX5_ACTION_TYPE_ADD) {
                h->length = header_field_width(h->to);
            }
            break;
        case MLX5_ACTION_TYPE_COPY:
            h->from = GET(copy_action_in, a, src_field);
            h->from_bit = GET(copy_action_in, a, src_offset);
            h->to = GET(copy_action_in, a, dst_field);
            h->to_bit = GET(copy_action_in, a, dst_offset);
            break;
        default:
            return false;
        }
        /* Where no length is said, it is as much as there is from the first bit on. */
        unsigned width = header_field_width(h->to), from = h->type == MLX5_ACTION_TYPE_COPY ? header_field_width(h->from) : 32;
        if (h->to_bit >= width || h->from_bit >= from) {
            return false;
        }
        if (!GET(set_action_in, a, length) || h->type == MLX5_ACTION_TYPE_ADD) {
            h->length = MIN(width - h->to_bit, from - h->from_bit);
        }
        if (h->to_bit + h->length > width || h->from_bit + h->length > from) {
            return false;
        }
    }
    return true;
}

static void modify_header_release(Resource *r) { g_free(((ModifyHeader *)r)->actions); }

const KindInfo modify_header_kind = {
    .name = "modify header", .size = sizeof(ModifyHeader), .prepare = modify_header_prepare, .release = modify_header_release,
};

uint8_t alloc_modify_header(Command *c)
{
    unsigned type = GET(alloc_modify_header_context_in, c->in, table_type),
        count = GET(alloc_modify_header_context_in, c->in, num_of_actions);
    Resource *r;
    if (!table_properties(c->f, type) || count == 0 || count > TABLE_CAN(c->f, type, max_modify_header_actions)) {
        return refuse(c, STATUS_BAD_PARAM, 0, "header rewrite that is not advertised");
    }
    r = resource_create(c, KIND_MODIFY_HEADER);
    if (r) {
        SET(alloc_modify_header_context_out, c->out, modify_header_id, r->id);
    }
    return c->status;
}

uint8_t dealloc_modify_header(Command *c)
{
    uint32_t id = GET(dealloc_modify_header_context_in, c->in, modify_header_id);
    return id >> 24 ? refuse(c, STATUS_BAD_RES, 0, "modify header") : resource_destroy(c, KIND_MODIFY_HEADER, id);
}

/* ---- packet reformats ---- */

static bool reformat_prepare(Resource *r)
{
    PacketReformat *p = (PacketReformat *)r;
    const uint8_t *context = AT(alloc_packet_reformat_context_in, r->in, packet_reformat_context);
    bool removes;
    p->type = GET(packet_reformat_context_in, context, reformat_type);
    p->anchor = GET(packet_reformat_context_in, context, reformat_param_0);
    p->offset = GET(packet_reformat_context_in, context, reformat_param_1);
    p->size = GET(packet_reformat_context_in, context, reformat_data_size);
    p->data = AT(packet_reformat_context_in, context, reformat_data);
    removes = p->type == MLX5_REFORMAT_TYPE_REMOVE_HDR;
    return removes || r->in_length >= (uint64_t)(p->data - r->in) + p->size;
}

const KindInfo packet_reformat_kind = { .name = "packet reformat", .size = sizeof(PacketReformat), .prepare = reformat_prepare };

/* Only the FDB reformats. What each type needs is named in flow_table_prop_layout. */
static bool reformat_is_advertised(const Function *f, unsigned type)
{
    switch (type) {
    case MLX5_REFORMAT_TYPE_L2_TO_VXLAN:
        return GET(e_switch_cap, f->cap[9], vxlan_encap_decap);
    case MLX5_REFORMAT_TYPE_L2_TO_L2_TUNNEL:
        return TABLE_CAN(f, TABLE_FDB, reformat);
    case MLX5_REFORMAT_TYPE_INSERT_HDR:
        return TABLE_CAN(f, TABLE_FDB, reformat_insert);
    case MLX5_REFORMAT_TYPE_REMOVE_HDR:
        return TABLE_CAN(f, TABLE_FDB, reformat_remove);
    default:
        return false;
    }
}

uint8_t alloc_reformat(Command *c)
{
    const uint8_t *context = AT(alloc_packet_reformat_context_in, c->in, packet_reformat_context);
    unsigned type = GET(packet_reformat_context_in, context, reformat_type),
        size = GET(packet_reformat_context_in, context, reformat_data_size);
    unsigned offset = GET(packet_reformat_context_in, context, reformat_param_1);
    bool inserts = type == MLX5_REFORMAT_TYPE_INSERT_HDR, removes = type == MLX5_REFORMAT_TYPE_REMOVE_HDR;
    const uint8_t *more = c->f->cap[0x20];
    Resource *r;
    if (!reformat_is_advertised(c->f, type) || size > GET(e_switch_cap, c->f->cap[9], max_encap_header_size)) {
        return refuse(c, STATUS_BAD_PARAM, 0, "a reformat that is not advertised");
    }
    if ((inserts && (size > GET(cmd_hca_cap_2, more, max_reformat_insert_size) || offset >
        GET(cmd_hca_cap_2, more, max_reformat_insert_offset))) ||
        (removes && (size > GET(cmd_hca_cap_2, more, max_reformat_remove_size) || offset >
            GET(cmd_hca_cap_2, more, max_reformat_remove_offset)))) {
        return refuse(c, STATUS_BAD_PARAM, 0, "more to insert or remove than is advertised");
    }
    r = resource_create(c, KIND_PACKET_REFORMAT);
    if (r) {
        SET(alloc_packet_reformat_context_out, c->out, packet_reformat_id, r->id);
    }
    return c->status;
}

uint8_t dealloc_reformat(Command *c)
{
    uint32_t id = GET(dealloc_packet_reformat_context_in, c->in, packet_reformat_id);
    return id >> 24 ? refuse(c, STATUS_BAD_RES, 0, "packet reformat") : resource_destroy(c, KIND_PACKET_REFORMAT, id);
}

/* ---- general objects: definers only ---- */

static bool definer_prepare(Resource *r)
{
    Definer *d = (Definer *)r;
    const uint8_t *context = AT(create_match_definer_in, r->in, obj_context);
    d->format = GET(match_definer, context, format_id);
    memcpy(d->mask, AT(match_definer, context, match_mask), sizeof(d->mask));
    return definer_format_known(d->format);
}

const KindInfo definer_kind = { .name = "match definer", .size = sizeof(Definer), .prepare = definer_prepare };

static bool is_definer(Command *c)
{
    uint64_t types = GET(cmd_hca_cap, c->f->cap[0], general_obj_types);
    unsigned type = GET(general_obj_in_cmd_hdr, c->in, obj_type);
    if (type != MLX5_OBJ_TYPE_MATCH_DEFINER || !(types >> type & 1)) {
        refuse(c, STATUS_BAD_PARAM, 0, "general objects of a type that is not advertised");
        return false;
    }
    return true;
}

/* A group has 16 bits for a definer's number. */
#define LAST_DEFINER 0xffff

uint8_t create_general_object(Command *c)
{
    Resource *r;
    uint32_t id = 1;
    if (!is_definer(c)) {
        return c->status;
    }
    if (c->in_length < BYTES(create_match_definer_in)) {
        return refuse(c, STATUS_BAD_INPUT_LENGTH, 0, "match definer");
    }
    while (id <= LAST_DEFINER && resource_on_card(c->f->card, KIND_DEFINER, id)) {
        id++;
    }
    if (id > LAST_DEFINER) {
        return refuse(c, STATUS_NO_RES, 0, "no definer left");
    }
    r = resource_create_numbered(c, KIND_DEFINER, id);
    if (r) {
        SET(general_obj_out_cmd_hdr, c->out, obj_id, r->id);
    }
    return c->status;
}

static Definer *definer_of_command(Command *c)
{
    uint32_t id = GET(general_obj_in_cmd_hdr, c->in, obj_id);
    Definer *d = !is_definer(c) || id >> 24 ? NULL : resource_find(c->f, KIND_DEFINER, id);
    if (!d && !c->status) {
        refuse(c, STATUS_BAD_RES, 0, "match definer");
    }
    return d;
}

uint8_t query_general_object(Command *c)
{
    Definer *d = definer_of_command(c);
    unsigned at = BYTES(general_obj_out_cmd_hdr);
    if (d && c->out_length > at) {
        memcpy(c->out + at, AT(create_match_definer_in, d->resource.in, obj_context),
            MIN(c->out_length - at, BYTES(match_definer)));
    }
    return c->status;
}

uint8_t destroy_general_object(Command *c)
{
    Definer *d = definer_of_command(c);
    return d ? resource_destroy(c, KIND_DEFINER, d->resource.id) : c->status;
}
