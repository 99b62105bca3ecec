/*
 * The way of a packet from table to table and from vport to vport.
 *
 *   vport's ingress ACL -> FDB -> egress ACL of each vport it goes to -> that vport's receive tables -> TIR
 *                              -> cable
 *
 * What no rule takes: without an FDB, vports send to the cable and the cable to the PF; with one, what comes from vports leaves
 * by the cable (legacy: the driver has rules only for addresses), and what comes from the cable is dropped.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

#define ACTION(name) MLX5_FLOW_CONTEXT_ACTION_##name

typedef enum Outcome { MISSED, ALLOWED, TAKEN } Outcome;

static Outcome run(uint32_t table, Packet *k);
static void vport_receive(Port *p, unsigned number, Packet *k);

static void deliver(const FlowTable *t, const Destination *d, Packet *k)
{
    Port *p = d->other_eswitch ? port_of_vhca(k->card, d->vhca) : t->resource.owner->port;
    if (d->reformat) {
        reformat_run(d->reformat, k);
    }
    if (k->lost || !p) {
        return;
    }
    switch (d->type) {
    case MLX5_IFC_FLOW_DESTINATION_TYPE_VPORT:
        vport_receive(p, d->id, k);
        break;
    case MLX5_IFC_FLOW_DESTINATION_TYPE_UPLINK:
        wire_send(p, k);
        break;
    case MLX5_IFC_FLOW_DESTINATION_TYPE_FLOW_TABLE:
        run(d->id, k);
        break;
    case MLX5_IFC_FLOW_DESTINATION_TYPE_TIR:
        tir_deliver(d->id, k);
        break;
    }
}

/* All destinations but the last get copies: what they do to the packet is theirs alone. */
static void deliver_copies(const FlowTable *t, const FlowEntry *e, Packet *k)
{
    for (unsigned i = 0; i + 1 < e->destinations; i++) {
        Packet *copy = packet_clone(k);
        packet_parse(copy);
        deliver(t, &e->destination[i], copy);
        packet_free(copy);
    }
}

static Outcome run(uint32_t table, Packet *k)
{
    for (;;) {
        FlowTable *t = table ? resource_on_card(k->card, KIND_FLOW_TABLE, table) : NULL;
        const FlowEntry *e;
        const Destination *last;
        if (!t) {
            return MISSED;
        }
        if (*k->steps == 0) {
            LOG(t->resource.owner, "  ~ rules lead in a circle, or too far: table 0x%x", table);
            return TAKEN;
        }
        --*k->steps;
        e = match_table(t, k);
        if (!e) {
            if (t->miss_action != MLX5_FLOW_TABLE_MISS_ACTION_FWD && !t->lag_demux) {
                return MISSED;
            }
            table = t->miss;
            continue;
        }
        LOG(t->resource.owner, "  ~ table 0x%x type %u entry %u action 0x%x", table, t->type, e->index, e->action);
        actions_run(e, k);
        if (k->lost || e->action & ACTION(DROP)) {
            return TAKEN;
        }
        if (!e->destinations) {
            return ALLOWED;
        }
        deliver_copies(t, e, k);
        last = &e->destination[e->destinations - 1];
        if (last->type != MLX5_IFC_FLOW_DESTINATION_TYPE_FLOW_TABLE || last->reformat) {
            deliver(t, last, k);
            return TAKEN;
        }
        table = last->id;
    }
}

/* ---- VLANs of a vport's context, which legacy mode sets for `ip link set ... vf N vlan V` ---- */

enum { INSERT_IF_NONE = 1, INSERT_OVERWRITE = 2, INSERT_ALWAYS = 3 };

static void vport_vlan_insert(const Vport *v, Packet *k)
{
    unsigned how = GET(esw_vport_context, v->esw, vport_cvlan_insert);
    uint8_t tag[4];
    if (!how || (how == INSERT_IF_NONE && k->outer.vlans)) {
        return;
    }
    stw_be_p(tag, 0x8100);
    stw_be_p(tag + 2, GET(esw_vport_context, v->esw, cvlan_pcp) << 13 | GET(esw_vport_context, v->esw, cvlan_id));
    if (how == INSERT_OVERWRITE && k->outer.vlans) {
        vlan_pop(k);
    }
    vlan_push(k, tag);
}

/* ---- vports ---- */

/* `ip link set ... vf N state disable` and a representor that is down stop a VF's traffic; a PF's vport has no such state. */
static bool is_disabled(const Vport *v)
{
    return v->number != 0 && v->number != UPLINK && v->admin_state == 0;
}

/* The PF's receive tables see the registers that its eSwitch lets through (esw_set_passing_vport_metadata), other vports' see
   none. */
static void registers_pass(const Vport *v, Packet *k)
{
    unsigned pass = v->number == 0 ? GET(esw_vport_context, v->esw, fdb_to_vport_reg_c_id) : 0;
    for (unsigned i = 0; i < ARRAY_SIZE(k->reg_c); i++) {
        k->reg_c[i] = pass >> i & 1 ? k->reg_c[i] : 0;
    }
    k->reg_a = 0;
}

static void vport_receive(Port *p, unsigned number, Packet *k)
{
    Vport *v = vport_numbered(p, number);
    if (!v || is_disabled(v) || run(v->egress_acl, k) == TAKEN) {
        return;
    }
    if (number == UPLINK) {
        wire_send(p, k);
        return;
    }
    if (GET(esw_vport_context, v->esw, vport_cvlan_strip)) {
        vlan_pop(k);
    }
    traffic_count(v->received, k);
    registers_pass(v, k);
    packet_parse(k);
    LOG(p->pf, "  ~ to vport %u of port %d, %u bytes", number, p->number, k->length);
    if (run(v->receive_root, k) == MISSED) {
        LOG(p->pf, "  ~ no rule at vport %u", number);
    }
}

void eswitch_input(Port *p, unsigned source, Packet *k)
{
    Vport *v = vport_numbered(p, source);
    unsigned steps = MAX_STEPS;
    if (!v || k->length < 14 || !p->pf) {
        return;
    }
    k->from = p;
    k->source = source;
    k->steps = &steps;
    packet_parse(k);
    LOG(p->pf, "~ packet of vport 0x%x, queue 0x%x, %u bytes, type 0x%04x", source, k->sqn, k->length, k->outer.ethertype);
    if (is_disabled(v) || run(v->transmit_root, k) == TAKEN) {
        return;
    }
    k->reg_a = 0;
    traffic_count(source == UPLINK ? v->received : v->sent, k);
    vport_vlan_insert(v, k);
    if (run(v->ingress_acl, k) == TAKEN) {
        return;
    }
    packet_parse(k);
    if (p->fdb_root) {
        if (run(p->fdb_root, k) == MISSED && source != UPLINK) {
            wire_send(p, k);
        }
    } else if (source == UPLINK) {
        vport_receive(p, 0, k);
    } else {
        wire_send(p, k);
    }
}

/* A table's entry or an entry of a table that it leads to; port selection has nothing but tables and uplinks. */
Port *steering_select_port(Card *card, const Packet *packet)
{
    uint32_t table = card->port_selection_root;
    for (unsigned steps = 0; steps < MAX_STEPS && table; steps++) {
        FlowTable *t = resource_on_card(card, KIND_FLOW_TABLE, table);
        const FlowEntry *e = t ? match_table(t, packet) : NULL;
        if (!t) {
            return NULL;
        }
        if (!e || !e->destinations) {
            table = t->miss_action == MLX5_FLOW_TABLE_MISS_ACTION_FWD ? t->miss : 0;
        } else if (e->destination[0].type == MLX5_IFC_FLOW_DESTINATION_TYPE_UPLINK) {
            return e->destination[0].other_eswitch ? port_of_vhca(card, e->destination[0].vhca) : t->resource.owner->port;
        } else {
            table = e->destination[0].id;
        }
    }
    return NULL;
}
