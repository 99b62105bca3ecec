/*
 * Access registers: what the driver reaches with the command ACCESS_REG and tools with the firmware's own mailbox (icmd.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CONNECTX_ACCESS_H
#define CONNECTX_ACCESS_H

#include "card.h"

/* Statuses of a register's operation: mstflint mtcr_ul/mtcr_ul_com.c, return_by_reg_status(). */
enum RegisterStatus {
    REGISTER_OK = 0, REGISTER_BUSY = 1, REGISTER_UNKNOWN = 4, REGISTER_BAD_METHOD = 6, REGISTER_BAD_PARAM = 7,
    REGISTER_NO_RESOURCE = 8, REGISTER_BAD_CONFIG = 0x20, REGISTER_INTERNAL = 0x70,
};

/* Numbers of registers: the driver's mlx5/driver.h (MLX5_REG_*), tools' reg_access.c (REG_ID_*). */
enum {
    REG_PCAP = 0x5001, REG_PMLP = 0x5002, REG_PMTU = 0x5003, REG_PTYS = 0x5004, REG_PAOS = 0x5006, REG_PFCC = 0x5007,
    REG_PPCNT = 0x5008, REG_PVLC = 0x500f, REG_PDDR = 0x5031, REG_PCMR = 0x5041, REG_PCAM = 0x507f, REG_NODE_DESC = 0x6001,
    REG_HOST_ENDIANNESS = 0x7004, REG_MCIA = 0x9014, REG_MGIR = 0x9020, REG_MNVDA = 0x9024, REG_NVDI = 0x9025, REG_MFRL = 0x9028,
    REG_MLCR = 0x902b, REG_NVQC = 0x9030, REG_NVIA = 0x9033, REG_NVQGC = 0x9034, REG_MCQS = 0x9060, REG_MCQI = 0x9061,
    REG_MCAM = 0x907f, REG_DTOR = 0xc00e,
};

/* No register is longer. */
#define REGISTER_SPACE 1024

/* One access while it is carried out. */
typedef struct Access {
    Function *f;
    uint8_t data[REGISTER_SPACE];       /* what was written, or the key of what is read; then the answer */
    unsigned length;                    /* of what the caller sent or takes, whichever is longer */
    bool write;
} Access;

typedef uint8_t (*RegisterHandler)(Access *a);

enum {
    READ_ONLY = 1,
    FOR_PF = 2,                         /* a VF may not even look */
    VF_IGNORED = 4,                     /* a VF's writes change nothing and succeed, as it has no say in the port */
};

typedef struct RegisterEntry {
    uint16_t id, flags;
    RegisterHandler handler;
} RegisterEntry;

/* Each subject's registers; ended by an entry without handler. */
extern const RegisterEntry port_registers[], management_registers[], settings_registers[];

/* Carries an access out; returns its status. */
uint8_t register_access(Access *a, unsigned id);

/* infiniband.c */
uint8_t query_hca_vport(Command *c);

#endif
