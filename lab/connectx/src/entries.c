/*
 * The entries of flow tables: what is matched, what is done, where it leads.
 *
 * An entry belongs to a group of its table. What it names (counters, contexts, tables, TIRs) its group holds, as often as entries
 * do, so that none of it can be destroyed before the entry.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

/* On a card: an entry takes more than a kilobyte of the host's memory. */
#define MAX_ENTRIES (256 * KiB)
#define ACTION(name) MLX5_FLOW_CONTEXT_ACTION_##name
#define ACTIONS_KNOWN (ACTION(ALLOW) | ACTION(DROP) | ACTION(FWD_DEST) | ACTION(COUNT) | ACTION(PACKET_REFORMAT) | \
    ACTION(DECAP) | ACTION(MOD_HDR) | ACTION(VLAN_POP) | ACTION(VLAN_PUSH) | ACTION(VLAN_POP_2) | ACTION(VLAN_PUSH_2))
#define ACTIONS_VLAN (ACTION(VLAN_POP) | ACTION(VLAN_PUSH) | ACTION(VLAN_POP_2) | ACTION(VLAN_PUSH_2))

/* ---- in groups, by value ---- */

guint entry_hash(gconstpointer entry)
{
    const FlowEntry *e = entry;
    uint64_t h = 0x9e3779b97f4a7c15ull;
    for (unsigned i = 0; i < e->group->words; i++) {
        h = (h ^ e->value[i]) * 0xff51afd7ed558ccdull;
        h ^= h >> 32;
    }
    return h;
}

gboolean entry_equal(gconstpointer a, gconstpointer b)
{
    const FlowEntry *x = a, *y = b;
    return memcmp(x->value, y->value, 8 * x->group->words) == 0;
}

static const uint8_t *context_of(const FlowEntry *e) { return AT(set_fte_in, e->in, flow_context); }

static void read_vlan(uint8_t to[4], const uint8_t *vlan)
{
    memcpy(to, vlan, BYTES(vlan));
}

/* Bytes of each destination and counter in the list. */
static unsigned list_stride(const uint8_t *context)
{
    return GET(flow_context, context, extended_destination) ? BYTES(extended_dest_format) : BYTES(dest_format_struct);
}

static void read_lists(FlowEntry *e)
{
    const uint8_t *context = context_of(e), *at = e->in + BYTES(set_fte_in);
    unsigned stride = list_stride(context);
    e->destinations = GET(flow_context, context, destination_list_size);
    e->counters = GET(flow_context, context, flow_counter_list_size);
    e->destination = g_new0(Destination, e->destinations);
    e->counter = g_new0(uint32_t, e->counters);
    for (unsigned i = 0; i < e->destinations; i++, at += stride) {
        Destination *d = &e->destination[i];
        d->type = GET(dest_format_struct, at, destination_type);
        d->id = GET(dest_format_struct, at, destination_id);
        d->other_eswitch = GET(dest_format_struct, at, destination_eswitch_owner_vhca_id_valid);
        d->vhca = GET(dest_format_struct, at, destination_eswitch_owner_vhca_id);
        if (stride == BYTES(extended_dest_format) && GET(dest_format_struct, at, packet_reformat)) {
            d->reformat = GET(extended_dest_format, at, packet_reformat_id);
        }
    }
    for (unsigned i = 0; i < e->counters; i++, at += stride) {
        e->counter[i] = GET(flow_counter_list, at, flow_counter_id);
    }
}

/* The command's own parts, from e->in. */
static void entry_read(FlowEntry *e)
{
    const uint8_t *context = context_of(e);
    e->index = GET(set_fte_in, e->in, flow_index);
    e->action = GET(flow_context, context, action);
    e->flow_source = GET(flow_context, context, flow_source);
    e->tag = GET(flow_context, context, flow_tag);
    e->modify_header = e->action & ACTION(MOD_HDR) ? GET(flow_context, context, modify_header_id) : 0;
    e->reformat = e->action & ACTION(PACKET_REFORMAT) ? GET(flow_context, context, packet_reformat_id) : 0;
    read_vlan(e->vlan[0], AT(flow_context, context, push_vlan));
    read_vlan(e->vlan[1], AT(flow_context, context, push_vlan_2));
    read_lists(e);
}

static void entry_unread(FlowEntry *e)
{
    g_free(e->destination);
    g_free(e->counter);
    g_free(e->in);
}

FlowEntry *entry_insert(FlowGroup *g, const uint8_t *in, uint32_t in_length)
{
    FlowEntry *e = g_new0(FlowEntry, 1), *first;
    const uint8_t *value;
    e->group = g;
    /* Fields are read by whole words. */
    e->in = g_malloc0(ROUND_UP(in_length, 4));
    memcpy(e->in, in, in_length);
    e->in_length = in_length;
    entry_read(e);
    e->value = g_new(uint64_t, MAX(g->words, 1));
    value = AT(flow_context, context_of(e), match_value);
    for (unsigned i = 0; i < g->words; i++) {
        memcpy(&e->value[i], value + 8 * g->word[i], 8);
        e->value[i] &= g->mask[i];
    }
    first = g_hash_table_lookup(g->by_value, e);
    if (first) {
        e->same = first->same;
        first->same = e;
    } else {
        g_hash_table_add(g->by_value, e);
    }
    g_hash_table_insert(g->table->entries, GUINT_TO_POINTER(e->index), e);
    g->entries++;
    steering_of(g->resource.owner->card)->entries++;
    return e;
}

void entry_free(FlowEntry *e)
{
    FlowGroup *g = e->group;
    if (g->table) {
        g_hash_table_remove(g->table->entries, GUINT_TO_POINTER(e->index));
    }
    g->entries--;
    steering_of(g->resource.owner->card)->entries--;
    entry_unread(e);
    g_free(e->value);
    g_free(e);
}

static void entry_remove(FlowEntry *e)
{
    FlowEntry *first = g_hash_table_lookup(e->group->by_value, e);
    if (first == e) {
        g_hash_table_remove(e->group->by_value, e);
        if (e->same) {
            g_hash_table_add(e->group->by_value, e->same);
        }
    } else {
        while (first->same != e) {
            first = first->same;
        }
        first->same = e->same;
    }
    entry_free(e);
}

/* ---- what a rule may say ---- */

static uint8_t bad(Command *c, const char *why) { return refuse(c, STATUS_BAD_PARAM, 0, why); }

static uint8_t check_actions(Command *c, const FlowTable *t, const uint8_t *context)
{
    Function *f = c->f;
    unsigned action = GET(flow_context, context, action), type = t->type;
    unsigned destinations = GET(flow_context, context, destination_list_size),
        counters = GET(flow_context, context, flow_counter_list_size);
    const uint8_t *made = AT(create_flow_table_in, t->resource.in, flow_table_context);
    bool reformat = action & ACTION(PACKET_REFORMAT);
    if (action & ~ACTIONS_KNOWN || !(action & (ACTION(ALLOW) | ACTION(DROP) | ACTION(FWD_DEST)))) {
        return bad(c, "actions that are not known, or none");
    }
    if (action & ACTION(DROP) && action & (ACTION(ALLOW) | ACTION(FWD_DEST))) {
        return bad(c, "a rule that drops and lets through");
    }
    if (!(action & ACTION(FWD_DEST)) != !destinations || destinations > 1u << TABLE_CAN(f, type, log_max_destination)) {
        return bad(c, "the number of destinations");
    }
    if (!(action & ACTION(COUNT)) != !counters || counters > 1u << TABLE_CAN(f, type, log_max_flow_counter) ||
        (counters && !TABLE_CAN(f, type, flow_counter))) {
        return bad(c, "the number of counters");
    }
    if ((action & ACTION(VLAN_POP) && !TABLE_CAN(f, type, pop_vlan)) || (action & ACTION(VLAN_PUSH) &&
        !TABLE_CAN(f, type, push_vlan)) ||
        (action & ACTION(VLAN_POP_2) && !(TABLE_CAN(f, type, pop_vlan_2) && action & ACTION(VLAN_POP))) ||
        (action & ACTION(VLAN_PUSH_2) && !(TABLE_CAN(f, type, push_vlan_2) && action & ACTION(VLAN_PUSH)))) {
        return bad(c, "VLAN actions that are not advertised");
    }
    if (action & ACTION(MOD_HDR) && !TABLE_CAN(f, type, log_max_modify_header_context)) {
        return bad(c, "header rewrite is not advertised");
    }
    if (reformat && (!TABLE_CAN(f, type, reformat) || (action & ACTION(MOD_HDR) &&
        !TABLE_CAN(f, type, reformat_and_modify_action)) ||
                     (action & ACTIONS_VLAN && !TABLE_CAN(f, type, reformat_and_vlan_action)))) {
        return bad(c, "packet reformat is not advertised");
    }
    if (action & ACTION(DECAP) && (!TABLE_CAN(f, type, decap) || !GET(flow_table_context, made, decap_en))) {
        return bad(c, "decapsulation in a table that is not for it");
    }
    if (GET(set_fte_in, c->in, ignore_flow_level) && !TABLE_CAN(f, type, ignore_flow_level)) {
        return bad(c, "ignore_flow_level is not advertised");
    }
    if (GET(flow_context, context, flow_source) > MLX5_FLOW_CONTEXT_FLOW_SOURCE_LOCAL_VPORT ||
        (GET(flow_context, context, extended_destination) && !GET(e_switch_cap, f->cap[9], log_max_fdb_encap_uplink))) {
        return bad(c, "flow source or extended destinations");
    }
    return STATUS_OK;
}

/* A rule's destination in the eSwitch that `d` says. */
static Port *destination_port(Function *f, const Destination *d)
{
    return d->other_eswitch ? port_of_vhca(f->card, d->vhca) : f->port;
}

static bool use(Command *c, GPtrArray *uses, Resource *r, const char *what)
{
    if (!r) {
        refuse(c, STATUS_BAD_RES, 0, what);
        return false;
    }
    g_ptr_array_add(uses, r);
    return true;
}

static uint8_t check_table(Command *c, const FlowTable *t, const Destination *d, const FlowEntry *e, GPtrArray *uses)
{
    Resource *r = steering_resource(c->f, t->type, KIND_FLOW_TABLE, d->id);
    const FlowTable *to = (const FlowTable *)r;
    if (!use(c, uses, r, "a destination's table")) {
        return c->status;
    }
    if (to->type != t->type || (to->level <= t->level && !GET(set_fte_in, c->in, ignore_flow_level))) {
        return bad(c, "a table of another type, or not of a higher level");
    }
    if (t->type == TABLE_FDB && ((e->action & ACTION(MOD_HDR) &&
        !GET(flow_table_eswitch_cap, c->f->cap[8], fdb_modify_header_fwd_to_table)) ||
                                 (e->destinations > 1 && !GET(flow_table_eswitch_cap, c->f->cap[8], fdb_multi_path_to_table)) ||
                                 (e->reformat && !TABLE_CAN(c->f, t->type, reformat_and_fwd_to_table)))) {
        return bad(c, "a table as destination together with that");
    }
    return STATUS_OK;
}

static uint8_t check_destination(Command *c, const FlowTable *t, const Destination *d, const FlowEntry *e, GPtrArray *uses)
{
    bool eswitch = t->type == TABLE_FDB || t->type == TABLE_EGRESS_ACL || t->type == TABLE_INGRESS_ACL;
    Port *p;
    if (d->reformat && !use(c, uses, steering_resource(c->f, t->type, KIND_PACKET_REFORMAT, d->reformat),
                            "a destination's reformat")) {
        return c->status;
    }
    switch (d->type) {
    case MLX5_IFC_FLOW_DESTINATION_TYPE_FLOW_TABLE:
        return check_table(c, t, d, e, uses);
    case MLX5_IFC_FLOW_DESTINATION_TYPE_TIR:
        if (t->type != TABLE_NIC_RX) {
            return bad(c, "a TIR outside of a NIC's receive tables");
        }
        return use(c, uses, resource_find(c->f, KIND_TIR, d->id), "TIR") ? STATUS_OK : c->status;
    case MLX5_IFC_FLOW_DESTINATION_TYPE_VPORT:
        p = destination_port(c->f, d);
        return eswitch && p && vport_numbered(p, d->id) ? STATUS_OK : bad(c, "no such vport");
    case MLX5_IFC_FLOW_DESTINATION_TYPE_UPLINK:
        p = destination_port(c->f, d);
        return (t->type == TABLE_FDB || t->type == TABLE_PORT_SELECTION) && p ? STATUS_OK : bad(c, "no such uplink");
    default:
        return bad(c, "a destination of a type that is not advertised");
    }
}

/* What the entry names, added to `uses`. */
static uint8_t check_uses(Command *c, const FlowTable *t, const FlowEntry *e, GPtrArray *uses)
{
    for (unsigned i = 0; i < e->destinations; i++) {
        if (check_destination(c, t, &e->destination[i], e, uses)) {
            return c->status;
        }
    }
    for (unsigned i = 0; i < e->counters; i++) {
        FlowCounters *counters = counters_with(c->f->card, e->counter[i]);
        if (!use(c, uses, counters ? steering_resource(c->f, t->type, KIND_FLOW_COUNTER, counters->resource.id) : NULL,
                 "counter")) {
            return c->status;
        }
    }
    if ((e->action & ACTION(MOD_HDR) &&
         !use(c, uses, steering_resource(c->f, t->type, KIND_MODIFY_HEADER, e->modify_header), "modify header")) ||
        (e->action & ACTION(PACKET_REFORMAT) &&
         !use(c, uses, steering_resource(c->f, t->type, KIND_PACKET_REFORMAT, e->reformat), "packet reformat"))) {
        return c->status;
    }
    return STATUS_OK;
}

/* The group no longer holds what the entry names. */
static void let_go(FlowEntry *e)
{
    Card *card = e->group->resource.owner->card;
    Resource *user = &e->group->resource, *r;
    for (unsigned i = 0; i < e->destinations; i++) {
        const Destination *d = &e->destination[i];
        Kind kind = d->type == MLX5_IFC_FLOW_DESTINATION_TYPE_TIR ? KIND_TIR : KIND_FLOW_TABLE;
        bool names = kind == KIND_TIR || d->type == MLX5_IFC_FLOW_DESTINATION_TYPE_FLOW_TABLE;
        if (names && (r = resource_on_card(card, kind, d->id))) {
            resource_let_go(user, r);
        }
        if (d->reformat && (r = resource_on_card(card, KIND_PACKET_REFORMAT, d->reformat))) {
            resource_let_go(user, r);
        }
    }
    for (unsigned i = 0; i < e->counters; i++) {
        FlowCounters *counters = counters_with(card, e->counter[i]);
        if (counters) {
            resource_let_go(user, &counters->resource);
        }
    }
    if (e->action & ACTION(MOD_HDR) && (r = resource_on_card(card, KIND_MODIFY_HEADER, e->modify_header))) {
        resource_let_go(user, r);
    }
    if (e->action & ACTION(PACKET_REFORMAT) && (r = resource_on_card(card, KIND_PACKET_REFORMAT, e->reformat))) {
        resource_let_go(user, r);
    }
}

/* ---- commands ---- */

/* The group and the index are the table's, and free, or taken where the command is to modify. */
static FlowGroup *place_of_command(Command *c, FlowTable *t, FlowEntry **old)
{
    const uint8_t *context = AT(set_fte_in, c->in, flow_context);
    uint32_t id = GET(flow_context, context, group_id), index = GET(set_fte_in, c->in, flow_index);
    FlowGroup *g = id >> 24 ? NULL : resource_find(c->f, KIND_FLOW_GROUP, id);
    if (!g || g->table != t) {
        refuse(c, STATUS_BAD_RES, 0, "flow group");
        return NULL;
    }
    *old = g_hash_table_lookup(t->entries, GUINT_TO_POINTER(index));
    if (index < g->first || index > g->last || c->op_mod > 1) {
        refuse(c, STATUS_BAD_INDEX, 0, "an entry outside of its group");
        return NULL;
    }
    if (c->op_mod == 0 ? *old != NULL : !*old || (*old)->group != g || !TABLE_CAN(c->f, t->type, flow_modify_en)) {
        refuse(c, c->op_mod == 0 ? STATUS_BAD_RES_STATE : STATUS_BAD_RES, 0, "an entry that is there, or is not");
        return NULL;
    }
    return g;
}

uint8_t set_entry(Command *c)
{
    FlowTable *t = table_of_command(c, GET(set_fte_in, c->in, table_type), GET(set_fte_in, c->in, table_id));
    uint8_t *context = AT(set_fte_in, c->in, flow_context);
    Steering *s = steering_of(c->f->card);
    FlowEntry *old = NULL, read = { 0 };
    FlowGroup *g = t ? place_of_command(c, t, &old) : NULL;
    uint64_t listed;
    if (!g || check_actions(c, t, context)) {
        return c->status;
    }
    listed = (uint64_t)GET(flow_context, context, destination_list_size) + GET(flow_context, context, flow_counter_list_size);
    if (c->in_length < BYTES(set_fte_in) + listed * list_stride(context)) {
        return refuse(c, STATUS_BAD_INPUT_LENGTH, 0, "the lists are longer than the command");
    }
    if (!old && (s->entries >= MAX_ENTRIES || card_health(c->f->card)->no_pages)) {
        return refuse(c, STATUS_LIMIT, 0, "no room for an entry");
    }
    g_autoptr(GPtrArray) uses = g_ptr_array_new();
    read.in = c->in;
    entry_read(&read);
    check_uses(c, t, &read, uses);
    read.in = NULL;
    entry_unread(&read);
    if (c->status) {
        return c->status;
    }
    if (old) {
        /* Modifying changes what is done, not what is matched. */
        memcpy(AT(flow_context, context, match_value), AT(flow_context, context_of(old), match_value), KEY_BYTES);
        let_go(old);
        entry_remove(old);
    }
    entry_insert(g, c->in, BYTES(set_fte_in) + listed * list_stride(context));
    for (guint i = 0; i < uses->len; i++) {
        resource_hold(&g->resource, g_ptr_array_index(uses, i));
    }
    return STATUS_OK;
}

static FlowEntry *entry_of_command(Command *c, unsigned type, uint32_t table, uint32_t index)
{
    FlowTable *t = table_of_command(c, type, table);
    FlowEntry *e = t ? g_hash_table_lookup(t->entries, GUINT_TO_POINTER(index)) : NULL;
    if (t && !e) {
        refuse(c, STATUS_BAD_RES, 0, "flow table entry");
    }
    return e;
}

uint8_t query_entry(Command *c)
{
    FlowEntry *e = entry_of_command(c, GET(query_fte_in, c->in, table_type), GET(query_fte_in, c->in, table_id),
                                    GET(query_fte_in, c->in, flow_index));
    unsigned at = OFF(query_fte_out, flow_context) / 8;
    if (e && c->out_length > at) {
        memcpy(c->out + at, context_of(e), MIN(c->out_length - at, e->in_length - OFF(set_fte_in, flow_context) / 8));
    }
    return c->status;
}

uint8_t delete_entry(Command *c)
{
    FlowEntry *e = entry_of_command(c, GET(delete_fte_in, c->in, table_type), GET(delete_fte_in, c->in, table_id),
                                    GET(delete_fte_in, c->in, flow_index));
    if (e) {
        let_go(e);
        entry_remove(e);
    }
    return c->status;
}
