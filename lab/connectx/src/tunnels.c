/*
 * UDP ports that the driver says carry VXLAN (mlx5_core/lib/vxlan.c); a port's parser of packets knows them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"

bool udp_port_is_vxlan(const Port *port, uint16_t udp_port)
{
    for (unsigned i = 0; i < ARRAY_SIZE(port->vxlan_ports); i++) {
        if (port->vxlan_ports[i].users && port->vxlan_ports[i].number == udp_port) {
            return true;
        }
    }
    return false;
}

static uint8_t add_port(Command *c)
{
    uint16_t number = GET(add_vxlan_udp_dport_in, c->in, vxlan_udp_port);
    VxlanPort *ports = c->f->port->vxlan_ports, *free = NULL;
    for (unsigned i = 0; i < VXLAN_PORTS; i++) {
        if (ports[i].users && ports[i].number == number) {
            ports[i].users++;
            return STATUS_OK;
        }
        free = !free && !ports[i].users ? &ports[i] : free;
    }
    if (!free) {
        return refuse(c, STATUS_NO_RES, 0, "no room for one more VXLAN port");
    }
    *free = (VxlanPort) { .number = number, .users = 1 };
    return STATUS_OK;
}

static uint8_t delete_port(Command *c)
{
    uint16_t number = GET(delete_vxlan_udp_dport_in, c->in, vxlan_udp_port);
    for (unsigned i = 0; i < VXLAN_PORTS; i++) {
        VxlanPort *p = &c->f->port->vxlan_ports[i];
        if (p->users && p->number == number) {
            p->users--;
            return STATUS_OK;
        }
    }
    return refuse(c, STATUS_BAD_RES, 0, "no such VXLAN port");
}

const CommandEntry tunnel_commands[] = {
    COMMAND(ADD_VXLAN_UDP_DPORT, add_vxlan_udp_dport, add_port, PF_ONLY),
    COMMAND(DELETE_VXLAN_UDP_DPORT, delete_vxlan_udp_dport, delete_port, PF_ONLY),
    { 0 },
};
