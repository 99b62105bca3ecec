/*
 * What a model can do, as QUERY_HCA_CAP shows it. What is not set here is not offered, and the command or value that needs it is refused.
 * Which of these a real ConnectX has is read from what its driver asks for; numbers are of the order that cards have.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"

#define KHZ 1000000

const char *const model_names[MODELS] = { [CX5] = "cx5", [CX6DX] = "cx6dx", [CX7] = "cx7" };
const uint16_t model_ids[MODELS] = { [CX5] = 0x1017, [CX6DX] = 0x101d, [CX7] = 0x1021 };
const uint16_t model_vf_ids[MODELS] = { [CX5] = 0x1018, [CX6DX] = 0x101e, [CX7] = 0x101e };

/*
 * Firmware withdraws the LAG where more than 64 VFs a port are set: the driver says so in words ("PF is configured with more than 64 VFs",
 * mlx5_core/lag/lag.c), and public reports have it so.
 */
#define LAG_VFS 64

const char *card_psid(const Card *card)
{
    static const char *const psids[MODELS] = { [CX5] = "EMU0000000005", [CX6DX] = "EMU0000000006", [CX7] = "EMU0000000007" };
    return psids[card->model];
}

/* As NVIDIA numbers its firmware: one series a model. */
unsigned firmware_major(const Card *card)
{
    static const uint8_t majors[MODELS] = { [CX5] = 16, [CX6DX] = 22, [CX7] = 28 };
    return majors[card->model];
}

static void general(Function *f)
{
    uint8_t *c = f->cap[0];
    bool pf = !f->is_vf;
#define C(field, v) SET(cmd_hca_cap, c, field, v)
    C(vhca_id, f->vhca);
    C(num_ports, 1);
    C(port_type, settings_port_is_infiniband(f->card, f->port->number) ? 0 : 1);
    C(cqe_version, 1);
    C(cmdif_checksum, 0);
    C(eth_net_offloads, 1);
    C(nic_flow_table, 1);
    /* An InfiniBand port has no eSwitch; the driver makes none for it (eswitch.c, mlx5_eswitch_init). */
    C(eswitch_manager, pf && !settings_port_is_infiniband(f->card, f->port->number));
    C(vport_group_manager, pf);
    C(vport_counters, 1);
    C(driver_version, 1);
    C(nic_vport_change_event, 1);
    C(disable_local_lb_uc, 1);
    C(disable_local_lb_mc, 1);
    C(pad_tx_eth_packet, 1);
    C(steering_format_version, 1);
    /* what there is of each, as logarithms */
    C(log_max_srq_sz, 15);
    C(log_max_qp_sz, 15);
    C(log_max_qp, 17);
    C(log_max_cq_sz, 22);
    C(log_max_cq, 20);
    C(log_max_eq_sz, 22);
    C(log_max_eq, 5);
    C(max_num_eqs, 32);
    C(log_max_mkey, 24);
    C(log_max_mrw_sz, 0x40);
    C(log_max_klm_list_size, 16);
    C(log_max_bsf_list_size, 5);
    C(log_max_msg, 30);
    C(log_max_pd, 20);
    C(log_max_transport_domain, 16);
    C(log_max_rq, 20);
    C(log_max_sq, 20);
    C(log_max_tir, 20);
    C(log_max_tis, 20);
    C(log_max_rqt, 18);
    C(log_max_rqt_size, 11);
    C(log_max_rmp, 0);
    C(log_max_tis_per_sq, 1);
    C(log_max_stride_sz_rq, 9);
    C(log_min_stride_sz_rq, 4);
    C(log_max_stride_sz_sq, 6);
    C(log_min_stride_sz_sq, 4);
    C(log_max_wq_sz, 16);
    C(max_wqe_sz_sq, 1024);
    C(max_wqe_sz_rq, 512);
    C(max_tc, 8);
    C(basic_cyclic_rcv_wqe, 1);
    C(max_sgl_for_optimized_performance, 1);
    C(max_flow_counter_15_0, 0xffff);
    C(log_max_flow_counter_bulk, 16);
    /* lists of addresses: MAX_LIST, L2_ENTRIES */
    C(log_max_vlan_list, 7);
    C(log_max_current_mc_list, 7);
    C(log_max_current_uc_list, 7);
    C(log_max_l2_table, 7);
    C(cq_oi, 1);
    C(cq_moderation, 1);
    /* UARs and time */
    C(log_pg_sz, 12);
    C(uar_sz, 5);
    C(num_of_uars_per_page, 1);
    C(bf, 1);
    C(log_bf_reg_size, 9);
    C(device_frequency_mhz, KHZ / 1000);
    C(device_frequency_khz, KHZ);
    /* shutdown without undoing everything: main.c, mlx5_try_fast_unload */
    C(force_teardown, pf);
    C(fast_teardown, pf);
    C(lag_master, pf && f->card->total_vfs <= LAG_VFS);
    C(num_lag_ports, pf ? PORTS : 0);
    C(lag_native_fdb_selection, pf && f->card->shared_fdb);
    C(qos, pf);
#undef C
}

static void offloads(Function *f)
{
    uint8_t *c = f->cap[1];
#define C(field, v) SET(per_protocol_networking_offload_caps, c, field, v)
    C(csum_cap, 1);
    C(vlan_cap, 1);
    C(max_lso_cap, 18);
    C(wqe_inline_mode, 2);                      /* headers need not stand in the work request */
    C(wqe_vlan_insert, 1);
    C(rss_ind_tbl_cap, 8);
    C(self_lb_en_modifiable, 1);
    C(tunnel_stateless_vxlan, 1);
    C(tunnel_lso_const_out_ip_id, 1);
    C(tunnel_stateless_geneve_rx, 1);
#undef C
}

static void eswitch(Function *f)
{
    uint8_t *c = f->cap[9];
#define C(field, v) SET(e_switch_cap, c, field, v)
    C(vport_svlan_strip, 1);
    C(vport_cvlan_strip, 1);
    C(vport_svlan_insert, 1);
    C(vport_cvlan_insert_if_not_exist, 1);
    C(vport_cvlan_insert_overwrite, 1);
    C(esw_uplink_ingress_acl, 1);
    C(merged_eswitch, 1);
    C(nic_vport_node_guid_modify, 1);
    C(nic_vport_port_guid_modify, 1);
    C(counter_eswitch_affinity, 1);
    C(vxlan_encap_decap, 1);
    C(nvgre_encap_decap, 0);
    C(log_max_packet_reformat_context, 14);
    C(max_encap_header_size, 6);
    if (f->card->shared_fdb) {
        C(root_ft_on_other_esw, 1);
        C(esw_shared_ingress_acl, 1);
    }
#undef C
}

static void bandwidth(Function *f)
{
    uint8_t *c = f->cap[0xc];
#define C(field, v) SET(qos_cap, c, field, v)
    C(esw_scheduling, 1);
    C(esw_bw_share, 1);
    C(esw_rate_limit, 1);
    C(max_tsar_bw_share, 100);
    C(packet_pacing_min_rate, 1);
    C(packet_pacing_max_rate, 0);
    C(esw_element_type, 1 << 0 | 1 << 1);       /* TSAR, vport */
    C(esw_tsar_type, 1 << 0);                   /* DWRR */
#undef C
}

void capabilities_init(Function *f)
{
    memset(f->cap, 0, CAP_TYPES * sizeof(f->cap[0]));
    general(f);
    offloads(f);
    if (!f->is_vf) {
        eswitch(f);
        bandwidth(f);
    }
    steering_capabilities(f);
    port_capabilities(f);
}
