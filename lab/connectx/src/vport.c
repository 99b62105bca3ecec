/*
 * Virtual ports: what a function's driver sets for itself, what the PF's sets for a VF, and how each hears of the other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"

#define EVENT_PORT_CHANGE 9
#define EVENT_NIC_VPORT_CHANGE 0xd
#define PORT_DOWN 1
#define PORT_UP 4
enum { ADMIN_DOWN = 0, ADMIN_UP = 1, ADMIN_FOLLOW = 2 };
enum { LIST_UC = 0, LIST_MC = 1, LIST_VLAN = 2, LISTS = 3 };
#define VNIC 0
#define ESW 1
#define UPLINK_STATE 2

void vport_init(Vport *v, Port *port, unsigned number)
{
    uint64_t base = port->card->system_image_guid, own = (uint64_t)port->number << 16 | (number == UPLINK ? 0 : number);
    GHashTable *pages = v->pages;
    memset(v, 0, sizeof(*v));
    v->pages = pages;
    v->port = port;
    v->number = number;
    v->hca_enabled = number == 0 || number == UPLINK;
    v->admin_state = number == 0 || number == UPLINK ? ADMIN_UP : ADMIN_FOLLOW;
    SET(nic_vport_context, v->nic, mtu, 1500);
    SET(nic_vport_context, v->nic, system_image_guid, base);
    /* A VF has no address and no GUID of its own until its PF says one. */
    if (number == 0 || number == UPLINK) {
        SET(nic_vport_context, v->nic, node_guid, base + own);
        SET(nic_vport_context, v->nic, port_guid, base + own);
        if (port->pf) {
            memcpy(AT(nic_vport_context, v->nic, permanent_address) + 2, port->pf->conf.macaddr.a, 6);
        }
    }
}

Vport *vport_of_command(Command *c)
{
    bool other = bits_get(c->in, 0x40, 1);
    unsigned number = bits_get(c->in, 0x50, 16);
    if (!other) {
        return c->f->vport;
    }
    if (c->f->is_vf) {
        refuse(c, STATUS_BAD_PARAM, 0, "another's vport");
        return NULL;
    }
    Vport *v = vport_numbered(c->f->port, number);
    if (!v) {
        refuse(c, STATUS_BAD_PARAM, 0, "no such vport");
    }
    return v;
}

bool vport_is_up(const Vport *v)
{
    switch (v->admin_state) {
    case ADMIN_DOWN:
        return false;
    case ADMIN_UP:
        return v->number != 0 && v->number != UPLINK ? true : port_link_up(v->port);
    default:
        return port_link_up(v->port);
    }
}

void vport_event(Vport *v)
{
    Function *f = function_of_vport(v->port, v->number);
    uint8_t data[28] = { [8] = 1 << 4 };
    if (f && f->initialized) {
        event_post(f, EVENT_PORT_CHANGE, vport_is_up(v) ? PORT_UP : PORT_DOWN, data);
    }
}

/* ---- what a driver's NIC does with packets for it ---- */

/* Entries of a list of addresses or VLANs lie where the list that was asked for last lay; each list is kept apart. */
static uint8_t *list_of(Vport *v, unsigned type) { return v->lists[type]; }

static uint8_t query_nic_vport(Command *c)
{
    Vport *v = vport_of_command(c);
    unsigned type = GET(query_nic_vport_context_in, c->in, allowed_list_type);
    uint8_t *to = AT(query_nic_vport_context_out, c->out, nic_vport_context);
    if (!v) {
        return c->status;
    }
    if (type >= LISTS) {
        return refuse(c, STATUS_BAD_PARAM, 0, "no such list");
    }
    size_t space = c->out_length - (to - c->out), header = BYTES(nic_vport_context), entries = v->list_size[type];
    memcpy(to, v->nic, MIN(space, header));
    SET(nic_vport_context, to, allowed_list_type, type);
    entries = MIN(entries, space > header ? (space - header) / 8 : 0);
    memcpy(to + header, list_of(v, type), 8 * entries);
    SET(nic_vport_context, to, allowed_list_size, entries);
    return STATUS_OK;
}

/* The PF's driver watches what a VF's driver sets, and arms the event anew each time: legacy mode steers by these lists. */
static void tell_manager(Vport *v, bool addresses, bool mtu, bool promiscuous)
{
    uint8_t data[28] = { 0 };
    Function *pf = v->port->pf;
    bool wanted = GET(nic_vport_context, v->nic, arm_change_event) &&
        ((addresses && (GET(nic_vport_context, v->nic, event_on_uc_address_change) ||
                        GET(nic_vport_context, v->nic, event_on_mc_address_change) ||
                        GET(nic_vport_context, v->nic, event_on_vlan_change))) ||
         (mtu && GET(nic_vport_context, v->nic, event_on_mtu)) ||
         (promiscuous && GET(nic_vport_context, v->nic, event_on_promisc_change)));
    if (!wanted || !pf || !pf->initialized) {
        return;
    }
    SET(nic_vport_context, v->nic, arm_change_event, 0);
    stw_be_p(data + 2, v->number);
    event_post(pf, EVENT_NIC_VPORT_CHANGE, 0, data);
}

static uint8_t modify_nic_vport(Command *c)
{
    Vport *v = vport_of_command(c);
    uint8_t *from = AT(modify_nic_vport_context_in, c->in, nic_vport_context);
#define CHANGES(x) GET(modify_nic_vport_context_in, c->in, field_select.x)
#define TAKE(x) SET(nic_vport_context, v->nic, x, GET(nic_vport_context, from, x))
    if (!v) {
        return c->status;
    }
    if (CHANGES(mtu) && GET(nic_vport_context, from, mtu) > 10200) {
        return refuse(c, STATUS_BAD_PARAM, 0, "MTU");
    }
    if ((CHANGES(node_guid) || CHANGES(port_guid)) && !GET(e_switch_cap, v->port->pf->cap[9], nic_vport_node_guid_modify)) {
        return refuse(c, STATUS_BAD_PARAM, 0, "GUIDs cannot be set");
    }
    if (CHANGES(addresses_list)) {
        unsigned type = GET(nic_vport_context, from, allowed_list_type), count = GET(nic_vport_context, from, allowed_list_size);
        size_t space = c->in_length - (from - c->in);
        size_t entries = BYTES(nic_vport_context);
        if (type >= LISTS || count > MAX_LIST || entries + 8ull * count > space) {
            return refuse(c, STATUS_BAD_PARAM, 0, "list of addresses");
        }
        memcpy(list_of(v, type), from + entries, 8 * count);
        v->list_size[type] = count;
    }
    if (CHANGES(mtu)) {
        TAKE(mtu);
    }
    if (CHANGES(min_inline)) {
        TAKE(min_wqe_inline_mode);
    }
    if (CHANGES(node_guid)) {
        TAKE(node_guid);
    }
    if (CHANGES(port_guid)) {
        TAKE(port_guid);
    }
    if (CHANGES(permanent_address)) {
        memcpy(AT(nic_vport_context, v->nic, permanent_address), AT(nic_vport_context, from, permanent_address), 8);
    }
    if (CHANGES(promisc)) {
        TAKE(promisc_uc);
        TAKE(promisc_mc);
        TAKE(promisc_all);
    }
    if (CHANGES(roce_en)) {
        TAKE(roce_en);
    }
    if (CHANGES(disable_uc_local_lb)) {
        TAKE(disable_uc_local_lb);
    }
    if (CHANGES(disable_mc_local_lb)) {
        TAKE(disable_mc_local_lb);
    }
    if (CHANGES(change_event)) {
        TAKE(arm_change_event);
        TAKE(event_on_mtu);
        TAKE(event_on_promisc_change);
        TAKE(event_on_vlan_change);
        TAKE(event_on_mc_address_change);
        TAKE(event_on_uc_address_change);
    } else {
        tell_manager(v, CHANGES(addresses_list) || CHANGES(permanent_address), CHANGES(mtu), CHANGES(promisc));
    }
#undef CHANGES
#undef TAKE
    return STATUS_OK;
}

/* ---- what the eSwitch does with a vport's packets (legacy mode's VLANs) ---- */

static uint8_t query_esw_vport(Command *c)
{
    Vport *v = vport_of_command(c);
    if (!v) {
        return c->status;
    }
    memcpy(AT(query_esw_vport_context_out, c->out, esw_vport_context), v->esw, BYTES(esw_vport_context));
    return STATUS_OK;
}

static uint8_t modify_esw_vport(Command *c)
{
    Vport *v = vport_of_command(c);
    uint8_t *from = AT(modify_esw_vport_context_in, c->in, esw_vport_context);
    uint8_t *select = AT(modify_esw_vport_context_in, c->in, field_select);
    if (!v) {
        return c->status;
    }
#define CHANGES(x) GET(esw_vport_context_fields_select, select, x)
#define TAKE(x) SET(esw_vport_context, v->esw, x, GET(esw_vport_context, from, x))
    if (CHANGES(vport_svlan_strip)) {
        TAKE(vport_svlan_strip);
    }
    if (CHANGES(vport_cvlan_strip)) {
        TAKE(vport_cvlan_strip);
    }
    if (CHANGES(vport_svlan_insert)) {
        TAKE(vport_svlan_insert);
        TAKE(svlan_pcp);
        TAKE(svlan_id);
    }
    if (CHANGES(vport_cvlan_insert)) {
        TAKE(vport_cvlan_insert);
        TAKE(cvlan_pcp);
        TAKE(cvlan_id);
    }
    if (CHANGES(fdb_to_vport_reg_c_id)) {
        TAKE(fdb_to_vport_reg_c_id);
    }
#undef CHANGES
#undef TAKE
    return STATUS_OK;
}

/* ---- up and down ---- */

static Vport *vport_of_state(Command *c)
{
    if (c->op_mod == UPLINK_STATE) {
        return &c->f->port->uplink;
    }
    if (c->op_mod > UPLINK_STATE) {
        refuse(c, STATUS_BAD_PARAM, 0, "op_mod");
        return NULL;
    }
    return vport_of_command(c);
}

static uint8_t query_vport_state(Command *c)
{
    Vport *v = vport_of_state(c);
    if (!v) {
        return c->status;
    }
    SET(query_vport_state_out, c->out, admin_state, v->admin_state);
    SET(query_vport_state_out, c->out, state, vport_is_up(v));
    return STATUS_OK;
}

static uint8_t modify_vport_state(Command *c)
{
    Vport *v = vport_of_state(c);
    unsigned to = GET(modify_vport_state_in, c->in, admin_state);
    if (!v) {
        return c->status;
    }
    if (to > ADMIN_FOLLOW || (c->op_mod == ESW && c->f->is_vf)) {
        return refuse(c, STATUS_BAD_PARAM, 0, "state of the vport");
    }
    bool was = vport_is_up(v);
    v->admin_state = to;
    if (vport_is_up(v) != was && v->number != UPLINK) {
        vport_event(v);
    }
    return STATUS_OK;
}

/* ---- counters ---- */

static uint8_t query_vport_counter(Command *c)
{
    static const unsigned received[] = {
        OFF(query_vport_counter_out, received_eth_unicast), OFF(query_vport_counter_out, received_eth_multicast),
        OFF(query_vport_counter_out, received_eth_broadcast),
    }, sent[] = {
        OFF(query_vport_counter_out, transmitted_eth_unicast), OFF(query_vport_counter_out, transmitted_eth_multicast),
        OFF(query_vport_counter_out, transmitted_eth_broadcast),
    };
    Vport *v = vport_of_command(c);
    if (!v) {
        return c->status;
    }
    for (int i = 0; i < 3; i++) {
        bits_set(c->out, received[i], 64, v->received[i].packets);
        bits_set(c->out, received[i] + 64, 64, v->received[i].bytes);
        bits_set(c->out, sent[i], 64, v->sent[i].packets);
        bits_set(c->out, sent[i] + 64, 64, v->sent[i].bytes);
    }
    if (GET(query_vport_counter_in, c->in, clear)) {
        memset(v->received, 0, sizeof(v->received));
        memset(v->sent, 0, sizeof(v->sent));
    }
    return STATUS_OK;
}

/* ---- which of a card's functions an address from the cable belongs to (multi-host's table) ---- */

static uint8_t set_l2_entry(Command *c)
{
    unsigned index = GET(set_l2_table_entry_in, c->in, table_index);
    if (index >= L2_ENTRIES) {
        return refuse(c, STATUS_BAD_INDEX, 0, "entry of the L2 table");
    }
    c->f->l2_entries[index] = true;
    return STATUS_OK;
}

static uint8_t delete_l2_entry(Command *c)
{
    unsigned index = GET(delete_l2_table_entry_in, c->in, table_index);
    if (index >= L2_ENTRIES || !c->f->l2_entries[index]) {
        return refuse(c, STATUS_BAD_RES, 0, "entry of the L2 table");
    }
    c->f->l2_entries[index] = false;
    return STATUS_OK;
}

const CommandEntry vport_commands[] = {
    COMMAND_OUT(QUERY_NIC_VPORT_CONTEXT, query_nic_vport_context, 16, query_nic_vport, 0),
    { MLX5_CMD_OP_MODIFY_NIC_VPORT_CONTEXT, 0, BYTES(modify_nic_vport_context_in), 16, modify_nic_vport },
    COMMAND(QUERY_ESW_VPORT_CONTEXT, query_esw_vport_context, query_esw_vport, ESWITCH),
    COMMAND(MODIFY_ESW_VPORT_CONTEXT, modify_esw_vport_context, modify_esw_vport, ESWITCH),
    COMMAND(QUERY_VPORT_STATE, query_vport_state, query_vport_state, 0),
    COMMAND(MODIFY_VPORT_STATE, modify_vport_state, modify_vport_state, 0),
    COMMAND(QUERY_VPORT_COUNTER, query_vport_counter, query_vport_counter, 0),
    COMMAND(SET_L2_TABLE_ENTRY, set_l2_table_entry, set_l2_entry, PF_ONLY),
    COMMAND(DELETE_L2_TABLE_ENTRY, delete_l2_table_entry, delete_l2_entry, PF_ONLY),
    { 0 },
};
