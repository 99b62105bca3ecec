/*
 * The firmware's mailbox for tools (ICMD): a control word, a mailbox of words, one operation: access to a register.
 * Layout: mstflint mtcr_ul/mtcr_ul_icmd_cif.c (VCR_*), mtcr_ul_com.c (mreg_send_raw), packets_layout.c (OperationTlv, reg_tlv).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "window.h"

#define CONTROL 0
#define MAILBOX_SIZE 0x1000
#define MAILBOX 0x100000

#define CONTROL_BUSY 1u
#define CONTROL_STATUS 0xff00u
enum { ICMD_OK = 0, ICMD_BAD_OPCODE = 1, ICMD_BAD_COMMAND = 2 };

#define OPCODE_REGISTER 0x9001
/* Two headers come before a register's data, each with its kind in the top 5 bits and its length in words in the next 11. */
enum { OPERATION_TLV = 1, REGISTER_TLV = 3, OPERATION_AT = 0, REGISTER_AT = 16, PAYLOAD_AT = 20 };
enum { METHOD_GET = 1, METHOD_SET = 2 };

static unsigned tlv_kind(const uint8_t *tlv)
{
    return tlv[0] >> 3;
}

static unsigned tlv_bytes(const uint8_t *tlv)
{
    return (lduw_be_p(tlv) & 0x7ff) * 4;
}

static unsigned access_a_register(Function *f)
{
    uint8_t *m = f->window->mailbox;
    unsigned id = lduw_be_p(m + OPERATION_AT + 4), method = m[OPERATION_AT + 6] & 0x7f, length = tlv_bytes(m + REGISTER_AT);
    g_autofree Access *a = g_new0(Access, 1);
    uint8_t status;
    if (tlv_kind(m + OPERATION_AT) != OPERATION_TLV || tlv_kind(m + REGISTER_AT) != REGISTER_TLV || length < 4
        || length - 4 > ICMD_SIZE - PAYLOAD_AT) {
        return ICMD_BAD_COMMAND;
    }
    a->f = f;
    a->length = length - 4;
    a->write = method == METHOD_SET;
    memcpy(a->data, m + PAYLOAD_AT, a->length);
    if (method != METHOD_GET && method != METHOD_SET) {
        status = REGISTER_BAD_METHOD;
    } else {
        status = register_access(a, id);
    }
    LOG(f, "register 0x%04x %s by a tool: status %u", id, a->write ? "written" : "read", status);
    if (status == REGISTER_OK) {
        memcpy(m + PAYLOAD_AT, a->data, a->length);
    }
    m[OPERATION_AT + 2] = (m[OPERATION_AT + 2] & 0x80) | status;
    m[OPERATION_AT + 6] |= 0x80;                   /* an answer */
    return ICMD_OK;
}

static void execute(Function *f)
{
    unsigned opcode = f->window->control >> 16, status = ICMD_BAD_OPCODE;
    if (opcode == OPCODE_REGISTER) {
        status = access_a_register(f);
    } else {
        LOG(f, "tool's opcode 0x%04x is unknown", opcode);
    }
    f->window->control = (f->window->control & ~(CONTROL_BUSY | CONTROL_STATUS)) | status << 8;
}

static bool is_in_mailbox(uint32_t address)
{
    return address >= MAILBOX && address <= MAILBOX + ICMD_SIZE - 4 && !(address & 3);
}

uint32_t icmd_read(Function *f, uint32_t address)
{
    if (is_in_mailbox(address)) {
        return ldl_be_p(f->window->mailbox + (address - MAILBOX));
    }
    return address == CONTROL ? f->window->control : address == MAILBOX_SIZE ? ICMD_SIZE : 0;
}

void icmd_write(Function *f, uint32_t address, uint32_t value)
{
    if (is_in_mailbox(address)) {
        stl_be_p(f->window->mailbox + (address - MAILBOX), value);
    } else if (address == CONTROL) {
        f->window->control = value;
        if (value & CONTROL_BUSY) {
            execute(f);
        }
    }
}
