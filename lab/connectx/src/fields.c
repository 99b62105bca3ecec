/*
 * What can be matched: the fields of fte_match_param that match.c fills, and the bits of capabilities that name them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

#define ALWAYS 0xffff                   /* no capability names it */

typedef struct Field {
    uint16_t offset, width;             /* bits of fte_match_param */
    uint16_t capability;                /* bit of flow_table_fields_supported */
} Field;

#define NAMED(name, cap) { OFF(fte_match_param, name), WIDTH(fte_match_param, name), OFF(flow_table_fields_supported, cap) }
#define UNNAMED(name) { OFF(fte_match_param, name), WIDTH(fte_match_param, name), ALWAYS }
/* The same for outer and inner headers. */
#define BOTH(name, cap) NAMED(outer_headers.name, outer_##cap), NAMED(inner_headers.name, inner_##cap)

static const Field fields[] = {
    BOTH(smac_47_16, smac), BOTH(smac_15_0, smac), BOTH(dmac_47_16, dmac), BOTH(dmac_15_0, dmac), BOTH(ethertype, ether_type),
    BOTH(first_prio, first_prio), BOTH(first_cfi, first_cfi), BOTH(first_vid, first_vid), BOTH(cvlan_tag, first_vid),
    BOTH(svlan_tag, first_vid), BOTH(ip_protocol, ip_protocol), BOTH(ip_dscp, ip_dscp), BOTH(ip_ecn, ip_ecn), BOTH(frag, frag),
    BOTH(ip_version, ip_version), BOTH(tcp_flags, tcp_flags), BOTH(tcp_sport, tcp_sport), BOTH(tcp_dport, tcp_dport),
    BOTH(udp_sport, udp_sport), BOTH(udp_dport, udp_dport), BOTH(src_ipv4_src_ipv6, sip), BOTH(dst_ipv4_dst_ipv6, dip),
    NAMED(outer_headers.ttl_hoplimit, outer_ipv4_ttl), NAMED(inner_headers.ttl_hoplimit, outer_ipv4_ttl),
    NAMED(misc_parameters.source_port, source_eswitch_port), UNNAMED(misc_parameters.source_sqn),
    UNNAMED(misc_parameters.source_eswitch_owner_vhca_id),
    NAMED(misc_parameters.outer_second_prio, outer_second_prio), NAMED(misc_parameters.outer_second_cfi, outer_second_cfi),
    NAMED(misc_parameters.outer_second_vid, outer_second_vid), NAMED(misc_parameters.outer_second_cvlan_tag, outer_second_vid),
    NAMED(misc_parameters.outer_second_svlan_tag, outer_second_vid),
    NAMED(misc_parameters.inner_second_prio, inner_second_prio), NAMED(misc_parameters.inner_second_cfi, inner_second_cfi),
    NAMED(misc_parameters.inner_second_vid, inner_second_vid), NAMED(misc_parameters.inner_second_cvlan_tag, inner_second_vid),
    NAMED(misc_parameters.inner_second_svlan_tag, inner_second_vid),
    NAMED(misc_parameters.vxlan_vni, outer_vxlan_vni), NAMED(misc_parameters.geneve_vni, outer_geneve_vni),
    NAMED(misc_parameters.geneve_oam, outer_geneve_oam), NAMED(misc_parameters.geneve_opt_len, outer_geneve_opt_len),
    NAMED(misc_parameters.geneve_protocol_type, outer_geneve_protocol_type),
    NAMED(misc_parameters_2.metadata_reg_c_0, metadata_reg_c_0), NAMED(misc_parameters_2.metadata_reg_c_1, metadata_reg_c_1),
    NAMED(misc_parameters_2.metadata_reg_c_2, metadata_reg_c_2), NAMED(misc_parameters_2.metadata_reg_c_3, metadata_reg_c_3),
    NAMED(misc_parameters_2.metadata_reg_c_4, metadata_reg_c_4), NAMED(misc_parameters_2.metadata_reg_c_5, metadata_reg_c_5),
    NAMED(misc_parameters_2.metadata_reg_c_6, metadata_reg_c_6), NAMED(misc_parameters_2.metadata_reg_c_7, metadata_reg_c_7),
    UNNAMED(misc_parameters_2.metadata_reg_a),
    /* named by flex_parser_protocols, which all models have for ICMP */
    UNNAMED(misc_parameters_3.icmp_type), UNNAMED(misc_parameters_3.icmp_code),
    UNNAMED(misc_parameters_3.icmpv6_type), UNNAMED(misc_parameters_3.icmpv6_code),
};

static void set_ones(uint8_t *bytes, const Field *f)
{
    for (unsigned bit = f->offset; bit < f->offset + f->width; bit++) {
        bytes[bit / 8] |= 0x80 >> bit % 8;
    }
}

bool fields_are_supported(const Function *f, unsigned type, const uint8_t *criteria)
{
    const uint8_t *names = AT(flow_table_prop_layout, table_properties(f, type), ft_field_support);
    uint8_t may[KEY_BYTES] = { 0 };
    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
        if (fields[i].capability == ALWAYS || bits_get(names, fields[i].capability, 1)) {
            set_ones(may, &fields[i]);
        }
    }
    for (unsigned i = 0; i < KEY_BYTES; i++) {
        if (criteria[i] & ~may[i]) {
            return false;
        }
    }
    return true;
}

void fields_advertise(uint8_t *properties)
{
    uint8_t *names = AT(flow_table_prop_layout, properties, ft_field_support);
    uint8_t *masks = AT(flow_table_prop_layout, properties, ft_field_bitmask_support);
    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
        if (fields[i].capability != ALWAYS) {
            bits_set(names, fields[i].capability, 1, 1);
            bits_set(masks, fields[i].capability, 1, 1);
        }
    }
}
