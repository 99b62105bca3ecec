/*
 * Access to registers: the command, and the table of who may do what with which.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "access.h"

static const RegisterEntry *const subjects[] = { port_registers, management_registers, settings_registers };

uint8_t register_access(Access *a, unsigned id)
{
    for (size_t s = 0; s < ARRAY_SIZE(subjects); s++) {
        for (const RegisterEntry *e = subjects[s]; e->handler; e++) {
            if (e->id != id) {
                continue;
            }
            if ((e->flags & FOR_PF && a->f->is_vf) || (e->flags & READ_ONLY && a->write)) {
                return REGISTER_BAD_METHOD;
            }
            if (e->flags & VF_IGNORED && a->write && a->f->is_vf) {
                return REGISTER_OK;
            }
            return e->handler(a);
        }
    }
    return REGISTER_UNKNOWN;
}

/* What becomes of a register's status in the command's is a guess (invented), but for BAD_PARAM. */
static uint8_t command_status(uint8_t status)
{
    switch (status) {
    case REGISTER_OK:
        return STATUS_OK;
    case REGISTER_BUSY:
        return STATUS_RES_BUSY;
    case REGISTER_NO_RESOURCE:
        return STATUS_BAD_RES;
    case REGISTER_INTERNAL:
        return STATUS_INTERNAL;
    default:
        return STATUS_BAD_PARAM;
    }
}

enum { OP_WRITE = 0, OP_READ = 1 };

static uint8_t access_register(Command *c)
{
    /* The register's data comes after the same number of bytes in both directions. */
    const unsigned header = BYTES(access_register_in);
    QEMU_BUILD_BUG_ON(BYTES(access_register_in) != BYTES(access_register_out));
    unsigned id = GET(access_register_in, c->in, register_id);
    g_autofree Access *a = g_new0(Access, 1);
    a->f = c->f;
    a->write = c->op_mod == OP_WRITE;
    a->length = MIN(MAX(c->in_length, c->out_length) - header, REGISTER_SPACE);
    if (c->op_mod > OP_READ) {
        return refuse(c, STATUS_BAD_PARAM, 0, "neither read nor write");
    }
    memcpy(a->data, c->in + header, MIN(c->in_length - header, REGISTER_SPACE));
    LOG(c->f, "  register 0x%04x %s", id, a->write ? "written" : "read");
    uint8_t status = register_access(a, id);
    if (status != REGISTER_OK) {
        return refuse(c, command_status(status), 0, status == REGISTER_UNKNOWN ? "unknown register" : "the register refuses");
    }
    memcpy(c->out + header, a->data, MIN(c->out_length - header, REGISTER_SPACE));
    return STATUS_OK;
}

const CommandEntry port_commands[] = {
    { MLX5_CMD_OP_ACCESS_REG, ANY_TIME, BYTES(access_register_in), BYTES(access_register_out), access_register },
    COMMAND(QUERY_HCA_VPORT_CONTEXT, query_hca_vport_context, query_hca_vport, 0),
    { 0 }
};
