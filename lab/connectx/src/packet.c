/*
 * A packet: its bytes, and where its headers lie.
 *
 * Everything in it is the sender's word: each offset is checked against the length, and a header that does not fit is not there.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

#define ETHERNET 14
#define VLAN 4
#define GENEVE_PORT 6081
#define TUNNEL_HEADER 8
#define MAX_EXTENSIONS 8
enum { TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd, TYPE_CVLAN = 0x8100, TYPE_SVLAN = 0x88a8, TYPE_ETHERNET = 0x6558 };
enum { NEXT_HOPS = 0, NEXT_TCP = 6, NEXT_UDP = 17, NEXT_ROUTING = 43, NEXT_FRAGMENT = 44, NEXT_ICMP = 1, NEXT_ICMPV6 = 58,
    NEXT_OPTIONS = 60 };

Packet *packet_new(Card *card, uint32_t length)
{
    Packet *k = g_malloc(sizeof(*k) + PACKET_HEADROOM + length);
    memset(k, 0, sizeof(*k));
    k->bytes = (uint8_t *)(k + 1) + PACKET_HEADROOM;
    k->headroom = PACKET_HEADROOM;
    k->length = length;
    k->card = card;
    return k;
}

Packet *packet_clone(const Packet *k)
{
    Packet *copy = g_malloc(sizeof(*k) + PACKET_HEADROOM + k->length);
    memcpy(copy, k, sizeof(*k));
    copy->bytes = (uint8_t *)(copy + 1) + PACKET_HEADROOM;
    copy->headroom = PACKET_HEADROOM;
    memcpy(copy->bytes, k->bytes, k->length);
    return copy;
}

void packet_free(Packet *k)
{
    g_free(k);
}

bool packet_insert(Packet *k, uint32_t at, const uint8_t *bytes, uint32_t count)
{
    if (at > k->length || count > k->headroom) {
        k->lost = true;
        return false;
    }
    memmove(k->bytes - count, k->bytes, at);
    k->bytes -= count;
    k->headroom -= count;
    k->length += count;
    memcpy(k->bytes + at, bytes, count);
    return true;
}

bool packet_remove(Packet *k, uint32_t at, uint32_t count)
{
    if (at > k->length || count > k->length - at || k->length - count < ETHERNET) {
        k->lost = true;
        return false;
    }
    memmove(k->bytes + count, k->bytes, at);
    k->bytes += count;
    k->headroom += count;
    k->length -= count;
    return true;
}

static void parse_l4(const Packet *k, Headers *h, uint32_t at)
{
    const uint8_t *b = k->bytes + at;
    uint32_t rest = k->length - MIN(at, k->length), size;
    switch (h->protocol) {
    case NEXT_TCP:
        if (rest < 20) {
            return;
        }
        size = (b[12] >> 4) * 4;
        if (size < 20 || size > rest) {
            return;
        }
        break;
    case NEXT_UDP:
        size = 8;
        break;
    case NEXT_ICMP:
    case NEXT_ICMPV6:
        size = 4;
        break;
    default:
        return;
    }
    if (size <= rest) {
        h->l4 = at;
        h->payload = at + size;
    }
}

static void parse_ipv4(const Packet *k, Headers *h, uint32_t at)
{
    const uint8_t *b = k->bytes + at;
    uint32_t size = (b[0] & 15) * 4, total = lduw_be_p(b + 2);
    if (b[0] >> 4 != 4 || size < 20 || size > k->length - at) {
        return;
    }
    h->l3 = at;
    h->ip_version = 4;
    h->protocol = b[9];
    h->fragment = lduw_be_p(b + 6) & 0x3fff;
    /* The length of a large send is that of its pieces. */
    h->end = !k->mss && total >= size && total <= k->length - at ? at + total : k->length;
    if (!(lduw_be_p(b + 6) & 0x1fff)) {
        parse_l4(k, h, at + size);
    }
}

static void parse_ipv6(const Packet *k, Headers *h, uint32_t at)
{
    const uint8_t *b = k->bytes + at;
    uint32_t total = 40 + lduw_be_p(b + 4), next = at + 40;
    unsigned type = b[6];
    bool first = true;
    if (b[0] >> 4 != 6) {
        return;
    }
    h->l3 = at;
    h->ip_version = 6;
    h->end = !k->mss && total <= k->length - at ? at + total : k->length;
    for (unsigned i = 0; i < MAX_EXTENSIONS && next + 8 <= k->length; i++) {
        const uint8_t *e = k->bytes + next;
        if (type == NEXT_FRAGMENT) {
            h->fragment = true;
            first = !(lduw_be_p(e + 2) & ~7);
            next += 8;
        } else if (type == NEXT_HOPS || type == NEXT_ROUTING || type == NEXT_OPTIONS) {
            next += 8 * (e[1] + 1);
        } else {
            break;
        }
        type = e[0];
    }
    h->protocol = type;
    if (first && next < k->length) {
        parse_l4(k, h, next);
    }
}

static void parse_headers(const Packet *k, Headers *h, uint32_t at)
{
    uint32_t type_at = at + 12;
    memset(h, 0, sizeof(*h));
    h->l2 = at;
    h->end = k->length;
    if (k->length < at + ETHERNET) {
        return;
    }
    h->has_l2 = true;
    h->ethertype = lduw_be_p(k->bytes + type_at);
    while (h->vlans < 2 && (h->ethertype == TYPE_CVLAN || h->ethertype == TYPE_SVLAN) && type_at + VLAN + 2 <= k->length) {
        h->vlans++;
        type_at += VLAN;
        h->ethertype = lduw_be_p(k->bytes + type_at);
    }
    if (h->ethertype == TYPE_IPV4 && type_at + 2 + 20 <= k->length) {
        parse_ipv4(k, h, type_at + 2);
    } else if (h->ethertype == TYPE_IPV6 && type_at + 2 + 40 <= k->length) {
        parse_ipv6(k, h, type_at + 2);
    }
}

static void parse_tunnel(Packet *k)
{
    const Headers *o = &k->outer;
    const uint8_t *t = k->bytes + o->payload;
    unsigned port, size;
    k->tunnel = TUNNEL_NONE;
    if (o->protocol != NEXT_UDP || !o->l4 || o->payload + TUNNEL_HEADER + ETHERNET > k->length) {
        return;
    }
    port = lduw_be_p(k->bytes + o->l4 + 2);
    if (port == GENEVE_PORT && t[0] >> 6 == 0 && lduw_be_p(t + 2) == TYPE_ETHERNET) {
        size = TUNNEL_HEADER + (t[0] & 0x3f) * 4;
        if (o->payload + size + ETHERNET > k->length) {
            return;
        }
        k->tunnel = TUNNEL_GENEVE;
    } else if (udp_port_is_vxlan(k->from, port)) {
        size = TUNNEL_HEADER;
        k->tunnel = TUNNEL_VXLAN;
    } else {
        return;
    }
    k->tunnel_at = o->payload;
    parse_headers(k, &k->inner, o->payload + size);
}

void packet_parse(Packet *k)
{
    parse_headers(k, &k->outer, 0);
    parse_tunnel(k);
    match_key(k);
}

Traffic packet_traffic(const Packet *k)
{
    const Headers *h = packet_innermost(k);
    Traffic t = { .packets = 1, .bytes = k->length };
    if (k->mss && h->payload && h->payload < k->length) {
        t.packets = DIV_ROUND_UP(k->length - h->payload, k->mss);
        t.bytes += (t.packets - 1) * h->payload;
    }
    return t;
}

void traffic_count(Traffic by_kind[3], const Packet *k)
{
    static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    Traffic more = packet_traffic(k), *t = by_kind;
    if (k->bytes[0] & 1) {
        t += memcmp(k->bytes, broadcast, 6) ? 1 : 2;
    }
    t->packets += more.packets;
    t->bytes += more.bytes;
}
