/*
 * What rules see of a packet: its key, laid out as fte_match_param is, so that a group's criteria and an entry's value are
 * compared with it word by word; and the bytes that a LAG's hash takes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

enum { NEXT_ICMP = 1, NEXT_TCP = 6, NEXT_UDP = 17, NEXT_ICMPV6 = 58 };
#define CVLAN 0x8100

static void key_l3(uint8_t *to, const uint8_t *b, const Headers *h)
{
#define K(field, value) SET(fte_match_set_lyr_2_4, to, field, value)
    K(ip_version, h->ip_version);
    K(ip_protocol, h->protocol);
    K(frag, h->fragment);
    if (h->ip_version == 4) {
        K(ip_dscp, b[1] >> 2);
        K(ip_ecn, b[1] & 3);
        K(ttl_hoplimit, b[8]);
        memcpy(AT(fte_match_set_lyr_2_4, to, src_ipv4_src_ipv6) + 12, b + 12, 4);
        memcpy(AT(fte_match_set_lyr_2_4, to, dst_ipv4_dst_ipv6) + 12, b + 16, 4);
    } else {
        unsigned traffic_class = lduw_be_p(b) >> 4 & 0xff;
        K(ip_dscp, traffic_class >> 2);
        K(ip_ecn, traffic_class & 3);
        K(ttl_hoplimit, b[7]);
        memcpy(AT(fte_match_set_lyr_2_4, to, src_ipv4_src_ipv6), b + 8, 16);
        memcpy(AT(fte_match_set_lyr_2_4, to, dst_ipv4_dst_ipv6), b + 24, 16);
    }
}

static void key_headers(uint8_t *to, const uint8_t *bytes, const Headers *h)
{
    const uint8_t *b = bytes + h->l2;
    memcpy(AT(fte_match_set_lyr_2_4, to, dmac_47_16), b, 6);
    memcpy(AT(fte_match_set_lyr_2_4, to, smac_47_16), b + 6, 6);
    K(ethertype, h->ethertype);
    if (h->vlans) {
        bool customer = lduw_be_p(b + 12) == CVLAN;
        unsigned tci = lduw_be_p(b + 14);
        K(cvlan_tag, customer);
        K(svlan_tag, !customer);
        K(first_prio, tci >> 13);
        K(first_cfi, tci >> 12 & 1);
        K(first_vid, tci & 0xfff);
    }
    if (h->l3) {
        key_l3(to, bytes + h->l3, h);
    }
    if (h->l4 && h->protocol == NEXT_TCP) {
        K(tcp_sport, lduw_be_p(bytes + h->l4));
        K(tcp_dport, lduw_be_p(bytes + h->l4 + 2));
        K(tcp_flags, lduw_be_p(bytes + h->l4 + 12) & 0x1ff);
    } else if (h->l4 && h->protocol == NEXT_UDP) {
        K(udp_sport, lduw_be_p(bytes + h->l4));
        K(udp_dport, lduw_be_p(bytes + h->l4 + 2));
    }
#undef K
}

static void key_tunnel(uint8_t *misc, const Packet *k)
{
    const uint8_t *t = k->bytes + k->tunnel_at;
    uint32_t vni = ldl_be_p(t + 4) >> 8;
    if (k->tunnel == TUNNEL_VXLAN) {
        SET(fte_match_set_misc, misc, vxlan_vni, vni);
    } else {
        SET(fte_match_set_misc, misc, geneve_vni, vni);
        SET(fte_match_set_misc, misc, geneve_oam, t[1] >> 7);
        SET(fte_match_set_misc, misc, geneve_opt_len, t[0] & 0x3f);
        SET(fte_match_set_misc, misc, geneve_protocol_type, lduw_be_p(t + 2));
    }
}

static void key_second_vlans(uint8_t *misc, const Packet *k)
{
    if (k->outer.vlans == 2) {
        unsigned tci = lduw_be_p(k->bytes + 18);
        bool customer = lduw_be_p(k->bytes + 16) == CVLAN;
        SET(fte_match_set_misc, misc, outer_second_prio, tci >> 13);
        SET(fte_match_set_misc, misc, outer_second_cfi, tci >> 12 & 1);
        SET(fte_match_set_misc, misc, outer_second_vid, tci & 0xfff);
        SET(fte_match_set_misc, misc, outer_second_cvlan_tag, customer);
        SET(fte_match_set_misc, misc, outer_second_svlan_tag, !customer);
    }
    if (k->tunnel && k->inner.vlans == 2) {
        const uint8_t *b = k->bytes + k->inner.l2;
        unsigned tci = lduw_be_p(b + 18);
        bool customer = lduw_be_p(b + 16) == CVLAN;
        SET(fte_match_set_misc, misc, inner_second_prio, tci >> 13);
        SET(fte_match_set_misc, misc, inner_second_cfi, tci >> 12 & 1);
        SET(fte_match_set_misc, misc, inner_second_vid, tci & 0xfff);
        SET(fte_match_set_misc, misc, inner_second_cvlan_tag, customer);
        SET(fte_match_set_misc, misc, inner_second_svlan_tag, !customer);
    }
}

void match_key(Packet *k)
{
    uint8_t *key = (uint8_t *)k->key, *misc = AT(fte_match_param, key, misc_parameters);
    uint8_t *registers = AT(fte_match_param, key, misc_parameters_2), *icmp = AT(fte_match_param, key, misc_parameters_3);
    const Headers *o = &k->outer;
    memset(key, 0, sizeof(k->key));
    if (o->has_l2) {
        key_headers(AT(fte_match_param, key, outer_headers), k->bytes, o);
    }
    if (k->tunnel) {
        key_tunnel(misc, k);
        key_headers(AT(fte_match_param, key, inner_headers), k->bytes, &k->inner);
    }
    key_second_vlans(misc, k);
    if (o->l4 && o->protocol == NEXT_ICMP) {
        SET(fte_match_set_misc3, icmp, icmp_type, k->bytes[o->l4]);
        SET(fte_match_set_misc3, icmp, icmp_code, k->bytes[o->l4 + 1]);
    } else if (o->l4 && o->protocol == NEXT_ICMPV6) {
        SET(fte_match_set_misc3, icmp, icmpv6_type, k->bytes[o->l4]);
        SET(fte_match_set_misc3, icmp, icmpv6_code, k->bytes[o->l4 + 1]);
    }
    SET(fte_match_set_misc, misc, source_port, k->source);
    SET(fte_match_set_misc, misc, source_sqn, k->sqn);
    SET(fte_match_set_misc, misc, source_eswitch_owner_vhca_id, k->from->pf ? k->from->pf->vhca : 0);
    for (unsigned i = 0; i < 8; i++) {
        stl_be_p(AT(fte_match_set_misc2, registers, metadata_reg_c_7) + 4 * (7 - i), k->reg_c[i]);
    }
    SET(fte_match_set_misc2, registers, metadata_reg_a, k->reg_a);
}

/* The side of the eSwitch that an entry is for (enum of flow_context's flow_source). */
static bool source_fits(const FlowEntry *e, const Packet *k)
{
    switch (e->flow_source) {
    case MLX5_FLOW_CONTEXT_FLOW_SOURCE_UPLINK:
        return k->source == UPLINK;
    case MLX5_FLOW_CONTEXT_FLOW_SOURCE_LOCAL_VPORT:
        return k->source != UPLINK;
    default:
        return true;
    }
}

static FlowEntry *match_group(FlowGroup *g, const Packet *k)
{
    uint64_t value[KEY_WORDS];
    FlowEntry probe = { .group = g, .value = value }, *e;
    for (unsigned i = 0; i < g->words; i++) {
        value[i] = k->key[g->word[i]] & g->mask[i];
    }
    e = g_hash_table_lookup(g->by_value, &probe);
    while (e && !source_fits(e, k)) {
        e = e->same;
    }
    return e;
}

/* The entry that a hash of what the definer selects falls on. */
static FlowEntry *hash_group(FlowGroup *g, const Packet *k)
{
    Definer *d = resource_on_card(k->card, KIND_DEFINER, g->definer);
    uint8_t bytes[64];
    uint32_t hash = 2166136261u;
    if (!d || !definer_bytes(d->format, k, bytes)) {
        return NULL;
    }
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        hash = (hash ^ (bytes[i] & d->mask[i])) * 16777619u;
    }
    hash ^= hash >> 15;
    return g_hash_table_lookup(g->table->entries, GUINT_TO_POINTER(g->first + hash % (g->last - g->first + 1)));
}

FlowEntry *match_table(FlowTable *t, const Packet *k)
{
    for (guint i = 0; i < t->groups->len; i++) {
        FlowGroup *g = g_ptr_array_index(t->groups, i);
        FlowEntry *e = g->entries == 0 ? NULL : g->hash_split ? hash_group(g, k) : match_group(g, k);
        if (e) {
            return e;
        }
    }
    return NULL;
}

/* ---- definers ---- */

bool definer_format_known(unsigned format)
{
    return format == 0 || format == 22 || format == 23 || (format >= 29 && format <= 32);
}

/* What formats 22, 23, 29 and 31 have in common: addresses and ports. `inner`: of the tunnelled headers. */
static void ports_of(const Packet *k, const Headers *h, unsigned *source, unsigned *target)
{
    bool has = h->l4 && (h->protocol == NEXT_TCP || h->protocol == NEXT_UDP);
    *source = has ? lduw_be_p(k->bytes + h->l4) : 0;
    *target = has ? lduw_be_p(k->bytes + h->l4 + 2) : 0;
}

static unsigned l3_type(const Headers *h) { return h->ip_version == 4 ? 1 : h->ip_version == 6 ? 2 : 0; }

#define MACS(format, side) do { \
        memcpy(AT(match_definer_format_##format, out, side##_dmac_47_16), b, 4); \
        memcpy(AT(match_definer_format_##format, out, side##_dmac_15_0), b + 4, 2); \
        memcpy(AT(match_definer_format_##format, out, side##_smac_47_16), b + 6, 4); \
        memcpy(AT(match_definer_format_##format, out, side##_smac_15_0), b + 10, 2); \
    } while (0)
#define IPV4(format, side) do { \
        unsigned source, target; \
        ports_of(k, h, &source, &target); \
        if (h->ip_version == 4) { \
            memcpy(AT(match_definer_format_##format, out, side##_ip_src_addr), k->bytes + h->l3 + 12, 4); \
            memcpy(AT(match_definer_format_##format, out, side##_ip_dest_addr), k->bytes + h->l3 + 16, 4); \
        } \
        SET(match_definer_format_##format, out, side##_l4_sport, source); \
        SET(match_definer_format_##format, out, side##_l4_dport, target); \
        SET(match_definer_format_##format, out, side##_l3_type, l3_type(h)); \
        MACS(format, side); \
    } while (0)
#define IPV6(format, side) do { \
        if (h->ip_version == 6) { \
            memcpy(AT(match_definer_format_##format, out, side##_ip_src_addr), k->bytes + h->l3 + 8, 16); \
            memcpy(AT(match_definer_format_##format, out, side##_ip_dest_addr), k->bytes + h->l3 + 24, 16); \
        } \
    } while (0)
#define PORTS_OF(format, side) do { \
        unsigned source, target; \
        ports_of(k, h, &source, &target); \
        SET(match_definer_format_##format, out, side##_l4_sport, source); \
        SET(match_definer_format_##format, out, side##_l4_dport, target); \
    } while (0)

bool definer_bytes(unsigned format, const Packet *k, uint8_t out[64])
{
    bool inner = format == 23 || format == 31 || format == 32;
    const Headers *h = inner ? &k->inner : &k->outer;
    const uint8_t *b = k->bytes + h->l2;
    memset(out, 0, 64);
    if (!h->has_l2 || (inner && !k->tunnel)) {
        return definer_format_known(format);
    }
    switch (format) {
    case 0:
        MACS(0, outer);
        SET(match_definer_format_0, out, outer_ethertype, h->ethertype);
        SET(match_definer_format_0, out, outer_first_vlan_vid, h->vlans ? lduw_be_p(b + 14) & 0xfff : 0);
        SET(match_definer_format_0, out, outer_l3_type, l3_type(h));
        return true;
    case 22:
        IPV4(22, outer);
        return true;
    case 23:
        IPV4(23, inner);
        return true;
    case 29:
        IPV6(29, outer);
        PORTS_OF(29, outer);
        return true;
    case 30:
        IPV6(30, outer);
        MACS(30, outer);
        return true;
    case 31:
        IPV6(31, inner);
        PORTS_OF(31, inner);
        return true;
    case 32:
        IPV6(32, inner);
        MACS(32, inner);
        return true;
    default:
        return false;
    }
}
