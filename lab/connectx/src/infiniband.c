/*
 * What a driver asks of a port that is InfiniBand: enough for it to bind and to make no Ethernet device. Verbs and subnet
 * management are not there.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "access.h"

/* Of a port without a subnet manager (PortInfo: 2 initialize, 1 down; physical 5 linked, 3 disabled). */
enum { INITIALIZE = 2, DOWN = 1, LINK_UP = 5, DISABLED = 3 };

uint8_t query_hca_vport(Command *c)
{
    Vport *v = vport_of_command(c);
    uint8_t *to = AT(query_hca_vport_context_out, c->out, hca_vport_context);
    if (!v) {
        return c->status;
    }
    if (CAP_GEN(c->f, port_type) != 0) {
        return refuse(c, STATUS_BAD_OP, 0, "the port is not InfiniBand");
    }
    bool up = vport_is_up(v);
    SET(hca_vport_context, to, port_physical_state, up ? LINK_UP : DISABLED);
    SET(hca_vport_context, to, port_state, up ? INITIALIZE : DOWN);
    SET(hca_vport_context, to, vport_state, up ? INITIALIZE : DOWN);
    SET(hca_vport_context, to, system_image_guid, GET(nic_vport_context, v->nic, system_image_guid));
    SET(hca_vport_context, to, port_guid, GET(nic_vport_context, v->nic, port_guid));
    SET(hca_vport_context, to, node_guid, GET(nic_vport_context, v->nic, node_guid));
    return STATUS_OK;
}
