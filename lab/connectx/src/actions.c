/*
 * What an entry does to a packet: tunnels off, VLAN tags off, headers written, VLAN tags on, tunnels on. In this order, which is
 * that of the hardware (steering/dr_rule.c and dr_action.c of the driver name it for its own tables).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

#define ACTION(name) MLX5_FLOW_CONTEXT_ACTION_##name
#define TYPE_AT 12                      /* of a frame: the EtherType, or the first VLAN tag */

void vlan_push(Packet *k, const uint8_t tag[4])
{
    if (k->outer.has_l2 && packet_insert(k, TYPE_AT, tag, 4)) {
        packet_parse(k);
    }
}

void vlan_pop(Packet *k)
{
    if (k->outer.vlans && packet_remove(k, TYPE_AT, 4)) {
        packet_parse(k);
    }
}

static void count(const FlowEntry *e, const Packet *k)
{
    Traffic more = packet_traffic(k);
    for (unsigned i = 0; i < e->counters; i++) {
        FlowCounters *c = counters_with(k->card, e->counter[i]);
        if (c) {
            Traffic *t = &c->values[e->counter[i] - c->resource.id];
            t->packets += more.packets;
            t->bytes += more.bytes;
        }
    }
}

static void modify_header(uint32_t id, Packet *k)
{
    const ModifyHeader *m = resource_on_card(k->card, KIND_MODIFY_HEADER, id);
    for (unsigned i = 0; m && i < m->count; i++) {
        const HeaderAction *a = &m->actions[i];
        uint32_t value = a->data;
        if (a->type == MLX5_ACTION_TYPE_ADD) {
            value += header_field_get(k, a->to, 0, a->length);
        } else if (a->type == MLX5_ACTION_TYPE_COPY) {
            value = header_field_get(k, a->from, a->from_bit, a->length);
        }
        header_field_set(k, a->to, a->to_bit, a->length, value);
    }
    packet_parse(k);
}

/* What makes flows inside a tunnel differ outside: the source port is the card's to choose (lib of en/tc_tun_vxlan.c leaves it
   zero). */
static uint16_t entropy(const Packet *k)
{
    const uint8_t *key = AT(fte_match_param, (const uint8_t *)k->key, outer_headers);
    uint32_t hash = 2166136261u;
    for (unsigned i = 0; i < BYTES(fte_match_set_lyr_2_4); i++) {
        hash = (hash ^ key[i]) * 16777619u;
    }
    return 0xc000 | (hash ^ hash >> 16);
}

static void encapsulate(const PacketReformat *p, Packet *k)
{
    uint16_t source = entropy(k);
    bool large_tunnel = k->mss && k->tunnel;
    if (!packet_insert(k, 0, p->data, p->size)) {
        return;
    }
    packet_parse(k);
    /* A large send can be cut within one tunnel, and only within one that the parser knows. */
    if (large_tunnel || (k->mss && !k->tunnel)) {
        k->lost = true;
        return;
    }
    if (k->outer.l3 && k->outer.ip_version == 4) {
        stw_be_p(k->bytes + k->outer.l3 + 2, k->length - k->outer.l3);
    } else if (k->outer.l3) {
        stw_be_p(k->bytes + k->outer.l3 + 4, k->length - k->outer.l3 - 40);
    }
    if (k->outer.l4 && k->outer.protocol == 17) {
        uint8_t *udp = k->bytes + k->outer.l4;
        stw_be_p(udp + 4, k->length - k->outer.l4);
        if (lduw_be_p(udp) == 0) {
            stw_be_p(udp, source);
        }
    }
    checksum_ip(k->bytes, &k->outer);
    packet_parse(k);
}

/* Where INSERT_HDR and REMOVE_HDR count from (MLX5_REFORMAT_CONTEXT_ANCHOR_*); false where the packet has no such header. */
static bool anchor_at(const PacketReformat *p, const Packet *k, uint32_t *at)
{
    switch (p->anchor) {
    case MLX5_REFORMAT_CONTEXT_ANCHOR_MAC_START:
        *at = 0;
        return k->outer.has_l2;
    case MLX5_REFORMAT_CONTEXT_ANCHOR_IP_START:
        *at = k->outer.l3;
        return k->outer.l3;
    case MLX5_REFORMAT_CONTEXT_ANCHOR_TCP_UDP_START:
        *at = k->outer.l4;
        return k->outer.l4;
    default:
        return false;
    }
}

void reformat_run(uint32_t id, Packet *k)
{
    const PacketReformat *p = resource_on_card(k->card, KIND_PACKET_REFORMAT, id);
    uint32_t at;
    if (!p) {
        return;
    }
    switch (p->type) {
    case MLX5_REFORMAT_TYPE_L2_TO_VXLAN:
    case MLX5_REFORMAT_TYPE_L2_TO_L2_TUNNEL:
        encapsulate(p, k);
        break;
    case MLX5_REFORMAT_TYPE_INSERT_HDR:
        if (anchor_at(p, k, &at) && packet_insert(k, at + p->offset, p->data, p->size)) {
            packet_parse(k);
        }
        break;
    case MLX5_REFORMAT_TYPE_REMOVE_HDR:
        if (anchor_at(p, k, &at) && packet_remove(k, at + p->offset, p->size)) {
            packet_parse(k);
        }
        break;
    }
}

void actions_run(const FlowEntry *e, Packet *k)
{
    if (e->tag) {
        k->tag = e->tag;
    }
    if (e->counters) {
        count(e, k);
    }
    if (e->action & ACTION(DECAP)) {
        if (k->tunnel && packet_remove(k, 0, k->inner.l2)) {
            packet_parse(k);
        } else {
            k->lost = true;
        }
    }
    if (e->action & ACTION(VLAN_POP)) {
        vlan_pop(k);
    }
    if (e->action & ACTION(VLAN_POP_2)) {
        vlan_pop(k);
    }
    if (e->action & ACTION(MOD_HDR)) {
        modify_header(e->modify_header, k);
    }
    if (e->action & ACTION(VLAN_PUSH)) {
        vlan_push(k, e->vlan[0]);
    }
    if (e->action & ACTION(VLAN_PUSH_2)) {
        vlan_push(k, e->vlan[1]);
    }
    if (e->action & ACTION(PACKET_REFORMAT)) {
        reformat_run(e->reformat, k);
    }
}
