/*
 * The cables: each port's leads to a network back-end of QEMU's; without any, the two ports are connected to each other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"
#include "qemu/main-loop.h"

#define SHORTEST 60
#define LONGEST (16 * KiB)
/* Frames that wait while the card is busy: one that the hub gives back from the other port's cable. */
#define MAX_WAITING 1024
#define AT_ONCE 64

typedef struct Waiting {
    Port *port;
    Packet *k;
} Waiting;

static Packet *frame(Port *p, const uint8_t *bytes, size_t length)
{
    Packet *k = packet_new(p->card, MAX(length, SHORTEST));
    memcpy(k->bytes, bytes, length);
    memset(k->bytes + length, 0, k->length - length);
    k->from = p;
    return k;
}

static void input(Port *p, Packet *k)
{
    p->card->busy = true;
    eswitch_input(p, UPLINK, k);
    p->card->busy = false;
    packet_free(k);
}

/* What waited; a few at a time, so that frames that run in a circle do not stop the rest of the machine. */
static void later(void *opaque)
{
    Card *card = opaque;
    Steering *s = steering_of(card);
    for (unsigned i = 0; i < AT_ONCE && !card->busy; i++) {
        Waiting *w = g_queue_pop_head(&s->receptions);
        if (!w) {
            return;
        }
        input(w->port, w->k);
        g_free(w);
    }
    qemu_bh_schedule(s->later);
}

static void arrive(Port *p, const uint8_t *bytes, size_t length)
{
    Steering *s = steering_of(p->card);
    Packet *k;
    if (!port_link_up(p) || length < 14 || length > LONGEST || g_queue_get_length(&s->receptions) >= MAX_WAITING) {
        return;
    }
    k = frame(p, bytes, length);
    if (!p->card->busy) {
        input(p, k);
        return;
    }
    Waiting *w = g_new(Waiting, 1);
    *w = (Waiting) { .port = p, .k = k };
    g_queue_push_tail(&s->receptions, w);
    if (!s->later) {
        s->later = qemu_bh_new(later, p->card);
    }
    qemu_bh_schedule(s->later);
}

static ssize_t receive(NetClientState *n, const uint8_t *bytes, size_t length)
{
    Function *pf = qemu_get_nic_opaque(n);
    /* Never refused: a hub waits for all its ports. */
    arrive(pf->port, bytes, length);
    return length;
}

static void link_changed(NetClientState *n)
{
    Function *pf = qemu_get_nic_opaque(n);
    pf->port->unplugged = n->link_down;
    port_event(pf->port);
}

static NetClientInfo info = {
    .type = NET_CLIENT_DRIVER_NIC,
    .size = sizeof(NICState),
    .receive = receive,
    .link_status_changed = link_changed,
};

void wire_init(Function *pf)
{
    if (pf->conf.peers.ncs[0]) {
        pf->nic = qemu_new_nic(&info, &pf->conf, object_get_typename(OBJECT(pf)), DEVICE(pf)->id,
                               &DEVICE(pf)->mem_reentrancy_guard, pf);
        qemu_format_nic_info_str(qemu_get_queue(pf->nic), pf->conf.macaddr.a);
    }
}

static void leave(void *opaque, const uint8_t *bytes, uint32_t length)
{
    Port *p = opaque;
    uint8_t padded[SHORTEST] = { 0 };
    if (length < SHORTEST) {
        memcpy(padded, bytes, length);
        bytes = padded;
        length = SHORTEST;
    }
    if (p->pf->nic) {
        qemu_send_packet(qemu_get_queue(p->pf->nic), bytes, length);
    } else {
        Port *other = &p->card->ports[1 - p->number];
        if (other->pf && !other->pf->nic) {
            arrive(other, bytes, length);
        }
    }
}

/*
 * A LAG chooses the port for what VFs send. What a PF sends, LACP's frames among it, leaves by its own port: the bond has chosen
 * it. (The driver marks such queues with strict_lag_tx_port_affinity, en_main.c, mlx5e_create_tis.)
 */
void wire_send(Port *p, Packet *k)
{
    if (k->sender && k->sender->is_vf) {
        p = lag_egress(p, k);
    }
    if (!p->pf || !port_link_up(p)) {
        return;
    }
    traffic_count(p->uplink.sent, k);
    LOG(p->pf, "  ~ out of port %d, %u bytes", p->number, k->length);
    packet_segments(k, leave, p);
}
