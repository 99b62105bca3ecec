/*
 * Registers of the device as a whole: versions, modules, resets, what management there is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "access.h"
#include "qemu/cutils.h"

/* ---- versions ---- */

/* MGIR: mstflint reg_access_hca_layouts.h, hardware_info and fw_info. */
static uint8_t general_information(Access *a)
{
    const Card *card = a->f->card;
    const Port *first = &card->ports[0];
    enum { HARDWARE_ID = 10, PORT_COUNT = 5, DEVICE_ID = 2, BASE_MAC = 18, FIRMWARE = 32, PSID = 48 };
    uint8_t *d = a->data;
    memset(d, 0, REGISTER_SPACE);
    stw_be_p(d + DEVICE_ID, model_ids[card->model]);
    d[PORT_COUNT] = PORTS;
    stw_be_p(d + HARDWARE_ID, hardware_id(card));
    if (first->pf) {
        memcpy(d + BASE_MAC, first->pf->conf.macaddr.a, 6);
    }
    d[FIRMWARE + 1] = firmware_major(card);
    d[FIRMWARE + 2] = FIRMWARE_MINOR;
    d[FIRMWARE + 3] = FIRMWARE_SUB & 0xff;
    stl_be_p(d + FIRMWARE + 36, firmware_major(card));
    stl_be_p(d + FIRMWARE + 40, FIRMWARE_MINOR);
    stl_be_p(d + FIRMWARE + 44, FIRMWARE_SUB);
    pstrcpy((char *)d + PSID, 17, card_psid(card));
    return REGISTER_OK;
}

/* What firmware consists of: its own image only (fw.c, mlx5_get_boot_img_component_index). */
enum { COMPONENT_BOOT_IMAGE = 0, IDENTIFIER_BOOT_IMAGE = 1, UPDATE_IDLE = 0, COMPONENT_PRESENT = 1 };

/* MCQS */
static uint8_t component_status(Access *a)
{
    uint8_t *d = a->data;
    if (GET(mcqs_reg, d, component_index) != COMPONENT_BOOT_IMAGE) {
        return REGISTER_BAD_PARAM;
    }
    SET(mcqs_reg, d, last_index_flag, 1);
    SET(mcqs_reg, d, identifier, IDENTIFIER_BOOT_IMAGE);
    SET(mcqs_reg, d, component_update_state, UPDATE_IDLE);
    SET(mcqs_reg, d, component_status, COMPONENT_PRESENT);
    return REGISTER_OK;
}

/* MCQI */
static uint8_t component_information(Access *a)
{
    enum { CAPABILITIES = 0, VERSION = 1 };
    uint8_t *d = a->data, *data = AT(mcqi_reg, d, data);
    unsigned type = GET(mcqi_reg, d, info_type), size;
    if (GET(mcqi_reg, d, component_index) != COMPONENT_BOOT_IMAGE || GET(mcqi_reg, d, offset)) {
        return REGISTER_BAD_PARAM;
    }
    memset(data, 0, REGISTER_SPACE - BYTES(mcqi_reg));
    if (type == VERSION) {
        g_autofree char *text = g_strdup_printf("%u.%u.%04u", firmware_major(a->f->card), FIRMWARE_MINOR, FIRMWARE_SUB);
        uint32_t number = firmware_major(a->f->card) << 24 | FIRMWARE_MINOR << 16 | FIRMWARE_SUB;
        SET(mcqi_version, data, version, number);
        SET(mcqi_version, data, version_string_length, strlen(text));
        memcpy(AT(mcqi_version, data, version_string), text, strlen(text));
        size = BYTES(mcqi_version);
    } else if (type == CAPABILITIES) {
        SET(mcqi_cap, data, supported_info_bitmask, 1 << CAPABILITIES | 1 << VERSION);
        size = BYTES(mcqi_cap);
    } else {
        return REGISTER_BAD_PARAM;
    }
    SET(mcqi_reg, d, info_size, size);
    SET(mcqi_reg, d, data_size, MIN(GET(mcqi_reg, d, data_size), size));
    return REGISTER_OK;
}

/* ---- reset ---- */

/*
 * MFRL: new settings and new firmware count at the machine's next boot; nothing resets itself before (fw_reset.c,
 * mlx5_fw_reset_query: the driver answers "FW activate requires reboot").
 */
static uint8_t reset_level(Access *a)
{
    enum { LEVEL_WARM_REBOOT = 1 << 6, TYPE_FULL_CHIP = 1 << 0 };
    uint8_t *d = a->data;
    if (a->write) {
        bool asks_now = GET(mfrl_reg, d, pci_sync_for_fw_update_start) || GET(mfrl_reg, d, pci_sync_for_fw_update_resp);
        return asks_now || GET(mfrl_reg, d, reset_level) & ~LEVEL_WARM_REBOOT ? REGISTER_BAD_PARAM : REGISTER_OK;
    }
    SET(mfrl_reg, d, reset_level, LEVEL_WARM_REBOOT);
    SET(mfrl_reg, d, reset_type, TYPE_FULL_CHIP);
    return REGISTER_OK;
}

/* ---- the module in the cage ---- */

#define PAGE 128
enum { NO_MODULE = 1, LOW_I2C = 0x50 };

static void text_field(uint8_t *to, size_t width, const char *text)
{
    memset(to, ' ', width);
    memcpy(to, text, MIN(width, strlen(text)));
}

static uint8_t checksum(const uint8_t *from, const uint8_t *to)
{
    uint8_t sum = 0;
    while (from <= to) {
        sum += *from++;
    }
    return sum;
}

/* A passive copper cable of 1 m, QSFP28: both halves of page 0 as SFF-8636 has them; it has no other page. */
static void module_memory(const Port *p, uint8_t *m)
{
    enum { QSFP28 = 0x11, FLAT = 4, NO_SEPARABLE = 0x23, CR4_40G = 1 << 3, EXTENDED = 1 << 7, COPPER = 0xa0, CR4_100G = 0x0b };
    char serial[17];
    memset(m, 0, 2 * PAGE);
    m[0] = m[128] = QSFP28;
    m[1] = 8;                                   /* revision 2.8 to 2.10 */
    m[2] = FLAT;
    m[130] = NO_SEPARABLE;
    m[131] = EXTENDED | CR4_40G;
    m[140] = 0xff;                              /* the rate is in byte 222 */
    m[146] = 1;                                 /* metres */
    m[147] = COPPER;
    text_field(m + 148, 16, "Emulated");
    text_field(m + 168, 16, "CONNECTX-DAC-1M");
    text_field(m + 184, 2, "A1");
    m[192] = CR4_100G;
    snprintf(serial, sizeof(serial), "EMU%08X", p->pf ? ldl_be_p(p->pf->conf.macaddr.a + 2) : 0);
    text_field(m + 196, 16, serial);
    text_field(m + 212, 8, "240101");
    m[222] = 103;                               /* 25.75 GBd a lane, in 250 MBd */
    m[191] = checksum(m + 128, m + 190);
    m[223] = checksum(m + 192, m + 222);
}

/* MCIA */
static uint8_t module_access(Access *a)
{
    enum { MOST = 48 };
    const Port *p = a->f->port;
    uint8_t *d = a->data, memory[2 * PAGE];
    unsigned from = GET(mcia_reg, d, device_address), size = GET(mcia_reg, d, size), page = GET(mcia_reg, d, page_number);
    if (size > MOST || from >= sizeof(memory) || size > sizeof(memory) - from || (int)GET(mcia_reg, d, module) != p->number) {
        return REGISTER_BAD_PARAM;
    }
    memset(AT(mcia_reg, d, dword_0), 0, MOST);
    if (p->unplugged) {
        SET(mcia_reg, d, status, NO_MODULE);
        return REGISTER_OK;
    }
    if (GET(mcia_reg, d, i2c_device_address) == LOW_I2C && page == 0) {
        module_memory(p, memory);
        memcpy(AT(mcia_reg, d, dword_0), memory + from, size);
    }
    SET(mcia_reg, d, status, 0);
    return REGISTER_OK;
}

/* ---- what there is ---- */

/* MCAM */
static uint8_t capabilities(Access *a)
{
    enum { GROUPS = 4 };
    uint8_t *d = a->data;
    unsigned group = GET(mcam_reg, d, access_reg_group);
    if (GET(mcam_reg, d, feature_group) || group >= GROUPS) {
        return REGISTER_BAD_PARAM;
    }
    memset(AT(mcam_reg, d, mng_access_reg_cap_mask), 0, BYTES(mcam_reg) - 8);
    if (group == 0) {
        SET(mcam_reg, d, mng_access_reg_cap_mask.access_regs.mcqi, 1);
        SET(mcam_reg, d, mng_access_reg_cap_mask.access_regs.mcqs, 1);
        SET(mcam_reg, d, mng_access_reg_cap_mask.access_regs.mfrl, 1);
    }
    return REGISTER_OK;
}

/* DTOR: zeros leave the driver's own timeouts (lib/tout.c). */
static uint8_t timeouts(Access *a)
{
    memset(a->data, 0, REGISTER_SPACE);
    return REGISTER_OK;
}

/* What a driver says about itself and its host changes nothing here. */
static uint8_t noted(Access *a)
{
    return REGISTER_OK;
}

const RegisterEntry management_registers[] = {
    { REG_MGIR, READ_ONLY, general_information }, { REG_MCQS, READ_ONLY, component_status },
    { REG_MCQI, READ_ONLY, component_information }, { REG_MFRL, FOR_PF, reset_level }, { REG_MCIA, READ_ONLY, module_access },
    { REG_MCAM, READ_ONLY, capabilities }, { REG_DTOR, READ_ONLY, timeouts }, { REG_HOST_ENDIANNESS, 0, noted },
    { REG_NODE_DESC, VF_IGNORED, noted }, { 0 }
};

void port_capabilities(Function *f)
{
    SET(cmd_hca_cap, f->cap[0], pcam_reg, 1);
    SET(cmd_hca_cap, f->cap[0], mcam_reg, 1);
}
