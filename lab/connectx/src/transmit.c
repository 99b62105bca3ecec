/*
 * The beginning of a packet's way: a send queue's work requests, as en_tx.c and qp.h of the driver lay them out.
 *
 * A request that is not sound ends with a completion in error, and the queue is in error until the driver resets it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

#define BLOCK 64                        /* bytes of a basic block; a request has one or more */
#define UNIT 16
#define MAX_REQUEST 1024
#define CONTROL 16
#define ETHERNET_SEGMENT 16
enum { OP_NOP = 0, OP_SEND = 0x0a, OP_LSO = 0x0e };
enum { CQE_REQUEST = 0, CQE_REQUEST_ERROR = 13 };
enum { SYNDROME_OPERATION = 0x02, SYNDROME_PROTECTION = 0x04 };
enum { SUM_INNER_L3 = 0x10, SUM_INNER_L4 = 0x20, SUM_L3 = 0x40, SUM_L4 = 0x80 };
#define INSERT_VLAN 0x8000
#define INSERT_SVLAN 0x0001
#define WANTS_COMPLETION 0x08           /* MLX5_WQE_CTRL_CQ_UPDATE */
#define INLINE_DATA 0x80000000u

static void complete(Wq *q, uint16_t index, unsigned opcode, uint8_t syndrome)
{
    Cq *cq = resource_find(q->resource.owner, KIND_CQ, q->cqn);
    uint8_t cqe[64] = { 0 };
    stl_be_p(cqe + 56, q->resource.id);
    stw_be_p(cqe + 60, index);
    cqe[55] = syndrome;
    if (cq) {
        cq_post(cq, cqe, opcode);
    }
}

static void fail(Wq *q, uint16_t index, uint8_t syndrome)
{
    LOG(q->resource.owner, "SQ 0x%x: request %u is not sound", q->resource.id, index);
    q->state.state = QUEUE_ERROR;
    complete(q, index, CQE_REQUEST_ERROR, syndrome);
}

/* A list of data segments: how many bytes it is; -1 where it is not sound. */
static int64_t data_length(const uint8_t *w, unsigned from, unsigned size)
{
    int64_t length = 0;
    for (unsigned at = from; at + UNIT <= size;) {
        uint32_t count = ldl_be_p(w + at);
        bool is_inline = count & INLINE_DATA;
        count &= is_inline ? 0x3ff : ~INLINE_DATA;
        if (is_inline && at + 4 + count > size) {
            return -1;
        }
        length += count;
        at += is_inline ? ROUND_UP(4 + count, UNIT) : UNIT;
        if (length > MAX_PACKET) {
            return -1;
        }
    }
    return length;
}

static bool data_read(Function *f, const uint8_t *w, unsigned from, unsigned size, uint8_t *to)
{
    for (unsigned at = from; at + UNIT <= size;) {
        uint32_t count = ldl_be_p(w + at);
        if (count & INLINE_DATA) {
            count &= 0x3ff;
            memcpy(to, w + at + 4, count);
            at += ROUND_UP(4 + count, UNIT);
        } else {
            if (count && !guest_read(f, ldq_be_p(w + at + 8), to, count)) {
                return false;
            }
            at += UNIT;
        }
        to += count;
    }
    return true;
}

/* What the sender left to the card. Pieces of large sends get theirs where they are cut. */
static void checksums(Packet *k, unsigned asked)
{
    bool inner = asked & (SUM_INNER_L3 | SUM_INNER_L4);
    if (k->mss) {
        return;
    }
    if (inner && k->tunnel) {
        if (asked & SUM_INNER_L3) {
            checksum_ip(k->bytes, &k->inner);
        }
        if (asked & SUM_INNER_L4) {
            checksum_l4(k->bytes, &k->inner, k->inner.end);
        }
    }
    if (asked & SUM_L3) {
        checksum_ip(k->bytes, &k->outer);
    }
    if (asked & SUM_L4 && !inner) {
        checksum_l4(k->bytes, &k->outer, k->outer.end);
    }
}

/* Returns the syndrome of a completion in error; 0: sent. */
static uint8_t send_frame(Wq *q, const uint8_t *w, unsigned size)
{
    Function *f = q->resource.owner;
    const uint8_t *e = w + CONTROL;
    unsigned sz = lduw_be_p(e + 12), from = CONTROL + ETHERNET_SEGMENT, inlined, mss = lduw_be_p(e + 6);
    bool tagged = sz & INSERT_VLAN, large = w[3] == OP_LSO;
    Packet *k;
    int64_t more;
    if (size < from) {
        return SYNDROME_OPERATION;
    }
    inlined = tagged ? 0 : sz & 0x3ff;
    from += inlined > 2 ? ROUND_UP(inlined - 2, UNIT) : 0;
    if (from > size || (large && (!mss || !inlined)) || (q->min_inline && !tagged && inlined < 14)) {
        return SYNDROME_OPERATION;
    }
    more = data_length(w, from, size);
    if (more < 0 || inlined + more < 14) {
        return SYNDROME_OPERATION;
    }
    k = packet_new(f->card, inlined + more);
    memcpy(k->bytes, e + 14, inlined);
    if (!data_read(f, w, from, size, k->bytes + inlined)) {
        packet_free(k);
        return SYNDROME_PROTECTION;
    }
    k->from = f->port;
    k->sender = f;
    k->sqn = q->resource.id;
    k->mss = large ? mss : 0;
    k->reg_a = ldl_be_p(e + 8);
    if (tagged) {
        uint8_t tag[4];
        stw_be_p(tag, sz & INSERT_SVLAN ? 0x88a8 : 0x8100);
        memcpy(tag + 2, e + 14, 2);
        packet_insert(k, 12, tag, 4);
    }
    packet_parse(k);
    checksums(k, e[4]);
    eswitch_input(f->port, f->vport->number, k);
    packet_free(k);
    return 0;
}

/* One request at the queue's index. False: the queue goes no further. */
static bool request(Wq *q, unsigned pending)
{
    Function *f = q->resource.owner;
    uint8_t w[MAX_REQUEST], syndrome = 0;
    uint16_t index = q->state.index;
    unsigned mask = (1u << q->log) - 1, size, blocks;
    guest_read(f, buffer_at(&q->buffer, (uint64_t)(index & mask) * BLOCK), w, BLOCK);
    size = (w[7] & 0x3f) * UNIT;
    blocks = MAX(1, DIV_ROUND_UP(size, BLOCK));
    if (blocks > pending) {
        fail(q, index, SYNDROME_OPERATION);
        return false;
    }
    for (unsigned i = 1; i < blocks; i++) {
        guest_read(f, buffer_at(&q->buffer, (uint64_t)((index + i) & mask) * BLOCK), w + i * BLOCK, BLOCK);
    }
    q->state.index += blocks;
    switch (w[3]) {
    case OP_NOP:
        break;
    case OP_SEND:
    case OP_LSO:
        syndrome = send_frame(q, w, size);
        break;
    default:
        syndrome = SYNDROME_OPERATION;
    }
    if (syndrome) {
        fail(q, index, syndrome);
        return false;
    }
    if (w[11] & WANTS_COMPLETION) {
        complete(q, index, CQE_REQUEST, 0);
    }
    return true;
}

/* Sends all that the driver has put into the queue. */
static void run(Wq *q)
{
    uint8_t record[4];
    unsigned pending;
    if (q->state.state != QUEUE_READY || !guest_read(q->resource.owner, q->doorbell_record + 4, record, 4)) {
        return;
    }
    pending = (uint16_t)(ldl_be_p(record) - q->state.index);
    if (pending > 1u << q->log) {
        fail(q, q->state.index, SYNDROME_OPERATION);
        return;
    }
    while (pending) {
        uint16_t before = q->state.index;
        if (!request(q, pending)) {
            return;
        }
        pending -= (uint16_t)(q->state.index - before);
    }
}

void sq_doorbell(Function *f, uint32_t first, uint32_t second)
{
    Wq *q = resource_find(f, KIND_SQ, second >> 8);
    if (q) {
        run(q);
    }
}
