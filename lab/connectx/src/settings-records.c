/*
 * What settings a card has, with the values that it leaves the factory with.
 *
 * Types, sizes and places of fields: mstflint's database mlxconfig_host.db (tables tlvs, params), and the driver's
 * lib/nv_param.c. Which records and values a model has: `mlxconfig query` of cards as people published it; values are
 * plausible, not any one card's.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "settings.h"

#define ONLY(model) (1 << (model))
#define END { 0 }
#define FIELDS(...) (const RecordField[]) { __VA_ARGS__, END }
#define BIT_AT(word, bit) { word, bit, 1, 1 }

#define TYPE_PCI 0x00000080
#define TYPE_PCI_CAP 0x00000081
#define TYPE_PF_PCI 0x03000080
#define TYPE_LINK_TYPE 0x01000012

/* Fields that the card itself obeys. */
static const RecordField sriov_valid = { 0, 31, 1, 0 }, per_pf_total_vf = { 0, 14, 1, 0 }, sriov_en = { 4, 31, 1, 0 },
    total_vfs = { 4, 0, 16, 0 }, pf_total_vf_en = { 0, 22, 1, 0 }, pf_total_vf = { 8, 0, 16, 0 }, link_type = { 0, 2, 2, 0 };
enum { LINK_IB = 1, LINK_ETH = 2 };

static uint32_t field_get(const uint8_t *bytes, const RecordField *f)
{
    return extract32(ldl_be_p(bytes + f->word), f->bit, f->width);
}

static void field_set(uint8_t *bytes, const RecordField *f, uint32_t value)
{
    stl_be_p(bytes + f->word, deposit32(ldl_be_p(bytes + f->word), f->bit, f->width, value));
}

/* ---- what firmware refuses; mlxconfig checks the same by rules of its own, the limits here are invented ---- */

static const char *check_pci(const Card *card, const uint8_t *bytes)
{
    return field_get(bytes, &total_vfs) > MAX_VFS ? "NUM_OF_VFS is more than the card has" : NULL;
}

static const char *check_pf_pci(const Card *card, const uint8_t *bytes)
{
    return field_get(bytes, &pf_total_vf) > MAX_VFS ? "PF_NUM_OF_VF is more than the card has" : NULL;
}

static const char *check_link_type(const Card *card, const uint8_t *bytes)
{
    uint32_t type = field_get(bytes, &link_type);
    return type == LINK_IB || type == LINK_ETH ? NULL : "LINK_TYPE is neither IB(1) nor ETH(2)";
}

/*
 * Few on purpose: mstconfig asks for what each parameter depends on, again and again, and each question takes hundreds of
 * accesses to configuration space.
 */
const RecordInfo record_infos[] = {
    /* SRIOV_EN, NUM_OF_VFS, NUM_OF_PF, FPP_EN, NUM_PF_MSIX, NUM_VF_MSIX, PF_LOG_BAR_SIZE, VF_LOG_BAR_SIZE, PF_NUM_OF_VF_VALID;
       NUM_OF_VFS is record_factory_value()'s */
    { TYPE_PCI, 12, 0, 0, 0, "global_pci_conf", FIELDS(
        BIT_AT(0, 24), BIT_AT(0, 25), BIT_AT(0, 26), BIT_AT(0, 27), BIT_AT(0, 28), BIT_AT(0, 29), BIT_AT(0, 31),
        { 4, 16, 8, PORTS }, BIT_AT(4, 29), { 8, 0, 6, 5 }, { 8, 6, 6, 0 }, { 8, 12, 10, 63 }, { 8, 22, 10, 11 }), check_pci },
    { TYPE_PCI_CAP, 20, 0, RECORD_CAPABILITY, 0, "global_pci_cap", FIELDS(
        BIT_AT(0, 11), BIT_AT(0, 24), BIT_AT(0, 25), BIT_AT(0, 26), BIT_AT(0, 27), BIT_AT(0, 28), BIT_AT(0, 31),
        { 4, 0, 16, MAX_VFS }, { 4, 16, 8, PORTS }, BIT_AT(4, 29), BIT_AT(4, 31), { 8, 0, 6, 10 }, { 8, 6, 6, 6 },
        { 8, 12, 10, 63 }, { 8, 22, 10, 63 }) },
    /* PF_NUM_OF_VF */
    { TYPE_PF_PCI, 16, 0, 0, 0, "pf_pci_conf", NULL, check_pf_pci },
    /* LINK_TYPE_P1, _P2: of cards that speak both */
    { TYPE_LINK_TYPE, 4, 0, 0, ONLY(CX5) | ONLY(CX7), "vpi_link_type", FIELDS({ 0, 2, 2, LINK_ETH }), check_link_type },
    /* ADVANCED_PCI_SETTINGS, EXP_ROM_PXE_ENABLE, EXP_ROM_UEFI_x86_ENABLE, DYNAMIC_VF_MSIX_TABLE */
    { 0x07000080, 4, 0, 0, 0, "pci_conf", FIELDS(BIT_AT(0, 25), BIT_AT(0, 26)) },
    { 0x07000081, 4, 0, RECORD_CAPABILITY, 0, "pci_cap", FIELDS(BIT_AT(0, 23), BIT_AT(0, 25), BIT_AT(0, 26), BIT_AT(0, 31)) },
    /* CQE_COMPRESSION, IP_OVER_VXLAN_EN, ESWITCH_IPV4_TTL_MODIFY_ENABLE, PRIO_TAG_REQUIRED_EN, UCTX_EN, REAL_TIME_CLOCK_ENABLE,
       PCI_ATOMIC_MODE, LRO_LOG_TIMEOUT0 to 3 */
    { 0x0000010a, 8, 1, 0, 0, "sw_offload_conf", FIELDS(
        BIT_AT(0, 8), { 4, 0, 4, 6 }, { 4, 4, 4, 7 }, { 4, 8, 4, 8 }, { 4, 12, 4, 13 }) },
    { 0x0000010b, 4, 0, RECORD_CAPABILITY, 0, "sw_offload_cap", FIELDS(
        BIT_AT(0, 7), BIT_AT(0, 8), BIT_AT(0, 19), BIT_AT(0, 23), BIT_AT(0, 31)) },
    /* INT_LOG_MAX_PAYLOAD_SIZE */
    { 0x00000082, 4, 0, 0, 0, "tpt_conf", NULL },
    /* ROCE_CONTROL, PCI_WR_ORDERING */
    { 0x03000112, 4, 0, 0, 0, "hca_conf", FIELDS({ 0, 26, 2, 2 }) },
    { 0x03000113, 4, 0, RECORD_CAPABILITY, 0, "hca_cap", FIELDS(BIT_AT(0, 27), BIT_AT(0, 28)) },
    /* ROCE_CC_PRIO_MASK_P1, _P2 */
    { 0x01000107, 4, 0, 0, 0, "roce_cc", FIELDS({ 0, 0, 8, 255 }) },
    /* KEEP_ETH_LINK_UP_P1, _P2 */
    { 0x01000190, 4, 0, 0, 0, "keep_link_up", FIELDS(BIT_AT(0, 0)) },
    /* Expansion ROMs' own: IP_VER, BOOT_UNDI_NETWORK_WAIT; LEGACY_BOOT_PROTOCOL, BOOT_VLAN_EN, BOOT_VLAN, BOOT_LACP_DIS;
       BOOT_PKEY. Firmware keeps them and knows nothing of them (mlxcfg_tlv.cpp). */
    { 0x00000100, 16, 0, RECORD_CAPABILITY, 0, "rom_ini", NULL },
    { 0x00000101, 4, 0, RECORD_CAPABILITY, 0, "rom_cap", FIELDS(BIT_AT(0, 27), BIT_AT(0, 31)) },
    { 0x03000195, 4, 2, 0, 0, "rom_boot_conf2", FIELDS({ 0, 16, 8, 30 }) },
    { 0x03000221, 4, 0, 0, 0, "rom_boot_conf1", FIELDS({ 0, 0, 12, 1 }, { 0, 16, 8, 1 }, BIT_AT(0, 29), BIT_AT(0, 31)) },
    { 0x03000222, 4, 0, RECORD_ABSENT, 0, "rom_ib_boot_conf", NULL },
    { 0 }
};

void record_factory_value(const Card *card, const RecordInfo *record, unsigned num_of_vfs, uint8_t *bytes)
{
    for (const RecordField *f = record->fields; f && f->width; f++) {
        field_set(bytes, f, f->value);
    }
    if (record->type == TYPE_PCI) {
        field_set(bytes, &sriov_en, num_of_vfs > 0);
        field_set(bytes, &total_vfs, num_of_vfs);
    }
}

/* ---- what the card does with them ---- */

unsigned settings_port_total_vfs(const Card *card, int port)
{
    uint8_t pci[MAX_RECORD], pf[MAX_RECORD];
    unsigned instance;
    settings_get(card, settings_record(card, TYPE_PCI, 0, &instance), 0, WHICH_CURRENT, pci);
    settings_get(card, settings_record(card, TYPE_PF_PCI, 0, &instance), port, WHICH_CURRENT, pf);
    if (!field_get(pci, &sriov_valid) || !field_get(pci, &sriov_en)) {
        return 0;
    }
    if (!field_get(pci, &per_pf_total_vf)) {
        return MIN(field_get(pci, &total_vfs), MAX_VFS);
    }
    /* Written by the driver's devlink parameters enable_sriov and total_vfs (lib/nv_param.c). */
    return field_get(pf, &pf_total_vf_en) ? MIN(field_get(pf, &pf_total_vf), MAX_VFS) : 0;
}

unsigned settings_total_vfs(const Card *card)
{
    unsigned most = 0;
    for (int p = 0; p < PORTS; p++) {
        most = MAX(most, settings_port_total_vfs(card, p));
    }
    return most;
}

bool settings_port_is_infiniband(const Card *card, int port)
{
    uint8_t bytes[MAX_RECORD];
    unsigned instance;
    const RecordInfo *record = settings_record(card, TYPE_LINK_TYPE | (port + 1) << 16, 0, &instance);
    return record && settings_get(card, record, port, WHICH_CURRENT, bytes) && field_get(bytes, &link_type) == LINK_IB;
}
