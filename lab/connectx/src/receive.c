/*
 * The end of a packet's way: a TIR spreads packets over receive queues, and a queue writes them into the driver's buffers.
 *
 * Completions as struct mlx5_cqe64 lays them out (device.h) and mlx5e_build_rx_skb reads them (en_rx.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

enum { NEXT_TCP = 6, NEXT_UDP = 17 };
/* tirc's self_lb_block: what may come back, in spite of its name (en_common.c) */
enum { LOOP_UNICAST = 1, LOOP_MULTICAST = 2 };
enum { HASH_XOR8 = 1, HASH_TOEPLITZ = 2 };
enum { SELECT_SOURCE = 1, SELECT_TARGET = 2, SELECT_SPORT = 4, SELECT_DPORT = 8 };
enum { CQE_RESPONSE = 2 };
enum { OK_L2 = 1, OK_L3 = 2, OK_L4 = 4 };
#define MAX_WQE 512

/* What one packet, or each piece of a large one, is delivered by. */
typedef struct Delivery {
    Packet *k;
    Wq *q;
    Cq *cq;
    uint32_t hash;
    uint8_t hash_type;
    bool vlan;
    uint16_t tci;
    bool tunnel_checked;                /* the queue's owner wants to know of the inner checksums */
} Delivery;

/* ---- hash ---- */

static uint32_t toeplitz(const uint8_t *key, const uint8_t *bytes, unsigned count)
{
    uint32_t hash = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t window = (uint64_t)ldl_be_p(key + i) << 8 | key[i + 4];
        for (unsigned bit = 0; bit < 8; bit++) {
            if (bytes[i] & 0x80 >> bit) {
                hash ^= window >> (8 - bit);
            }
        }
    }
    return hash;
}

/* Puts a pair of equal things in an order of its own, so that both directions of a flow have one hash. */
static void order(uint8_t *pair, unsigned size)
{
    uint8_t first[16];
    if (memcmp(pair, pair + size, size) > 0) {
        memcpy(first, pair, size);
        memcpy(pair, pair + size, size);
        memcpy(pair + size, first, size);
    }
}

/* The bytes of a packet that a selector chooses; 0: none of it is there. */
static unsigned selected(const Packet *k, const Headers *h, const uint8_t *selector, bool symmetric, uint8_t bytes[36],
                         uint8_t *type)
{
    unsigned fields = GET(rx_hash_field_select, selector, selected_fields), n = 0, size = h->ip_version == 4 ? 4 : 16;
    const uint8_t *ip = k->bytes + h->l3 + (h->ip_version == 4 ? 12 : 8), *l4 = k->bytes + h->l4;
    unsigned protocol = GET(rx_hash_field_select, selector, l4_prot_type) ? NEXT_UDP : NEXT_TCP;
    if (!h->l3 || h->ip_version != (GET(rx_hash_field_select, selector, l3_prot_type) ? 6 : 4)) {
        return 0;
    }
    if (fields & SELECT_SOURCE) {
        memcpy(bytes + n, ip, size);
        n += size;
    }
    if (fields & SELECT_TARGET) {
        memcpy(bytes + n, ip + size, size);
        n += size;
    }
    if (symmetric && n == 2 * size) {
        order(bytes, size);
    }
    *type = h->ip_version == 4 ? 1 << 2 : 2 << 2;
    if (fields & (SELECT_SPORT | SELECT_DPORT) && h->l4 && h->protocol == protocol) {
        unsigned ports = n;
        if (fields & SELECT_SPORT) {
            memcpy(bytes + n, l4, 2);
            n += 2;
        }
        if (fields & SELECT_DPORT) {
            memcpy(bytes + n, l4 + 2, 2);
            n += 2;
        }
        if (symmetric && n == ports + 4) {
            order(bytes + ports, 2);
        }
        *type |= protocol == NEXT_TCP ? 1 << 6 : 2 << 6;
    }
    return n;
}

static uint32_t hash_of(const Tir *t, const Packet *k, uint8_t *type)
{
    const uint8_t *context = AT(create_tir_in, t->resource.in, ctx), *inner = AT(tirc, context, rx_hash_field_selector_inner);
    bool tunnelled = k->tunnel && GET(rx_hash_field_select, inner, selected_fields);
    const uint8_t *selector = tunnelled ? inner : AT(tirc, context, rx_hash_field_selector_outer);
    uint8_t bytes[36], folded = 0;
    unsigned n = selected(k, tunnelled ? &k->inner : &k->outer, selector, GET(tirc, context, rx_hash_symmetric), bytes, type);
    switch (GET(tirc, context, rx_hash_fn)) {
    case HASH_TOEPLITZ:
        return toeplitz(AT(tirc, context, rx_hash_toeplitz_key), bytes, n);
    case HASH_XOR8:
        for (unsigned i = 0; i < n; i++) {
            folded ^= bytes[i];
        }
        return (uint8_t)~folded;
    default:
        return 0;
    }
}

/* ---- into the queue ---- */

static void buffer_read(Function *f, const PageBuffer *b, uint64_t offset, uint8_t *to, unsigned length)
{
    while (length) {
        unsigned part = MIN(length, 64 - offset % 64);
        guest_read(f, buffer_at(b, offset), to, part);
        to += part;
        offset += part;
        length -= part;
    }
}

/* Writes a packet where the next entry says. False where there is no room for it. */
static bool scatter(Wq *q, const uint8_t *bytes, uint32_t length)
{
    Function *f = q->resource.owner;
    unsigned size = MIN(1u << q->stride, MAX_WQE);
    uint8_t wqe[MAX_WQE];
    uint64_t room = 0;
    unsigned count = 0;
    buffer_read(f, &q->buffer, (uint64_t)(q->state.index & ((1u << q->log) - 1)) << q->stride, wqe, size);
    while (count < size / 16 && ldl_be_p(wqe + 16 * count + 4) != TERMINATE_SCATTER_LIST_MKEY) {
        room += ldl_be_p(wqe + 16 * count++) & 0x7fffffff;
    }
    if (room < length) {
        return false;
    }
    for (unsigned i = 0; i < count && length; i++) {
        uint32_t part = MIN(ldl_be_p(wqe + 16 * i) & 0x7fffffff, length);
        guest_write(f, ldq_be_p(wqe + 16 * i + 8), bytes, part);
        bytes += part;
        length -= part;
    }
    return true;
}

/* Whether IP's and the transport's checksums hold, and the sum of all that IP's length covers. */
static uint8_t verify(const uint8_t *bytes, const Headers *h, uint32_t end, uint16_t *sum)
{
    uint32_t l4_sum = h->l4 ? sum_of(bytes + h->l4, end - h->l4) : 0, head;
    bool tcp = h->protocol == NEXT_TCP, udp = h->protocol == NEXT_UDP;
    uint8_t ok = OK_L2;
    if (!h->l3) {
        *sum = 0;
        return ok;
    }
    /* Headers of IP have an even length, so sums of parts add up. */
    head = h->l4 ? sum_of(bytes + h->l3, h->l4 - h->l3) : sum_of(bytes + h->l3, end - h->l3);
    *sum = sum_fold((uint64_t)head + l4_sum);
    if (h->ip_version == 6 || sum_of(bytes + h->l3, (bytes[h->l3] & 15) * 4) == 0xffff) {
        ok |= OK_L3;
    }
    if (h->l4 && !h->fragment && (tcp || udp)) {
        bool unused = udp && h->ip_version == 4 && lduw_be_p(bytes + h->l4 + 6) == 0;
        if (unused || sum_fold((uint64_t)sum_pseudo(bytes, h, end - h->l4) + l4_sum) == 0xffff) {
            ok |= OK_L4;
        }
    }
    return ok;
}

static uint8_t header_types(const uint8_t *bytes, const Headers *h, uint32_t end)
{
    unsigned l3 = h->ip_version == 4 ? 2 : h->ip_version == 6 ? 1 : 0, l4 = 0;
    if (h->l4 && h->protocol == NEXT_UDP) {
        l4 = 2;
    } else if (h->l4 && h->protocol == NEXT_TCP) {
        l4 = !(bytes[h->l4 + 13] & 0x10) ? 1 : end > h->payload ? 4 : 3;
    }
    return l4 << 4 | l3 << 2;
}

static void queue_deliver(void *opaque, const uint8_t *bytes, uint32_t length)
{
    Delivery *d = opaque;
    const Packet *k = d->k;
    const Headers *h = &k->outer;
    uint32_t end = k->mss ? length : MIN(h->end, length);
    uint8_t record[4], cqe[64] = { 0 }, ok;
    uint16_t sum;
    if (!guest_read(d->q->resource.owner, d->q->doorbell_record, record, 4) ||
        (uint16_t)(ldl_be_p(record) - d->q->state.index) == 0) {
        LOG(d->q->resource.owner, "  RQ 0x%x has no buffer", d->q->resource.id);
        return;
    }
    if (!scatter(d->q, bytes, length)) {
        LOG(d->q->resource.owner, "  RQ 0x%x: %u bytes do not fit", d->q->resource.id, length);
        return;
    }
    ok = verify(bytes, h, end, &sum);
    if (d->tunnel_checked && k->tunnel) {
        uint16_t unused;
        ok &= verify(bytes, &k->inner, k->mss ? length : MIN(k->inner.end, length), &unused);
        cqe[0] = 1;
    }
    stl_be_p(cqe + 12, d->hash);
    cqe[16] = d->hash_type;
    stw_be_p(cqe + 20, sum);
    stl_be_p(cqe + 24, d->q->resource.id);
    cqe[28] = ok;
    cqe[29] = header_types(bytes, h, end) | d->vlan;
    stw_be_p(cqe + 30, d->tci);
    stl_be_p(cqe + 36, k->reg_b);
    stl_be_p(cqe + 44, length);
    stq_be_p(cqe + 48, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    stl_be_p(cqe + 56, k->tag & 0xffffff);
    stw_be_p(cqe + 60, d->q->state.index);
    d->q->state.index++;
    cq_post(d->cq, cqe, CQE_RESPONSE);
}

static Wq *queue_of(const Tir *t, uint32_t hash)
{
    Card *card = t->resource.owner->card;
    const Rqt *r;
    if (!t->indirect) {
        return resource_on_card(card, KIND_RQ, t->target);
    }
    r = resource_on_card(card, KIND_RQT, t->target);
    return r && r->count ? resource_on_card(card, KIND_RQ, r->rqs[hash % r->count]) : NULL;
}

/* What a function sent does not come back to it, but where its TIR says so. */
static bool comes_back(const Tir *t, const Packet *k)
{
    unsigned may = GET(tirc, AT(create_tir_in, t->resource.in, ctx), self_lb_block);
    return k->sender == t->resource.owner && !(may & (k->bytes[0] & 1 ? LOOP_MULTICAST : LOOP_UNICAST));
}

void tir_deliver(uint32_t tirn, Packet *k)
{
    Tir *t = resource_on_card(k->card, KIND_TIR, tirn);
    Delivery d = { .k = k };
    if (!t || comes_back(t, k)) {
        return;
    }
    d.hash = hash_of(t, k, &d.hash_type);
    d.q = queue_of(t, d.hash);
    if (!d.q || d.q->state.state != QUEUE_READY || d.q->resource.owner != t->resource.owner) {
        LOG(t->resource.owner, "  TIR 0x%x: its queue is not ready", tirn);
        return;
    }
    d.cq = resource_find(d.q->resource.owner, KIND_CQ, d.q->cqn);
    if (!d.cq) {
        return;
    }
    d.tunnel_checked = GET(tirc, AT(create_tir_in, t->resource.in, ctx), tunneled_offload_en);
    if (!d.q->vlan_strip_disable && k->outer.vlans && lduw_be_p(k->bytes + 12) == 0x8100) {
        d.vlan = true;
        d.tci = lduw_be_p(k->bytes + 14);
        vlan_pop(k);
    }
    packet_segments(k, queue_deliver, &d);
}
