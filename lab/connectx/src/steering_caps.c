/*
 * What steering can do, by model and function, in the words of the driver's capabilities.
 *
 * What tc offload needs of them stands in the driver: chains and goto (eswitch_offloads.c, esw_init_chains_offload_flags),
 * metadata of the source port (mlx5_esw_vport_match_metadata_supported), encapsulation (eswitch.c, mlx5_eswitch_enable_locked's
 * encap mode; en/tc_tun*.c), VLAN actions (eswitch.h, mlx5_eswitch_vlan_actions_supported), termination tables
 * (eswitch_offloads_termtbl.c), hash port selection (lag/lag.c, mlx5_lag_set_port_sel_mode). Sizes are guesses, near what
 * ConnectX-6 Dx shows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

#define P(field, v) SET(flow_table_prop_layout, p, field, v)
#define FLEX_GENEVE (1u << 3)
#define FLEX_ICMP (1u << 8 | 1u << 9)

const uint8_t *table_properties(const Function *f, unsigned type)
{
    const uint8_t *nic = f->cap[7], *esw = f->cap[8];
    switch (type) {
    case TABLE_NIC_RX:
        return AT(flow_table_nic_cap, nic, flow_table_properties_nic_receive);
    case TABLE_NIC_TX:
        return AT(flow_table_nic_cap, nic, flow_table_properties_nic_transmit);
    case TABLE_SNIFFER_RX:
        return AT(flow_table_nic_cap, nic, flow_table_properties_nic_receive_sniffer);
    case TABLE_SNIFFER_TX:
        return AT(flow_table_nic_cap, nic, flow_table_properties_nic_transmit_sniffer);
    case TABLE_RDMA_RX:
        return AT(flow_table_nic_cap, nic, flow_table_properties_nic_receive_rdma);
    case TABLE_RDMA_TX:
        return AT(flow_table_nic_cap, nic, flow_table_properties_nic_transmit_rdma);
    case TABLE_FDB:
        return AT(flow_table_eswitch_cap, esw, flow_table_properties_nic_esw_fdb);
    case TABLE_INGRESS_ACL:
        return AT(flow_table_eswitch_cap, esw, flow_table_properties_esw_acl_ingress);
    case TABLE_EGRESS_ACL:
        return AT(flow_table_eswitch_cap, esw, flow_table_properties_esw_acl_egress);
    case TABLE_PORT_SELECTION:
        return AT(port_selection_cap, f->cap[CAP_PORT_SELECTION], flow_table_properties_port_selection);
    default:
        return NULL;
    }
}

/* What every kind of table has: the driver chains tables only where all of it is there (fs_core.c, FS_CHAINING_CAPS). */
static void table_basics(uint8_t *p)
{
    P(ft_support, 1);
    P(flow_modify_en, 1);
    P(modify_root, 1);
    P(identified_miss_table_mode, 1);
    P(flow_table_modify, 1);
    P(log_max_ft_size, 22);
    P(max_ft_level, 255);
    P(log_max_ft_num, 16);
    P(log_max_destination, 8);
    P(log_max_flow, 18);
    fields_advertise(p);
}

static void counters_and_rewrites(uint8_t *p, unsigned actions)
{
    P(flow_counter, 1);
    P(log_max_flow_counter, 2);
    P(log_max_modify_header_context, 14);
    P(max_modify_header_actions, actions);
}

static void nic(Function *f)
{
    uint8_t *c = f->cap[7], *p = AT(flow_table_nic_cap, c, flow_table_properties_nic_receive);
    SET(flow_table_nic_cap, c, nic_rx_multi_path_tirs, 1);
    table_basics(p);
    counters_and_rewrites(p, 16);
    P(pop_vlan, 1);
    P(push_vlan, 1);
    P(ignore_flow_level, 1);

    p = AT(flow_table_nic_cap, c, flow_table_properties_nic_transmit);
    table_basics(p);
    counters_and_rewrites(p, 16);

    /* rdma.c, mlx5_rdma_enable_roce_steering */
    if (CAP_GEN(f, roce)) {
        p = AT(flow_table_nic_cap, c, flow_table_properties_nic_receive_rdma);
        table_basics(p);
        P(table_miss_action_domain, 1);
    }
}

static void eswitch(Function *f)
{
    bool newer = f->card->model != CX5;
    uint8_t *c = f->cap[8], *p = AT(flow_table_eswitch_cap, c, flow_table_properties_nic_esw_fdb);
#define C(field, v) SET(flow_table_eswitch_cap, c, field, v)
    C(fdb_to_vport_reg_c_id, 3);
    C(fdb_multi_path_to_table, 1);
    C(fdb_multi_path_any_table, newer);
    C(fdb_modify_header_fwd_to_table, 1);
    C(multi_fdb_encap, 1);
    C(flow_source, 1);
    C(egress_acl_forward_to_vport, 1);
#undef C
    table_basics(p);
    counters_and_rewrites(p, newer ? 32 : 16);
    P(reformat, 1);
    P(decap, 1);
    P(pop_vlan, 1);
    P(push_vlan, 1);
    P(pop_vlan_2, 1);
    P(push_vlan_2, 1);
    P(reformat_and_vlan_action, 1);
    P(reformat_and_modify_action, 1);
    P(reformat_and_fwd_to_table, 1);
    P(reformat_insert, newer);
    P(reformat_remove, newer);
    P(ignore_flow_level, 1);
    P(termination_table, 1);
    P(termination_table_raw_traffic, newer);

    p = AT(flow_table_eswitch_cap, c, flow_table_properties_esw_acl_ingress);
    table_basics(p);
    counters_and_rewrites(p, 16);
    P(push_vlan, 1);
    P(pop_vlan, 1);

    p = AT(flow_table_eswitch_cap, c, flow_table_properties_esw_acl_egress);
    table_basics(p);
    counters_and_rewrites(p, 0);
    P(log_max_modify_header_context, 0);
    P(pop_vlan, 1);
    P(push_vlan, 1);

    SET(e_switch_cap, f->cap[9], vxlan_encap_decap, 1);
    SET(e_switch_cap, f->cap[9], log_max_fdb_encap_uplink, 5);
    SET(e_switch_cap, f->cap[9], log_max_packet_reformat_context, 14);
    SET(e_switch_cap, f->cap[9], max_encap_header_size, 128);
    SET(cmd_hca_cap_2, f->cap[0x20], max_reformat_insert_size, newer ? 128 : 0);
    SET(cmd_hca_cap_2, f->cap[0x20], max_reformat_insert_offset, newer ? 14 : 0);
    SET(cmd_hca_cap_2, f->cap[0x20], max_reformat_remove_size, newer ? 128 : 0);
    SET(cmd_hca_cap_2, f->cap[0x20], max_reformat_remove_offset, newer ? 14 : 0);
    SET(cmd_hca_cap, f->cap[0], reg_c_preserve, 1);
}

/* A LAG's egress port by hash of each packet, from ConnectX-6 Dx on; by queue before. */
static void port_selection(Function *f)
{
    uint8_t *c = f->cap[CAP_PORT_SELECTION], *p = AT(port_selection_cap, c, flow_table_properties_port_selection);
    SET(port_selection_cap, c, port_select_flow_table, 1);
    SET(port_selection_cap, c, port_select_flow_table_bypass, f->card->model == CX7);
    table_basics(p);
    SET(cmd_hca_cap, f->cap[0], general_obj_types, GET(cmd_hca_cap, f->cap[0],
                                                       general_obj_types) | 1ull << MLX5_OBJ_TYPE_MATCH_DEFINER);
    uint64_t formats = 0;
    for (unsigned i = 0; i < 64; i++) {
        formats |= definer_format_known(i) ? 1ull << i : 0;
    }
    SET(cmd_hca_cap, f->cap[0], match_definer_format_supported, formats);
}

void steering_capabilities(Function *f)
{
    uint8_t *c = f->cap[0];
    SET(cmd_hca_cap, c, flow_counter_bulk_alloc, 1);
    SET(cmd_hca_cap, c, flex_parser_protocols, FLEX_GENEVE | FLEX_ICMP);
    SET(per_protocol_networking_offload_caps, f->cap[1], max_vxlan_udp_ports, VXLAN_PORTS);
    nic(f);
    if (!f->is_vf) {
        eswitch(f);
        if (f->card->model != CX5) {
            SET(cmd_hca_cap, c, port_selection_cap, 1);
            port_selection(f);
        }
    }
}
