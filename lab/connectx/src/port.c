/*
 * The port's registers, and its link.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "access.h"

#define MAX_MTU 10222
#define DEFAULT_MTU 1522
/* What a 100G copper cable lets both ends choose: bits of PTYS (driver's mlx5/port.h, enum mlx5e_link_mode). */
enum { CR4_100G = 20, CR2_50G = 30, CR4_40G = 6, CR_25G = 27, CR_10G = 12 };
static const uint8_t fastest_first[] = { CR4_100G, CR2_50G, CR4_40G, CR_25G, CR_10G };
#define ALL_PROTOCOLS (1u << CR4_100G | 1u << CR2_50G | 1u << CR4_40G | 1u << CR_25G | 1u << CR_10G)
#define CONNECTOR_DA 7
enum { AUTONEG_UNAVAILABLE = 0, AUTONEG_COMPLETE = 1 };
enum { ADMIN_UP = 1, ADMIN_DOWN = 2, OPER_UP = 1, OPER_DOWN = 2 };
/* InfiniBand: PTYS counts widths and speeds in bits of their own; 4 lanes of EDR. */
enum { PROTOCOL_IB = 1, IB_4X = 1 << 1 | 1 << 0, IB_4X_OPER = 1 << 1, IB_EDR = 1 << 5 };

/* Groups of counters (driver's mlx5/device.h). */
enum { GROUP_802_3 = 0x0, GROUP_2863 = 0x1, GROUP_PRIORITY = 0x10, GROUP_LAST = 0x20 };

/* ---- the link ---- */

bool port_link_up(const Port *p)
{
    bool cable = !p->pf || !p->pf->nic || !qemu_get_queue(p->pf->nic)->link_down;
    return p->admin_up && !p->unplugged && cable;
}

void port_event(Port *p)
{
    for (unsigned number = 0; number <= MAX_VFS; number++) {
        vport_event(&p->vports[number]);
    }
}

void port_init(Port *p)
{
    p->admin_up = true;
    p->mtu = DEFAULT_MTU;
    p->protocols = ALL_PROTOCOLS;
    p->autoneg_off = false;
    memset(p->flow_control, 0, sizeof(p->flow_control));
}

/* ---- speed ---- */

static uint32_t protocol_in_use(const Port *p)
{
    for (size_t i = 0; port_link_up(p) && i < ARRAY_SIZE(fastest_first); i++) {
        if (p->protocols >> fastest_first[i] & 1) {
            return 1u << fastest_first[i];
        }
    }
    return 0;
}

/* PTYS: what the port can speak, may speak, and speaks. */
static uint8_t protocols(Access *a)
{
    Port *p = a->f->port;
    uint8_t *d = a->data;
    if (GET(ptys_reg, d, proto_mask) == PROTOCOL_IB) {
        if (a->write) {
            return REGISTER_BAD_PARAM;
        }
        SET(ptys_reg, d, ib_link_width_capability, IB_4X);
        SET(ptys_reg, d, ib_link_width_admin, IB_4X);
        SET(ptys_reg, d, ib_link_width_oper, port_link_up(p) ? IB_4X_OPER : 0);
        SET(ptys_reg, d, ib_proto_capability, IB_EDR);
        SET(ptys_reg, d, ib_proto_admin, IB_EDR);
        SET(ptys_reg, d, ib_proto_oper, port_link_up(p) ? IB_EDR : 0);
        return REGISTER_OK;
    }
    if (a->write) {
        uint32_t wanted = GET(ptys_reg, d, eth_proto_admin);
        if (!(wanted & ALL_PROTOCOLS)) {
            return REGISTER_BAD_PARAM;
        }
        p->protocols = wanted & ALL_PROTOCOLS;
        p->autoneg_off = GET(ptys_reg, d, an_disable_admin);
    }
    SET(ptys_reg, d, an_disable_cap, 1);
    SET(ptys_reg, d, an_disable_admin, p->autoneg_off);
    SET(ptys_reg, d, an_status, port_link_up(p) && !p->autoneg_off ? AUTONEG_COMPLETE : AUTONEG_UNAVAILABLE);
    SET(ptys_reg, d, eth_proto_capability, ALL_PROTOCOLS);
    SET(ptys_reg, d, eth_proto_admin, p->protocols);
    SET(ptys_reg, d, eth_proto_oper, protocol_in_use(p));
    SET(ptys_reg, d, eth_proto_lp_advertise, port_link_up(p) ? ALL_PROTOCOLS : 0);
    SET(ptys_reg, d, connector_type, CONNECTOR_DA);
    return REGISTER_OK;
}

/* PAOS: up or down, as the administrator says and as it is. */
static uint8_t status(Access *a)
{
    Port *p = a->f->port;
    if (a->write) {
        unsigned wanted = GET(paos_reg, a->data, admin_status);
        bool before = port_link_up(p);
        if (wanted != ADMIN_UP && wanted != ADMIN_DOWN) {
            return REGISTER_BAD_PARAM;
        }
        p->admin_up = wanted == ADMIN_UP;
        /* A driver waits for the event, also where nothing changed for it: en_main.c, mlx5e_open. */
        if (before != port_link_up(p)) {
            port_event(p);
        }
    }
    SET(paos_reg, a->data, admin_status, p->admin_up ? ADMIN_UP : ADMIN_DOWN);
    SET(paos_reg, a->data, oper_status, port_link_up(p) ? OPER_UP : OPER_DOWN);
    return REGISTER_OK;
}

/* PMTU */
static uint8_t mtu(Access *a)
{
    Port *p = a->f->port;
    if (a->write) {
        unsigned wanted = GET(pmtu_reg, a->data, admin_mtu);
        if (wanted > MAX_MTU) {
            return REGISTER_BAD_PARAM;
        }
        p->mtu = wanted;
    }
    SET(pmtu_reg, a->data, max_mtu, MAX_MTU);
    SET(pmtu_reg, a->data, admin_mtu, p->mtu);
    SET(pmtu_reg, a->data, oper_mtu, p->mtu);
    return REGISTER_OK;
}

/* PMLP: four lanes of one module */
static uint8_t lanes(Access *a)
{
    static const unsigned offsets[] = {
        OFF(pmlp_reg, lane0_module_mapping), OFF(pmlp_reg, lane1_module_mapping), OFF(pmlp_reg, lane2_module_mapping),
        OFF(pmlp_reg, lane3_module_mapping),
    };
    SET(pmlp_reg, a->data, width, ARRAY_SIZE(offsets));
    for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
        uint8_t *lane = a->data + offsets[i] / 8;
        SET(lane_2_module_mapping, lane, module, a->f->port->number);
        SET(lane_2_module_mapping, lane, rx_lane, i);
        SET(lane_2_module_mapping, lane, tx_lane, i);
    }
    return REGISTER_OK;
}

/* PVLC: one virtual lane */
static uint8_t virtual_lanes(Access *a)
{
    SET(pvlc_reg, a->data, vl_hw_cap, 1);
    SET(pvlc_reg, a->data, vl_admin, 1);
    SET(pvlc_reg, a->data, vl_operational, 1);
    return REGISTER_OK;
}

/* PFCC: pause frames; kept, but no such frame is ever sent. */
static uint8_t flow_control(Access *a)
{
    Port *p = a->f->port;
    const unsigned local_port = GET(pfcc_reg, a->data, local_port);
    if (a->write) {
        memcpy(p->flow_control, a->data, sizeof(p->flow_control));
    }
    memcpy(a->data, p->flow_control, sizeof(p->flow_control));
    SET(pfcc_reg, a->data, local_port, local_port);
    return REGISTER_OK;
}

/* PCMR: what is checked of frames; nothing of it can be changed. */
static uint8_t frame_checks(Access *a)
{
    memset(a->data + 4, 0, BYTES(pcmr_reg) - 4);
    SET(pcmr_reg, a->data, fcs_chk, 1);
    return a->write ? REGISTER_BAD_PARAM : REGISTER_OK;
}

/* MLCR: the port's lamp blinks */
static uint8_t beacon(Access *a)
{
    return REGISTER_OK;
}

/* PDDR, troubleshooting page: why there is no link (en_ethtool.c, mlx5e_link_ext_state_opcode_map). */
static uint8_t troubleshooting(Access *a)
{
    enum { PAGE_TROUBLESHOOTING = 1, CABLE_UNPLUGGED = 1024 };
    uint8_t *page = AT(pddr_reg, a->data, page_data);
    if (GET(pddr_reg, a->data, page_select) != PAGE_TROUBLESHOOTING) {
        return REGISTER_BAD_PARAM;
    }
    bool off = a->f->port->admin_up && !port_link_up(a->f->port);
    SET(pddr_troubleshooting_page, page, status_opcode, off ? CABLE_UNPLUGGED : 0);
    return REGISTER_OK;
}

/* ---- counters ---- */

/* PPCNT: what passed the cable's vport. */
static uint8_t counters(Access *a)
{
    const Vport *v = &a->f->port->uplink;
    uint8_t *set = AT(ppcnt_reg, a->data, counter_set);
    unsigned group = GET(ppcnt_reg, a->data, grp);
    uint64_t in = 0, out = 0, in_bytes = 0, out_bytes = 0;
    if (group > GROUP_LAST || a->write) {
        return REGISTER_BAD_PARAM;
    }
    for (int i = 0; i < 3; i++) {
        in += v->received[i].packets;
        in_bytes += v->received[i].bytes;
        out += v->sent[i].packets;
        out_bytes += v->sent[i].bytes;
    }
    memset(set, 0, REGISTER_SPACE - (set - a->data));
#define COUNTER(layout, field, value) stq_be_p(AT(layout, set, field##_high), value)
    if (group == GROUP_802_3) {
#define C(field, value) COUNTER(eth_802_3_cntrs_grp_data_layout, field, value)
        C(a_frames_transmitted_ok, out);
        C(a_frames_received_ok, in);
        C(a_octets_transmitted_ok, out_bytes);
        C(a_octets_received_ok, in_bytes);
        C(a_multicast_frames_xmitted_ok, v->sent[1].packets);
        C(a_broadcast_frames_xmitted_ok, v->sent[2].packets);
        C(a_multicast_frames_received_ok, v->received[1].packets);
        C(a_broadcast_frames_received_ok, v->received[2].packets);
#undef C
    } else if (group == GROUP_2863) {
#define C(field, value) COUNTER(eth_2863_cntrs_grp_data_layout, field, value)
        C(if_in_octets, in_bytes);
        C(if_in_ucast_pkts, v->received[0].packets);
        C(if_in_multicast_pkts, v->received[1].packets);
        C(if_in_broadcast_pkts, v->received[2].packets);
        C(if_out_octets, out_bytes);
        C(if_out_ucast_pkts, v->sent[0].packets);
        C(if_out_multicast_pkts, v->sent[1].packets);
        C(if_out_broadcast_pkts, v->sent[2].packets);
#undef C
    } else if (group == GROUP_PRIORITY && GET(ppcnt_reg, a->data, prio_tc) == 0) {
#define C(field, value) COUNTER(eth_per_prio_grp_data_layout, field, value)
        C(rx_octets, in_bytes);
        C(rx_frames, in);
        C(tx_octets, out_bytes);
        C(tx_frames, out);
#undef C
    }
    return REGISTER_OK;
}

/* PCAM: which of these registers and what in them there is. */
static uint8_t capabilities(Access *a)
{
    uint8_t *d = a->data;
    if (GET(pcam_reg, d, feature_group) || GET(pcam_reg, d, access_reg_group)) {
        return REGISTER_BAD_PARAM;
    }
    memset(AT(pcam_reg, d, port_access_reg_cap_mask), 0, BYTES(pcam_reg) - 8);
    SET(pcam_reg, d, port_access_reg_cap_mask.regs_5000_to_507f.ppcnt, 1);
    SET(pcam_reg, d, feature_cap_mask.enhanced_features.ptys_connector_type, 1);
    SET(pcam_reg, d, feature_cap_mask.enhanced_features.pfcc_mask, 0);
    return REGISTER_OK;
}

const RegisterEntry port_registers[] = {
    { REG_PMLP, READ_ONLY, lanes }, { REG_PMTU, VF_IGNORED, mtu }, { REG_PTYS, VF_IGNORED, protocols },
    { REG_PAOS, VF_IGNORED, status }, { REG_PFCC, VF_IGNORED, flow_control }, { REG_PPCNT, 0, counters },
    { REG_PVLC, READ_ONLY, virtual_lanes }, { REG_PCMR, VF_IGNORED, frame_checks },
    { REG_PDDR, READ_ONLY, troubleshooting }, { REG_MLCR, VF_IGNORED, beacon }, { REG_PCAM, READ_ONLY, capabilities },
    { 0 }
};
