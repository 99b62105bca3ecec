/*
 * The LAG of both ports: one context of the firmware's.
 *
 * Rules. While a VF is driven neither CREATE_LAG nor DESTROY_LAG is granted: the driver's own words are "Make sure all VFs are unbound prior
 * to VF LAG activation or deactivation" (mlx5_core/lag/lag.c, mlx5_activate_lag and mlx5_deactivate_lag). The status is a guess, the syndrome
 * of CREATE_LAG has been seen in logs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"

#define SYNDROME_VFS_DRIVEN 0x7d49cb
enum { QUEUE_AFFINITY = 0, PORT_SELECT_TABLE = 1 };
enum { SELECT_REMAP = 1, SELECT_ACTIVE = 2 };

static bool vfs_are_driven(const Card *card)
{
    return any_vf_is_driven(&card->ports[0]) || any_vf_is_driven(&card->ports[1]);
}

bool lag_is_native(const Card *card)
{
    return card->lag && GET(lagc, card->lag_context, fdb_selection_mode);
}

static bool context_is_sound(Command *c, const uint8_t *context)
{
    unsigned first = GET(lagc, context, tx_remap_affinity_1), second = GET(lagc, context, tx_remap_affinity_2);
    unsigned mode = GET(lagc, context, port_select_mode);
    if (mode == PORT_SELECT_TABLE) {
        return GET(port_selection_cap, c->f->cap[CAP_PORT_SELECTION], port_select_flow_table);
    }
    return mode == QUEUE_AFFINITY && first >= 1 && first <= PORTS && second >= 1 && second <= PORTS;
}

static uint8_t create_lag(Command *c)
{
    Card *card = c->f->card;
    const uint8_t *context = AT(create_lag_in, c->in, ctx);
    if (!CAP_GEN(c->f, lag_master)) {
        return refuse(c, STATUS_BAD_OP, 0, "no LAG with these settings");
    }
    if (card->lag) {
        return refuse(c, STATUS_BAD_SYS_STATE, 0, "there is one already");
    }
    if (!card->ports[0].pf || !card->ports[0].pf->initialized || !card->ports[1].pf || !card->ports[1].pf->initialized) {
        return refuse(c, STATUS_BAD_SYS_STATE, 0, "both ports must be up");
    }
    if (vfs_are_driven(card)) {
        return refuse(c, STATUS_BAD_PARAM, SYNDROME_VFS_DRIVEN, "VFs are driven");
    }
    if (!context_is_sound(c, context) || (GET(lagc, context, fdb_selection_mode) && !CAP_GEN(c->f, lag_native_fdb_selection))) {
        return refuse(c, STATUS_BAD_PARAM, 0, "the LAG's context");
    }
    memcpy(card->lag_context, context, BYTES(lagc));
    card->lag = true;
    return STATUS_OK;
}

static uint8_t modify_lag(Command *c)
{
    Card *card = c->f->card;
    const uint8_t *to = AT(modify_lag_in, c->in, ctx);
    uint32_t what = GET(modify_lag_in, c->in, field_select);
    if (!card->lag) {
        return refuse(c, STATUS_BAD_SYS_STATE, 0, "there is no LAG");
    }
    if (what & SELECT_REMAP) {
        uint8_t next[BYTES(lagc)];
        memcpy(next, card->lag_context, sizeof(next));
        SET(lagc, next, tx_remap_affinity_1, GET(lagc, to, tx_remap_affinity_1));
        SET(lagc, next, tx_remap_affinity_2, GET(lagc, to, tx_remap_affinity_2));
        if (!context_is_sound(c, next)) {
            return refuse(c, STATUS_BAD_PARAM, 0, "the LAG's context");
        }
        memcpy(card->lag_context, next, sizeof(next));
    }
    if (what & SELECT_ACTIVE) {
        SET(lagc, card->lag_context, active_port, GET(lagc, to, active_port));
    }
    return STATUS_OK;
}

static uint8_t query_lag(Command *c)
{
    Card *card = c->f->card;
    if (!card->lag) {
        return refuse(c, STATUS_BAD_SYS_STATE, 0, "there is no LAG");
    }
    memcpy(AT(query_lag_out, c->out, ctx), card->lag_context, BYTES(lagc));
    return STATUS_OK;
}

static uint8_t destroy_lag(Command *c)
{
    Card *card = c->f->card;
    if (!card->lag) {
        return refuse(c, STATUS_BAD_SYS_STATE, 0, "there is no LAG");
    }
    if (vfs_are_driven(card)) {
        return refuse(c, STATUS_BAD_PARAM, 0, "VFs are driven");
    }
    lag_reset(card);
    return STATUS_OK;
}

void lag_reset(Card *card)
{
    card->lag = false;
    memset(card->lag_context, 0, sizeof(card->lag_context));
}

Port *lag_egress(Port *p, const Packet *packet)
{
    Card *card = p->card;
    if (!card->lag) {
        return p;
    }
    if (GET(lagc, card->lag_context, port_select_mode) == PORT_SELECT_TABLE) {
        Port *selected = steering_select_port(card, packet);
        return selected ? selected : p;
    }
    unsigned to = p->number == 0 ? GET(lagc, card->lag_context, tx_remap_affinity_1) : GET(lagc, card->lag_context, tx_remap_affinity_2);
    return to >= 1 && to <= PORTS ? &card->ports[to - 1] : p;
}

const CommandEntry lag_commands[] = {
    COMMAND(CREATE_LAG, create_lag, create_lag, PF_ONLY),
    COMMAND(MODIFY_LAG, modify_lag, modify_lag, PF_ONLY),
    COMMAND(QUERY_LAG, query_lag, query_lag, 0),
    COMMAND(DESTROY_LAG, destroy_lag, destroy_lag, PF_ONLY),
    { 0 },
};
