/*
 * Single fields of headers and registers, by the numbers that header rewrites give them (MLX5_ACTION_IN_FIELD_*).
 *
 * A field of a packet that does not have it reads as zero and is not written. IP's and the transport's checksums follow what is
 * written: by the difference, so that one that was wrong stays wrong.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

enum { NEXT_TCP = 6, NEXT_UDP = 17, NEXT_ICMPV6 = 58 };
#define F(name) MLX5_ACTION_IN_FIELD_##name

typedef enum Part { ETHERNET, VLAN, LAST_TYPE, IPV4, IPV6, TCP, UDP, METADATA } Part;

typedef struct Place {
    uint16_t field;
    Part part;
    uint16_t bit;                       /* of the part */
    uint8_t width;
} Place;

static const Place places[] = {
    { F(OUT_DMAC_47_16), ETHERNET, 0, 32 }, { F(OUT_DMAC_15_0), ETHERNET, 32, 16 },
    { F(OUT_SMAC_47_16), ETHERNET, 48, 32 }, { F(OUT_SMAC_15_0), ETHERNET, 80, 16 },
    { F(OUT_ETHERTYPE), LAST_TYPE, 0, 16 }, { F(OUT_FIRST_VID), VLAN, 4, 12 },
    { F(OUT_IP_DSCP), IPV4, 8, 6 }, { F(OUT_IP_DSCP), IPV6, 4, 6 }, { F(OUT_IP_TTL), IPV4, 64, 8 },
    { F(OUT_IPV6_HOPLIMIT), IPV6, 56, 8 },
    { F(OUT_SIPV4), IPV4, 96, 32 }, { F(OUT_DIPV4), IPV4, 128, 32 },
    { F(OUT_SIPV6_127_96), IPV6, 64, 32 }, { F(OUT_SIPV6_95_64), IPV6, 96, 32 }, { F(OUT_SIPV6_63_32), IPV6, 128, 32 },
    { F(OUT_SIPV6_31_0), IPV6, 160, 32 }, { F(OUT_DIPV6_127_96), IPV6, 192, 32 }, { F(OUT_DIPV6_95_64), IPV6, 224, 32 },
    { F(OUT_DIPV6_63_32), IPV6, 256, 32 }, { F(OUT_DIPV6_31_0), IPV6, 288, 32 },
    { F(OUT_TCP_SPORT), TCP, 0, 16 }, { F(OUT_TCP_DPORT), TCP, 16, 16 }, { F(OUT_TCP_SEQ_NUM), TCP, 32, 32 },
    { F(OUT_TCP_ACK_NUM), TCP, 64, 32 }, { F(OUT_TCP_FLAGS), TCP, 103, 9 },
    { F(OUT_UDP_SPORT), UDP, 0, 16 }, { F(OUT_UDP_DPORT), UDP, 16, 16 },
    { F(METADATA_REG_A), METADATA, 0, 32 }, { F(METADATA_REG_B), METADATA, 0, 32 },
    { F(METADATA_REG_C_0), METADATA, 0, 32 }, { F(METADATA_REG_C_1), METADATA, 0, 32 }, { F(METADATA_REG_C_2), METADATA, 0, 32 },
    { F(METADATA_REG_C_3), METADATA, 0, 32 }, { F(METADATA_REG_C_4), METADATA, 0, 32 }, { F(METADATA_REG_C_5), METADATA, 0, 32 },
    { F(METADATA_REG_C_6), METADATA, 0, 32 }, { F(METADATA_REG_C_7), METADATA, 0, 32 },
};

unsigned header_field_width(unsigned field)
{
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        if (places[i].field == field) {
            return places[i].width;
        }
    }
    return 0;
}

static uint32_t *register_of(Packet *k, unsigned field)
{
    return field == F(METADATA_REG_A) ? &k->reg_a : field == F(METADATA_REG_B) ? &k->reg_b :
        &k->reg_c[field - F(METADATA_REG_C_0)];
}

/* Where a part of this packet begins; false where it has none. */
static bool part_at(const Packet *k, Part part, uint32_t *at)
{
    const Headers *h = &k->outer;
    switch (part) {
    case ETHERNET:
        *at = 0;
        return h->has_l2;
    case VLAN:
        *at = 14;
        return h->vlans > 0;
    case LAST_TYPE:
        *at = 12 + 4 * h->vlans;
        return h->has_l2;
    case IPV4:
    case IPV6:
        *at = h->l3;
        return h->l3 && h->ip_version == (part == IPV4 ? 4 : 6);
    case TCP:
    case UDP:
        *at = h->l4;
        return h->l4 && h->protocol == (part == TCP ? NEXT_TCP : NEXT_UDP);
    default:
        return false;
    }
}

static const Place *place_in(const Packet *k, unsigned field, uint32_t *at)
{
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        if (places[i].field == field && (places[i].part == METADATA || part_at(k, places[i].part, at))) {
            return &places[i];
        }
    }
    return NULL;
}

static uint32_t ones(unsigned length) { return length >= 32 ? ~0u : (1u << length) - 1; }

/* The field's bytes, as a number, with `shift` bits behind it. */
static uint64_t bytes_get(const uint8_t *b, unsigned count)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < count; i++) {
        v = v << 8 | b[i];
    }
    return v;
}

uint32_t header_field_get(const Packet *k, unsigned field, unsigned bit, unsigned length)
{
    uint32_t at, value;
    const Place *p = place_in(k, field, &at);
    if (!p) {
        return 0;
    }
    if (p->part == METADATA) {
        value = *register_of((Packet *)k, field);
    } else {
        unsigned first = p->bit % 8, count = DIV_ROUND_UP(first + p->width, 8);
        value = bytes_get(k->bytes + at + p->bit / 8, count) >> (8 * count - first - p->width) & ones(p->width);
    }
    return value >> bit & ones(length);
}

/* A checksum after bytes whose sum was `before` and is `after`. UDP's zero stands for none. */
static void follow(uint8_t *checksum, uint16_t before, uint16_t after, bool udp)
{
    uint16_t old = lduw_be_p(checksum), sum;
    if (udp && old == 0) {
        return;
    }
    sum = ~sum_fold((uint32_t)(uint16_t)~old + (uint16_t)~before + after);
    stw_be_p(checksum, udp && sum == 0 ? 0xffff : sum);
}

static void follow_all(Packet *k, Part part, bool address, uint16_t before, uint16_t after)
{
    const Headers *h = &k->outer;
    if (part == IPV4) {
        follow(k->bytes + h->l3 + 10, before, after, false);
    }
    if (!h->l4 || !(address || part == TCP || part == UDP)) {
        return;
    }
    if (h->protocol == NEXT_TCP) {
        follow(k->bytes + h->l4 + 16, before, after, false);
    } else if (h->protocol == NEXT_UDP) {
        follow(k->bytes + h->l4 + 6, before, after, true);
    } else if (h->protocol == NEXT_ICMPV6 && h->ip_version == 6) {
        follow(k->bytes + h->l4 + 2, before, after, false);
    }
}

void header_field_set(Packet *k, unsigned field, unsigned bit, unsigned length, uint32_t value)
{
    uint32_t at, mask = ones(length) << bit;
    const Place *p = place_in(k, field, &at);
    if (!p) {
        return;
    }
    if (p->part == METADATA) {
        uint32_t *r = register_of(k, field);
        *r = (*r & ~mask) | (value << bit & mask);
        return;
    }
    unsigned first = p->bit % 8, count = DIV_ROUND_UP(first + p->width, 8), shift = 8 * count - first - p->width;
    uint8_t *b = k->bytes + at + p->bit / 8;
    /* Sums are of whole pairs of bytes from the part's beginning on: all fields lie within one, two or three pairs. */
    unsigned even = p->bit / 8 & ~1u, pairs = ROUND_UP(p->bit / 8 + count - even, 2);
    bool address = p->width == 32 && (p->part == IPV4 || p->part == IPV6);
    uint16_t before = sum_of(k->bytes + at + even, pairs);
    uint64_t v = (bytes_get(b, count) & ~((uint64_t)mask << shift)) | ((uint64_t)(value << bit & mask) << shift);
    for (unsigned i = count; i--; v >>= 8) {
        b[i] = v;
    }
    follow_all(k, p->part, address, before, sum_of(k->bytes + at + even, pairs));
}
