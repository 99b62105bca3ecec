/*
 * Flow tables and their roots.
 *
 * A table has entries by index, in groups. A root is the table that packets of
 * a vport, or of an eSwitch, meet first. Rules that firmware holds to, as the driver shows them:
 *   - an FDB has one table of level 0 only (lib/fs_chains.c, mlx5_chains_create_table);
 *   - a table leads to tables of higher levels, unless a rule says ignore_flow_level (the same);
 *   - the last root may be destroyed, which leaves none (fs_core.c, update_root_ft_destroy);
 *   - an FDB that encapsulates or decapsulates does not begin while a VF of the eSwitch is driven: status and syndrome are those
 *     of published logs ("CREATE_FLOW_TABLE ... status bad resource state(0x9), syndrome (0x98afbb)"). More such tables of an FDB
 *     that is there are granted: the driver makes them for chains, mirrors and terminations while VFs run.
 * Invented: the statuses of the other refusals.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

#define SYNDROME_ENCAP_WITH_VFS 0x98afbb

static gint compare_counters(gconstpointer a, gconstpointer b, gpointer unused)
{
    const FlowCounters *x = a, *y = b;
    return x->resource.id < y->resource.id ? -1 : x->resource.id > y->resource.id;
}

Steering *steering_of(Card *card)
{
    if (!card->steering) {
        card->steering = g_new0(Steering, 1);
        card->steering->counter_ranges = g_tree_new_full(compare_counters, NULL, NULL, NULL);
        g_queue_init(&card->steering->receptions);
    }
    return card->steering;
}

FlowTable *table_of_command(Command *c, unsigned type, uint32_t id)
{
    FlowTable *t = resource_find(c->f, KIND_FLOW_TABLE, id);
    if (!t || t->type != type) {
        refuse(c, STATUS_BAD_RES, 0, "flow table");
        return NULL;
    }
    return t;
}

Resource *steering_resource(Function *f, TableType type, Kind kind, uint32_t id)
{
    Resource *r = resource_on_card(f->card, kind, id);
    bool eswitch = type == TABLE_FDB || type == TABLE_INGRESS_ACL || type == TABLE_EGRESS_ACL || type == TABLE_PORT_SELECTION;
    return r && (r->owner == f || (eswitch && !r->owner->is_vf && !f->is_vf)) ? r : NULL;
}

/* ---- tables ---- */

bool table_prepare(Resource *r)
{
    FlowTable *t = (FlowTable *)r;
    const uint8_t *context = AT(create_flow_table_in, r->in, flow_table_context);
    t->type = GET(create_flow_table_in, r->in, table_type);
    t->vport = GET(create_flow_table_in, r->in, vport_number);
    t->lag_demux = GET(create_flow_table_in, r->in, op_mod) == 1;
    t->level = GET(flow_table_context, context, level);
    t->log_size = GET(flow_table_context, context, log_size);
    t->termination = GET(flow_table_context, context, termination_table);
    t->miss_action = GET(flow_table_context, context, table_miss_action);
    t->miss = t->lag_demux ? GET(flow_table_context, context, lag_master_next_table_id) :
        GET(flow_table_context, context, table_miss_id);
    /* After a snapshot groups may come before their table. */
    if (!t->groups) {
        t->groups = g_ptr_array_new();
        t->entries = g_hash_table_new(NULL, NULL);
    }
    return true;
}

static void table_release(Resource *r)
{
    FlowTable *t = (FlowTable *)r;
    for (guint i = 0; i < t->groups->len; i++) {
        ((FlowGroup *)g_ptr_array_index(t->groups, i))->table = NULL;
    }
    g_ptr_array_free(t->groups, true);
    g_hash_table_destroy(t->entries);
}

const KindInfo flow_table_kind = { .name = "flow table", .size = sizeof(FlowTable), .prepare = table_prepare,
    .release = table_release };

/* What a context asks for is advertised, and the eSwitch's state allows it. */
static bool context_is_sound(Command *c, unsigned type, const uint8_t *context)
{
    Function *f = c->f;
    bool encap = GET(flow_table_context, context, reformat_en), decap = GET(flow_table_context, context, decap_en);
    bool tunnels = encap || decap;
    unsigned miss = GET(flow_table_context, context, table_miss_action);
    if ((encap && !TABLE_CAN(f, type, reformat)) || (decap && !TABLE_CAN(f, type, decap)) ||
        GET(flow_table_context, context, sw_owner) ||
        (GET(flow_table_context, context, termination_table) && !TABLE_CAN(f, type, termination_table)) ||
        (miss == MLX5_FLOW_TABLE_MISS_ACTION_SWITCH_DOMAIN && !TABLE_CAN(f, type, table_miss_action_domain)) ||
        miss > MLX5_FLOW_TABLE_MISS_ACTION_SWITCH_DOMAIN) {
        refuse(c, STATUS_BAD_PARAM, 0, "a flow table's property that is not advertised");
        return false;
    }
    if (type == TABLE_FDB && tunnels && !f->port->fdb_root && any_vf_is_driven(f->port)) {
        refuse(c, STATUS_BAD_RES_STATE, SYNDROME_ENCAP_WITH_VFS, "encapsulation while a VF is driven");
        return false;
    }
    return true;
}

/* The table that packets go to that no entry takes; NULL: none. False where the context names what cannot be one. */
static bool miss_table(Command *c, unsigned type, unsigned level, bool demux, const uint8_t *context, FlowTable **miss)
{
    uint32_t id = demux ? GET(flow_table_context, context, lag_master_next_table_id) :
        GET(flow_table_context, context, table_miss_id);
    *miss = NULL;
    if (demux ? id == 0 : GET(flow_table_context, context, table_miss_action) != MLX5_FLOW_TABLE_MISS_ACTION_FWD) {
        return true;
    }
    *miss = (FlowTable *)steering_resource(c->f, type, KIND_FLOW_TABLE, id);
    if (!*miss) {
        refuse(c, STATUS_BAD_RES, 0, "miss table");
    } else if ((*miss)->type != type || (*miss)->level <= level) {
        refuse(c, STATUS_BAD_PARAM, 0, "a miss table of another type, or not of a higher level");
        *miss = NULL;
    }
    return *miss != NULL;
}

static bool is_acl(unsigned type) { return type == TABLE_INGRESS_ACL || type == TABLE_EGRESS_ACL; }

static uint8_t create_table(Command *c)
{
    Function *f = c->f;
    unsigned type = GET(create_flow_table_in, c->in, table_type);
    const uint8_t *context = AT(create_flow_table_in, c->in, flow_table_context);
    unsigned level = GET(flow_table_context, context, level);
    const FlowTable *root;
    FlowTable *t, *miss;
    if (!table_properties(f, type) || !TABLE_CAN(f, type, ft_support)) {
        return refuse(c, STATUS_BAD_PARAM, 0, "no tables of that type");
    }
    if (c->op_mod > 1 || (c->op_mod == 1 && type != TABLE_NIC_RX) || level > TABLE_CAN(f, type, max_ft_level) ||
        GET(flow_table_context, context, log_size) > TABLE_CAN(f, type, log_max_ft_size)) {
        return refuse(c, STATUS_BAD_PARAM, 0, "a flow table's level or size");
    }
    if (is_acl(type) && !vport_of_command(c)) {
        return c->status;
    }
    if (!context_is_sound(c, type, context) || !miss_table(c, type, level, c->op_mod == 1, context, &miss)) {
        return c->status;
    }
    root = f->port->fdb_root && !f->port->fdb_root_is_other ? resource_on_card(f->card, KIND_FLOW_TABLE, f->port->fdb_root) :
        NULL;
    if (type == TABLE_FDB && level == 0 && root && root->level == 0) {
        return refuse(c, STATUS_BAD_RES_STATE, 0, "a second FDB table of level 0");
    }
    t = resource_create(c, KIND_FLOW_TABLE);
    if (!t) {
        return c->status;
    }
    if (miss) {
        resource_hold(&t->resource, &miss->resource);
    }
    SET(create_flow_table_out, c->out, table_id, t->resource.id);
    return STATUS_OK;
}

static uint8_t modify_table(Command *c)
{
    const uint8_t *to = AT(modify_flow_table_in, c->in, flow_table_context);
    unsigned what = GET(modify_flow_table_in, c->in, modify_field_select);
    FlowTable *t = table_of_command(c, GET(modify_flow_table_in, c->in, table_type), GET(modify_flow_table_in, c->in, table_id));
    uint8_t *context;
    FlowTable *miss;
    Resource *old;
    if (!t) {
        return c->status;
    }
    /* bit 0: what becomes of packets that miss; bit 15: the table after that of a LAG's demultiplexing (fs_cmd.c) */
    if (what != (t->lag_demux ? 1u << 15 : 1u << 0)) {
        return refuse(c, STATUS_BAD_PARAM, 0, "nothing that can be modified");
    }
    if (!context_is_sound(c, t->type, to) || !miss_table(c, t->type, t->level, t->lag_demux, to, &miss)) {
        return c->status;
    }
    old = t->miss ? resource_on_card(c->f->card, KIND_FLOW_TABLE, t->miss) : NULL;
    if (old) {
        resource_let_go(&t->resource, old);
    }
    if (miss) {
        resource_hold(&t->resource, &miss->resource);
    }
    context = AT(create_flow_table_in, t->resource.in, flow_table_context);
    SET(flow_table_context, context, table_miss_action, GET(flow_table_context, to, table_miss_action));
    SET(flow_table_context, context, table_miss_id, miss && !t->lag_demux ? miss->resource.id : 0);
    SET(flow_table_context, context, lag_master_next_table_id, miss && t->lag_demux ? miss->resource.id : 0);
    t->miss_action = GET(flow_table_context, to, table_miss_action);
    t->miss = miss ? miss->resource.id : 0;
    return STATUS_OK;
}

static uint8_t query_table(Command *c)
{
    FlowTable *t = table_of_command(c, GET(query_flow_table_in, c->in, table_type), GET(query_flow_table_in, c->in, table_id));
    if (t) {
        memcpy(AT(query_flow_table_out, c->out, flow_table_context), AT(create_flow_table_in, t->resource.in, flow_table_context),
               BYTES(flow_table_context));
    }
    return c->status;
}

/* ---- roots ---- */

/* Where the number of the root is kept that a command means; NULL: packets never come there, or the command is refused. */
static uint32_t *root_of_command(Command *c, unsigned type)
{
    Function *f = c->f;
    Vport *v;
    switch (type) {
    case TABLE_NIC_RX:
        return &f->vport->receive_root;
    case TABLE_NIC_TX:
        return &f->vport->transmit_root;
    case TABLE_FDB:
        return &f->port->fdb_root;
    case TABLE_PORT_SELECTION:
        return &f->card->port_selection_root;
    case TABLE_INGRESS_ACL:
    case TABLE_EGRESS_ACL:
        v = vport_of_command(c);
        return !v ? NULL : type == TABLE_INGRESS_ACL ? &v->ingress_acl : &v->egress_acl;
    default:
        return NULL;
    }
}

static uint8_t destroy_table(Command *c)
{
    Function *f = c->f;
    unsigned type = GET(destroy_flow_table_in, c->in, table_type);
    uint32_t id = GET(destroy_flow_table_in, c->in, table_id), *root;
    Port *other = &f->card->ports[1 - f->port->number];
    if (!table_of_command(c, type, id)) {
        return c->status;
    }
    root = root_of_command(c, type);
    if (c->status) {
        return c->status;
    }
    if (type == TABLE_FDB && other->fdb_root_is_other && other->fdb_root == id) {
        return refuse(c, STATUS_BAD_RES_STATE, 0, "the other eSwitch's root");
    }
    if (resource_destroy(c, KIND_FLOW_TABLE, id) == STATUS_OK && root && *root == id) {
        *root = 0;
    }
    return c->status;
}

static uint8_t set_root(Command *c)
{
    Function *f = c->f;
    unsigned type = GET(set_flow_table_root_in, c->in, table_type);
    bool elsewhere = GET(set_flow_table_root_in, c->in, table_eswitch_owner_vhca_id_valid);
    uint32_t id = GET(set_flow_table_root_in, c->in, table_id), *root;
    FlowTable *t = NULL;
    if (!table_properties(f, type) || !TABLE_CAN(f, type, modify_root) || c->op_mod > 1 ||
        GET(set_flow_table_root_in, c->in, underlay_qpn)) {
        return refuse(c, STATUS_BAD_PARAM, 0, "no such root");
    }
    if (elsewhere) {
        Port *p = port_of_vhca(f->card, GET(set_flow_table_root_in, c->in, table_eswitch_owner_vhca_id));
        if (type != TABLE_FDB || !p || !GET(e_switch_cap, f->cap[9], root_ft_on_other_esw)) {
            return refuse(c, STATUS_BAD_PARAM, 0, "a root of another eSwitch");
        }
        t = resource_on_card(f->card, KIND_FLOW_TABLE, id);
        if (c->op_mod == 0 && (!t || t->type != type || t->resource.owner != p->pf)) {
            return refuse(c, STATUS_BAD_RES, 0, "no such table in the other eSwitch");
        }
        elsewhere = p != f->port;
    } else if (c->op_mod == 0) {
        t = table_of_command(c, type, id);
        if (!t) {
            return c->status;
        }
    }
    root = root_of_command(c, type);
    if (root) {
        *root = c->op_mod == 0 ? id : 0;
    }
    if (type == TABLE_FDB) {
        f->port->fdb_root_is_other = elsewhere && c->op_mod == 0;
    }
    return c->status;
}

void steering_reset(Function *f)
{
    Port *p = f->port, *other = &f->card->ports[1 - p->number];
    f->vport->receive_root = f->vport->transmit_root = 0;
    if (f->is_vf) {
        return;
    }
    for (unsigned i = 0; i <= MAX_VFS; i++) {
        p->vports[i].ingress_acl = p->vports[i].egress_acl = 0;
    }
    p->uplink.ingress_acl = p->uplink.egress_acl = 0;
    p->fdb_root = 0;
    p->fdb_root_is_other = false;
    if (other->fdb_root_is_other) {
        other->fdb_root = 0;
        other->fdb_root_is_other = false;
    }
    if (!resource_on_card(f->card, KIND_FLOW_TABLE, f->card->port_selection_root)) {
        f->card->port_selection_root = 0;
    }
}

/* Inputs end where what varies in length begins. */
#define REFORMAT_BYTES (OFF(alloc_packet_reformat_context_in, packet_reformat_context.reformat_data) / 8)

const CommandEntry steering_commands[] = {
    COMMAND(CREATE_FLOW_TABLE, create_flow_table, create_table, 0),
    COMMAND(MODIFY_FLOW_TABLE, modify_flow_table, modify_table, 0),
    COMMAND(QUERY_FLOW_TABLE, query_flow_table, query_table, 0),
    COMMAND(DESTROY_FLOW_TABLE, destroy_flow_table, destroy_table, 0),
    COMMAND(SET_FLOW_TABLE_ROOT, set_flow_table_root, set_root, 0),
    COMMAND(CREATE_FLOW_GROUP, create_flow_group, create_group, 0),
    COMMAND(QUERY_FLOW_GROUP, query_flow_group, query_group, 0),
    COMMAND(DESTROY_FLOW_GROUP, destroy_flow_group, destroy_group, 0),
    COMMAND(SET_FLOW_TABLE_ENTRY, set_fte, set_entry, 0),
    COMMAND(QUERY_FLOW_TABLE_ENTRY, query_fte, query_entry, 0),
    COMMAND(DELETE_FLOW_TABLE_ENTRY, delete_fte, delete_entry, 0),
    COMMAND(ALLOC_FLOW_COUNTER, alloc_flow_counter, alloc_counter, 0),
    COMMAND(DEALLOC_FLOW_COUNTER, dealloc_flow_counter, dealloc_counter, 0),
    COMMAND(QUERY_FLOW_COUNTER, query_flow_counter, query_counter, 0),
    COMMAND(ALLOC_MODIFY_HEADER_CONTEXT, alloc_modify_header_context, alloc_modify_header, 0),
    COMMAND(DEALLOC_MODIFY_HEADER_CONTEXT, dealloc_modify_header_context, dealloc_modify_header, 0),
    { MLX5_CMD_OP_ALLOC_PACKET_REFORMAT_CONTEXT, 0, REFORMAT_BYTES, BYTES(alloc_packet_reformat_context_out), alloc_reformat },
    COMMAND(DEALLOC_PACKET_REFORMAT_CONTEXT, dealloc_packet_reformat_context, dealloc_reformat, 0),
    { MLX5_CMD_OP_CREATE_GENERAL_OBJECT, 0, BYTES(general_obj_in_cmd_hdr), BYTES(general_obj_out_cmd_hdr),
        create_general_object },
    { MLX5_CMD_OP_QUERY_GENERAL_OBJECT, 0, BYTES(general_obj_in_cmd_hdr), BYTES(general_obj_out_cmd_hdr), query_general_object },
    { MLX5_CMD_OP_DESTROY_GENERAL_OBJECT, 0, BYTES(general_obj_in_cmd_hdr), BYTES(general_obj_out_cmd_hdr),
        destroy_general_object },
    { 0 },
};
