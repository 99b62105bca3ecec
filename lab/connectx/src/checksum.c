/*
 * Checksums, and cutting a large send into the packets that it leaves as.
 *
 * A large send runs through steering in one piece, with the headers that actions gave it, and is cut where it leaves: to a queue
 * or a cable.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

enum { NEXT_TCP = 6, NEXT_UDP = 17 };
enum { TCP_FIN_PSH = 0x09, TCP_CWR = 0x80 };

uint16_t sum_of(const uint8_t *bytes, uint32_t length)
{
    uint64_t s = 0;
    for (; length >= 16; bytes += 16, length -= 16) {
        s += (uint64_t)(uint32_t)ldl_he_p(bytes) + (uint32_t)ldl_he_p(bytes + 4);
        s += (uint64_t)(uint32_t)ldl_he_p(bytes + 8) + (uint32_t)ldl_he_p(bytes + 12);
    }
    for (; length >= 2; bytes += 2, length -= 2) {
        s += lduw_he_p(bytes);
    }
    if (length) {
        uint8_t last[2] = { *bytes, 0 };
        s += lduw_he_p(last);
    }
    /* Sums of 16 bits do not mind the order of bytes, but the result has that of the host. */
    return be16_to_cpu(sum_fold(s));
}

uint32_t sum_pseudo(const uint8_t *bytes, const Headers *h, uint32_t l4_length)
{
    uint32_t addresses = h->ip_version == 4 ? sum_of(bytes + h->l3 + 12, 8) : sum_of(bytes + h->l3 + 8, 32);
    return addresses + h->protocol + (l4_length >> 16) + (l4_length & 0xffff);
}

void checksum_ip(uint8_t *bytes, const Headers *h)
{
    uint8_t *ip = bytes + h->l3;
    if (h->l3 && h->ip_version == 4) {
        stw_be_p(ip + 10, 0);
        stw_be_p(ip + 10, ~sum_of(ip, (ip[0] & 15) * 4));
    }
}

void checksum_l4(uint8_t *bytes, const Headers *h, uint32_t end)
{
    bool tcp = h->protocol == NEXT_TCP;
    uint8_t *l4 = bytes + h->l4;
    uint16_t sum;
    if (!h->l4 || end < h->payload || (!tcp && h->protocol != NEXT_UDP) || h->fragment) {
        return;
    }
    stw_be_p(l4 + (tcp ? 16 : 6), 0);
    sum = ~sum_fold((uint64_t)sum_pseudo(bytes, h, end - h->l4) + sum_of(l4, end - h->l4));
    stw_be_p(l4 + (tcp ? 16 : 6), !tcp && sum == 0 ? 0xffff : sum);
}

/* The IP header of a piece whose last byte is before `end`; the `number`th. */
static void cut_ip(uint8_t *bytes, const Headers *h, uint32_t end, unsigned number)
{
    uint8_t *ip = bytes + h->l3;
    if (h->l3 && h->ip_version == 4) {
        stw_be_p(ip + 2, end - h->l3);
        stw_be_p(ip + 4, lduw_be_p(ip + 4) + number);
        checksum_ip(bytes, h);
    } else if (h->l3) {
        stw_be_p(ip + 4, end - h->l3 - 40);
    }
}

/* The headers of a piece: `bytes` begins with those of the whole. */
static void cut(const Packet *k, uint8_t *bytes, uint32_t end, uint32_t offset, unsigned number, bool last)
{
    const Headers *h = packet_innermost(k);
    uint8_t *l4 = bytes + h->l4;
    cut_ip(bytes, h, end, number);
    if (h->protocol == NEXT_TCP) {
        stl_be_p(l4 + 4, ldl_be_p(l4 + 4) + offset);
        l4[13] &= ~((last ? 0 : TCP_FIN_PSH) | (number ? TCP_CWR : 0));
    } else {
        stw_be_p(l4 + 4, end - h->l4);
    }
    checksum_l4(bytes, h, end);
    if (k->tunnel) {
        uint8_t *udp = bytes + k->outer.l4;
        cut_ip(bytes, &k->outer, end, number);
        stw_be_p(udp + 4, end - k->outer.l4);
        if (lduw_be_p(udp + 6)) {
            checksum_l4(bytes, &k->outer, end);
        }
    }
}

void packet_segments(Packet *k, void (*deliver)(void *opaque, const uint8_t *bytes, uint32_t length), void *opaque)
{
    const Headers *h = packet_innermost(k);
    bool known = h->l4 && (h->protocol == NEXT_TCP || h->protocol == NEXT_UDP) && h->payload <= k->length;
    unsigned number = 0;
    if (!k->mss) {
        deliver(opaque, k->bytes, k->length);
        return;
    }
    if (!known) {
        return;
    }
    g_autofree uint8_t *piece = g_malloc(h->payload + MIN(k->mss, k->length - h->payload));
    for (uint32_t offset = 0; offset < k->length - h->payload; offset += k->mss, number++) {
        uint32_t length = MIN(k->mss, k->length - h->payload - offset);
        memcpy(piece, k->bytes, h->payload);
        memcpy(piece + h->payload, k->bytes + h->payload + offset, length);
        cut(k, piece, h->payload + length, offset, number, offset + length == k->length - h->payload);
        deliver(opaque, piece, h->payload + length);
    }
}
